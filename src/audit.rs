//! The audit log: a line of JSON before each change is sent and one after its call, each carrying the hash of the
//! line before, so that a changed or missing line is found. Knows neither MCP nor Proxmox.
//!
//! Lines are appended under a lock on the file: several servers may share one. What cannot be written down is not
//! done.

use crate::sync::lock;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// What the first line carries as the hash of the line before it.
const BEGINNING: &str = "";
/// The longest line that is read back, in bytes; ours are far shorter.
const MAX_LINE: u64 = 1 << 20;

/// An audit log, opened at the first change.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl Audit {
    /// A log in that file; touches nothing yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Audit {
        Audit { path, file: Mutex::new(None) }
    }

    /// Appends one line: `time` (Unix time in seconds), then `facts`, then `prev`, the hash of the line before.
    ///
    /// # Errors
    /// A finished sentence: the file cannot be opened, locked or written.
    pub fn write(&self, facts: Map<String, Value>) -> Result<(), String> {
        let mut file = lock(&self.file);
        let result = self.append(&mut file, facts);
        if result.is_err() {
            // Opened anew next time: the disk may have room or the folder be there by then.
            *file = None;
        }
        result.map_err(|error| {
            format!(
                "The audit log `{}` cannot be written ({error}). Make room or correct the setting `audit_log`; without it nothing is changed.",
                self.path.display()
            )
        })
    }

    fn append(&self, kept: &mut Option<File>, facts: Map<String, Value>) -> io::Result<()> {
        // A file that was moved away (rotated) is left alone: its successor begins a chain of its own.
        if kept.as_ref().is_none_or(|file| !is_still(file, &self.path)) {
            *kept = Some(open(&self.path)?);
        }
        let file = kept.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.lock()?;
        let written = (|| {
            let prev = last_line(file)?.map_or_else(|| BEGINNING.to_owned(), |line| hash(&line));
            let mut line = Map::from_iter([("time".to_owned(), now())]);
            line.extend(facts);
            line.insert("prev".into(), prev.into());
            let text = Value::Object(line).to_string() + "\n";
            file.write_all(text.as_bytes())?;
            file.sync_data()
        })();
        if file.unlock().is_err() {
            // Closed, it is unlocked too.
            *kept = None;
        }
        written
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Where files have no mode, the folder decides who may read it.
#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.metadata()) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere no file tells which one it is; it is opened anew for each line.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    false
}

/// The last line of the file without its break; `None` in an empty file. A line that was cut off half written
/// counts as a line, so that the chain shows it.
fn last_line(file: &mut File) -> io::Result<Option<Vec<u8>>> {
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
        // Ours begins on a line of its own all the same.
        file.write_all(b"\n")?;
    }
    let body = whole.unwrap_or(&tail);
    let begin = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    Ok(Some(body[begin..].to_vec()))
}

fn hash(line: &[u8]) -> String {
    digest(&SHA256, line).as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Unix time in seconds, milliseconds after the point.
fn now() -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    let seconds = now.as_millis() as f64 / 1000.0;
    json!(seconds)
}

/// What a check of a log found.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many lines there are.
    pub lines: usize,
    /// Calls that have a line before and none after: cut off, or still running.
    pub open: Vec<String>,
    /// The hash that the next line will carry; noting it elsewhere makes the last lines verifiable too.
    pub head: String,
}

