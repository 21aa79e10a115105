//! Arguments, checked once against a tool's parameters, so that no handler has to.

use crate::{
    pve::Params,
    suggest::did_you_mean,
    tools::param::{Param, Shape},
};
use serde_json::{Map, Number, Value};

/// The arguments of one call: every name is a parameter, every value has its shape, nothing required is missing.
#[derive(Debug)]
pub struct Args(Map<String, Value>);

impl Args {
    /// Checks `given`. What is unambiguous is accepted: a number as text, text that is a number, `null` for
    /// "not given".
    ///
    /// # Errors
    /// A sentence for each argument that is wrong, one after another.
    pub fn check<'a>(
        params: impl Iterator<Item = &'a Param> + Clone,
        given: Map<String, Value>,
    ) -> Result<Args, String> {
        let mut problems = Vec::new();
        let mut checked = Map::new();
        for (name, value) in given {
            let Some(param) = params.clone().find(|param| param.name == name) else {
                problems.push(unknown(&name, params.clone()));
                continue;
            };
            if value.is_null() {
                continue;
            }
            match convert(param.shape, value) {
                Ok(value) => {
                    checked.insert(name, value);
                }
                Err(problem) => problems.push(format!("`{name}` {problem}")),
            }
        }
        for param in params.filter(|param| param.required && !checked.contains_key(param.name)) {
            if !problems.iter().any(|problem| problem.starts_with(&format!("`{}` ", param.name))) {
                problems.push(format!(
                    "`{}` is missing; it must be {}.",
                    param.name,
                    expectation(param.shape)
                ));
            }
        }
        if problems.is_empty() { Ok(Args(checked)) } else { Err(problems.join(" ")) }
    }

    /// The text of that argument, if it was given.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The integer of that argument, if it was given.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// The integer of that argument as a size or count, if it was given.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<usize> {
        usize::try_from(self.int(name)?).ok()
    }

    /// The flag of that argument, if it was given.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// The texts of that argument, none if it was not given.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Every argument, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Sends every argument along that `unused` lets through: an object's entries each under its own name.
    #[must_use]
    pub fn params(&self, unused: impl Fn(&str) -> bool) -> Params {
        let mut params = Params::new();
        for (name, value) in self.iter().filter(|(name, _)| unused(name)) {
            match value {
                Value::Object(more) => more.iter().for_each(|(name, value)| params.push_json(name, value)),
                value => params.push_json(name, value),
            }
        }
        params
    }

    /// The value of that argument, if it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

fn unknown<'a>(name: &str, params: impl Iterator<Item = &'a Param> + Clone) -> String {
    let names = params.clone().map(|param| param.name);
    let known: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
    let hint = did_you_mean(name, names);
    let list =
        if known.is_empty() { "It takes none.".into() } else { format!("It takes {}.", known.join(", ")) };
    format!("There is no argument `{}`.{hint} {list}", name.escape_debug())
}

/// The value in its shape, or what is wrong with it: the rest of a sentence that begins with its name.
fn convert(shape: Shape, value: Value) -> Result<Value, String> {
    let converted = match shape {
        Shape::Int(least, most) => match integer(&value) {
            Some(number) if least <= number && number <= most => Some(Value::from(number)),
            _ => None,
        },
        Shape::Text => match &value {
            Value::String(_) => Some(value.clone()),
            Value::Number(number) => Some(Value::String(number.to_string())),
            _ => None,
        },
        Shape::Flag => flag(&value).map(Value::Bool),
        Shape::OneOf(words) => {
            let word = value.as_str().unwrap_or_default();
            match words.iter().find(|known| known.eq_ignore_ascii_case(word)) {
                Some(known) => Some(Value::from(*known)),
                None => {
                    let hint = did_you_mean(word, words.iter().copied());
                    return Err(format!(
                        "is {}, but it must be {}.{hint}",
                        shown(&value),
                        expectation(shape)
                    ));
                }
            }
        }
        Shape::Texts | Shape::Words => texts(&value),
        Shape::More => value.is_object().then(|| value.clone()),
    };
    converted.ok_or_else(|| format!("is {}, but it must be {}.", shown(&value), expectation(shape)))
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// `100.0` is 100: some clients know only floating point.
fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64()?;
    #[allow(clippy::cast_possible_truncation, reason = "whole and far inside the range")]
    (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => {
            number.as_i64().filter(|number| *number == 0 || *number == 1).map(|number| number == 1)
        }
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A list of text; one text alone is a list of what stands between its commas.
fn texts(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()),
        Value::Array(items) => {
            let words: Option<Vec<String>> = items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect();
            words.map(Value::from)
        }
        _ => None,
    }
}

