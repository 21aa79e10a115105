//! Checks the parameters of a request, with Proxmox's own messages. Uses only the table, not the state of a cluster.
//!
//! The order of the checks and the messages are those of PVE::JSONSchema: a value is rejected for the first reason
//! found. Patterns are not checked, of the named formats only those in `format.rs` are, and rules in a method's own
//! code (such as which options exclude each other) are not in the table.

use super::{Param, Row, format, property};

/// One thing that Proxmox would reject: an entry of `errors` in its response with status 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The parameter, such as `net0`, or the item of a list, such as `map[1]`.
    pub param: String,
    /// Proxmox's message.
    pub message: String,
    /// The kind of problem.
    pub kind: Kind,
}

/// A kind of problem with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The method has no such parameter.
    Unknown,
    /// It is required and was not given.
    Missing,
    /// It is required by another parameter that was given.
    Requires,
    /// Not a number or boolean of that type, or a list instead of a single value.
    Type,
    /// Not in the required format; also any error inside a property string.
    Format,
    /// Not one of the choices.
    Choice,
    /// Too small or too large a number.
    Range,
    /// Too short or too long a text.
    Length,
}

impl Row {
    /// What Proxmox would reject in a request with these parameters, which include those of the path. A repeated name
    /// is a list.
    #[must_use]
    pub fn check(&self, given: &[(&str, &str)]) -> Vec<Violation> {
        object(&self.params(), given, self.open(), "")
    }
}

/// Checks names and values against their definitions; `prefix` (`net0.`) is added to every name in the result.
fn object(defined: &[Param], given: &[(&str, &str)], open: bool, prefix: &str) -> Vec<Violation> {
    let has = |name: &str| given.iter().any(|(key, _)| *key == name);
    let mut found = Vec::new();
    let mut refuse = |name: &str, kind: Kind, message: String| {
        found.push(Violation { param: format!("{prefix}{name}"), message, kind });
    };
    for param in defined.iter().filter(|param| !param.is_optional() && !param.name().ends_with("[n]")) {
        if !has(param.name()) {
            refuse(param.name(), Kind::Missing, "property is missing and it is not optional".to_owned());
        }
    }
    for (at, (name, _)) in given.iter().enumerate() {
        if given[..at].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        let values: Vec<&str> =
            given.iter().filter(|(key, _)| key == name).map(|(_, value)| *value).collect();
        let Some(param) = alternative(defined, name, given) else {
            if !open {
                let message =
                    "property is not defined in schema and the schema does not allow additional properties";
                refuse(name, Kind::Unknown, message.to_owned());
            }
            continue;
        };
        if let Some(other) = param.requires().filter(|other| !has(other)) {
            refuse(
                other,
                Kind::Requires,
                format!("missing property - '{prefix}{name}' requires this property"),
            );
        }
        let path = format!("{prefix}{name}");
        if param.is_list() {
            for (index, value) in values.iter().enumerate() {
                let item = format!("{path}[{index}]");
                if let Err((kind, message)) = value_of(&param, &item, value) {
                    refuse(&format!("{name}[{index}]"), kind, message);
                }
            }
        } else if 1 < values.len() && !param.format().is_some_and(|format| format.ends_with("list")) {
            refuse(name, Kind::Type, format!("type check ('{}') failed - got ARRAY", param.kind()));
        } else {
            // Proxmox also accepts a repeated name for a list in string form.
            let joined = values.join(",");
            if let Err((kind, message)) = value_of(&param, &path, &joined) {
                refuse(name, kind, message);
            }
        }
    }
    found
}

/// The definition for a name in a request: of several alternatives, the one whose condition holds.
fn alternative(defined: &[Param], name: &str, given: &[(&str, &str)]) -> Option<Param> {
    let mut candidates = defined.iter().filter(|param| param.answers_to(name));
    let first = candidates.next()?;
    let holds = |param: &&Param| {
        param.only_if().is_none_or(|(decider, mut values)| {
            let decision = given.iter().find(|(key, _)| *key == decider).map(|(_, value)| *value);
            decision.is_some_and(|decision| values.any(|value| value == decision))
        })
    };
    let rest: Vec<&Param> = candidates.collect();
    if rest.is_empty() {
        return Some(*first); // Proxmox checks against a single definition whether or not its condition holds.
    }
    std::iter::once(first).chain(rest).find(holds).copied()
}

/// Checks one value; `path` is its name in messages about what is inside it.
fn value_of(param: &Param, path: &str, value: &str) -> Result<(), (Kind, String)> {
    let kind = param.kind();
    let fits = match kind {
        "integer" => is_integer(value),
        "number" => is_number(value),
        "boolean" => value == "0" || value == "1",
        _ => true,
    };
    if !fits {
        return Err((Kind::Type, format!("type check ('{kind}') failed - got '{value}'")));
    }
    let inner = match param.keys() {
        Some(keys) => properties(&keys.collect::<Vec<_>>(), value, path),
        None => param.format().map_or(Ok(()), |name| format::check(name, value)),
    };
    inner.map_err(|reason| (Kind::Format, format!("invalid format - {reason}\n")))?;
    let characters = value.chars().count();
    match param.length() {
        (_, Some(most)) if most < characters => {
            return Err((Kind::Length, format!("value may only be {most} characters long")));
        }
        (Some(least), _) if characters < least => {
            return Err((Kind::Length, format!("value must be at least {least} characters long")));
        }
        _ => {}
    }
    if is_number(value) {
        let past = |bound: Option<&'static str>, sign: f64| {
            let number: f64 = value.parse().ok()?;
            bound.filter(|bound| bound.parse().is_ok_and(|bound: f64| bound * sign < number * sign))
        };
        let (least, most) = param.range();
        if let Some(most) = past(most, 1.0) {
            return Err((Kind::Range, format!("value must have a maximum value of {most}")));
        }
        if let Some(least) = past(least, -1.0) {
            return Err((Kind::Range, format!("value must have a minimum value of {least}")));
        }
    }
    if let Some(choices) = param.choices() {
        let choices: Vec<&str> = choices.collect();
        if !choices.contains(&value) {
            let choices = choices.join(", ");
            let message = format!("value '{value}' does not have a value in the enumeration '{choices}'");
            return Err((Kind::Choice, message));
        }
    }
    Ok(())
}

/// Checks a property string. The error is Proxmox's message without the last newline.
fn properties(keys: &[Param], text: &str, path: &str) -> Result<(), String> {
    let values = property::parse(keys, text)?;
    let mut found = object(keys, &values, false, &format!("{path}."));
    if found.is_empty() {
        return Ok(());
    }
    found.sort_by(|one, other| one.param.cmp(&other.param));
    let lines: Vec<String> =
        found.iter().map(|violation| format!("{}: {}", violation.param, violation.message)).collect();
    Err(format!("format error\n{}", lines.join("\n")))
}

/// An optional sign, and digits.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1`, `-1.5`, `.5`, `2.`, `1e3`.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(is_integer)
}
