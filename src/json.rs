//! JSON text taken apart where it stands: the members of an object, the items of an array, each as a slice of the
//! text. Builds nothing, and takes nothing that `serde_json` would refuse; where it gives up (broken or deep JSON),
//! `serde_json` reads the text and says why. Long lists are most of what this program reads.

/// Nesting that is walked through; beyond it the other way is taken.
const DEEPEST: usize = 128;

/// Takes an object apart: each key with its quotes, each value, in the order they come. The text holds nothing
/// else. `None`: it is no such object, or `each` gave up.
pub fn object<'a>(text: &'a str, each: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<()> {
    let mut walk = Walk::new(text);
    walk.members(DEEPEST, each)?;
    walk.end()
}

/// Takes an array of objects apart: `each` makes something of an object by calling the walk it is given once.
pub fn objects<'a, T>(
    text: &'a str,
    mut each: impl FnMut(&mut Members<'_, 'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut walk = Walk::new(text);
    let mut found = Vec::new();
    walk.items(|walk| {
        found.push(each(&mut Members(walk))?);
        Some(())
    })?;
    walk.end()?;
    Some(found)
}

/// The members of one object of an array.
#[derive(Debug)]
pub struct Members<'w, 'a>(&'w mut Walk<'a>);

impl<'a> Members<'_, 'a> {
    /// Goes through them, once: each key with its quotes, each value.
    pub fn each(&mut self, each: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<()> {
        self.0.members(DEEPEST, each)
    }
}

/// A place in the text. It moves over bytes, and stops at ASCII only, so that every slice is whole text.
#[derive(Debug)]
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Walk<'a> {
        Walk { text, at: 0 }
    }

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

    fn members(&mut self, depth: usize, mut each: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<()> {
        self.takes(b'{').then_some(())?;
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            self.blanks();
            let start = self.at;
            (self.byte()? == b'"').then_some(())?;
            self.string()?;
            let key = &self.text[start..self.at];
            self.takes(b':').then_some(())?;
            each(key, self.value(depth)?)?;
            if !self.takes(b',') {
                return self.takes(b'}').then_some(());
            }
        }
    }

    fn items(&mut self, mut each: impl FnMut(&mut Walk<'a>) -> Option<()>) -> Option<()> {
        self.takes(b'[').then_some(())?;
        if self.takes(b']') {
            return Some(());
        }
        loop {
            each(self)?;
            if !self.takes(b',') {
                return self.takes(b']').then_some(());
            }
        }
    }

    /// Any value, as it stands.
    fn value(&mut self, depth: usize) -> Option<&'a str> {
        self.blanks();
        let start = self.at;
        match self.byte()? {
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'{' => self.members(depth.checked_sub(1)?, |_, _| Some(()))?,
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.items(|walk| walk.value(depth).map(drop))?;
            }
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

    /// From the quote on to behind the other one.
    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        self.at += 4;
                    }
                    _ => return None,
                },
                0..=0x1f => return None,
                _ => {}
            }
        }
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

    /// What is taken is what `serde_json` takes, and the same.
    fn check(text: &str, taken: bool) {
        let mut found = Vec::new();
        let walked = object(text, |key, value| {
            found.push((key, value));
            Some(())
        });
        assert_eq!(walked.is_some(), taken, "{text}");
        if taken {
            let known: Map<String, Value> =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found: Map<String, Value> = found
                .into_iter()
                .map(|(key, value)| {
                    (
                        serde_json::from_str(key).unwrap(),
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
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        check(&deep, false);
        let less_deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
        check(&less_deep, true);
    }

    #[test]
    fn lists_of_objects_are_taken_apart() {
        let count = |text: &str| {
            objects(text, |members| {
                let mut count = 0;
                members.each(|_, value| {
                    count += usize::from(serde_json::from_str::<&RawValue>(value).is_ok());
                    Some(())
                })?;
                Some(count)
            })
        };
        assert_eq!(count(r#" [ {"a":1,"b":"x"} , {} ,{"c":[{}]}] "#), Some(vec![2, 0, 1]));
        assert_eq!(count("[]"), Some(vec![]));
        for wrong in ["", "[", "[{}", "[{},]", "[1]", "[{} {}]", "[[]]", "{}", "[{}]]", "[null]"] {
            assert_eq!(count(wrong), None, "{wrong}");
        }
    }
}
