//! The audit log: requests, refusals, approvals and outcomes, one line of JSON each. Every line contains the hash of
//! the line before it. With a key, kept apart from the log, every line is also sealed, and a sealed counter beside the
//! key records how many there are. Knows neither MCP nor Proxmox.
//!
//! Lines are appended under a lock on the file, so several servers can share one. If a line cannot be written, the
//! request is not carried out.

mod counter;
mod line;
mod syslog;
mod verify;

pub use syslog::SYSLOG_SOCKETS;
pub use verify::{Verdict, verify};

use crate::{secret::SecretSource, sync::lock};
use counter::Counter;
use line::Line;
use ring::hmac;
use serde_json::{Map, Value, json};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// Where a log is kept, and how it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log file.
    pub path: PathBuf,
    /// The key that seals it, if there is one.
    pub seal: Option<SealSource>,
    /// The sockets of the system log: each line is also sent to the first one that accepts it. Empty: it is not sent.
    pub syslog: Vec<PathBuf>,
}

/// The key that seals a log: a secret that somebody who changes the log must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealSource {
    /// The key, at least 32 characters.
    pub key: SecretSource,
    /// The file with the sealed counter.
    pub counter: PathBuf,
}

/// The key of a log and its counter.
#[derive(Debug)]
pub struct Seal {
    key: hmac::Key,
    counter: Counter,
}

impl SealSource {
    /// The key, with a counter beside it for the log at that path. If the key is not in a file, the counter is in the
    /// user's state folder.
    #[must_use]
    pub fn beside(key: SecretSource, log: &Path) -> SealSource {
        let name = format!("{}.count", &line::hash(log.as_os_str().as_encoded_bytes())[..16]);
        let counter = match &key {
            SecretSource::File(file) => {
                let mut path = file.clone().into_os_string();
                path.push(".");
                path.push(name);
                path.into()
            }
            _ => state_folder().join(format!("audit-{name}")),
        };
        SealSource { key, counter }
    }

    /// Fetches the key.
    ///
    /// # Errors
    /// The key cannot be fetched or is too short: a sentence.
    pub fn open(&self) -> Result<Seal, String> {
        const LEAST: usize = 32;
        let secret =
            self.key.fetch().map_err(|problem| format!("The key of the audit log is missing: {problem}"))?;
        let length = secret.expose().chars().count();
        if length < LEAST {
            return Err(format!(
                "The key of the audit log has {length} characters, but it must have at least {LEAST}; make one with `openssl rand -hex 32`."
            ));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Ok(Seal { key, counter: Counter::new(self.counter.clone()) })
    }
}

/// The folder for this user's persistent state.
fn state_folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"));
    base.unwrap_or_default().join("proxmox-mcp")
}

/// An audit log, opened when the first line is written.
#[derive(Debug)]
pub struct Audit {
    place: Place,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    seal: Option<Seal>,
}

impl Audit {
    /// A log in that place. No file is opened yet.
    #[must_use]
    pub fn new(place: Place) -> Audit {
        Audit { place, open: Mutex::new(None) }
    }

    /// Appends one line: `time` (Unix time in seconds), then `facts`, then `prev`, the hash of the line before it; with
    /// a key also `log`, the id of the log, `seq`, the number of the line, and `seal`.
    ///
    /// # Errors
    /// The file cannot be opened, locked or written, or the system log accepts no messages: a sentence.
    pub fn write(&self, facts: Map<String, Value>) -> Result<(), String> {
        let mut open = lock(&self.open);
        let result = self.append(&mut open, facts);
        if result.is_err() {
            // Opened again next time: by then the disk may have space, or the folder may exist.
            *open = None;
        }
        let text = result.map_err(|problem| {
            format!(
                "The audit log `{}` cannot be written ({problem}). Free disk space or correct the setting `audit_log`; until then nothing is changed.",
                self.place.path.display()
            )
        })?;
        if self.place.syslog.is_empty() { Ok(()) } else { syslog::send(&self.place.syslog, &text) }
    }

    fn append(&self, kept: &mut Option<Open>, facts: Map<String, Value>) -> Result<String, String> {
        let said = |error: io::Error| error.to_string();
        // A file that was moved away (rotated) is left alone: the new file begins its own chain.
        if kept.as_ref().is_none_or(|open| !is_still(&open.file, &self.place.path)) {
            let seal = self.place.seal.as_ref().map(SealSource::open).transpose()?;
            *kept = Some(Open { file: open(&self.place.path).map_err(said)?, seal });
        }
        let Open { file, seal } = kept.as_mut().ok_or("it is not open")?;
        file.lock().map_err(said)?;
        let written = (|| {
            let last = line::last(file).map_err(said)?;
            let mut line = Line::after(last.as_deref());
            if let Some(seal) = seal {
                // The log was cut off or the counter removed: this is recorded permanently in the log.
                if let Some(alarm) = seal.counter.tamper_alarm(&seal.key, &line) {
                    let text = line.text(alarm, now(), Some(&seal.key));
                    line::append(file, &text).map_err(said)?;
                    line = Line::after(Some(text.as_bytes()));
                }
            }
            let text = line.text(facts, now(), seal.as_ref().map(|seal| &seal.key));
            line::append(file, &text).map_err(said)?;
            if let Some(seal) = seal {
                seal.counter.note(&seal.key, &Line::after(Some(text.as_bytes())))?;
            }
            Ok(text)
        })();
        // Closing a file also unlocks it. Wine fails here with error 33 although the lock is released.
        if file.unlock().is_err() {
            *kept = None;
        }
        written
    }
}

/// Opens a log, which must be a regular file and not a link.
fn open(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is a link or not a regular file");
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) {
        return Err(refused());
    }
    let file = options.open(path)?;
    // Make sure that it was not replaced by a link in the meantime.
    if is_still(&file, path) { Ok(file) } else { Err(refused()) }
}

/// Whether a path still refers to that open file, and not through a link.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Other systems have no inode to compare.
#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_file())
}

/// Unix time in seconds, with milliseconds as decimals.
fn now() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    let seconds = now.as_millis() as f64 / 1000.0;
    json!(seconds)
}

#[cfg(test)]
mod tests;
