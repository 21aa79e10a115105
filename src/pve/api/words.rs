//! Error messages about the parameters of a request, with the nearest valid name or value. Never shows a secret value.

use super::{Kind, Param, Row, Violation};
use crate::suggest::did_you_mean;

/// The maximum number of parameter names that a message lists.
const LISTED: usize = 30;

/// Whether a parameter's value is secret, judging by its name.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "private", "token-value", "ticket", "tfa-challenge", "encryption", "apikey"]
        .iter()
        .any(|word| name.contains(word))
        || matches!(name.as_str(), "otp" | "key" | "token" | "keyring" | "credentials" | "data")
}

/// A message about one problem; `given` is the value, if there is one.
#[must_use]
pub fn sentence(row: &Row, problem: &Violation, given: Option<&str>) -> String {
    let name = &problem.param;
    let base = name.split('[').next().unwrap_or(name);
    let param = row.param(base);
    let expected = || param.as_ref().map_or_else(|| "something else".to_owned(), expectation);
    let value = match given {
        Some(value) if !is_secret(base) => format!("\"{}\"", short(value)),
        _ => "an invalid value".to_owned(),
    };
    match problem.kind {
        Kind::Unknown => unknown(row, name),
        Kind::Missing if row.path().contains(&format!("{{{name}}}")) => {
            format!("`{name}` is missing; it is part of the path and must be {}.", expected())
        }
        Kind::Missing => format!("`{name}` is missing; it must be {}.", expected()),
        Kind::Requires => format!("`{name}` is missing; another given parameter needs it."),
        Kind::Choice => {
            let choices: Vec<&str> = param.iter().filter_map(Param::choices).flatten().collect();
            let hint = given.map_or_else(String::new, |value| did_you_mean(value, choices.iter().copied()));
            format!("`{name}` is {value}, but it must be {}.{hint}", expected())
        }
        Kind::Type | Kind::Range | Kind::Length => {
            format!("`{name}` is {value}, but it must be {}.", expected())
        }
        Kind::Format if is_secret(base) => format!("`{name}` has the wrong form; it must be {}.", expected()),
        Kind::Format => match param.and_then(|param| Some(param.keys()?.collect::<Vec<_>>())) {
            Some(keys) => format!("`{name}` is {value}: {}", inner(base, &keys, &problem.message)),
            None => {
                let reason = problem.message.trim().trim_start_matches("invalid format - ");
                format!("`{name}` is {value}, but it must be {}: {reason}.", expected())
            }
        },
    }
}

/// The message about a parameter that a method does not have.
#[must_use]
pub fn unknown(row: &Row, name: &str) -> String {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let number = if digits.is_empty() { "0" } else { &digits };
    let params = row.params();
    let names: Vec<String> = params.iter().map(|param| param.name().replace("[n]", number)).collect();
    let hint = did_you_mean(name, names.iter().map(String::as_str));
    let list = match params.len() {
        0 => " It takes none.".to_owned(),
        few if few <= LISTED => {
            let names: Vec<&str> = params.iter().map(Param::name).collect();
            format!(" It takes {}.", names.join(", "))
        }
        many => format!(" It takes {many} others; see its description."),
    };
    format!("`{} {}` has no parameter `{}`.{hint}{list}", row.method(), row.path(), name.escape_debug())
}

/// The message about errors inside a property string, with the nearest key for an unknown one.
fn inner(name: &str, keys: &[Param], message: &str) -> String {
    let all: Vec<&str> = keys.iter().map(Param::name).collect();
    let prefix = format!("{name}.");
    let lines =
        message.trim().trim_start_matches("invalid format - ").lines().filter(|line| *line != "format error");
    let sentences =
        lines.map(|line| match line.strip_prefix(&prefix).and_then(|rest| rest.split_once(": ")) {
            Some((key, problem)) if problem.contains("not defined in schema") => {
                let hint = did_you_mean(key, all.iter().copied());
                format!("it has no key `{}`.{hint} Its keys are {}.", key.escape_debug(), all.join(", "))
            }
            Some((key, problem)) if problem.contains("is missing") => {
                format!("its key `{key}` is missing: {problem}.")
            }
            Some((key, problem)) => {
                let expected = keys.iter().find(|one| one.name() == key).map(expectation);
                let expected =
                    expected.map_or_else(String::new, |expected| format!(" It must be {expected}."));
                format!("its key `{key}` is invalid: {problem}.{expected}")
            }
            None => format!("{line}. Its keys are {}.", all.join(", ")),
        });
    sentences.collect::<Vec<_>>().join(" ")
}

/// What a value must be, to follow "it must be".
#[must_use]
pub fn expectation(param: &Param) -> String {
    if let Some(choices) = param.choices() {
        let choices: Vec<String> = choices.map(|choice| format!("`{choice}`")).collect();
        return match choices.as_slice() {
            [only] => only.clone(),
            _ => format!("one of {}", choices.join(", ")),
        };
    }
    let what = match param.kind() {
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        _ if param.keys().is_some() => "text of the form `key=value,…`",
        _ => "text",
    };
    let list = if param.is_list() { "a list, each item " } else { "" };
    let detail = match values(param) {
        Some(values) => format!(" ({values})"),
        None => String::new(),
    };
    format!("{list}{what}{detail}")
}

/// A short description of the choices, or of range, length and format; `None` if there are none.
#[must_use]
pub fn values(param: &Param) -> Option<String> {
    if let Some(choices) = param.choices() {
        return Some(choices.collect::<Vec<_>>().join("|"));
    }
    let ends = |ends: (Option<String>, Option<String>)| match ends {
        (None, None) => None,
        (least, most) => Some(format!("{}..{}", least.unwrap_or_default(), most.unwrap_or_default())),
    };
    let (least, most) = param.range();
    let range = ends((least.map(str::to_owned), most.map(str::to_owned)));
    let (least, most) = param.length();
    let length = ends((least.map(|least| least.to_string()), most.map(|most| most.to_string())))
        .map(|length| format!("{length} characters"));
    let parts: Vec<String> =
        [range, length, param.format().map(str::to_owned)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A value for a message: on one line, and shortened.
fn short(value: &str) -> String {
    let text: String = value.chars().take(60).flat_map(char::escape_debug).collect();
    if value.chars().count() <= 60 { text } else { text + "…" }
}
