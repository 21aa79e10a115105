//! Whether an audit log is as it was written: what the chain of hashes shows, and what only the key can.

use super::{
    Seal,
    line::{self, BEGINNING, MAX_LINE},
};
use serde_json::{Map, Value};
use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// What a check of a log found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many lines there are.
    pub lines: usize,
    /// How many of them carry a seal that fits.
    pub sealed: usize,
    /// Whether the sealed counter was held against the log's end.
    pub counted: bool,
    /// Calls that have a line before and none after: cut off, or still running.
    pub open: Vec<String>,
    /// What the server itself found wrong with the log when it wrote to it.
    pub alarms: Vec<String>,
    /// The hash that the next line will carry; noting it elsewhere makes the last lines verifiable too.
    pub head: String,
}

impl fmt::Display for Verdict {
    /// What was found, and what could not be looked for, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lines, each with the hash of the one before.", self.lines)?;
        if self.sealed == 0 {
            writeln!(
                f,
                "None is sealed: this finds a line changed in place, but not a log that was rewritten as a whole or cut off at its end. The setting `audit_key` adds seals."
            )?;
        } else {
            writeln!(f, "{} are sealed, and the last one is the last that was written.", self.sealed)?;
        }
        for alarm in &self.alarms {
            writeln!(f, "{alarm}")?;
        }
        if !self.open.is_empty() {
            writeln!(f, "Calls without an end (cut off, or still running): {}.", self.open.join(", "))?;
        }
        writeln!(f, "Hash of the last line, to be noted elsewhere: {}", self.head)
    }
}

/// Checks that each line carries the hash of the one before; with the key also that each is sealed, none is missing,
/// and the log ends where it was counted to end.
///
/// # Errors
/// A finished sentence with the number of the first line that is changed, missing, forged or no JSON; that lines were
/// cut off at the end; the file cannot be read.
pub fn verify(path: &Path, seal: Option<&Seal>) -> Result<Verdict, String> {
    let shown = path.display();
    let unreadable = |error| format!("The audit log `{shown}` cannot be read ({error}).");
    let mut verdict = Verdict { head: BEGINNING.to_owned(), ..Verdict::default() };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut line, mut number, mut log) = (Vec::new(), None, None);
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        verdict.lines += 1;
        let body = line.strip_suffix(b"\n").unwrap_or(&line);
        let facts = chained(&mut verdict, body, &shown)?;
        if let Some(seal) = seal {
            sealed(&mut verdict, seal, &facts, body, &shown, (&mut number, &mut log))?;
        }
        follow_calls(&mut verdict, &facts);
    }
    if let Some(seal) = seal {
        end(&mut verdict, seal, log.as_deref(), &shown)?;
    }
    Ok(verdict)
}

type Shown<'a> = std::path::Display<'a>;

/// The line's facts, if it is the one that followed the line before.
fn chained(verdict: &mut Verdict, body: &[u8], shown: &Shown<'_>) -> Result<Map<String, Value>, String> {
    let number = verdict.lines;
    let Ok(Value::Object(facts)) = serde_json::from_slice(body) else {
        return Err(format!("Line {number} of `{shown}` is no JSON object: it was changed or cut off."));
    };
    if facts.get("prev").and_then(Value::as_str) != Some(&verdict.head) {
        let which = match number {
            1 => "The first line does not begin the log: lines before it are missing".to_owned(),
            _ => {
                format!("Line {} was changed, or lines between it and line {number} are missing", number - 1)
            }
        };
        return Err(format!("{which} (the hash in line {number} of `{shown}` does not fit)."));
    }
    verdict.head = line::hash(body);
    Ok(facts)
}

/// Checks a line's seal and number. Lines from before there was a key have neither; none may follow one that has.
fn sealed(
    verdict: &mut Verdict,
    seal: &Seal,
    facts: &Map<String, Value>,
    body: &[u8],
    shown: &Shown<'_>,
    (last, log): (&mut Option<u64>, &mut Option<String>),
) -> Result<(), String> {
    let number = verdict.lines;
    match line::is_sealed_by(&seal.key, body) {
        Some(true) => {}
        None if verdict.sealed == 0 => return Ok(()),
        _ => {
            return Err(format!(
                "Line {number} of `{shown}` was forged or changed: it does not carry the seal of this key."
            ));
        }
    }
    let seq = facts.get("seq").and_then(Value::as_u64);
    let mark = facts.get("log").and_then(Value::as_str).map(str::to_owned);
    let follows = last.is_none_or(|last| seq == Some(last + 1)) && (log.is_none() || *log == mark);
    if !follows {
        return Err(format!("Before line {number} of `{shown}` lines are missing, or it is of another log."));
    }
    (*last, *log) = (seq, mark);
    verdict.sealed += 1;
    Ok(())
}

/// Calls that began and did not end, and what the server itself found.
fn follow_calls(verdict: &mut Verdict, facts: &Map<String, Value>) {
    let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let call = text("call").to_owned();
    match text("phase") {
        "before" if !verdict.open.contains(&call) => verdict.open.push(call),
        "after" => verdict.open.retain(|open| *open != call),
        "alarm" => verdict.alarms.push(format!("Line {}: {}", verdict.lines, text("error"))),
        _ => {}
    }
}

/// Whether the log ends where it was counted to end.
fn end(verdict: &mut Verdict, seal: &Seal, log: Option<&str>, shown: &Shown<'_>) -> Result<(), String> {
    let counts = seal.counter.counts(&seal.key)?;
    let counter = seal.counter.path().display();
    if verdict.sealed == 0 {
        return if counts.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "No line of `{shown}` carries a seal, but the counter `{counter}` knows sealed ones."
            ))
        };
    }
    let Some(count) = counts.iter().find(|count| Some(&*count.log) == log) else {
        return Err(format!(
            "The counter `{counter}` knows nothing of `{shown}`, so lines may have been cut off at its end."
        ));
    };
    if count.head != verdict.head {
        return Err(format!(
            "Lines were cut off at the end of `{shown}`: {} were written, and the last one is not that of the counter `{counter}`.",
            count.lines
        ));
    }
    verdict.counted = true;
    Ok(())
}
