//! Formats any answer of the API, limited in size: lists as tables, objects, text by lines. `at` selects a part of it
//! by a dotted path.

use crate::{
    suggest::did_you_mean,
    tools::{
        answer::{Failure, Outcome, canonical::ordered_rows, record::Record, table::Column},
        run::list,
        run::{args::Args, context::Context},
    },
};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// Answers with the part that `at` names, limited to the `fields`, `offset` and `limit` of the call. A list has these
/// columns, or all that its rows have.
///
/// # Errors
/// Fails if `at` or a field does not exist, with the names that do.
pub fn answer(context: &Context<'_>, args: &Args, value: Value, columns: &[Column]) -> Outcome {
    let part = match args.text("at") {
        Some(at) => inside(&value, at)?.clone(),
        None => value,
    };
    match part {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            let json = Value::Array(ordered_rows(items)).to_string();
            let records: Vec<Record<'_>> = serde_json::from_str(&json)
                .map_err(|error| Failure::new(format!("The list could not be read: {error}.")))?;
            list::answer_with(context, args, &records, columns, &missing(&records, columns))
        }
        Value::Array(items) => page(context, args, "items", items),
        Value::String(text) if text.contains('\n') => {
            page(context, args, "lines", text.lines().map(Value::from).collect())
        }
        Value::Object(object) => {
            let mut object = choose(args, object)?;
            if context.config.max_answer_bytes < Value::Object(object.clone()).to_string().len() {
                let note =
                    "`fields` selects entries, and `at` with an entry's name shows that one, page by page.";
                object.insert("note".into(), note.into());
            }
            context.fit(object)
        }
        other => context.wrap(other),
    }
}

/// Names columns that the configuration lists and no row has.
fn missing(records: &[Record<'_>], columns: &[Column]) -> Vec<String> {
    let strange =
        columns.iter().filter(|column| !records.iter().any(|record| record.json(column.name).is_some()));
    strange
        .map(|column| {
            let hint = did_you_mean(column.name, records.iter().flat_map(Record::names));
            format!("No row has `{}`.{hint}", column.name)
        })
        .collect()
}

/// Answers with as many whole items of a list as fit.
fn page(context: &Context<'_>, args: &Args, name: &str, items: Vec<Value>) -> Outcome {
    const CLOSING: usize = 160;
    let total = items.len();
    let offset = args.count("offset").unwrap_or(0).min(total);
    let limit = args.count("limit").unwrap_or(total);
    let (mut size, mut shown, mut cut) = (CLOSING, Vec::new(), false);
    for item in items.into_iter().skip(offset).take(limit) {
        size += item.to_string().len() + 1;
        cut = context.config.max_answer_bytes < size && !shown.is_empty();
        if cut {
            break;
        }
        shown.push(item);
    }
    let next = offset + shown.len();
    let mut answer =
        Map::from_iter([(name.to_owned(), Value::Array(shown)), ("total".to_owned(), total.into())]);
    if next < total {
        answer.insert("next".into(), next.into());
    }
    if cut {
        answer.insert("note".into(), json!("Cut to stay under max_answer_bytes; continue at offset = next."));
    }
    context.fit(answer)
}

/// Returns the entries of an object that `fields` names; all if it is not given.
fn choose(args: &Args, object: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let fields: Vec<&str> = args.texts("fields").collect();
    if fields.is_empty() {
        return Ok(object);
    }
    let mut chosen = Map::new();
    for field in fields {
        let value = object.get(field).ok_or_else(|| nowhere("fields", field, &object))?;
        chosen.insert(field.to_owned(), value.clone());
    }
    Ok(chosen)
}

/// Returns the part of a value at a dotted path of names and indices. A name may contain dots.
fn inside<'a>(value: &'a Value, at: &str) -> Result<&'a Value, Failure> {
    if at.is_empty() {
        return Ok(value);
    }
    match value {
        Value::Object(object) => {
            // The longest name is tried first: `10.0.0.1.x` means `x` in `10.0.0.1`, not something in `10`.
            let mut names: Vec<&String> = object.keys().collect();
            names.sort_by_key(|name| Reverse(name.len()));
            let fits = names.into_iter().find_map(|name| {
                let rest = at.strip_prefix(name.as_str())?;
                let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
                Some((name, rest))
            });
            match fits {
                Some((name, rest)) => inside(&object[name], rest),
                None => Err(nowhere("at", at.split('.').next().unwrap_or(at), object)),
            }
        }
        Value::Array(items) => {
            let (index, rest) = at.split_once('.').unwrap_or((at, ""));
            match index.parse::<usize>().ok().and_then(|index| items.get(index)) {
                Some(item) => inside(item, rest),
                None => Err(Failure::new(format!(
                    "`at` has `{}`, but there is a list of {} items; give a number from 0.",
                    index.escape_debug(),
                    items.len()
                ))),
            }
        }
        _ => Err(Failure::new(format!(
            "`at` continues with `{}`, but there is a single value.",
            at.escape_debug()
        ))),
    }
}

fn nowhere(argument: &str, name: &str, object: &Map<String, Value>) -> Failure {
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    let hint = did_you_mean(name, names.iter().copied());
    let shown: Vec<&str> = names.iter().take(40).copied().collect();
    let more = if shown.len() < names.len() {
        format!(" and {} more", names.len() - shown.len())
    } else {
        String::new()
    };
    Failure::new(format!(
        "`{argument}` names `{}`, which is not there.{hint} There are: {}{more}.",
        name.escape_debug(),
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_paths_lead_into_answers() {
        let value = json!({"a": {"b": [{"c": 1}, {"c": 2}]}, "10.0.0.1": {"x": 3}, "10": 4, "/vms/1": {"VM.Audit": 1}});
        for (at, expected) in [
            ("", Ok(value.clone())),
            ("a.b.1.c", Ok(json!(2))),
            ("10.0.0.1.x", Ok(json!(3))),
            ("10", Ok(json!(4))),
            ("/vms/1.VM.Audit", Ok(json!(1))),
            ("a.x", Err("There are: b")),
            ("a.b.2", Err("2 items")),
            ("a.b.c", Err("a number from 0")),
            ("10.x", Err("single value")),
        ] {
            match (inside(&value, at), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{at}"),
                (Err(Failure(said)), Err(words)) => assert!(said.contains(words), "{at}: {said}"),
                (found, _) => panic!("{at}: {found:?}"),
            }
        }
    }
}
