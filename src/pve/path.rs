//! Path templates: fills in placeholders so that a value can never change which path is meant. Pure functions.

use super::params::encode_into;

/// Replaces every `{name}` in `template` with the percent-encoded value that `value_of` returns for that name.
///
/// Proxmox decodes a path before it splits it, so an encoded slash would still select another path: values with a
/// slash are rejected, except for `{volume}` and `{cidr}` at the end of a path, which Proxmox takes as a whole.
///
/// # Errors
/// A value is missing or empty, is `.` or `..`, or contains a slash or a control character.
pub fn fill(template: &str, value_of: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut path = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after
            .split_once('}')
            .ok_or_else(|| format!("The path `{template}` has an unclosed `{{`; correct it."))?;
        path.push_str(before);
        let value = value_of(hole).ok_or_else(|| format!("`{hole}` is missing; `{template}` needs it."))?;
        let takes_slashes = after.is_empty() && matches!(hole, "volume" | "cidr");
        check(hole, &value, takes_slashes)?;
        encode_into(&mut path, &value);
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

fn check(hole: &str, value: &str, takes_slashes: bool) -> Result<(), String> {
    if value.chars().any(char::is_control) {
        return Err(format!("`{hole}` contains a control character; it must be plain text."));
    }
    if !takes_slashes && value.contains('/') {
        return Err(format!("`{hole}` is `{value}`, but it must not contain a slash."));
    }
    for part in value.split('/') {
        if matches!(part, "" | "." | "..") {
            return Err(format!("`{hole}` is `{value}`, but it must be a name, not a path."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, value: &str, expected: Result<&str, &str>) {
        let filled = fill(template, |hole| (hole != "absent").then(|| value.to_owned()));
        match (filled, expected) {
            (Ok(path), Ok(expected)) => assert_eq!(path, expected),
            (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
            (filled, expected) => panic!("{filled:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn values_are_encoded_and_never_become_another_path() {
        check("/nodes/{node}/qemu", "pve1", Ok("/nodes/pve1/qemu"));
        check(
            "/access/users/{userid}",
            "a b@pve?x=1#&;%",
            Ok("/access/users/a%20b%40pve%3Fx%3D1%23%26%3B%25"),
        );
        check("/a/{x}/b/{y}", "é", Ok("/a/%C3%A9/b/%C3%A9"));
        check("/version", "unused", Ok("/version"));
        let volume = "/nodes/n/storage/s/content/{volume}";
        check(volume, "local:iso/a.iso", Ok("/nodes/n/storage/s/content/local%3Aiso%2Fa.iso"));
        check(volume, "local:../../etc", Err("not a path"));
        check("/i/{cidr}", "10.0.0.0/8", Ok("/i/10.0.0.0%2F8"));
        check("/i/{cidr}/x", "10.0.0.0/8", Err("slash"));
        check("/nodes/{node}/qemu", "a/b", Err("slash"));
        check("/nodes/{node}/qemu", "..", Err("not a path"));
        check("/nodes/{node}/qemu", ".", Err("not a path"));
        check("/nodes/{node}/qemu", "", Err("not a path"));
        check("/nodes/{node}/qemu", "a\r\nHost: x", Err("control character"));
        check("/nodes/{absent}/qemu", "x", Err("`absent` is missing"));
        check("/nodes/{node", "x", Err("unclosed"));
    }
}
