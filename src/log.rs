//! Logs to stderr: one line per event, beginning with its level.

use crate::visible;
use std::{
    fmt,
    io::Write,
    sync::atomic::{AtomicU8, Ordering},
};

/// How much is logged. The default is `Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed that the user should fix.
    Error,
    /// Something works, but not as it should.
    Warn,
    /// What an operator wants to know in normal operation.
    Info,
    /// Each request and each decision.
    Debug,
}

/// The words of `--log` and `PROXMOX_MCP_LOG`, in the order of [`Level`].
pub const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// The level of that name, in any case.
#[must_use]
pub fn level(word: &str) -> Option<Level> {
    let index = LEVELS.iter().position(|name| name.eq_ignore_ascii_case(word))?;
    [Level::Error, Level::Warn, Level::Info, Level::Debug].get(index).copied()
}

/// Sets the level for the whole process.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Writes one line if `level` is enabled. Line breaks become spaces, so that one event stays one line, and invisible
/// characters are escaped. Errors are ignored: a closed stderr must not stop the server.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    if LEVEL.load(Ordering::Relaxed) < level as u8 {
        return;
    }
    let word = LEVELS[level as usize].to_uppercase();
    let line = format!("{word} {message}").replace(['\n', '\r'], " ");
    let _ = writeln!(std::io::stderr().lock(), "{}", visible::text(&line));
}

/// Logs at [`Level::Error`].
pub fn error(message: fmt::Arguments<'_>) {
    write(Level::Error, message);
}

/// Logs at [`Level::Warn`].
pub fn warn(message: fmt::Arguments<'_>) {
    write(Level::Warn, message);
}

/// Logs at [`Level::Info`].
pub fn info(message: fmt::Arguments<'_>) {
    write(Level::Info, message);
}

/// Logs at [`Level::Debug`].
pub fn debug(message: fmt::Arguments<'_>) {
    write(Level::Debug, message);
}
