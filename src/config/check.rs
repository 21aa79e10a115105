//! Checks one value against its row in the table of keys. Knows nothing of files or of the purpose of a value; no
//! message ever shows a secret.

use super::{
    host,
    keys::Kind,
    own::{self, UserTool},
    place::{Place, Wrong, path, type_of},
    selection::{EXPECTED, Selection},
    ssh,
};
use crate::{
    secret::{Secret, SecretSource},
    ssh::Ssh,
    suggest::did_you_mean,
};
use serde_json::Value;
use std::path::PathBuf;

/// One value of the type that its row requires. Large and rare ones are boxed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Checked {
    Bool(bool),
    Integer(u64),
    Text(String),
    List(Vec<String>),
    Selection(Box<Selection>),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    Secret(SecretSource),
    Tools(Vec<UserTool>),
    Ssh(Box<Ssh>),
}

/// Checks that `value` has the type that its row requires.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with "In `file`, `key`".
pub(super) fn check(kind: Kind, value: &Value, place: Place<'_>) -> Result<Checked, Wrong> {
    let mismatch = || Wrong::new(format!(" is {}, but must be {}.", seen(value), kind.describe()));
    let said = |text: &str, problem: String| Wrong::new(format!(" is {}, {problem}.", quoted(text)));
    Ok(match (kind, value) {
        (Kind::Bool, Value::Bool(flag)) => Checked::Bool(*flag),
        (Kind::Integer(min, max, _), Value::Number(number)) => match number.as_u64() {
            Some(number) if min <= number && number <= max => Checked::Integer(number),
            _ => return Err(mismatch()),
        },
        (Kind::Text, Value::String(text))
            if !text.contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Checked::Text(text.clone())
        }
        (Kind::Word(words), Value::String(text)) => {
            match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                Some(word) => Checked::Text((*word).to_string()),
                None => {
                    let hint = did_you_mean(text, words.iter().copied());
                    return Err(Wrong { text: mismatch().text + &hint, ..mismatch() });
                }
            }
        }
        (Kind::Host, Value::String(text)) => {
            host::parse(text, 8006)
                .map_err(|problem| Wrong::new(format!(" is {}, {problem}.", host_shown(text))))?;
            Checked::Text(text.clone())
        }
        (Kind::TokenId, Value::String(text)) => {
            token_id(text).map_err(|problem| said(text.split('=').next().unwrap_or(""), problem))?;
            Checked::Text(text.clone())
        }
        (Kind::Fingerprint, Value::String(text)) => {
            host::fingerprint(text).map_err(|problem| said(text, problem))?;
            Checked::Text(text.clone())
        }
        (
            Kind::Hosts | Kind::Names(_) | Kind::Patterns | Kind::Direct | Kind::WordList(_),
            Value::Array(items),
        ) => {
            let mut list = Vec::new();
            for (index, item) in items.iter().enumerate() {
                list.push(list_item(kind, item).map_err(|text| Wrong { below: format!(".{index}"), text })?);
            }
            Checked::List(list)
        }
        (Kind::Selection, Value::Array(entries)) => {
            let mut selection = Selection::default();
            if let Some(index) = entries.iter().position(|entry| !selection.add(entry)) {
                let text = format!(" is {}, but must be one of {EXPECTED}.", entries[index]);
                return Err(Wrong { below: format!(".{index}"), text });
            }
            Checked::Selection(Box::new(selection))
        }
        (Kind::Path, Value::String(text)) => {
            Checked::Path(path(text, place).map_err(|problem| said(text, problem))?)
        }
        (Kind::Paths, Value::Array(items)) => {
            let mut paths = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let below = |text: String| Wrong { below: format!(".{index}"), text };
                let text = item
                    .as_str()
                    .ok_or_else(|| below(format!(" is {}, but must be a string.", seen(item))))?;
                paths.push(
                    path(text, place)
                        .map_err(|problem| below(format!(" is {}, {problem}.", quoted(text))))?,
                );
            }
            Checked::Paths(paths)
        }
        (Kind::Secret, _) => Checked::Secret(secret(value, place)?),
        (Kind::Tools, _) => Checked::Tools(own::read(value)?),
        // `clusters` is split before any key is checked; one inside a cluster is an error.
        (Kind::Clusters, _) => return Err(mismatch()),
        (Kind::Ssh, _) => Checked::Ssh(Box::new(ssh::read(value, place)?)),
        _ => return Err(mismatch()),
    })
}

