//! Tasks: work that Proxmox continues after it has accepted a request (pve.md section 5).
//!
//! API paths `/nodes/{node}/tasks/{upid}/status` and `…/log`.

use super::{
    Params, Pve,
    error::{Error, Result},
    path,
};
use crate::cancel::Cancel;
use serde::{Deserialize, Deserializer};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// The first pause between two polls of a task; each one after it is 1.5 times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long polls may keep failing with temporary errors, such as a restart of the API, before the wait ends.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many lines of a log are requested at once.
const LOG_CHUNK: u64 = 500;

/// A parsed task id (UPID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upid {
    /// The node that runs it.
    pub node: String,
    /// Its type: `qmstart`, `vzdump`, …
    pub kind: String,
    /// What it works on, often a VMID; may be empty.
    pub id: String,
    /// `user@realm`, or `user@realm!token`.
    pub user: String,
    /// When it started, in seconds since 1970.
    pub starttime: u64,
    text: String,
}

impl Upid {
    /// Parses `UPID:node:pid:pstart:starttime:type:id:user:`.
    ///
    /// # Errors
    /// The text is not a UPID.
    pub fn parse(text: &str) -> std::result::Result<Upid, String> {
        read_upid(text).ok_or_else(|| {
            let shown: String = text.chars().take(120).collect();
            format!(
                "`{}` is not a task id; one looks like `UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:`, with the colon at its end.",
                shown.escape_debug()
            )
        })
    }

    fn path(&self, template: &str) -> Result<String> {
        let filled = path::fill(template, |hole| match hole {
            "node" => Some(self.node.clone()),
            _ => Some(self.text.clone()),
        });
        filled.map_err(|problem| Error::Setup { problem })
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read_upid(text: &str) -> Option<Upid> {
    let parts: Vec<&str> = text.split(':').collect();
    let &["UPID", node, pid, pstart, start, kind, id, user, ""] = &parts[..] else { return None };
    let hex = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let plain = |text: &str| text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '/');
    let is_name = !node.is_empty()
        && node.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !node.starts_with('-');
    let numbers = hex(pid, 8..=8) && hex(pstart, 8..=9) && hex(start, 8..=8);
    if !is_name || !numbers || kind.is_empty() || user.is_empty() || ![kind, id, user].into_iter().all(plain)
    {
        return None;
    }
    Some(Upid {
        node: node.into(),
        kind: kind.into(),
        id: id.into(),
        user: user.into(),
        starttime: u64::from_str_radix(start, 16).ok()?,
        text: text.into(),
    })
}

/// What is reported after each poll of a running task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Poll {
    /// The progress in percent, 0 to 100, if the log shows it.
    pub percent: Option<f64>,
    /// The last line of the log, if the log is read.
    pub last_line: Option<String>,
}

/// How to wait.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// When to stop waiting.
    pub until: Instant,
    /// Whether to read the log too, to fill in [`Poll`].
    pub log: bool,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The task is still running.
    Running,
    /// The task has ended.
    Stopped {
        /// `OK`, `WARNINGS: n`, or what went wrong.
        exitstatus: String,
        /// Whether it succeeded, with or without warnings.
        ok: bool,
        /// How many warnings, if any.
        warnings: Option<u32>,
        /// How long it ran, in seconds, as measured here.
        duration: f64,
    },
}

#[derive(Deserialize)]
struct Status {
    status: String,
    exitstatus: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(deserialize_with = "whole")]
    n: u64,
    #[serde(default)]
    t: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    upid: String,
    #[serde(default, deserialize_with = "maybe_whole")]
    endtime: Option<u64>,
}

/// A number, which Perl sends as a string once it has been used as one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(u64),
    Text(String),
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u64, D::Error> {
    maybe_whole(deserializer).map(Option::unwrap_or_default)
}

fn maybe_whole<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    Ok(match Option::<Whole>::deserialize(deserializer)? {
        Some(Whole::Number(number)) => Some(number),
        Some(Whole::Text(text)) => text.trim().parse().ok(),
        None => None,
    })
}

