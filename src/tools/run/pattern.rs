//! Patterns in the configuration, in which `*` matches any text. Does no I/O.

/// Returns whether the whole text matches a pattern in which each `*` matches any text that `star` accepts. If `star`
/// rejects a text, it must also reject every longer text that contains it, because only the first occurrence of each
/// part is tried.
#[must_use]
pub fn fits(pattern: &str, text: &str, star: impl Fn(&str) -> bool) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(place) = rest.find(part).filter(|place| star(&rest[..*place])) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.strip_suffix(last).is_some_and(star)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("proxmox_stop_vm", "proxmox_stop_vm", true),
            ("proxmox_stop", "proxmox_stop_vm", false),
            ("proxmox_stop_*", "proxmox_stop_vm", true),
            ("*_vm", "proxmox_stop_vm", true),
            ("*stop*", "proxmox_stop_vm", true),
            ("*", "proxmox_stop_vm", true),
            ("proxmox_*_vm*x", "proxmox_stop_vm", false),
            ("", "proxmox_stop_vm", false),
        ] {
            assert_eq!(fits(pattern, name, |_| true), expected, "{pattern}");
        }
    }
}
