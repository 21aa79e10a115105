//! Escapes invisible characters in text from other sources: characters that control a terminal, change the direction
//! of reading, have no width or are invisible in a font are written as `\u{202e}`, so that nobody, a model included,
//! reads text that a person does not see.

use std::{borrow::Cow, fmt::Write};

/// Whether a character must be escaped. Line breaks and tabs are ordinary text.
fn hides(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        letter => letter.is_control(),
    }
}

/// The text with invisible characters escaped. Windows line breaks (`\r\n`) stay.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_break = letter == '\r' && letters.peek() == Some(&'\n');
        if hides(letter) && !is_break {
            let _ = write!(shown, "{}", letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// A JSON text with invisible characters escaped in its strings. The result is still valid JSON.
#[must_use]
pub fn json(json: &str) -> Cow<'_, str> {
    // JSON writes control characters as escapes: `\u001b`, `\b`, `\f`, `\r`.
    let escaped = json.contains('\\') && ["\\u", "\\b", "\\f", "\\r"].iter().any(|mark| json.contains(mark));
    if !escaped && !json.chars().any(hides) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 64);
    let mut rest = json;
    while let Some(letter) = rest.chars().next() {
        let (letter, length) = match rest.as_bytes() {
            [b'\\', b'r', b'\\', b'n', ..] => (None, 4),
            [b'\\', b'b', ..] => (Some('\u{8}'), 2),
            [b'\\', b'f', ..] => (Some('\u{c}'), 2),
            [b'\\', b'r', ..] => (Some('\r'), 2),
            [b'\\', b'u', ..] => match escaped_letter(rest) {
                Some((letter, length)) => (Some(letter), length),
                None => (None, 2),
            },
            [b'\\', ..] => (None, 2),
            _ => (Some(letter), letter.len_utf8()),
        };
        // A truncated escape is not valid JSON; it stays as it is.
        let length = length.min(rest.len());
        match letter {
            Some(letter) if hides(letter) => {
                let _ = write!(shown, "\\{}", letter.escape_unicode());
            }
            _ => shown.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    Cow::Owned(shown)
}

/// The character that `\u001b` or a surrogate pair of such escapes stands for, and the length of the escape.
fn escaped_letter(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u16::from_str_radix(text.get(at + 2..at + 6)?, 16).ok();
    let first = unit(0)?;
    match char::from_u32(u32::from(first)) {
        Some(letter) => Some((letter, 6)),
        None => {
            let second = text.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| unit(6))?;
            char::decode_utf16([first, second]).next()?.ok().map(|letter| (letter, 12))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn nothing_is_read_that_is_not_seen() {
        for (given, expected) in [
            ("plain, é, 漢字, 👍\n\ttext\r\n", "plain, é, 漢字, 👍\n\ttext\r\n"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("over\rwritten", "over\\u{d}written"),
            ("\u{9b}31m \u{7f}", "\\u{9b}31m \\u{7f}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("a\u{200b}b\u{feff}\u{2066}", "a\\u{200b}b\\u{feff}\\u{2066}"),
            ("x\u{e0049}\u{e0067}", "x\\u{e0049}\\u{e0067}"),
            ("\u{0}\u{8}\u{c}", "\\u{0}\\u{8}\\u{c}"),
        ] {
            assert_eq!(text(given), expected, "{given:?}");
            let whole =
                serde_json::json!({"key \u{202e}": [given], "back\\slash": "\\u001b \" \\"}).to_string();
            let shown: Value =
                serde_json::from_str(&json(&whole)).unwrap_or_else(|error| panic!("{error}: {whole}"));
            assert_eq!(shown["key \\u{202e}"][0], expected, "{whole}");
            assert_eq!(
                shown["back\\slash"], "\\u001b \" \\",
                "what only looks like an escape stays: {whole}"
            );
        }
        for whole in [r#"{"a":"\ud83d\ude00 \u0041"}"#, r#""\"#, r#""\u"#, r#""\u12é"#, "\\"] {
            let _ = json(whole);
        }
        assert_eq!(json(r#"{"a":"\u001b\u202e\ud83d\ude00"}"#), r#"{"a":"\\u{1b}\\u{202e}\ud83d\ude00"}"#);
    }
}