fn expectation(shape: Shape) -> String {
    match shape {
        Shape::Int(least, most) => format!("an integer from {least} to {most}"),
        Shape::Text => "text".into(),
        Shape::Flag => "true or false".into(),
        Shape::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        Shape::Texts | Shape::Words => "a list of text".into(),
        Shape::More => "an object of parameters of the Proxmox API".into(),
    }
}

/// A value as it appears in a sentence: short, and on one line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    // JSON escapes most of what moves a cursor, but not all.
    let plain = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    let mut short: String = plain.take(60).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PARAMS: &[Param] = &[
        Param::int("vmid", 100, 999),
        Param::text("node").optional(),
        Param::flag("full").optional(),
        Param::one_of("status", &["running", "stopped"]).optional(),
        Param::texts("fields").optional(),
    ];

    fn check(given: Value) -> Result<Value, String> {
        let Value::Object(given) = given else { panic!("an object") };
        Args::check(PARAMS.iter(), given).map(|args| Value::Object(args.0))
    }

    #[test]
    fn what_is_unambiguous_is_accepted() {
        for (given, expected) in [
            (json!({"vmid": 100}), json!({"vmid": 100})),
            (json!({"vmid": "100"}), json!({"vmid": 100})),
            (json!({"vmid": 100.0}), json!({"vmid": 100})),
            (json!({"vmid": 100, "node": null}), json!({"vmid": 100})),
            (json!({"vmid": 100, "node": 7}), json!({"vmid": 100, "node": "7"})),
            (json!({"vmid": 100, "full": 1}), json!({"vmid": 100, "full": true})),
            (json!({"vmid": 100, "full": "false"}), json!({"vmid": 100, "full": false})),
            (json!({"vmid": 100, "status": "RUNNING"}), json!({"vmid": 100, "status": "running"})),
            (json!({"vmid": 100, "fields": "a, b"}), json!({"vmid": 100, "fields": ["a", "b"]})),
            (json!({"vmid": 100, "fields": ["a"]}), json!({"vmid": 100, "fields": ["a"]})),
        ] {
            assert_eq!(check(given.clone()).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_sentences() {
        for (given, expected) in [
            (json!({}), "`vmid` is missing; it must be an integer from 100 to 999."),
            (json!({"vmid": 99}), "`vmid` is 99, but it must be an integer from 100 to 999."),
            (json!({"vmid": 100.5}), "`vmid` is 100.5, but it must be an integer from 100 to 999."),
            (
                json!({"vmid": "\u{7f}\u{85}\n"}),
                "`vmid` is \"\u{fffd}\u{fffd}\\n\", but it must be an integer from 100 to 999.",
            ),
            (json!({"vmid": "x"}), "`vmid` is \"x\", but it must be an integer from 100 to 999."),
            (
                json!({"vmid": 100, "vmdi": 1}),
                "There is no argument `vmdi`. Did you mean `vmid`? It takes `vmid`, `node`, `full`, `status`, `fields`.",
            ),
            (
                json!({"vmid": 100, "status": "runing"}),
                "`status` is \"runing\", but it must be one of `running`, `stopped`. Did you mean `running`?",
            ),
            (json!({"vmid": 100, "full": "maybe"}), "`full` is \"maybe\", but it must be true or false."),
            (
                json!({"vmid": 100, "fields": {"a": 1}}),
                "`fields` is {\"a\":1}, but it must be a list of text.",
            ),
        ] {
            assert_eq!(check(given.clone()).unwrap_err(), expected, "{given}");
        }
    }
}
