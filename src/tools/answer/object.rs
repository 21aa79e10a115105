//! Answers that are one object, kept under `max_answer_bytes`.

use crate::tools::answer::{Failure, Outcome, answer, canonical::ordered_rows};
use serde_json::{Map, Value, json};

/// Answers with an object. If it would be larger than `limit` bytes, its largest fields are shortened or removed, and
/// `cut` names them.
///
/// # Errors
/// Fails like [`answer`].
pub fn fit(limit: usize, mut object: Map<String, Value>) -> Outcome {
    let mut cut: Vec<String> = Vec::new();
    while limit < size(&object) + cut.join(", ").len() + ROOM {
        let Some(name) = largest(&object) else { break };
        let whole = match object.get_mut(&name) {
            Some(Value::Array(items)) if 1 < items.len() => {
                let total = items.len();
                items.truncate(total / 2);
                format!("{name} (first {} entries)", total / 2)
            }
            Some(Value::String(text)) if 400 < text.chars().count() => {
                *text = text.chars().take(200).collect();
                format!("{name} (first 200 characters)")
            }
            _ => {
                object.shift_remove(&name);
                name.clone()
            }
        };
        cut.retain(|entry| entry != &name && !entry.starts_with(&format!("{name} (")));
        cut.push(whole);
    }
    if !cut.is_empty() {
        object.insert("cut".into(), json!(format!("To stay under max_answer_bytes: {}.", cut.join(", "))));
    }
    answer(&object)
}

/// Answers with any answer of Proxmox as an object: a list is put under `items`, null becomes `ok`, and any other value
/// is put under `data`.
///
/// # Errors
/// Fails like [`fit`].
pub fn wrap(limit: usize, value: Value) -> Outcome {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(items) => Map::from_iter([("items".to_owned(), Value::Array(ordered_rows(items)))]),
        Value::Null => Map::from_iter([("ok".to_owned(), Value::Bool(true))]),
        other => Map::from_iter([("data".to_owned(), other)]),
    };
    fit(limit, object)
}

/// Returns the object in an answer.
///
/// # Errors
/// Fails if the answer is not an object.
pub fn object(value: Value) -> Result<Map<String, Value>, Failure> {
    match value {
        Value::Object(object) => Ok(object),
        other => {
            Err(Failure::new(format!("Proxmox answered {} where an object was expected.", kind(&other))))
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Bytes reserved for the sentence that says what was cut.
const ROOM: usize = 60;

fn size(object: &Map<String, Value>) -> usize {
    object.iter().map(|(name, value)| name.len() + 4 + json_len(value)).sum()
}

fn largest(object: &Map<String, Value>) -> Option<String> {
    object.iter().max_by_key(|(_, value)| json_len(value)).map(|(name, _)| name.clone())
}

fn json_len(value: &Value) -> usize {
    value.to_string().len()
}
