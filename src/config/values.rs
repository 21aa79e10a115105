//! Checked values by key: from the file and the environment, or else the default in the table. Every problem becomes a
//! sentence; no sentence ever shows a secret. Knows nothing of what the values are for.

use super::{
    check::{Checked, check},
    keys::{self, DefaultValue, KEYS, Key, Kind, is_comment},
    own::UserTool,
    place::{At, Env, Place},
    selection::Selection,
    trust::{FileRisk, danger},
};
use crate::{secret::SecretSource, ssh::Ssh};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where a value comes from. Later ones override earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    File,
    Environment,
}

/// The values found, with the problems and warnings about them.
#[derive(Default)]
pub(super) struct Values {
    found: Vec<(&'static Key, Checked, Origin)>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Values {
    /// Reads the keys of a file. A key that begins with `_` or `//` is a comment.
    pub(super) fn read_file(&mut self, file: &Path, object: &[(String, Value)], env: Env<'_>) {
        let place = Place { at: At::File(file), env };
        for (index, (name, value)) in object.iter().enumerate() {
            if is_comment(name) {
                continue;
            }
            let Some(key) = keys::find(name) else {
                self.problems.push(unknown(&place.subject(name), name, value));
                continue;
            };
            if object[..index].iter().any(|(earlier, _)| earlier == name) {
                self.problems.push(format!("{} is given twice; remove one of them.", place.subject(name)));
            } else {
                self.set(key, value, place, name, Origin::File);
            }
        }
    }

    /// Reads the environment variables in the table, and returns those that were used. One that [`is_blank`] counts as not
    /// set.
    pub(super) fn read_environment(
        &mut self,
        env: Env<'_>,
        counts: impl Fn(&Key) -> bool,
    ) -> Vec<&'static str> {
        let mut used = Vec::new();
        for key in KEYS.iter().filter(|key| !key.env.is_empty() && counts(key)) {
            let set: Vec<(&str, String)> = key
                .env
                .iter()
                .filter_map(|name| Some((*name, env(name)?)))
                .filter(|(_, text)| !is_blank(text))
                .collect();
            let Some((name, text)) = set.first() else { continue };
            if let Some((other, _)) = set.iter().find(|(_, other)| other != text) {
                self.warnings.push(format!(
                    "The environment variables `{name}` and `{other}` are both set and differ; `{name}` is used. Unset one of them."
                ));
            }
            used.push(*name);
            self.set(
                key,
                &from_text(key.kind, text),
                Place { at: At::Variable(name), env },
                key.name,
                Origin::Environment,
            );
        }
        for key in KEYS.iter().filter(|key| !key.ambient.is_empty()) {
            if self.given(key.name).is_some() {
                continue;
            }
            let set = key.ambient.iter().filter_map(|name| Some((*name, env(name)?)));
            let Some((name, text)) = set.into_iter().find(|(_, text)| !is_blank(text)) else {
                continue;
            };
            used.push(name);
            let place = Place { at: At::Variable(name), env };
            self.set(key, &from_text(key.kind, &text), place, key.name, Origin::Environment);
        }
        used
    }

    /// Checks a value and stores it in place of an earlier one. `null` and an empty string count as not given.
    fn set(&mut self, key: &'static Key, value: &Value, place: Place<'_>, path: &str, origin: Origin) {
        if value.is_null() || value.as_str() == Some("") {
            return;
        }
        match check(key.kind, value, place) {
            Ok(checked) => {
                self.found.retain(|(earlier, ..)| earlier.name != key.name);
                self.found.push((key, checked, origin));
            }
            Err(wrong) => self.problems.push(format!(
                "{}{}",
                place.subject(&format!("{path}{}", wrong.below)),
                wrong.text
            )),
        }
    }

    fn get(&self, key: &str) -> Option<&Checked> {
        debug_assert!(keys::find(key).is_some(), "there is no key `{key}`");
        self.found.iter().find(|(found, ..)| found.name == key).map(|(_, value, _)| value)
    }

    /// Where the key was set: in the file or in the environment; `None` if it was not.
    pub(super) fn given(&self, key: &str) -> Option<Origin> {
        debug_assert!(keys::find(key).is_some(), "there is no key `{key}`");
        self.found.iter().find(|(found, ..)| found.name == key).map(|(.., origin)| *origin)
    }

