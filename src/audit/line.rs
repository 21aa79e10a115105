//! One line of an audit log: how it is written, chained to the line before it and sealed.

use crate::hex;
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// The value of `prev` in the first line.
pub(super) const BEGINNING: &str = "";
/// The longest line that is read, in bytes; ours are far shorter.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// The position of the next line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The hash of the line before it.
    pub(super) prev: String,
    /// The number of the line before it; 0 at the beginning, `None` if that line has no number.
    pub(super) number: Option<u64>,
    /// The random id of the log, which every sealed line contains.
    pub(super) log: Option<String>,
}

impl Line {
    /// The position after the last line.
    pub(super) fn after(last: Option<&[u8]>) -> Line {
        let Some(last) = last else {
            return Line { prev: BEGINNING.to_owned(), number: Some(0), log: None };
        };
        let facts: Map<String, Value> = serde_json::from_slice(last).unwrap_or_default();
        Line {
            prev: hash(last),
            number: facts.get("seq").and_then(Value::as_u64),
            log: facts.get("log").and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// The line with this content, without its line break.
    pub(super) fn text(&self, facts: Map<String, Value>, time: Value, key: Option<&hmac::Key>) -> String {
        let mut line = Map::from_iter([("time".to_owned(), time)]);
        line.extend(facts);
        if key.is_some() {
            line.insert("log".into(), self.log.clone().unwrap_or_else(mark).into());
            line.insert("seq".into(), (self.number.unwrap_or(0) + 1).into());
        }
        line.insert("prev".into(), self.prev.clone().into());
        let text = Value::Object(line).to_string();
        match key {
            None => text,
            Some(key) => {
                let seal = hex::encode(hmac::sign(key, text.as_bytes()).as_ref());
                format!("{},\"seal\":\"{seal}\"}}", &text[..text.len() - 1])
            }
        }
    }
}

/// Whether a line is sealed with that key; `None` if it has no seal at all.
pub(super) fn is_sealed_by(key: &hmac::Key, line: &[u8]) -> Option<bool> {
    let text = str::from_utf8(line).ok()?;
    let (body, seal) = text.strip_suffix("\"}")?.rsplit_once(",\"seal\":\"")?;
    let tag = hex::decode(seal)?;
    Some(hmac::verify(key, format!("{body}}}").as_bytes(), &tag).is_ok())
}

/// The SHA-256 hash of a line in hexadecimal digits.
pub(super) fn hash(line: &[u8]) -> String {
    hex::encode(digest(&SHA256, line).as_ref())
}

/// A random id that no other log has.
fn mark() -> String {
    let mut bytes = [0; 8];
    // Without random numbers two logs may have the same id; verification then reports a mismatch.
    let _ = SystemRandom::new().fill(&mut bytes);
    hex::encode(&bytes)
}

/// Appends a line and syncs it to disk.
pub(super) fn append(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_data()
}

/// The last line of the file without its line break; `None` if the file is empty. A partly written line counts as a
/// line, so that the chain shows it.
pub(super) fn last(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let end = file.seek(SeekFrom::End(0))?;
    if end == 0 {
        return Ok(None);
    }
    let start = end.saturating_sub(MAX_LINE);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(MAX_LINE).read_to_end(&mut tail)?;
    let whole = tail.strip_suffix(b"\n");
    if whole.is_none() {
        // Our line must begin on a new line.
        file.write_all(b"\n")?;
    }
    let body = whole.unwrap_or(&tail);
    let begin = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    Ok(Some(body[begin..].to_vec()))
}
