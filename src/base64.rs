//! Base64, as tickets and the guest agent's files need it. Knows neither.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number =
            (0..3).fold(0u32, |number, at| number << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = usize::try_from(number >> (18 - 6 * at) & 63).unwrap_or(0);
            out.push(if at <= three.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

/// The bytes of padded base64; `None` if it is none.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let fours = text.as_bytes().chunks(4);
    let count = fours.len();
    for (at, four) in fours.enumerate() {
        let padding = four.iter().rev().take_while(|byte| **byte == b'=').count();
        if four.len() != 4 || 2 < padding || (0 < padding && at + 1 != count) {
            return None;
        }
        let mut number = 0u32;
        for byte in &four[..4 - padding] {
            let digit = DIGITS.iter().position(|digit| digit == byte)?;
            number = number << 6 | u32::try_from(digit).ok()?;
        }
        for _ in 0..padding {
            number <<= 6;
        }
        out.extend_from_slice(&number.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_coded_comes_back() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
        }
        for wrong in ["Z", "Zg=", "Zg==Zg==", "Z===", "Zm9\u{e9}", "Zm 9"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
