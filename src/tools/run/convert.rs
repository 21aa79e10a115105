//! Converts an argument to the shape of its parameter. Clients and models send numbers as text, lists and objects as
//! JSON text, and a single word for a list.

use crate::{suggest::did_you_mean, tools::param::Shape};
use serde_json::{Map, Number, Value};

/// Converts a value to a shape.
///
/// # Errors
/// Fails with what is wrong, as the rest of a sentence that begins with the argument's name.
pub fn convert(shape: Shape, value: Value) -> Result<Value, String> {
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
            // A boolean or a number may be one of the words.
            let word = match &value {
                Value::String(word) => word.trim().to_owned(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => String::new(),
            };
            match words.iter().find(|known| known.eq_ignore_ascii_case(&word)) {
                Some(known) => Some(Value::from(*known)),
                None => {
                    let hint = did_you_mean(&word, words.iter().copied());
                    return Err(format!(
                        "is {}, but it must be {}.{hint}",
                        shown(&value),
                        expectation(shape)
                    ));
                }
            }
        }
        Shape::Texts => texts(&value, |text| vec![text.to_owned()]),
        Shape::Words => texts(&value, words),
        Shape::More => object(&value).map(Value::Object),
        Shape::Objects => objects(&value).map(Value::Array),
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

/// Reads a list of texts. A text that is a JSON list is parsed; any other text is split by `alone`.
fn texts(value: &Value, alone: fn(&str) -> Vec<String>) -> Option<Value> {
    let items = match value {
        Value::String(text) => match written(text, '[') {
            Some(Value::Array(items)) => items,
            _ => return Some(alone(text).into()),
        },
        Value::Array(items) => items.clone(),
        Value::Number(_) => vec![value.clone()],
        _ => return None,
    };
    let texts: Option<Vec<String>> = items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .collect();
    texts.map(Value::from)
}

/// Splits a text at commas.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads an object, which may be JSON text.
fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => match written(text, '{') {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a list of objects, which may be JSON text.
fn objects(value: &Value) -> Option<Vec<Value>> {
    let list = match value {
        Value::Array(list) => list.clone(),
        Value::String(text) => written(text, '[')?.as_array()?.clone(),
        _ => return None,
    };
    list.iter().map(|item| object(item).map(Value::Object)).collect()
}

/// Parses a text as JSON, if it begins with `first`.
fn written(text: &str, first: char) -> Option<Value> {
    let text = text.trim();
    if text.starts_with(first) { serde_json::from_str(text).ok() } else { None }
}

/// Returns what a parameter of that shape must be, as the end of a sentence.
#[must_use]
pub fn expectation(shape: Shape) -> String {
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
        Shape::Objects => "a list of objects".into(),
    }
}

/// Formats a value for a sentence: short, and on one line.
pub fn shown(value: &Value) -> String {
    let text = value.to_string();
    // JSON escapes most control characters, but not all.
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

    #[test]
    fn values_are_taken_as_they_are_meant() {
        for (shape, given, expected) in [
            (Shape::Int(100, 999), json!("100"), json!(100)),
            (Shape::Int(100, 999), json!(100.0), json!(100)),
            (Shape::Text, json!(7), json!("7")),
            (Shape::Flag, json!("No"), json!(false)),
            (Shape::OneOf(&["true", "false", "sh"]), json!(false), json!("false")),
            (Shape::OneOf(&["3", "4"]), json!(4), json!("4")),
            (Shape::Words, json!("a, b"), json!(["a", "b"])),
            (Shape::Words, json!("[\"a\",\"b c\"]"), json!(["a", "b c"])),
            (Shape::Words, json!(["a", 1]), json!(["a", "1"])),
            (Shape::Words, json!(5), json!(["5"])),
            (Shape::Texts, json!("hello, world"), json!(["hello, world"])),
            (Shape::Texts, json!(" [\"a\",\"b c\"]"), json!(["a", "b c"])),
            (Shape::Texts, json!("[a"), json!(["[a"])),
            (Shape::More, json!("{\"cores\": 4}"), json!({"cores": 4})),
            (Shape::More, json!({"cores": 4}), json!({"cores": 4})),
        ] {
            assert_eq!(convert(shape, given.clone()).unwrap(), expected, "{given}");
        }
        for (shape, given) in [
            (Shape::More, json!("cores=4")),
            (Shape::More, json!("[1]")),
            (Shape::Words, json!([["a"]])),
            (Shape::Int(1, 2), json!("x")),
            (Shape::Text, json!([1])),
        ] {
            assert!(convert(shape, given.clone()).is_err(), "{given}");
        }
    }
}