/// A secret, given in one of four ways. Neither the value nor a command's arguments are ever shown.
fn secret(value: &Value, place: Place<'_>) -> Result<SecretSource, Wrong> {
    let mismatch = || Wrong::new(format!(" is {}, but must be {}.", type_of(value), Kind::Secret.describe()));
    let object = match value {
        Value::String(text) => return Ok(SecretSource::Value(Secret::new(text.as_str()))),
        Value::Object(object) => object,
        _ => return Err(mismatch()),
    };
    let Some((name, inner)) = object.iter().next().filter(|_| object.len() == 1) else {
        return Err(Wrong::new(format!(
            " has {} keys, but must be {}.",
            object.len(),
            Kind::Secret.describe()
        )));
    };
    let below = |text: String| Wrong { below: format!(".{name}"), text };
    match (name.as_str(), inner) {
        ("file", Value::String(text)) if !text.is_empty() => {
            let path =
                path(text, place).map_err(|problem| below(format!(" is {}, {problem}.", quoted(text))))?;
            Ok(SecretSource::File(path))
        }
        ("env", Value::String(text)) if !text.is_empty() => Ok(SecretSource::Env(text.clone())),
        ("command", Value::Array(words)) if !words.is_empty() => {
            let words: Option<Vec<String>> =
                words.iter().map(|word| word.as_str().map(String::from)).collect();
            words
                .map(SecretSource::Command)
                .ok_or_else(|| below(" must contain strings only: a program and its arguments.".into()))
        }
        ("file" | "env", other) => {
            Err(below(format!(" is {}, but must be a string that is not empty.", type_of(other))))
        }
        ("command", other) => Err(below(format!(
            " is {}, but must be a list of a program and its arguments (no shell is used).",
            type_of(other)
        ))),
        (wrong, _) => {
            let hint = did_you_mean(wrong, ["file", "env", "command"]);
            Err(below(format!(" is not known; a secret is {}.{hint}", Kind::Secret.describe())))
        }
    }
}

/// An element of a list of hosts or names.
fn list_item(kind: Kind, item: &Value) -> Result<String, String> {
    let Value::String(text) = item else {
        return Err(format!(" is {}, but must be a string.", seen(item)));
    };
    if kind == Kind::Hosts {
        host::parse(text, 8006).map_err(|problem| format!(" is {}, {problem}.", host_shown(text)))?;
        return Ok(text.clone());
    }
    if let Kind::WordList(words) = kind {
        return match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
            Some(word) => Ok((*word).to_string()),
            None => {
                let hint = did_you_mean(text, words.iter().copied());
                Err(format!(" is {}, but must be one of {}.{hint}", quoted(text), words.join(", ")))
            }
        };
    }
    if matches!(kind, Kind::Patterns | Kind::Direct) {
        return Ok(text.clone());
    }
    let pattern = kind == Kind::Names(true);
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || (pattern && c == '*');
    if text.is_empty() || !text.chars().all(fits) {
        let star = if pattern { ", `_` and `*`" } else { " and `_`" };
        return Err(format!(" is {}, but a name has only letters, digits{star}.", quoted(text)));
    }
    Ok(text.clone())
}

/// Checks a token's id: complete (`user@realm!name`) or only the name.
fn token_id(text: &str) -> Result<(), String> {
    if text.contains('=') {
        return Err("but the part after `=` is the secret; put it under `token_secret`".into());
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ':' || c == '/') {
        return Err("but a token id must not have blanks, colons or slashes".into());
    }
    match text.split_once('!') {
        Some((_, "")) | Some(("", _)) => Err("but must be `user@realm!name`".into()),
        Some((user, name)) if !user.contains('@') => {
            Err(format!("but the user needs its realm: `{user}@pam!{name}`, for example"))
        }
        Some((_, name)) if name.contains('!') => Err("but has two `!`; write `user@realm!name`".into()),
        None if text.contains('@') => Err(format!("but lacks the token's name: `{text}!name`")),
        _ => Ok(()),
    }
}

/// The value in the form in which an error message shows it.
fn seen(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) => quoted(text),
        other => type_of(other).into(),
    }
}

/// A string in quotes, shortened if it is long. Anything that looks like a token's secret (a UUID) is masked, because
/// users may put a value under the wrong key.
fn quoted(text: &str) -> String {
    let mut shown = String::from("`\"");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if 60 < shown.len() {
            shown.push('…');
            break;
        }
        if rest.get(..36).is_some_and(is_uuid) {
            shown.push_str("***");
            rest = &rest[36..];
            continue;
        }
        shown.extend(c.escape_debug());
        rest = &rest[c.len_utf8()..];
    }
    shown + "\"`"
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// A host as it was written, with `user:password` masked.
fn host_shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => quoted(&format!("***@{host}")),
        None => quoted(text),
    }
}
