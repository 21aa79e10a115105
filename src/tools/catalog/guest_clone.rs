//! Cloning a guest and preparing the clone: configuration keys, disk size, start, addresses.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome, object},
        catalog::{guest_addresses, guest_boot::boot_disk, guest_change::about, guest_create::with_free_id},
        param::{Kind, Param, VMID},
        run::{
            args::Args,
            context::Context,
            find,
            follow::{deadline, follow, goes_on},
        },
    },
};
use serde_json::{Map, Value};

/// Parameters of cloning.
pub const PARAMS: &[Param] = &[
    VMID,
    Param::int("newid", 100, 999_999_999).optional(),
    Param::text("name").optional(),
    Param::flag("full").optional(),
    Param::text("snapname").unlisted(),
    Param::text("storage").optional(),
    Param::text("target").about("Node.").optional(),
    Param::text("pool").unlisted(),
    Param::text("description").unlisted(),
    Param::text("format").only(Kind::Vm).unlisted(),
    Param::more("config").about("ciuser, sshkeys, …"),
    Param::int("disk_size", 1, 1_048_576).about("Boot disk, GiB.").optional(),
    Param::flag("start").optional(),
    Param::text("node").unlisted(),
];

/// Clones, then sets keys, resizes and starts, one after the other; if the wait ends early, the answer names the
/// remaining steps.
pub fn clone(context: &Context<'_>, args: &Args) -> Outcome {
    find::at(context, args, context.kind, 1, |guest| clone_at(context, args, guest))
}

fn clone_at(context: &Context<'_>, args: &Args, guest: &find::Guest) -> Outcome {
    let mut params = args.params(&["full", "snapname", "storage", "target", "pool", "description"]);
    // Containers have no formats to choose from.
    if let Some(format) = args.text("format").filter(|_| guest.kind == Kind::Vm) {
        params.push("format", format);
    }
    if let Some(name) = args.text("name") {
        params.push(if guest.kind == Kind::Vm { "name" } else { "hostname" }, name);
    }
    let path = format!("{}/clone", guest.path()?);
    let send = |newid: i64| context.change(Method::Post, &path, &params.clone().with("newid", newid));
    let (newid, reply) = with_free_id(context, args.int("newid"), send)?;
    let copy = find::Guest {
        vmid: newid,
        name: args.text("name").unwrap_or_default().to_owned(),
        node: args.text("target").unwrap_or(&guest.node).to_owned(),
        kind: guest.kind,
        status: "stopped".to_owned(),
    };
    let ended = follow(context, args, reply.value().as_str().unwrap_or_default(), about(&copy))?;
    let mut facts = object::object(serde_json::from_str(ended.get()).unwrap_or(Value::Null))?;
    let wanted: Vec<&str> = ["config", "disk_size", "start"]
        .into_iter()
        .filter(|name| args.get(name).is_some_and(|value| *value != Value::Bool(false)))
        .collect();
    for (index, step) in wanted.iter().enumerate() {
        if goes_on(&facts) {
            let left = wanted[index..].join(", ");
            let note = format!("Proxmox is still working on the clone, so this was not done: {left}.");
            facts.insert("left_undone".into(), note.into());
            break;
        }
        let done = match *step {
            "config" => configure(context, args, &copy),
            "disk_size" => resize(context, args, guest, &copy),
            _ => start(context, args, &copy),
        };
        let done = done.map_err(|Failure(why)| {
            Failure::new(format!("{} was created, but `{step}` failed: {why}", copy.title()))
        })?;
        if goes_on(&done) {
            for name in ["task", "upid"] {
                facts.insert(name.into(), done.get(name).cloned().unwrap_or_default());
            }
        }
        facts.insert((*step).into(), done.into());
    }
    context.fit(facts)
}

/// Sends a change to the clone and waits for its task, if it starts one.
fn step(
    context: &Context<'_>,
    args: &Args,
    method: Method,
    path: &str,
    params: &Params,
) -> Result<Map<String, Value>, Failure> {
    let value = context.change(method, path, params)?.value();
    let Some(upid) = value.as_str().filter(|upid| upid.starts_with("UPID:")) else {
        return Ok(Map::from_iter([("ok".to_owned(), true.into())]));
    };
    let ended = follow(context, args, upid, Map::new())?;
    object::object(serde_json::from_str(ended.get()).unwrap_or(Value::Null))
}

fn configure(context: &Context<'_>, args: &Args, copy: &find::Guest) -> Result<Map<String, Value>, Failure> {
    let method = if copy.kind == Kind::Vm { Method::Post } else { Method::Put };
    step(context, args, method, &format!("{}/config", copy.path()?), &args.params(&["config"]))
}

/// Grows the clone's boot disk; it has the same key as in the original.
fn resize(
    context: &Context<'_>,
    args: &Args,
    original: &find::Guest,
    copy: &find::Guest,
) -> Result<Map<String, Value>, Failure> {
    let path = copy.path()?;
    let config = format!("{}/config", original.path()?);
    let config = object::object(context.get(&config, &Params::new())?.value())?;
    let disk = boot_disk(copy.kind, &config).ok_or_else(|| Failure::new("It has no disk to resize."))?;
    let size = format!("{}G", args.int("disk_size").unwrap_or_default());
    let params = Params::new().with("disk", disk).with("size", size);
    step(context, args, Method::Put, &format!("{path}/resize"), &params)
}

fn start(context: &Context<'_>, args: &Args, copy: &find::Guest) -> Result<Map<String, Value>, Failure> {
    let path = format!("{}/status/start", copy.path()?);
    let mut started = step(context, args, Method::Post, &path, &Params::new())?;
    if started.contains_key("exitstatus") && !context.dry {
        guest_addresses::wait_for(context, copy, deadline(context, args), &mut started)?;
    }
    Ok(started)
}
