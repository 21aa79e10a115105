//! JSON text put together where it goes: an object, member by member, in few large pieces. For the few messages that
//! are written often or in a hurry and whose form stands in the program; `serde_json` writes the others.

/// An object that is being written. It is whole once it is dropped.
#[derive(Debug)]
pub struct Object<'a> {
    text: &'a mut Vec<u8>,
    /// What goes before the next key.
    before: &'static [u8],
}

impl<'a> Object<'a> {
    /// Begins an object at the end of `text`.
    pub fn begin(text: &'a mut Vec<u8>) -> Object<'a> {
        Object { text, before: b"{\"" }
    }

    /// Where the value of `key` goes, which must be one without anything to escape.
    pub fn member(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.text.extend_from_slice(self.before);
        self.before = b",\"";
        self.text.extend_from_slice(key.as_bytes());
        self.text.extend_from_slice(b"\":");
        self.text
    }

    /// A member that is a string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        quote(self.member(key), value);
    }

    /// A member that is a string, made of what `write` hands over, piece by piece.
    pub fn pieces(&mut self, key: &'static str, write: impl FnOnce(&mut dyn FnMut(&str))) {
        let text = self.member(key);
        text.push(b'"');
        write(&mut |piece| escape(text, piece));
        text.push(b'"');
    }

    /// A member that is an object.
    pub fn object(&mut self, key: &'static str) -> Object<'_> {
        Object::begin(self.member(key))
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.text.extend_from_slice(if self.before == b"{\"" { b"{}" } else { b"}" });
    }
}

/// Writes a string in its quotes.
fn quote(to: &mut Vec<u8>, text: &str) {
    to.push(b'"');
    escape(to, text);
    to.push(b'"');
}

/// Writes what stands in a string, with the escapes that `serde_json` writes.
fn escape(to: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| ESCAPED[usize::from(*byte)]) {
        to.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        rest = &rest[at + 1..];
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                to.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                continue;
            }
        };
        to.extend_from_slice(&[b'\\', letter]);
    }
    to.extend_from_slice(rest);
}

/// Which bytes of a string must not stand there as they are.
static ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        for text in ["", "plain", "\"", "a\\b", "\u{1f}ü\u{7f}", "日本\n\t\r\u{8}\u{c}", "\u{2028}😀", &all]
        {
            let mut written = Vec::new();
            quote(&mut written, text);
            assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn objects_are_whole_whatever_is_in_them() {
        let mut written = Vec::new();
        Object::begin(&mut written);
        assert_eq!(written, b"{}");
        written.clear();
        {
            let mut object = Object::begin(&mut written);
            object.text("a", "\"x\"");
            object.object("b");
            let mut inner = object.object("c");
            inner.member("d").extend_from_slice(b"[1,2]");
            inner.text("e", "");
            inner.pieces("f", |say| ["x", "", "\"", "y"].into_iter().for_each(say));
        }
        let expected = json!({"a": "\"x\"", "b": {}, "c": {"d": [1, 2], "e": "", "f": "x\"y"}});
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);
        assert_eq!(written, br#"{"a":"\"x\"","b":{},"c":{"d":[1,2],"e":"","f":"x\"y"}}"#);
    }
}
