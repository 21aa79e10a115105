//! Where a value comes from, how paths in it are resolved, and what is wrong with it. Knows nothing of its type.

use crate::folders;
use serde_json::Value;
use std::{
    env::consts::OS,
    path::{Path, PathBuf},
};

pub(super) use crate::folders::Env;

/// Where a value comes from, and what its paths are relative to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) at: At<'a>,
    /// The environment, to resolve `~`.
    pub(super) env: Env<'a>,
}

/// A file or a variable.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    /// A configuration file; relative paths are relative to its folder.
    File(&'a Path),
    /// An environment variable. Its paths must be absolute: the working directory is whatever project is open.
    Variable(&'a str),
}

impl Place<'_> {
    /// The subject of a sentence about the key at that dotted path.
    pub(super) fn subject(&self, path: &str) -> String {
        match self.at {
            At::File(file) => format!("In `{}`, `{}`", file.display(), path.escape_debug()),
            At::Variable(name) => format!("The environment variable `{name}`"),
        }
    }
}

/// What is wrong with a value.
pub(super) struct Wrong {
    /// The part of the value that is wrong, as a dotted path with a leading dot; empty for the whole value.
    pub(super) below: String,
    /// The rest of the sentence, after its subject.
    pub(super) text: String,
}

impl Wrong {
    /// The value as a whole is wrong.
    pub(super) fn new(text: String) -> Wrong {
        Wrong { below: String::new(), text }
    }

    /// A part of the value is wrong.
    pub(super) fn at(below: impl Into<String>, text: String) -> Wrong {
        Wrong { below: below.into(), text }
    }
}

/// Resolves a path: absolute, below the home folder (`~/…`), or relative to the configuration file.
///
/// # Errors
/// It cannot be resolved: the end of a sentence.
pub(super) fn path(text: &str, place: Place<'_>) -> Result<PathBuf, String> {
    let below_home = |text: &str| text.starts_with("~/") || (cfg!(windows) && text.starts_with(r"~\"));
    if below_home(text) {
        let home = folders::home(OS, place.env).ok_or_else(|| {
            format!("but `{}` is not set; write the whole path", folders::home_variable(OS))
        })?;
        return Ok(home.join(&text[2..]));
    }
    match place.at {
        At::File(file) => Ok(file.parent().unwrap_or(Path::new("")).join(text)),
        At::Variable(_) if Path::new(text).is_absolute() => Ok(text.into()),
        At::Variable(_) => Err("but must be an absolute path: a client may start the server anywhere".into()),
    }
}

/// The type of a value, for a message that must not show the value.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
