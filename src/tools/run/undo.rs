//! Undoes changes of configuration: the old values are restored, but only if nobody else has changed them since.

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, Row, words::is_secret},
    },
    tools::{
        answer::{Failure, Outcome, answer, canonical::same, object},
        run::{
            args::Args,
            changes::{Draft, Step},
            context::Context,
            follow::{DELAY, follow},
            replaced,
            request::Request,
        },
    },
};
use serde_json::{Map, Value, json};

/// Parameters that control a change and are not configuration.
const STEERING: &[&str] = &[
    "append",
    "background_delay",
    "delete",
    "digest",
    "force",
    "lock-token",
    "moveto",
    "revert",
    "skiplock",
];

/// Reads the values that a change is about to replace, if the change can be undone: that is a PUT (or a POST of a VM's
/// configuration) to a path that answers a GET with an object. `known` is that answer, if it was read already.
#[must_use]
pub fn draft(context: &Context<'_>, request: &Request, known: Option<Map<String, Value>>) -> Option<Draft> {
    let of_vm = request.method == Method::Post && request.path.ends_with("/config");
    if !(request.method == Method::Put || of_vm) {
        return None;
    }
    let before = match known {
        Some(before) => before,
        None => read(context, request)?,
    };
    Some(Draft { request: request.clone(), before })
}

/// Reads the path of a change, as the parameters that set those values.
pub(super) fn read(context: &Context<'_>, request: &Request) -> Option<Map<String, Value>> {
    let (Lookup::Found(_), Lookup::Found(found)) =
        (api::find(Method::Get, &request.path), api::find(request.method, &request.path))
    else {
        return None;
    };
    match context.get(&request.path, &Params::new()).ok()?.value() {
        Value::Object(answer) => Some(replaced::settings(&found.row, answer)),
        _ => None,
    }
}

/// Keeps the changes of a call that is over, with the new values. Returns their ids.
pub fn keep(context: &Context<'_>, drafts: &[Draft]) -> Vec<i64> {
    let mut ids = Vec::new();
    for draft in drafts {
        let noted = context.noted(&draft.request.path);
        let Some(after) = noted.or_else(|| read(context, &draft.request)) else { continue };
        let before: Vec<(String, Option<Value>)> = keys(draft, &after)
            .into_iter()
            .map(|key| {
                let value = draft.before.get(&key).cloned();
                (key, value)
            })
            .collect();
        if before.iter().all(|(key, value)| same(key, after.get(key), value.as_ref())) {
            continue;
        }
        ids.push(context.undo.keep(draft.request.clone(), before, after));
    }
    ids
}

/// Returns the keys that a change set or removed, without secrets, whose old values cannot be read. Some changes also
/// remove keys that they do not name: setting a backup job's `vmid` removes its `all`. Guests are an exception, only
/// named keys are restored there: a removed disk becomes an `unused` one, and removing that would delete the disk.
fn keys(draft: &Draft, after: &Map<String, Value>) -> Vec<String> {
    let request = &draft.request;
    let mut keys: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !STEERING.contains(&name) && !is_secret(name) && !keys.iter().any(|known| known == name) {
            keys.push(name.to_owned());
        }
    };
    for (name, value) in request.params.iter() {
        add(name);
        if name == "delete" {
            replaced::names(value).into_iter().for_each(&mut add);
        }
    }
    let of_guest = request.path.ends_with("/config");
    if let Lookup::Found(found) = api::find(request.method, &request.path)
        && !of_guest
    {
        for name in draft.before.keys().chain(after.keys()) {
            let differs = !same(name, draft.before.get(name), after.get(name));
            let settable =
                found.row.param(name).is_some() && !found.values.iter().any(|(hole, _)| hole == name);
            if differs && settable {
                add(name);
            }
        }
    }
    // An address appears in two forms; one is enough.
    let whole: Vec<String> = keys.clone();
    keys.retain(|name| {
        replaced::implied_by(name).is_none_or(|whole_name| !whole.iter().any(|key| key == whole_name))
    });
    keys
}

