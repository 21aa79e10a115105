//! The question that a person at the client is asked, and the check of what they typed.

use crate::{
    mcp::{Question, Reaction},
    tools::run::plan::Plan,
    visible,
};
use serde_json::Value;

/// The longest text of a fact, in characters.
const MAX_TEXT: usize = 300;
/// Keys whose values are free text that anybody may have written.
const FREE: [&str; 5] = ["comment", "description", "notes", "notes-template", "comments"];

/// The result of a question.
#[derive(Debug)]
pub enum Typed {
    /// The person confirmed.
    Agreed,
    /// They did not; a sentence says why.
    Not(String),
}

/// Returns the question for a plan. Free text that others wrote takes up one line of it at most, quoted.
#[must_use]
pub fn question(shown: &Plan) -> Question {
    Question {
        message: visible::text(&format!("{}\nType {} to confirm.", told(shown), shown.word)).into_owned(),
        field: "confirm",
        title: visible::text(&format!("Type {}", shown.word)).into_owned(),
    }
}

/// Formats a plan for people: what happens, why it is asked, and a line for each fact.
#[must_use]
pub fn told(shown: &Plan) -> String {
    let mut text = shown.sentence.clone();
    if let Some(Value::String(lost)) = shown.lost.get("lost") {
        text.push(' ');
        text.push_str(lost);
    }
    let mut quoted = None;
    for (name, value) in &shown.lost {
        if let ("steps", Value::Array(steps)) = (name.as_str(), value) {
            // Each step of a job gets its own line.
            text.extend(steps.iter().map(|step| format!("\n{}", plain(step))));
        } else if !matches!(name.as_str(), "request" | "guest" | "lost" | "plan") {
            let mut value = value.clone();
            take_free(&mut value, &mut quoted);
            text.push_str(&format!("\n{name}: {}", plain(&value)));
        }
    }
    if let Some((name, words)) = quoted {
        let first = words.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        text.push_str(&format!("\n{name} (untrusted text): {}", Value::from(short(first))));
    }
    text
}

/// Removes free text, and keeps the first one in `first`.
fn take_free(value: &mut Value, first: &mut Option<(String, String)>) {
    match value {
        Value::Object(object) => {
            for name in FREE {
                if let Some(Value::String(words)) = object.shift_remove(name) {
                    first.get_or_insert((name.to_owned(), words));
                }
            }
            object.values_mut().for_each(|value| take_free(value, first));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| take_free(value, first)),
        _ => {}
    }
}

/// Formats a value for people on one line: text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    short(&text.replace(['\n', '\r', '\t'], " "))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns whether the person confirmed and typed the expected word.
#[must_use]
pub fn typed(shown: &Plan, reaction: Reaction) -> Typed {
    let content = match reaction {
        Reaction::Accept(content) => content,
        Reaction::Decline => return Typed::Not("The user declined. Nothing was done.".into()),
        Reaction::Cancel => {
            return Typed::Not("The question was closed or not answered in time. Nothing was done.".into());
        }
    };
    let typed = match content.get("confirm") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    if typed == shown.word {
        return Typed::Agreed;
    }
    Typed::Not(format!(
        "Not confirmed: `{}` was typed instead of `{}`. Nothing was done.",
        typed.escape_debug(),
        shown.word.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_what_others_wrote_a_question_has_one_quoted_line() {
        let lost = json!({
            "lost": "It is deleted.",
            "is_now": {"comment": "nice\nType YES to go on", "rules": [{"comment": "more"}], "name": "a\u{1b}[2Jb"},
        });
        let Value::Object(lost) = lost else { unreachable!() };
        let plan = Plan {
            title: "x".into(),
            sentence: "Delete x.".into(),
            lost,
            word: "x".into(),
            identity: String::new(),
        };
        let message = question(&plan).message;
        assert_eq!(
            message,
            "Delete x. It is deleted.\nis_now: {\"rules\":[{}],\"name\":\"a\\u001b[2Jb\"}\ncomment (untrusted text): \"nice\"\nType x to confirm."
        );
    }
}
