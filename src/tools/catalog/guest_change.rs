//! Changes to a guest that need more than one request.

use crate::{
    pve::{Auth, Method, Params},
    tools::{
        answer::{Failure, Outcome, answer, canonical::natural, object},
        param::{Kind, NODE, Param, VMID},
        run::{
            args::Args,
            context::Context,
            find,
            follow::{DELAY, follow, goes_on},
        },
    },
};
use serde_json::{Map, Value, json};

/// Parameters of a configuration change.
pub const UPDATE: &[Param] = &[
    VMID,
    Param::more("config").about("cores, net0, …"),
    Param::words("delete").about("Keys.").optional(),
    NODE,
];
/// Parameters of moving a disk.
pub const MOVE: &[Param] = &[
    VMID,
    Param::text("disk"),
    Param::text("storage"),
    Param::flag("delete").optional(),
    Param::text("format").unlisted(),
    NODE,
];

/// Reads the old values, sends the new ones with the digest of the old configuration, and returns both.
pub fn update(context: &Context<'_>, args: &Args) -> Outcome {
    // The new and the pending values are read in parallel.
    context.warm(2);
    find::at(context, args, context.kind, 2, |guest| update_at(context, args, guest))
}

fn update_at(context: &Context<'_>, args: &Args, guest: &find::Guest) -> Outcome {
    let path = format!("{}/config", guest.path()?);
    let before = object::object(context.before_change(&path)?.value())?;
    context.note(&path, &before);
    let mut params = args.params(&["config"]);
    let delete: Vec<&str> = args.texts("delete").collect();
    if !delete.is_empty() {
        params.push("delete", delete.join(","));
    }
    if params.is_empty() {
        return Err(Failure::new("Nothing to change: give `config`, such as {\"cores\": 4}, or `delete`."));
    }
    let changed: Vec<String> =
        params.iter().map(|(name, _)| name.to_owned()).filter(|name| name != "delete").collect();
    if let Some(digest) = before.get("digest").and_then(Value::as_str)
        && params.get("digest").is_none()
    {
        params.push("digest", digest);
    }
    // A VM's POST continues as a task if the storage is slow; a container has only PUT (pve.md section 4).
    let method = if guest.kind == Kind::Vm { Method::Post } else { Method::Put };
    if guest.kind == Kind::Vm && params.get("background_delay").is_none() {
        params.push("background_delay", DELAY);
    }
    let value = context.change(method, &path, &params)?.value();
    let mut facts = about(guest);
    if let Some(name) = find::configured_name(guest.kind, &before).filter(|_| guest.is_remembered()) {
        facts.insert("name".into(), name.into());
    }
    if let Some(upid) = value.as_str().filter(|upid| upid.starts_with("UPID:")) {
        let ended = follow(context, args, upid, facts.clone())?;
        if goes_on(&object::object(serde_json::from_str(ended.get()).unwrap_or(Value::Null))?) {
            return Ok(ended);
        }
    }
    let waiting = format!("{}/pending", guest.path()?);
    let [after, waiting] = context.get_all([&path, &waiting]);
    let after = object::object(after?.value())?;
    context.note(&path, &after);
    let keys = changed.iter().map(String::as_str).chain(delete);
    let rows: Vec<Value> = keys.map(|key| json!([key, before.get(key), after.get(key)])).collect();
    facts.insert("changed".into(), json!({"columns": ["key", "old", "new"], "rows": rows}));
    if guest.state().changes_wait() {
        let pending = pending(&waiting?.value());
        if !pending.is_empty() {
            facts.insert("pending_until_restart".into(), pending.into());
        }
    }
    context.fit(facts)
}

/// The keys whose new values take effect at the next restart.
fn pending(value: &Value) -> Vec<String> {
    let waits = |entry: &&Value| {
        entry.get("pending").is_some() || entry.get("delete").is_some_and(|delete| delete != 0)
    };
    let keys = value.as_array().into_iter().flatten().filter(waits);
    let mut keys: Vec<String> = keys.filter_map(|entry| entry["key"].as_str().map(str::to_owned)).collect();
    keys.sort_by(|one, other| natural(one, other));
    keys
}

/// The fields that every answer about a guest begins with.
pub(in crate::tools) fn about(guest: &find::Guest) -> Map<String, Value> {
    let (vmid, name, node) = (json!(guest.vmid), json!(guest.name), json!(guest.node));
    Map::from_iter([("vmid".to_owned(), vmid), ("name".to_owned(), name), ("node".to_owned(), node)])
}

/// Moves a disk; VMs and containers have different API methods for it.
pub fn move_disk(context: &Context<'_>, args: &Args) -> Outcome {
    find::at(context, args, context.kind, 1, |guest| {
        find::with_name(context, guest, || move_disk_at(context, args, guest))
    })
}

fn move_disk_at(context: &Context<'_>, args: &Args, guest: &find::Guest) -> Outcome {
    let (request, key) = match guest.kind {
        Kind::Vm => ("move_disk", "disk"),
        Kind::Container => ("move_volume", "volume"),
    };
    let mut params = Params::new().with(key, args.text("disk").unwrap_or_default());
    for (name, value) in args.iter().filter(|(name, _)| matches!(*name, "storage" | "delete" | "format")) {
        params.push_json(name, value);
    }
    let path = format!("{}/{request}", guest.path()?);
    let value = context.change(Method::Post, &path, &params)?.value();
    follow(context, args, value.as_str().unwrap_or_default(), about(guest))
}

/// The URL of the web interface's console window; the user logs in there.
pub fn console(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    let kind = if guest.kind == Kind::Vm { "kvm" } else { "lxc" };
    if let Auth::Missing(problem) = &context.config.settings.auth {
        return Err(Failure::new(problem.clone()));
    }
    let Some(web) = context.pve.web_interface() else { return Err(Failure::new("No host is configured.")) };
    let url = format!("{web}/?console={kind}&novnc=1&vmid={}&node={}&resize=scale", guest.vmid, guest.node);
    answer(&json!({"url": url, "note": "Opens in a browser that is logged in to Proxmox."}))
}
