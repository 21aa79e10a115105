//! Definitions that are kept as rows and created, read, changed and deleted alike: jobs, HA rules, replication, SDN,
//! firewall objects. Knows nothing of what they mean.

use crate::demo::{
    list::split_list,
    outcome::{ApiError, Outcome},
    routes::route::Request,
    state::{cluster::Cluster, digest::of_rows},
};
use serde_json::{Map, Value, json};

/// The rows of one collection, as the API lists them.
pub(crate) type Rows = Vec<Map<String, Value>>;

/// Parameters that steer a request and are no part of a definition.
const STEERING: [&str; 6] = ["delete", "digest", "moveto", "pos", "force", "rename"];

/// Keys whose values are text even where they are digits.
const TEXTS: [&str; 6] = ["dport", "sport", "icmp-type", "vmid", "comment", "search"];

/// A value as Proxmox's files give it back: whole numbers as numbers.
fn value(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => json!(number),
        _ => json!(text),
    }
}

/// What a definition says, out of a request's parameters.
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

/// Adds a row whose name is that parameter.
pub(crate) fn add(rows: &mut Rows, key: &str, what: &str, request: &Request) -> Outcome {
    let row = settings(request);
    let id = request.param(key).unwrap_or_default();
    if place(rows, key, id).is_some() {
        return Err(ApiError::failed(format!("{what} '{id}' already defined")));
    }
    rows.push(row);
    Ok(Value::Null.into())
}

/// The row of that name.
pub(crate) fn one(rows: &Rows, key: &str, what: &str, id: &str) -> Outcome {
    let mut row = rows[found(rows, key, id, what)?].clone();
    row.insert("digest".into(), json!(of_rows(rows)));
    Ok(Value::Object(row).into())
}

/// Changes the row of that name: sets what is given, removes what `delete` names.
pub(crate) fn change(rows: &mut Rows, key: &str, what: &str, id: &str, request: &Request) -> Outcome {
    let at = found(rows, key, id, what)?;
    check_digest(request, &of_rows(&*rows))?;
    set(&mut rows[at], request);
    Ok(Value::Null.into())
}

/// Writes the row of that name anew: of what is not given only the name stays.
pub(crate) fn replace(rows: &mut Rows, key: &str, what: &str, id: &str, request: &Request) -> Outcome {
    let at = found(rows, key, id, what)?;
    check_digest(request, &of_rows(&*rows))?;
    rows[at].retain(|name, _| name == key);
    set(&mut rows[at], request);
    Ok(Value::Null.into())
}

/// Sets what a request gives, removes what its `delete` names.
pub(crate) fn set(row: &mut Map<String, Value>, request: &Request) {
    for key in split_list(request.param("delete").unwrap_or_default()) {
        row.shift_remove(key);
    }
    row.extend(settings(request));
}

/// Removes the row of that name.
pub(crate) fn remove(rows: &mut Rows, key: &str, what: &str, id: &str) -> Outcome {
    let at = found(rows, key, id, what)?;
    rows.remove(at);
    Ok(Value::Null.into())
}

/// An empty list.
pub(crate) fn empty(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([]).into())
}

/// Rows as they are kept.
pub(crate) fn list(rows: &[Map<String, Value>]) -> Outcome {
    Ok(Value::Array(rows.iter().cloned().map(Value::Object).collect()).into())
}
