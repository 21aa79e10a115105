//! Assertions shared by several targets, and the classification of results.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that classifies a result; equal for equal results.
pub fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A hash of a sentence without the quoted parts, so that two inputs refused for the same reason are of one kind.
pub fn gist(sentence: &str) -> u64 {
    kind(sentence.split(['`', '"']).step_by(2).take(3).collect::<Vec<_>>())
}

/// Checks sentences for a model or a person: they are complete, and contain nothing that moves a cursor or begins a new
/// line.
#[track_caller]
pub fn sentences(text: &str) {
    assert!(text.ends_with(['.', '?', ')']), "no finished sentence: {text:?}");
    let odd = text.chars().find(|letter| letter.is_control());
    assert_eq!(odd, None, "a control character in {text:?}");
}

/// Checks a path before it goes into a request line: nothing in it ends the line, begins a query or leads elsewhere.
#[track_caller]
pub fn path(path: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%/".contains(&byte);
    assert!(path.starts_with('/') && path.bytes().all(plain), "not a plain path: {path:?}");
    for segment in path.split('/').skip(1) {
        assert!(!segment.is_empty() && segment != "." && segment != "..", "a way through folders: {path:?}");
    }
}

/// Parses a form, as found in a body or a query, with an independent implementation.
#[track_caller]
pub fn form<'a>(text: &str, expected: impl Iterator<Item = (&'a str, &'a str)>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%&=".contains(&byte);
    assert!(text.bytes().all(plain), "not a plain form: {text:?}");
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').expect("every pair has a `=`");
        assert!(!value.contains('='), "a second `=` in {pair:?}");
        (unescape(name), unescape(value))
    });
    let expected = expected.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    assert!(pairs.eq(expected), "read back otherwise: {text:?}");
}

/// An independent implementation of percent-decoding.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next().expect("two digits")).to_digit(16).expect("a digit");
            let value = digit() * 16 + digit();
            out.push(u8::try_from(value).expect("a byte"));
        } else {
            out.push(byte);
        }
    }
    out
}
