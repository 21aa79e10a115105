//! Taking changes of configuration back: what was there before is kept for the life of the process, and put back
//! only where nobody else has changed it since.

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, words::is_secret},
    },
    sync::lock,
    tools::{
        answer::{Failure, Outcome, answer},
        run::{args::Args, context::Context, follow::follow, request::Request},
    },
};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// How many changes are kept; the oldest go first.
const KEPT: usize = 100;

/// The changes that can be taken back.
#[derive(Debug, Default)]
pub struct Undo {
    numbers: Numbers,
    kept: Mutex<VecDeque<Step>>,
}

/// The last number given to a change; shared by all clusters, so that each change has a number of its own.
pub type Numbers = Arc<AtomicI64>;

/// One change, and what was there before it.
#[derive(Clone, Debug)]
struct Step {
    id: i64,
    request: Request,
    /// Each key that was changed, with its value before; `None` where there was none.
    before: Vec<(String, Option<Value>)>,
    /// What the same path answered right after the change.
    after: Map<String, Value>,
}

/// A change whose end is not known yet.
#[derive(Clone, Debug)]
pub struct Draft {
    request: Request,
    before: Map<String, Value>,
}

/// Parameters that steer a change and are no configuration.
const STEERING: &[&str] = &["delete", "digest", "force", "skiplock", "background_delay", "revert", "moveto"];

/// Reads what a change is about to replace, where it is one that can be taken back: a PUT (or a VM's POST of its
/// configuration) of something that the same path answers to a GET as an object.
#[must_use]
pub fn draft(context: &Context<'_>, request: &Request) -> Option<Draft> {
    let of_vm = request.method == Method::Post && request.path.ends_with("/config");
    let readable = matches!(api::find(Method::Get, &request.path), Lookup::Found(_));
    if !(request.method == Method::Put || of_vm) || !readable {
        return None;
    }
    match context.get(&request.path, &Params::new()).ok()?.value() {
        Value::Object(before) => Some(Draft { request: request.clone(), before }),
        _ => None,
    }
}

impl Undo {
    /// Nothing yet.
    #[must_use]
    pub fn new(numbers: Numbers) -> Undo {
        Undo { numbers, kept: Mutex::default() }
    }

    /// Keeps what a call changed, as it is now that the call is over. Returns the ids.
    pub fn keep(&self, context: &Context<'_>, drafts: &[Draft]) -> Vec<i64> {
        let mut ids = Vec::new();
        for draft in drafts {
            let reply = context.get(&draft.request.path, &Params::new());
            let Ok(Value::Object(after)) = reply.map(|reply| reply.value()) else { continue };
            let before: Vec<(String, Option<Value>)> = keys(&draft.request)
                .into_iter()
                .map(|key| (key.clone(), draft.before.get(&key).cloned()))
                .collect();
            if before.iter().all(|(key, value)| after.get(key) == value.as_ref()) {
                continue;
            }
            let id = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            let mut kept = lock(&self.kept);
            kept.push_back(Step { id, request: draft.request.clone(), before, after });
            if KEPT < kept.len() {
                kept.pop_front();
            }
            ids.push(id);
        }
        ids
    }
}

/// The keys that a change sets or removes, secrets left out: nobody can read their old values.
fn keys(request: &Request) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (name, value) in request.params.iter() {
        if name == "delete" {
            keys.extend(value.split([',', ' ', ';']).filter(|key| !key.is_empty()).map(str::to_owned));
        } else if !STEERING.contains(&name) && !is_secret(name) {
            keys.push(name.to_owned());
        }
    }
    keys.dedup();
    keys
}

impl Step {
    /// The request that puts the old values back.
    fn back(&self) -> Result<Request, Failure> {
        let takes = |name: &str| match api::find(self.request.method, &self.request.path) {
            Lookup::Found(found) => found.row.param(name).is_some(),
            _ => false,
        };
        let (mut params, mut delete) = (Params::new(), Vec::new());
        for (key, value) in &self.before {
            match value {
                Some(value) => params.push_json(key, value),
                None => delete.push(key.as_str()),
            }
        }
        if !delete.is_empty() {
            if !takes("delete") {
                return Err(Failure::new(format!(
                    "Nothing was done: {} cannot be taken back as a whole, because {} had no value before and this path cannot remove one.",
                    self.request.title(),
                    delete.join(", ")
                )));
            }
            params.push("delete", delete.join(","));
        }
        if let Some(digest) = self.after.get("digest").and_then(Value::as_str)
            && takes("digest")
        {
            params.push("digest", digest);
        }
        Ok(Request { method: self.request.method, path: self.request.path.clone(), params })
    }

    fn rows(&self) -> Vec<Value> {
        self.before.iter().map(|(key, value)| json!([key, self.after.get(key), value])).collect()
    }
}

/// Takes back the change that `id` names, or lists those that can be.
///
/// # Errors
/// There is no such change; it was changed again since; what Proxmox says.
pub fn undo(context: &Context<'_>, args: &Args) -> Outcome {
    let Some(id) = args.int("id") else {
        let kept = lock(&context.undo.kept);
        let rows: Vec<Value> = kept
            .iter()
            .rev()
            .map(|step| {
                let keys: Vec<&str> = step.before.iter().map(|(key, _)| key.as_str()).collect();
                json!([step.id, step.request.title(), keys.join(",")])
            })
            .collect();
        let total = rows.len();
        return answer(&json!({"columns": ["id", "change", "keys"], "rows": rows, "total": total}));
    };
    let step = lock(&context.undo.kept).iter().find(|step| step.id == id).cloned();
    let Some(step) = step else {
        return Err(Failure::new(format!(
            "There is no change {id} to take back; call proxmox_undo without `id` for those there are."
        )));
    };
    let now = context.get(&step.request.path, &Params::new())?.value();
    let changed: Vec<&str> = step
        .before
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| now.get(*key) != step.after.get(*key))
        .collect();
    let digest = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if !changed.is_empty() || digest(now.get("digest")) != digest(step.after.get("digest")) {
        let what = if changed.is_empty() { "other keys".to_owned() } else { changed.join(", ") };
        return Err(Failure::new(format!(
            "Nothing was done: it was changed again since {} ({what}). Look at it and set what it should be.",
            step.request.title()
        )));
    }
    let back = step.back()?;
    let value = context.change(back.method, &back.path, &back.params)?.value();
    let mut facts = Map::from_iter([("id".to_owned(), json!(id))]);
    if let Some(upid) = value.as_str().filter(|upid| upid.starts_with("UPID:")) {
        let ended = follow(context, args, upid, Map::new())?;
        facts.insert("task".into(), serde_json::from_str(ended.get()).unwrap_or(Value::Null));
    }
    if !context.dry {
        lock(&context.undo.kept).retain(|step| step.id != id);
    }
    facts.insert("changed".into(), json!({"columns": ["key", "old", "new"], "rows": step.rows()}));
    answer(&facts)
}