/// Checks that each line carries the hash of the one before.
///
/// # Errors
/// A finished sentence with the number of the first line that is changed, missing or no JSON; the file cannot be
/// read.
pub fn verify(path: &Path) -> Result<Verdict, String> {
    let shown = path.display();
    let file =
        File::open(path).map_err(|error| format!("The audit log `{shown}` cannot be read ({error})."))?;
    let mut verdict = Verdict { lines: 0, open: Vec::new(), head: BEGINNING.to_owned() };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| format!("The audit log `{shown}` cannot be read ({error})."))? == 0 {
            return Ok(verdict);
        }
        verdict.lines += 1;
        let number = verdict.lines;
        let body = line.strip_suffix(b"\n").unwrap_or(&line);
        let Ok(Value::Object(facts)) = serde_json::from_slice(body) else {
            return Err(format!("Line {number} of `{shown}` is no JSON object: it was changed or cut off."));
        };
        let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("prev") != verdict.head {
            let which = match number {
                1 => "The first line does not begin the log: lines before it are missing".to_owned(),
                _ => format!(
                    "Line {} was changed, or lines between it and line {number} are missing",
                    number - 1
                ),
            };
            return Err(format!("{which} (the hash in line {number} of `{shown}` does not fit)."));
        }
        let call = text("call").to_owned();
        match text("phase") {
            "before" if !verdict.open.contains(&call) => verdict.open.push(call),
            "after" => verdict.open.retain(|open| *open != call),
            _ => {}
        }
        verdict.head = hash(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn facts(call: &str, phase: &str) -> Map<String, Value> {
        Map::from_iter([("call".to_owned(), json!(call)), ("phase".to_owned(), json!(phase))])
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("proxmox-mcp-audit-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn every_change_to_a_line_is_found() {
        let folder = folder("chain");
        let path = folder.join("audit.jsonl");
        for call in ["a", "b", "c"] {
            // A new process goes on where the last one ended.
            let audit = Audit::new(path.clone());
            audit.write(facts(call, "before")).unwrap();
            if call != "c" {
                audit.write(facts(call, "after")).unwrap();
            }
        }
        let verdict = verify(&path).unwrap();
        assert_eq!((verdict.lines, verdict.open), (5, vec!["c".to_owned()]));
        let whole = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let altered = folder.join("altered.jsonl");
        for gone in 0..4 {
            let rest: Vec<&str> =
                lines.iter().enumerate().filter(|(index, _)| *index != gone).map(|(_, line)| *line).collect();
            fs::write(&altered, rest.join("\n") + "\n").unwrap();
            assert!(verify(&altered).is_err(), "line {gone} missing");
            let changed = lines.iter().enumerate().map(|(index, line)| {
                if index == gone { line.replace("call", "cell") } else { (*line).to_owned() }
            });
            fs::write(&altered, changed.collect::<Vec<_>>().join("\n") + "\n").unwrap();
            assert!(verify(&altered).is_err(), "line {gone} changed");
        }
        fs::write(&altered, &whole[..whole.len() - 9]).unwrap();
        assert!(verify(&altered).unwrap_err().contains("Line 5"), "cut off");
        Audit::new(altered.clone()).write(facts("d", "before")).unwrap();
        assert!(verify(&altered).unwrap_err().contains("Line 5"), "still shown after more was written");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn many_writers_make_one_chain() {
        let folder = folder("writers");
        let path = folder.join("audit.jsonl");
        std::thread::scope(|scope| {
            for call in ["a", "b", "c", "d"] {
                let audit = Audit::new(path.clone());
                scope.spawn(move || (0..10).for_each(|_| audit.write(facts(call, "before")).unwrap()));
            }
        });
        assert_eq!(verify(&path).unwrap().lines, 40);
        fs::rename(&path, folder.join("old.jsonl")).unwrap();
        Audit::new(path.clone()).write(facts("e", "before")).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 1, "a rotated log is followed by one of its own");
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone_and_a_wrong_place_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("mode");
        let path = folder.join("audit.jsonl");
        Audit::new(path.clone()).write(facts("a", "before")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = Audit::new(folder.join("none/audit.jsonl")).write(facts("a", "before")).unwrap_err();
        assert!(error.contains("cannot be written") && error.contains("nothing is changed"), "{error}");
        let full = Audit::new("/dev/full".into()).write(facts("a", "before"));
        assert!(full.is_err(), "a full disk");
        fs::remove_dir_all(folder).unwrap();
    }
}