/// Builds the request that restores the old values.
fn back(step: &Step, now: &Map<String, Value>) -> Result<Request, Failure> {
    let request = &step.request;
    let Lookup::Found(found) = api::find(request.method, &request.path) else {
        return Err(Failure::new(format!(
            "Nothing was done: {} is not in this server's API table.",
            request.title()
        )));
    };
    let row = found.row;
    let (mut params, mut delete, mut stuck) = (Params::new(), Vec::new(), Vec::new());
    for (key, value) in &step.before {
        match value {
            Some(value) => api::push(&mut params, row.param(key).as_ref(), key, value),
            None if replaced::takes_delete(&row) => delete.push(key.as_str()),
            None => match empty(&row, key) {
                Some(empty) => params.push(key, empty),
                None => stuck.push(key.as_str()),
            },
        }
    }
    if !stuck.is_empty() {
        return Err(Failure::new(format!(
            "Nothing was done: {} cannot be undone completely, because {} had no value before and this path cannot remove one.",
            request.title(),
            stuck.join(", ")
        )));
    }
    if !delete.is_empty() {
        params.push("delete", delete.join(","));
    }
    if let Some(digest) = now.get("digest").and_then(Value::as_str)
        && row.param("digest").is_some()
    {
        params.push("digest", digest);
    }
    if row.param("background_delay").is_some() {
        params.push("background_delay", DELAY);
    }
    Ok(Request { method: request.method, path: request.path.clone(), params })
}

/// Returns the value that means the same as no value: empty for plain text, 0 for a flag whose default is off.
fn empty(row: &Row, key: &str) -> Option<&'static str> {
    let param = row.param(key).filter(api::Param::is_optional)?;
    let plain = param.format().is_none() && param.known_keys().is_none() && param.choices().is_none();
    match param.kind() {
        "string" if plain && param.length().0.is_none() => Some(""),
        "boolean" if param.default().is_none_or(|default| default == "0") => Some("0"),
        _ => None,
    }
}

/// Undoes the change that `id` names, or lists the changes that can be undone.
///
/// # Errors
/// Fails if there is no such change, if the values were changed again since, or if the request fails.
pub fn undo(context: &Context<'_>, args: &Args) -> Outcome {
    let Some(id) = args.int("id") else {
        let row =
            |step: &Step| json!([step.id, step.request.title(), step.keys().collect::<Vec<_>>().join(",")]);
        let rows: Vec<Value> = context.undo.all().iter().map(row).collect();
        let total = rows.len();
        return answer(&json!({"columns": ["id", "change", "keys"], "rows": rows, "total": total}));
    };
    let Some(step) = context.undo.step(id) else {
        return Err(Failure::new(format!(
            "There is no change {id} to undo; call proxmox_undo without `id` for a list."
        )));
    };
    let now = match read(context, &step.request) {
        Some(now) => now,
        // Reads it again for the error.
        None => object::object(context.get(&step.request.path, &Params::new())?.value())?,
    };
    let changed: Vec<&str> =
        step.keys().filter(|key| !same(key, now.get(*key), step.after.get(*key))).collect();
    if !changed.is_empty() || moved(&step, &now) {
        let what = if changed.is_empty() { "other keys".to_owned() } else { changed.join(", ") };
        return Err(Failure::new(format!(
            "Nothing was done: it was changed again since {} ({what}). Check it and set the right values.",
            step.request.title()
        )));
    }
    let back = back(&step, &now)?;
    context.note(&back.path, &now);
    let value = context.change(back.method, &back.path, &back.params)?.value();
    let mut facts = Map::from_iter([("id".to_owned(), json!(id))]);
    if let Some(upid) = value.as_str().filter(|upid| upid.starts_with("UPID:")) {
        let ended = follow(context, args, upid, facts)?;
        facts = object::object(serde_json::from_str(ended.get()).unwrap_or(Value::Null))?;
    }
    if !context.dry {
        context.undo.forget(id);
    }
    facts.insert("changed".into(), json!({"columns": ["key", "old", "new"], "rows": step.rows()}));
    answer(&facts)
}

/// Returns whether the path may name another object now. A firewall rule is named by its position, and the digest of
/// all rules shows whether positions have shifted. Elsewhere, a digest covers a whole file, which also changes with
/// other objects.
fn moved(step: &Step, now: &Map<String, Value>) -> bool {
    let of_guest = step.request.path.ends_with("/config");
    (step.request.by_position() || of_guest) && now.get("digest") != step.after.get("digest")
}