/// Waits until the task has ended, until `watch.until`, or until the call is hurried; polls at least once. Calls `told`
/// after each poll that found the task running.
///
/// # Errors
/// The call is cancelled, or the task's status cannot be read: at once if Proxmox refuses, after 30 s of temporary
/// errors.
pub fn wait(
    pve: &Pve,
    cancel: &Cancel,
    upid: &Upid,
    watch: Watch,
    told: &mut dyn FnMut(&Poll),
) -> Result<Outcome> {
    let path = upid.path("/nodes/{node}/tasks/{upid}/status")?;
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    let (mut age, mut last_success) = (None, Instant::now());
    let mut log = Log::default();
    loop {
        let looked = pve.get(cancel, &path, &Params::new()).and_then(|reply| {
            let since_start = reply.date.map_or(0, |date| date.saturating_sub(upid.starttime));
            Ok((reply.parse::<Status>()?, since_start))
        });
        let failure = match looked {
            Ok((Status { status, exitstatus }, since_start)) if status == "stopped" => {
                let duration = match age {
                    Some(age) => age + started.elapsed().as_secs_f64(),
                    None => ended_before(pve, cancel, upid, since_start),
                };
                return Ok(stopped(exitstatus.unwrap_or_else(|| "unexpected status".into()), duration));
            }
            Ok((_, since_start)) => {
                // The server's clock has whole seconds: a task this young most likely started just before this wait.
                age.get_or_insert(if since_start < 2 { 0.0 } else { since_start as f64 });
                last_success = Instant::now();
                if watch.log {
                    log.read_on(pve, cancel, upid);
                }
                told(&log.poll);
                None
            }
            Err(error) if error.retryable() && last_success.elapsed() < PATIENCE => Some(error),
            Err(error) => return Err(error),
        };
        let left = watch.until.saturating_duration_since(Instant::now());
        if left.is_zero() || cancel.sleep(pause.min(left)) {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled { may_have_been_carried_out: false });
            }
            return failure.map_or(Ok(Outcome::Running), Err);
        }
        pause = LONGEST_PAUSE.min(pause * 3 / 2);
    }
}

fn stopped(exitstatus: String, duration: f64) -> Outcome {
    let warnings = exitstatus.strip_prefix("WARNINGS: ").and_then(|count| count.trim().parse().ok());
    let ok = exitstatus == "OK" || exitstatus.starts_with("WARNINGS:");
    Outcome::Stopped { exitstatus, ok, warnings, duration }
}

/// How long a task ran that had ended before the first poll. Its status does not contain this; the node's list does.
fn ended_before(pve: &Pve, cancel: &Cancel, upid: &Upid, since_start: u64) -> f64 {
    if since_start < 2 {
        return since_start as f64;
    }
    let params = Params::new().with("since", upid.starttime).with("until", upid.starttime).with("limit", 500);
    let listed = upid
        .path("/nodes/{node}/tasks")
        .and_then(|path| pve.get(cancel, &path, &params))
        .and_then(|reply| reply.parse::<Vec<Listed>>());
    let entry = listed.ok().and_then(|tasks| tasks.into_iter().find(|task| task.upid == upid.text));
    let end = entry.and_then(|task| task.endtime).unwrap_or(upid.starttime);
    end.saturating_sub(upid.starttime) as f64
}

/// How far a log has been read.
#[derive(Default)]
struct Log {
    seen: u64,
    poll: Poll,
}

impl Log {
    /// Reads the new lines. If the log cannot be read, the wait continues without it.
    fn read_on(&mut self, pve: &Pve, cancel: &Cancel, upid: &Upid) {
        while let Ok(lines) = lines(pve, cancel, upid, self.seen, LOG_CHUNK) {
            let (lines, _) = lines;
            let whole = lines.len() as u64 == LOG_CHUNK;
            for line in lines {
                self.seen = self.seen.max(line.n);
                let text = line.t.unwrap_or_default();
                if let Some(percent) = percent(&text) {
                    self.poll.percent = Some(percent);
                }
                if !text.trim().is_empty() {
                    self.poll.last_line = Some(text);
                }
            }
            if !whole {
                return;
            }
        }
    }
}

