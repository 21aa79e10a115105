//! JSON text taken apart where it stands: the members of an object, the rows of a list, each as a slice of the
//! text. Builds nothing else, and takes nothing that `serde_json` would refuse but for what [`is_ordinary`] tells; where
//! it gives up (broken or deep JSON), `serde_json` reads the text and says why. Long lists are most of what is read from
//! Proxmox, and this is a crate of its own so that it alone is compiled for speed, in a program that is compiled for size.
//!
//! And put together: see [`Object`].

mod write;

pub use write::Object;

/// Nesting that is walked through; beyond it the other way is taken.
const DEEPEST: usize = 128;

/// Room for what a guest has in `/cluster/resources`.
const FIELDS: usize = 24;

/// An object's members in the order they come: each key without its quotes, each value as it stands.
pub type Members<'a> = Vec<(&'a str, &'a str)>;

/// Takes an object apart. `None`: it is none, or deep, or a key has escapes.
#[must_use]
pub fn object(text: &str) -> Option<Members<'_>> {
    let mut walk = Walk { text, at: 0 };
    let members = walk.object()?;
    walk.end()?;
    Some(members)
}

/// The members of an object that have these names, each the last of its name, and how many others there are. `None`: it
/// is none, or deep, or a key has escapes.
#[must_use]
pub fn pick<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<([Option<&'a str>; N], usize)> {
    let mut found = [None; N];
    let others = pick_into(text, &names, &mut found)?;
    Some((found, others))
}

fn pick_into<'a>(text: &'a str, names: &[&str], found: &mut [Option<&'a str>]) -> Option<usize> {
    let mut walk = Walk { text, at: 0 };
    let mut others = 0;
    walk.members(&mut |key, value| match names.iter().position(|name| *name == key) {
        Some(place) => others += usize::from(found[place].replace(value).is_some()),
        None => others += 1,
    })?;
    walk.end()?;
    Some(others)
}

/// Whether nothing in a JSON text is of the kind that `serde_json` refuses although the grammar has it: half a pair of
/// `\u` escapes, a number beyond all bounds. With any escape or exponent, or hundreds of digits, the answer is no.
#[must_use]
pub fn is_ordinary(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().all(|byte| {
        let exponent = 0 < digits && matches!(byte, b'e' | b'E');
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        byte != b'\\' && !exponent && digits < 300
    })
}

/// What a string says that has no escapes; `None` for any other value.
#[must_use]
pub fn plain(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

/// Takes a list of objects apart. `None`: it is none, or deep, or a key has escapes.
#[must_use]
pub fn objects(text: &str) -> Option<Vec<Members<'_>>> {
    let mut walk = Walk { text, at: 0 };
    let mut found = Vec::new();
    walk.takes(b'[').then_some(())?;
    if !walk.takes(b']') {
        loop {
            found.push(walk.object()?);
            if !walk.takes(b',') {
                walk.takes(b']').then_some(())?;
                break;
            }
        }
    }
    walk.end()?;
    Some(found)
}

/// A place in the text. It moves over bytes, and stops at ASCII only, so that every slice is whole text.
#[derive(Debug)]
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.byte()?;
        self.at += 1;
        Some(byte)
    }

    #[inline(always)]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    /// The next byte that is no blank, passed over if it is that one.
    #[inline(always)]
    fn takes(&mut self, wanted: u8) -> bool {
        self.blanks();
        let found = self.byte() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn end(&mut self) -> Option<()> {
        self.blanks();
        (self.at == self.text.len()).then_some(())
    }

    fn object(&mut self) -> Option<Members<'a>> {
        let mut members = Vec::with_capacity(FIELDS);
        self.members(&mut |key, value| members.push((key, value)))?;
        Some(members)
    }

    /// Hands over an object's members.
    #[inline(always)]
    fn members(&mut self, take: &mut impl FnMut(&'a str, &'a str)) -> Option<()> {
        self.takes(b'{').then_some(())?;
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            let (key, escaped) = self.key()?;
            if escaped {
                return None;
            }
            let value = self.value(DEEPEST)?;
            take(key, value);
            if !self.takes(b',') {
                return self.takes(b'}').then_some(());
            }
        }
    }

    /// A key and the colon behind it: the key without its quotes, and whether it has escapes.
    #[inline(always)]
    fn key(&mut self) -> Option<(&'a str, bool)> {
        self.blanks();
        let start = self.at;
        (self.byte()? == b'"').then_some(())?;
        let escaped = self.string()?;
        let key = &self.text[start + 1..self.at - 1];
        self.takes(b':').then_some((key, escaped))
    }

    /// Passes over an object or an array, its first byte included.
    fn nested(&mut self, close: u8, depth: usize) -> Option<()> {
        self.at += 1;
        if self.takes(close) {
            return Some(());
        }
        loop {
            if close == b'}' {
                self.key()?;
            }
            self.value(depth)?;
            if !self.takes(b',') {
                return self.takes(close).then_some(());
            }
        }
    }

    /// Any value, as it stands.
    #[inline(always)]
    fn value(&mut self, depth: usize) -> Option<&'a str> {
        self.blanks();
        let start = self.at;
        match self.byte()? {
            b'"' => drop(self.string()?),
            b'-' | b'0'..=b'9' => self.number()?,
            b'{' => self.nested(b'}', depth.checked_sub(1)?)?,
            b'[' => self.nested(b']', depth.checked_sub(1)?)?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => return None,
        }
        Some(&self.text[start..self.at])
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then_some(())?;
        self.at += word.len();
        Some(())
    }

    /// From the quote on to behind the other one; whether there is an escape between them.
    #[inline(always)]
    fn string(&mut self) -> Option<bool> {
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.next()? {
                b'"' => return Some(escaped),
                b'\\' => {
                    self.escape()?;
                    escaped = true;
                }
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 4;
            }
            _ => return None,
        }
        Some(())
    }

    /// As the grammar has it: no noughts before it, a digit on both sides of the point.
    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if matches!(self.byte(), Some(b'0'..=b'9')) {
            return None;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.next().filter(u8::is_ascii_digit)?;
            self.digits();
        }
        Some(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, value::RawValue};

    #[test]
    fn members_are_picked_by_their_names() {
        let text = r#" {"a":1,"b":{"c":"x"},"a":[2],"d":"\n"} "#;
        assert_eq!(
            pick(text, ["a", "b", "c", "d"]),
            Some(([Some("[2]"), Some(r#"{"c":"x"}"#), None, Some(r#""\n""#)], 1))
        );
        for broken in ["", "[]", "{", r#"{"a":1"#, r#"{"a":1}x"#, r#"{"\u0061":1}"#, r#"{"a":01}"#] {
            assert_eq!(pick(broken, ["a"]), None, "{broken}");
        }
        assert_eq!(pick(text, ["b"]), Some(([Some(r#"{"c":"x"}"#)], 3)));
        for text in [r#"{"a":[1,-2.5,"e 1"]}"#, "{}", &format!("[{}]", "1".repeat(299))] {
            assert!(is_ordinary(text), "{text}");
        }
        for text in [r#"["\ud800"]"#, "[1e999]", "[1.0E999]", &format!("[{}]", "1".repeat(400))] {
            assert!(!is_ordinary(text), "{text}");
        }
        for (value, text) in
            [(r#""x y""#, Some("x y")), (r#""""#, Some("")), (r#""a\n""#, None), ("1", None), ("\"", None)]
        {
            assert_eq!(plain(value), text, "{value}");
        }
    }

    /// What is taken is what `serde_json` takes, and the same.
    fn check(text: &str, taken: bool) {
        let walked = object(text);
        assert_eq!(walked.is_some(), taken, "{text}");
        if let Some(found) = walked {
            let known: Map<String, Value> =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found: Map<String, Value> = found
                .into_iter()
                .map(|(key, value)| {
                    (
                        key.to_owned(),
                        serde_json::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}")),
                    )
                })
                .collect();
            assert_eq!(found, known, "{text}");
        } else if serde_json::from_str::<Map<String, Value>>(text).is_ok() {
            assert!(text.len() > DEEPEST, "{text} is right");
        }
    }

    #[test]
    fn objects_are_taken_apart_as_serde_json_does() {
        for text in [
            "{}",
            " { } \n",
            r#"{"a":1,"b":-0.5e+7,"c":"x\"\\\u00e9\n","d":[1,[2,{}],{"e":null}],"f":true,"g":false,"":""}"#,
            "{\"schlüssel\" :\t\"wört → ✓\" ,\r\n\"b\":0}",
            r#"{"a":0,"b":10,"c":1E5,"d":[],"e":[ ],"f":"\/\b\f\r\t"}"#,
        ] {
            check(text, true);
        }
        for text in [
            "",
            "{",
            "}",
            "{}}",
            "{} x",
            "[]",
            "1",
            "null",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":1e}",
            "{\"a\":-}",
            "{\"a\":--1}",
            "{\"a\":tru}",
            "{\"a\":nul}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\u12",
            "{\"a\":\"",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
            "{\"a\":1 \"b\":2}",
            "{\"a\" 1}",
            "{\"a\":'x'}",
            "{\"a\":1}{",
            "{\"a\":truex}",
            "{\"a\":1x}",
            "{\"a\":[}",
            "{\"a\":{]}",
        ] {
            check(text, false);
        }
        assert_eq!(object(r#"{"\u0041":1}"#), None, "left to serde_json");
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        check(&deep, false);
        let less_deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        check(&less_deep, true);
    }

    #[test]
    fn lists_of_objects_are_taken_apart() {
        let count = |text: &str| {
            let rows = objects(text)?;
            let right = |value: &str| serde_json::from_str::<&RawValue>(value).is_ok();
            Some(
                rows.iter()
                    .map(|row| row.iter().filter(|(_, value)| right(value)).count())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(count(r#" [ {"a":1,"b":"x"} , {} ,{"c":[{}]}] "#), Some(vec![2, 0, 1]));
        assert_eq!(count("[]"), Some(vec![]));
        for wrong in ["", "[", "[{}", "[{},]", "[1]", "[{} {}]", "[[]]", "{}", "[{}]]", "[null]"] {
            assert_eq!(count(wrong), None, "{wrong}");
        }
    }
}
