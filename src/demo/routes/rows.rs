//! Definitions that are stored as rows and are all created, read, changed and deleted in the same way: jobs, HA rules,
//! replication, SDN, firewall objects. Knows nothing of their meaning.

use crate::demo::{
    list::split_list,
    outcome::{ApiError, Outcome},
    routes::route::Request,
    state::{cluster::Cluster, digest::of_rows},
};
use serde_json::{Map, Value, json};

/// The rows of one collection, as the API lists them.
pub(crate) type Rows = Vec<Map<String, Value>>;

/// Parameters that control a request and are not part of a definition.
const STEERING: [&str; 6] = ["delete", "digest", "moveto", "pos", "force", "rename"];

/// Keys whose values are strings even if they consist of digits.
const TEXTS: [&str; 6] = ["dport", "sport", "icmp-type", "vmid", "comment", "search"];

/// A value as Proxmox reads it from its files: whole numbers become numbers.
fn value(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => json!(number),
        _ => json!(text),
    }
}

/// The settings of a definition, from a request's parameters.
pub(crate) fn settings(request: &Request) -> Map<String, Value> {
    let kept = request.params.iter().filter(|(key, _)| !STEERING.contains(&key.as_str()));
    kept.map(|(key, text)| {
        (key.clone(), if TEXTS.contains(&key.as_str()) { json!(text) } else { value(text) })
    })
    .collect()
}

/// Refuses a change that was meant for another version.
pub(crate) fn check_digest(request: &Request, digest: &str) -> Result<(), ApiError> {
    match request.param("digest") {
        Some(given) if given != digest => {
            Err(ApiError::failed("detected modified configuration - file changed by other user? Try again."))
        }
        _ => Ok(()),
    }
}

fn place(rows: &Rows, key: &str, id: &str) -> Option<usize> {
    rows.iter().position(|row| row.get(key) == Some(&json!(id)) || row.get(key) == Some(&value(id)))
}

fn found(rows: &Rows, key: &str, id: &str, what: &str) -> Result<usize, ApiError> {
    place(rows, key, id).ok_or_else(|| ApiError::failed(format!("no such {what} '{id}'")))
}

/// Adds a row, named by the parameter `key`.
pub(crate) fn add(rows: &mut Rows, key: &str, what: &str, request: &Request) -> Outcome {
    let row = settings(request);
    let id = request.param(key).unwrap_or_default();
    if place(rows, key, id).is_some() {
        return Err(ApiError::failed(format!("{what} '{id}' already defined")));
    }
    rows.push(row);
    Ok(Value::Null.into())
}

/// The row with that name.
pub(crate) fn one(rows: &Rows, key: &str, what: &str, id: &str) -> Outcome {
    let mut row = rows[found(rows, key, id, what)?].clone();
    row.insert("digest".into(), json!(of_rows(rows)));
    Ok(Value::Object(row).into())
}

/// Changes the row with that name: sets what is given, removes what `delete` lists.
pub(crate) fn change(rows: &mut Rows, key: &str, what: &str, id: &str, request: &Request) -> Outcome {
    let at = found(rows, key, id, what)?;
    check_digest(request, &of_rows(&*rows))?;
    set(&mut rows[at], request);
    Ok(Value::Null.into())
}

/// Replaces the row with that name: of values that are not given, only the name is kept.
pub(crate) fn replace(rows: &mut Rows, key: &str, what: &str, id: &str, request: &Request) -> Outcome {
    let at = found(rows, key, id, what)?;
    check_digest(request, &of_rows(&*rows))?;
    rows[at].retain(|name, _| name == key);
    set(&mut rows[at], request);
    Ok(Value::Null.into())
}

/// Sets the values given in a request, removes those listed in its `delete`.
pub(crate) fn set(row: &mut Map<String, Value>, request: &Request) {
    for key in split_list(request.param("delete").unwrap_or_default()) {
        row.shift_remove(key);
    }
    row.extend(settings(request));
}

/// Removes the row with that name.
pub(crate) fn remove(rows: &mut Rows, key: &str, what: &str, id: &str) -> Outcome {
    let at = found(rows, key, id, what)?;
    rows.remove(at);
    Ok(Value::Null.into())
}

/// Answers with an empty list.
pub(crate) fn empty(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([]).into())
}

/// Answers with the rows as stored.
pub(crate) fn list(rows: &[Map<String, Value>]) -> Outcome {
    Ok(Value::Array(rows.iter().cloned().map(Value::Object).collect()).into())
}
