//! Encodes bytes as hexadecimal digits and decodes them.

use std::fmt::Write;

/// Encodes each byte as two lower-case digits.
#[must_use]
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Decodes hexadecimal digits; `None` if the text is anything else.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok()).collect()
}
