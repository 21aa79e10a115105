//! The sealed counter: how many lines each log at a path has, kept beside the key, so that lines cut off at the end are
//! noticed.

use super::line::Line;
use crate::hex;
use ring::hmac;
use serde_json::{Map, Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How many logs are recorded at most; the oldest are dropped first.
const MAX_LOGS: usize = 200;

/// A file that records how many lines the logs have.
#[derive(Debug)]
pub(super) struct Counter {
    path: PathBuf,
}

/// The recorded end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// The random id of the log.
    pub(super) log: String,
    /// The number of its last line.
    pub(super) lines: u64,
    /// The hash of its last line.
    pub(super) head: String,
}

impl Counter {
    pub(super) fn new(path: PathBuf) -> Counter {
        Counter { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The recorded logs, the newest last.
    ///
    /// # Errors
    /// The file cannot be read, or its seal does not match: a sentence.
    pub(super) fn counts(&self, key: &hmac::Key) -> Result<Vec<Count>, String> {
        let shown = self.path.display();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(format!("The counter `{shown}` of the audit log cannot be read ({error})."));
            }
        };
        let broken =
            || format!("The counter `{shown}` of the audit log was changed: its seal does not match.");
        let (body, seal) = text.trim_end().rsplit_once('\n').ok_or_else(broken)?;
        let tag = hex::decode(seal).ok_or_else(broken)?;
        hmac::verify(key, message(body).as_slice(), &tag).map_err(|_| broken())?;
        let counts: Vec<Value> = serde_json::from_str(body).map_err(|_| broken())?;
        let read = |count: &Value| {
            let text = |name: &str| count[name].as_str().unwrap_or_default().to_owned();
            Count { log: text("log"), lines: count["lines"].as_u64().unwrap_or_default(), head: text("head") }
        };
        Ok(counts.iter().map(read).collect())
    }

    /// Records where a log ends now.
    ///
    /// # Errors
    /// The file cannot be written: a clause.
    pub(super) fn note(&self, key: &hmac::Key, next: &Line) -> Result<(), String> {
        let log = next.log.clone().unwrap_or_default();
        // If the counter is damaged, `misfit` has reported that in the log itself.
        let mut counts = self.counts(key).unwrap_or_default();
        counts.retain(|count| count.log != log);
        counts.push(Count { log, lines: next.number.unwrap_or_default(), head: next.prev.clone() });
        let first = counts.len().saturating_sub(MAX_LOGS);
        let body = Value::from_iter(
            counts[first..]
                .iter()
                .map(|count| json!({"log": count.log, "lines": count.lines, "head": count.head})),
        )
        .to_string();
        let seal = hex::encode(hmac::sign(key, &message(&body)).as_ref());
        let draft = self.path.with_extension("new");
        if let Some(folder) = self.path.parent() {
            // If it cannot be created, writing the file fails and reports it.
            let _ = fs::create_dir_all(folder);
        }
        let written =
            write(&draft, &format!("{body}\n{seal}\n")).and_then(|()| fs::rename(&draft, &self.path));
        written.map_err(|error| format!("its counter `{}` cannot be written: {error}", self.path.display()))
    }

    /// If the log does not end at the recorded line, the content of a log line that reports this.
    pub(super) fn tamper_alarm(&self, key: &hmac::Key, next: &Line) -> Option<Map<String, Value>> {
        let alarm = |why: String| {
            Map::from_iter([("phase".to_owned(), json!("alarm")), ("error".to_owned(), json!(why))])
        };
        let counts = match self.counts(key) {
            Ok(counts) => counts,
            Err(problem) => return Some(alarm(problem)),
        };
        let log = next.log.as_deref().unwrap_or_default();
        match counts.iter().find(|count| count.log == log) {
            // A new log, or one written before there was a key.
            None if next.log.is_none() => None,
            None => Some(alarm(format!("The counter `{}` has no record of this log.", self.path.display()))),
            Some(count) if count.head == next.prev => None,
            Some(count) => Some(alarm(format!(
                "The log ends at line {}, but line {} was the last one counted: lines are missing or were changed.",
                next.number.unwrap_or_default(),
                count.lines
            ))),
        }
    }
}

/// The sealed message; its prefix keeps a counter's seal from being used as that of a line.
fn message(body: &str) -> Vec<u8> {
    [b"counter\0", body.as_bytes()].concat()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}
