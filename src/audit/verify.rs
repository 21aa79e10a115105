//! Verifies that an audit log is unchanged: with the hash chain, and with the key if there is one.

use super::{
    Seal,
    line::{self, BEGINNING, MAX_LINE},
};
use crate::counted::counted;
use serde_json::{Map, Value};
use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// The result of verifying a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many lines there are.
    pub lines: usize,
    /// How many of them have a valid seal.
    pub sealed: usize,
    /// Whether the end of the log was compared with the sealed counter.
    pub counted: bool,
    /// Calls with a line for the beginning but none for the end: interrupted, or still running.
    pub open: Vec<String>,
    /// Problems that the server itself found in the log when it wrote to it.
    pub alarms: Vec<String>,
    /// The hash of the last line, which the next line will contain; if it is stored elsewhere, removed last lines can
    /// be noticed too.
    pub head: String,
}

impl fmt::Display for Verdict {
    /// A report for people: what was found, and what could not be checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, each with the hash of the one before.", counted(self.lines, "line"))?;
        if self.sealed == 0 {
            writeln!(
                f,
                "None is sealed: this check finds lines that were changed in place, but not a log that was rewritten as a whole or cut off at its end. The setting `audit_key` adds seals."
            )?;
        } else {
            writeln!(f, "{} are sealed, and none is missing at the end.", self.sealed)?;
        }
        for alarm in &self.alarms {
            writeln!(f, "{alarm}")?;
        }
        if !self.open.is_empty() {
            writeln!(f, "Calls without a result (interrupted, or still running): {}.", self.open.join(", "))?;
        }
        writeln!(f, "Hash of the last line, to be stored elsewhere: {}", self.head)
    }
}

/// Checks that each line contains the hash of the line before it; with the key, also that each line is sealed, none is
/// missing, and the log ends at the line that the counter has recorded.
///
/// # Errors
/// A line is changed, missing, forged or not JSON, lines were cut off at the end, or the file cannot be read: a
/// sentence, with the number of the first such line.
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

/// Parses a line and checks that it contains the hash of the line before it.
fn chained(verdict: &mut Verdict, body: &[u8], shown: &Shown<'_>) -> Result<Map<String, Value>, String> {
    let number = verdict.lines;
    let Ok(Value::Object(facts)) = serde_json::from_slice(body) else {
        return Err(format!("Line {number} of `{shown}` is not a JSON object: it was changed or cut off."));
    };
    if facts.get("prev").and_then(Value::as_str) != Some(&verdict.head) {
        let which = match number {
            1 => "The first line does not begin the log: lines before it are missing".to_owned(),
            _ => {
                format!("Line {} was changed, or lines between it and line {number} are missing", number - 1)
            }
        };
        return Err(format!("{which} (the hash in line {number} of `{shown}` does not match)."));
    }
    verdict.head = line::hash(body);
    Ok(facts)
}

/// Checks a line's seal and number. Lines written before there was a key have neither, and must not follow a sealed
/// line.
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
                "Line {number} of `{shown}` was forged or changed: it is not sealed with this key."
            ));
        }
    }
    let seq = facts.get("seq").and_then(Value::as_u64);
    let mark = facts.get("log").and_then(Value::as_str).map(str::to_owned);
    let follows = last.is_none_or(|last| seq == Some(last + 1)) && (log.is_none() || *log == mark);
    if !follows {
        return Err(format!(
            "Lines before line {number} of `{shown}` are missing, or that line is from another log."
        ));
    }
    (*last, *log) = (seq, mark);
    verdict.sealed += 1;
    Ok(())
}

/// Keeps track of calls that began and did not end, and collects the problems that the server recorded.
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

/// Checks that the log ends at the line that the counter has recorded.
fn end(verdict: &mut Verdict, seal: &Seal, log: Option<&str>, shown: &Shown<'_>) -> Result<(), String> {
    let counts = seal.counter.counts(&seal.key)?;
    let counter = seal.counter.path().display();
    if verdict.sealed == 0 {
        return if counts.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "No line of `{shown}` is sealed, but the counter `{counter}` has recorded sealed lines."
            ))
        };
    }
    let Some(count) = counts.iter().find(|count| Some(&*count.log) == log) else {
        return Err(format!(
            "The counter `{counter}` has no record of `{shown}`, so lines may have been cut off at its end."
        ));
    };
    if count.head != verdict.head {
        return Err(format!(
            "Lines were cut off at the end of `{shown}`: {} were written, and the last line is not the one recorded in the counter `{counter}`.",
            count.lines
        ));
    }
    verdict.counted = true;
    Ok(())
}
