//! Taking changes of configuration back: what was there before is put back, and only where nobody else has changed it
//! since.

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

/// Parameters that steer a change and are no configuration.
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

/// Reads what a change is about to replace, where it is one that can be taken back: a PUT (or a VM's POST of its
/// configuration) of something that the same path answers to a GET as an object. `known` is that answer, where it was
/// read already.
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

/// What the path of a change answers, as its parameters.
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

/// Keeps what a call changed, as it is now that the call is over. Returns the ids.
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

/// The keys that a change set or removed, secrets left out: nobody can read their old values. Some changes remove others
/// than they name, as a backup job's `vmid` does away with its `all`. Only of a guest no others are put back: a disk that
/// is taken away becomes an unused one, and to remove that would delete it.
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
    // An address comes in two forms; one is enough.
    let whole: Vec<String> = keys.clone();
    keys.retain(|name| {
        replaced::implied_by(name).is_none_or(|whole_name| !whole.iter().any(|key| key == whole_name))
    });
    keys
}

/// The request that puts the old values back.
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

/// The value that is as good as none: nothing for plain text, off for a flag that is off unless it is set.
fn empty(row: &Row, key: &str) -> Option<&'static str> {
    let param = row.param(key).filter(api::Param::is_optional)?;
    let plain = param.format().is_none() && param.known_keys().is_none() && param.choices().is_none();
    match param.kind() {
        "string" if plain && param.length().0.is_none() => Some(""),
        "boolean" if param.default().is_none_or(|default| default == "0") => Some("0"),
        _ => None,
    }
}

/// Takes back the change that `id` names, or lists those that can be.
///
/// # Errors
/// There is no such change; it was changed again since; what Proxmox says.
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
        // Says why it cannot be read.
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

/// Whether what the path names may be another thing now: a rule is named by its position, and the digest of all of them
/// tells whether positions have shifted. Elsewhere a digest is of a whole file, in which others may change theirs.
fn moved(step: &Step, now: &Map<String, Value>) -> bool {
    let of_guest = step.request.path.ends_with("/config");
    (step.request.by_position() || of_guest) && now.get("digest") != step.after.get("digest")
}
