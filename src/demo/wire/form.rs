//! Parses paths, queries, forms and JSON bodies as Proxmox does it (pve.md section 1). Knows no API.

use crate::demo::routes::route::Pairs;
use serde_json::Value;

/// Splits a form at `&` and `;`, decodes `+` as a space, and drops what follows a second raw `=`.
pub(crate) fn decode_form(text: &str) -> Pairs {
    text.split(['&', ';'])
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.split('=');
            let name = halves.next().unwrap_or_default();
            let value = halves.next().unwrap_or_default();
            (unescape(&name.replace('+', " ")), unescape(&value.replace('+', " ")))
        })
        .filter(|(name, _)| name != "_dc")
        .collect()
}

/// Converts a JSON object to pairs: booleans become 1 and 0, an array repeats its name.
pub(crate) fn decode_json(body: &[u8]) -> Option<Pairs> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return None };
    let mut pairs = Pairs::new();
    for (name, value) in object {
        match value {
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), scalar(item)))),
            Value::Null => {}
            other => pairs.push((name, scalar(&other))),
        }
    }
    Some(pairs)
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The segments of a path, decoded; empty ones (double and trailing slashes) are skipped.
pub(crate) fn segments(path: &str) -> Vec<String> {
    unescape(path).split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Decodes percent-encoding. Invalid escapes stay as they are; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let escaped = digits
            .filter(|two| two.iter().all(u8::is_ascii_hexdigit))
            .and_then(|two| std::str::from_utf8(two).ok().and_then(|two| u8::from_str_radix(two, 16).ok()));
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_split_as_proxmox_splits_them() {
        let pairs = decode_form("size=+1G&a=b=c;d=e%26f&_dc=1&flag&x=%2B1%zz");
        let expected = [("size", " 1G"), ("a", "b"), ("d", "e&f"), ("flag", ""), ("x", "+1%zz")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn json_bodies_become_pairs() {
        let pairs = decode_json(br#"{"a":true,"b":[1,"x"],"c":null}"#).unwrap();
        assert_eq!(pairs, [("a", "1"), ("b", "1"), ("b", "x")].map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert!(decode_json(b"[1]").is_none());
    }

    #[test]
    fn paths_may_hold_escapes_and_spare_slashes() {
        assert_eq!(segments("//nodes/pve1/tasks/UPID%3Apve1%3A/"), ["nodes", "pve1", "tasks", "UPID:pve1:"]);
    }
}
