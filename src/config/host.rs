//! Parses hosts and fingerprints. Knows nothing of where they come from.

use crate::pve::Host;
use std::net::Ipv6Addr;

/// Parses `host`, `host:port`, `https://host:port/`, `[v6]:port` or a bare IPv6 address; `port` is the default port. A
/// path after it is left to [`path`].
///
/// # Errors
/// The end of a sentence that begins with the value: what is wrong, and how to write it.
pub(super) fn parse(text: &str, port: u16) -> Result<Host, String> {
    let (scheme, rest) = scheme(text).map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case("https")) {
        return Err("but Proxmox serves its API over `https://` only".into());
    }
    // Searched for in the whole text: a password that contains a slash must not be shown as a path.
    if text.contains('@') {
        return Err("but a host must not contain a user; use `user` and `password`".into());
    }
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    if !is_path(path) {
        return Err(format!(
            "but `{path}` is not a plain path; write only `{authority}`, with the path of a reverse proxy if there is one"
        ));
    }
    let (name, own_port) = split_port(authority)?;
    let port = match own_port {
        None => port,
        Some(digits) => match digits.parse() {
            Ok(number) if number != 0 && !digits.starts_with('+') => number,
            _ => return Err(format!("but the port `{digits}` is not a number from 1 to 65535")),
        },
    };
    if name.contains(':') {
        name.parse::<Ipv6Addr>().map_err(|_| format!("but `{name}` is not an IPv6 address"))?;
    } else if !is_name(name) {
        return Err("but must be a DNS name or an address, with an optional `:port`".into());
    }
    Ok(Host { name: name.to_string(), port, plain: false })
}

/// Splits the text at the first `://`.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let behind = |at: usize| text[at + 1..].strip_prefix('/')?.strip_prefix('/');
    text.match_indices(':').find_map(|(at, _)| Some((&text[..at], behind(at)?)))
}

/// The path in a host's URL, which a reverse proxy needs before `/api2`: empty, or without a slash at its end. The
/// API's own path (`/api2/json`), which users may paste as well, is removed.
pub(super) fn path(text: &str) -> String {
    let (_, rest) = scheme(text).unwrap_or(("", text));
    let path = rest.find('/').map_or("", |at| &rest[at..]).trim_end_matches('/');
    let path = path.strip_suffix("/json").or(path.strip_suffix("/extjs")).unwrap_or(path);
    path.strip_suffix("/api2").unwrap_or(path).trim_end_matches('/').to_owned()
}

/// Whether a path has no characters that would end it, and no `//`, `.` or `..`.
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte);
    path.bytes().all(plain) && !path.contains("//") && !path.split('/').any(|part| matches!(part, "." | ".."))
}

/// Splits `name:port`, `[v6]:port`, `[v6]` and a bare IPv6 address.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((name, after)) = rest.split_once(']') else {
            return Err("but its bracket is not closed; write `[address]:port`".into());
        };
        if !name.contains(':') {
            return Err("but only an IPv6 address can be in brackets".into());
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((name, Some(port))),
            None if after.is_empty() => Ok((name, None)),
            None => Err(format!("but `{after}` after the bracket is not a port")),
        };
    }
    match authority.split_once(':') {
        // More than one colon and no brackets: an IPv6 address without a port.
        Some((_, after)) if after.contains(':') => Ok((authority, None)),
        Some((name, port)) => Ok((name, Some(port))),
        None => Ok((authority, None)),
    }
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(label)
}

/// The 32 bytes of a SHA-256 fingerprint written as 64 hexadecimal digits, with or without colons, in any case.
///
/// # Errors
/// The end of a sentence, like [`parse`].
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    let mut digits = Vec::new();
    for c in text.chars().filter(|c| *c != ':') {
        let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digits.push(digit.ok_or_else(|| {
            format!(
                "but a SHA-256 fingerprint has hexadecimal digits and colons only, not `{}`",
                c.escape_debug()
            )
        })?);
    }
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        let also = if digits.len() == 40 { " (40 are a SHA-1 fingerprint)" } else { "" };
        return Err(format!(
            "but a SHA-256 fingerprint has 64 hexadecimal digits, not {}{also}",
            digits.len()
        ));
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] * 16 + pair[1];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, u16), &str>) {
        match (parse(text, 8006), expected) {
            (Ok(host), Ok((name, port))) => {
                assert_eq!((host.name.as_str(), host.port), (name, port), "{text}");
            }
            (Err(error), Err(words)) => assert!(error.contains(words), "{text}: {error}"),
            (result, _) => panic!("{text}: {result:?}"),
        }
    }

    #[test]
    fn hosts_are_read_as_people_write_them() {
        check("pve1", Ok(("pve1", 8006)));
        check("pve1.example.com:443", Ok(("pve1.example.com", 443)));
        check("https://pve1.example.com:8443/", Ok(("pve1.example.com", 8443)));
        check("HTTPS://pve1", Ok(("pve1", 8006)));
        check("192.0.2.1", Ok(("192.0.2.1", 8006)));
        check("[2001:db8::1]:8007", Ok(("2001:db8::1", 8007)));
        check("https://[2001:db8::1]/", Ok(("2001:db8::1", 8006)));
        check("2001:db8::1", Ok(("2001:db8::1", 8006)));
        check("::1", Ok(("::1", 8006)));
    }

    #[test]
    fn the_path_of_a_reverse_proxy_is_read_without_that_of_the_api() {
        for (text, expected) in [
            ("pve1", ""),
            ("https://proxy.example/", ""),
            ("https://proxy.example/pve", "/pve"),
            ("proxy.example:443/a/b/", "/a/b"),
            ("https://pve1:8006/api2/json/", ""),
            ("https://proxy.example/pve/api2/extjs", "/pve"),
            ("https://[2001:db8::1]/api2", ""),
        ] {
            assert!(parse(text, 8006).is_ok(), "{text}");
            assert_eq!(path(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_said_so() {
        check("", Err("DNS name"));
        check("pve 1", Err("DNS name"));
        check("pve..1", Err("DNS name"));
        check("pvé", Err("DNS name"));
        check("http://pve1", Err("https://"));
        check("https://pve1:8006/#v1:0", Err("not a plain path"));
        check("pve1/a/../b", Err("not a plain path"));
        check("pve1/a?b", Err("not a plain path"));
        check("https://root:secret@pve1", Err("must not contain a user"));
        check("https://root:se/cret@pve1", Err("must not contain a user"));
        check("pve1:", Err("port ``"));
        check("pve1:0", Err("port `0`"));
        check("pve1:65536", Err("port `65536`"));
        check("pve1:+80", Err("port `+80`"));
        check("[::1", Err("not closed"));
        check("[pve1]:8006", Err("brackets"));
        check("[::1]x", Err("after the bracket"));
        check("1:2:3", Err("not an IPv6 address"));
    }

    #[test]
    fn fingerprints_are_read_in_every_spelling() {
        let plain = "00ff10aB".repeat(8);
        let colons = plain
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap())
            .collect::<Vec<_>>()
            .join(":");
        let expected: Vec<u8> = [0, 255, 16, 171].repeat(8);
        assert_eq!(fingerprint(&plain).unwrap().to_vec(), expected);
        assert_eq!(fingerprint(&colons).unwrap().to_vec(), expected);
        assert!(fingerprint(&plain[..40]).unwrap_err().contains("SHA-1"));
        assert!(fingerprint("").unwrap_err().contains("not 0"));
        assert!(fingerprint(&plain.replace('a', "g")).unwrap_err().contains("not `g`"));
    }
}
