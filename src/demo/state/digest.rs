//! Digests of what Proxmox keeps in files, computed over sorted lines: the same content always has the same digest.
//! Also sizes as written in those files.

use ring::digest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// SHA-1 in hexadecimal, which Proxmox uses to mark versions of its files.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Converts a size such as `32G` to bytes; without a unit it is in bytes. Invalid sizes are 0.
pub(crate) fn size_in_bytes(text: &str) -> u64 {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K')) => (&text[..at], 10),
        Some((at, 'M')) => (&text[..at], 20),
        Some((at, 'G')) => (&text[..at], 30),
        Some((at, 'T')) => (&text[..at], 40),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)).unwrap_or(0)
}

/// A digest of an object that does not depend on the order of its keys.
pub(crate) fn of_map(object: &Map<String, Value>) -> String {
    let mut sorted = BTreeMap::new();
    sorted.extend(object.iter());
    sha1_hex(&serde_json::to_vec(&sorted).unwrap_or_default())
}

/// A digest of rows that are kept in one file.
pub(crate) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a Map<String, Value>>) -> String {
    let digests: Vec<String> = rows.into_iter().map(of_map).collect();
    sha1_hex(digests.concat().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_count_and_that_of_rows_does() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let (one, other) = (map(json!({"a": 1, "b": 2})), map(json!({"b": 2, "a": 1})));
        assert_eq!(of_map(&one), of_map(&other));
        assert_ne!(of_map(&one), of_map(&map(json!({"a": 1, "b": 3}))));
        let row = map(json!({"c": 1}));
        assert_ne!(of_rows([&one, &row]), of_rows([&row, &one]));
        assert_eq!(sha1_hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    }
}