    /// A key whose row has a default.
    pub(super) fn bool(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Checked::Bool(flag)) => *flag,
            _ => matches!(fallback(key), Some(DefaultValue::Flag(true))),
        }
    }

    /// A key whose row has a default.
    pub(super) fn integer(&self, key: &str) -> u64 {
        match self.get(key) {
            Some(Checked::Integer(number)) => *number,
            _ => match fallback(key) {
                Some(DefaultValue::Number(number)) => number,
                _ => unreachable!("`{key}` has a numeric default, which every start uses"),
            },
        }
    }

    /// A key whose row has a default.
    pub(super) fn word(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Checked::Text(text)) => text,
            _ => match fallback(key) {
                Some(DefaultValue::Word(word)) => word,
                _ => "",
            },
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Checked::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A key whose row has a default.
    pub(super) fn names(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Checked::List(list)) => list.clone(),
            _ => match fallback(key) {
                Some(DefaultValue::Names(names)) => names.iter().map(|name| (*name).to_owned()).collect(),
                _ => Vec::new(),
            },
        }
    }

    pub(super) fn list(&self, key: &str) -> &[String] {
        match self.get(key) {
            Some(Checked::List(list)) => list,
            _ => &[],
        }
    }

    pub(super) fn selection(&self, key: &str) -> Selection {
        match self.get(key) {
            Some(Checked::Selection(selection)) => (**selection).clone(),
            _ => Selection::default(),
        }
    }

    pub(super) fn ssh(&self) -> Option<Ssh> {
        match self.get("ssh") {
            Some(Checked::Ssh(ssh)) => Some((**ssh).clone()),
            _ => None,
        }
    }

    pub(super) fn path_of(&self, key: &str) -> Option<&Path> {
        match self.get(key) {
            Some(Checked::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub(super) fn paths(&self, key: &str) -> Vec<PathBuf> {
        match self.get(key) {
            Some(Checked::Paths(paths)) => paths.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn secret_of(&self, key: &str) -> Option<&SecretSource> {
        match self.get(key) {
            Some(Checked::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    pub(super) fn tools(&self) -> &[UserTool] {
        match self.get("tools") {
            Some(Checked::Tools(tools)) => tools,
            _ => &[],
        }
    }

    /// Checks who else can access the files that contain secrets, if they exist.
    pub(super) fn check_secret_files(&mut self) {
        let files = self.found.iter().filter_map(|(_, value, _)| match value {
            Checked::Secret(SecretSource::File(path)) => Some(path),
            _ => None,
        });
        let dangers = files.filter_map(|path| danger(path, &path.metadata().ok()?, true));
        let dangers: Vec<FileRisk> = dangers.collect();
        for danger in dangers {
            match danger {
                FileRisk::Refuse(problem) => self.problems.push(problem),
                FileRisk::Warn(warning) => self.warnings.push(warning),
            }
        }
    }

    /// Whether the file contains a secret itself, and not only where to find one.
    pub(super) fn file_holds_secret(&self) -> bool {
        // A proxy's address is a secret only when it contains a password.
        let literal = |key: &Key, value: &Checked| match value {
            Checked::Secret(SecretSource::Value(secret)) => {
                key.name != "proxy" || secret.expose().contains('@')
            }
            _ => false,
        };
        self.found.iter().any(|(key, value, origin)| *origin == Origin::File && literal(key, value))
    }
}

/// Whether a client passes on a field of its settings form that was left blank: as empty text, or, of a bundle (MCPB), as the
/// placeholder itself (`findings/mcpb-empty-setting.sh`).
fn is_blank(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with("${user_config.") && text.ends_with('}')
}

fn fallback(key: &str) -> Option<DefaultValue> {
    keys::find(key)?.default
}

/// A variable's text as the JSON value that the key would have in a file. Text that does not fit stays a string, which
/// the check then reports.
fn from_text(kind: Kind, text: &str) -> Value {
    let word = text.trim();
    match kind {
        Kind::Bool => match word.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => true.into(),
            "false" | "no" | "off" | "0" => false.into(),
            _ => word.into(),
        },
        Kind::Integer(..) => word.parse::<u64>().map_or_else(|_| word.into(), Value::from),
        Kind::Hosts | Kind::Names(_) | Kind::Direct | Kind::WordList(_) | Kind::Paths => {
            word.split(',').map(str::trim).collect::<Vec<_>>().into()
        }
        // Not trimmed: a password may begin or end with a blank.
        Kind::Secret => text.into(),
        _ => word.into(),
    }
}

/// The sentence for an unknown key. Its value is not shown: the key may be misspelt and the value a secret.
fn unknown(subject: &str, name: &str, value: &Value) -> String {
    let known = |inner: &String| keys::find(inner).is_some() || !keys::hint(inner).is_empty();
    let hint = match value {
        Value::Object(inner) if inner.keys().any(known) => {
            " Its keys belong at the top level of the file.".into()
        }
        _ => keys::hint(name),
    };
    format!("{subject} is not a known key.{hint}")
}