/// The last `count` lines of a task's log.
///
/// # Errors
/// See [`Error`].
pub fn log_tail(pve: &Pve, cancel: &Cancel, upid: &Upid, count: usize) -> Result<Vec<String>> {
    let count = count as u64;
    let (mut read, total) = lines(pve, cancel, upid, 0, count)?;
    if count < total {
        (read, _) = lines(pve, cancel, upid, total - count, count)?;
    }
    Ok(read.into_iter().map(|line| line.t.unwrap_or_default()).collect())
}

/// Up to `limit` lines after the first `start`, and the total number of lines.
fn lines(pve: &Pve, cancel: &Cancel, upid: &Upid, start: u64, limit: u64) -> Result<(Vec<Line>, u64)> {
    let path = upid.path("/nodes/{node}/tasks/{upid}/log")?;
    let params = Params::new().with("start", start).with("limit", limit);
    let reply = pve.get(cancel, &path, &params)?;
    let mut lines: Vec<Line> = reply.parse()?;
    // The response for an empty log.
    lines.retain(|line| !(line.n == 1 && line.t.as_deref() == Some("no content")));
    let total = reply.total.unwrap_or(start + lines.len() as u64);
    Ok((lines, total))
}

/// The progress according to a line of a log: the last number followed by `%`.
fn percent(line: &str) -> Option<f64> {
    // The sparse share of a backup is not its progress.
    if line.contains("sparse") {
        return None;
    }
    let (before, _) = line.rsplit_once('%')?;
    let digits = before.bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let number: f64 = before[before.len() - digits..].parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_ids_are_read_and_given_back() {
        for (text, node, kind, id, user) in [
            (
                "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
                "pve1",
                "qmstart",
                "100",
                "root@pam",
            ),
            (
                "UPID:a-b:000002AE:1000ADB4F:6B00EC8C:aptupdate::ops@pve!ai:",
                "a-b",
                "aptupdate",
                "",
                "ops@pve!ai",
            ),
        ] {
            let upid = Upid::parse(text).unwrap();
            assert_eq!((&*upid.node, &*upid.kind, &*upid.id, &*upid.user), (node, kind, id, user));
            assert_eq!((upid.starttime, upid.to_string()), (0x6B00_EC8C, text.to_owned()));
        }
        for text in [
            "",
            "UPID",
            "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam",
            "UPID:pve1:2AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
            "UPID:pve1:000002AE:000ADB4F:6B00EC8C::100:root@pam:",
            "UPID:../x:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
            "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:1/0:root@pam:",
            "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:\n",
            "UPID:pve1:000002\u{e9}:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
        ] {
            assert!(Upid::parse(text).unwrap_err().ends_with("at its end."), "{text}");
        }
    }

    #[test]
    fn percentages_are_read_from_real_log_lines() {
        for (line, expected) in [
            ("transferred 0.0 B of 1.1 GiB (0.00%)", Some(0.0)),
            ("transferred 1.0 GiB of 4.0 GiB (25.00%)", Some(25.0)),
            ("INFO: 100% (1.1 GiB of 1.1 GiB) in 1s, read: 1.1 GiB/s, write: 0 B/s", Some(100.0)),
            ("INFO:  12% (…", Some(12.0)),
            ("progress 1% (read 12124160 bytes, duration 0 sec)", Some(1.0)),
            ("25%", Some(25.0)),
            ("INFO: backup is sparse: 1.12 GiB (100%) total zero data", None),
            ("250%", None),
            ("%", None),
            ("é%", None),
            ("1.2.3%", None),
            ("TASK OK", None),
        ] {
            assert_eq!(percent(line), expected, "{line}");
        }
    }

    #[test]
    fn warnings_are_a_success() {
        let Outcome::Stopped { ok, warnings, .. } = stopped("WARNINGS: 3".into(), 0.0) else { panic!() };
        assert_eq!((ok, warnings), (true, Some(3)));
        let Outcome::Stopped { ok, warnings, .. } = stopped("job errors".into(), 0.0) else { panic!() };
        assert_eq!((ok, warnings), (false, None));
    }
}
