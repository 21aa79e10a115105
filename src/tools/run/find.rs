//! Where things are: a guest's node, a node's name; and what to say when there is no such thing.

use crate::{
    config::Access,
    pve::Params,
    suggest::did_you_mean,
    tools::{
        answer::{Failure, Outcome, answer, record::Record, rows},
        param::{Effect, Kind},
        run::{
            args::Args,
            context::{Context, Grant},
            inventory::{name_of, places},
        },
    },
};
use serde_json::{Map, Value};
use std::thread;

pub use crate::tools::run::{
    guest::{Guest, is_guest, read},
    inventory::guests,
};

/// Finds the guest of that id by one request for the cluster's inventory. A given node must be the one it is
/// on; a kind must be the one that the tool is for.
///
/// # Errors
/// No such guest, another node, another kind: each a sentence with what is right.
pub fn guest(context: &Context<'_>, vmid: i64, node: Option<&str>) -> Result<Guest, Failure> {
    guest_of(context, vmid, node, context.kind)
}

/// As [`guest`], of a kind that the tool does not say.
///
/// # Errors
/// As [`guest`].
pub fn guest_of(
    context: &Context<'_>,
    vmid: i64,
    node: Option<&str>,
    kind: Option<Kind>,
) -> Result<Guest, Failure> {
    let mut guest = guest_among(guests(context)?, vmid, node, kind)?;
    // Of a guest that somebody else made a moment ago the inventory has only the place.
    if guest.name.is_empty() {
        guest.name = name_of(context, &guest).unwrap_or_default();
    }
    Ok(guest)
}

/// What a path has after the guest where the node itself looks for the guest's configuration first, and refuses
/// everything else when there is none. The firewall's files, for one, are the same on every node, guest or not.
const PROVEN: &[&str] = &[
    "agent",
    "clone",
    "cloudinit",
    "config",
    "interfaces",
    "move_disk",
    "move_volume",
    "pending",
    "resize",
    "sendkey",
    "snapshot",
    "status",
    "template",
    "unlink",
];

/// Whether a request to that path, which begins with `/nodes/{node}/{type}/{vmid}`, fails where its guest is not.
#[must_use]
pub fn is_proven(path: &str) -> bool {
    path.split('/').nth(5).is_none_or(|action| PROVEN.contains(&action))
}

/// Does something with the guest that the arguments name, where it was last: `work` sends nothing but requests whose
/// path [`is_proven`]. Only if those fail is the guest looked up, and what was refused because the guest is not there is
/// done again where it is. A guest whose place is not remembered is looked up first; `requests` says how many of
/// them go out at once then.
///
/// # Errors
/// As [`guest`]; what `work` says.
pub fn at<T>(
    context: &Context<'_>,
    args: &Args,
    kind: Option<Kind>,
    requests: usize,
    work: impl Fn(&Guest) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (vmid, node) = (args.int("vmid").unwrap_or_default(), args.text("node"));
    let Some(remembered) = remembered(context, vmid, node, kind) else {
        context.warm(requests);
        return work(&guest_of(context, vmid, node, kind)?);
    };
    let mark = context.mark();
    let result = work(&remembered);
    if result.is_ok() || !context.is_in_doubt() || context.call.cancel.is_cancelled() {
        return result;
    }
    context.places.forget(vmid);
    if !context.did_nothing_since(mark) {
        return result;
    }
    let is_new = context.fresh.all().iter().any(|(changed, made)| *changed == vmid && made.is_some());
    let found = match is_new {
        true => guest_of(context, vmid, node, kind)?,
        false => guest_among(places(context)?, vmid, node, kind)?,
    };
    if found.path()? == remembered.path()? {
        return result;
    }
    context.strike(mark);
    work(&found)
}

/// A guest whose place is remembered, if that will do: what nobody has agreed to yet is shown to somebody first, and what
/// is shown must be right.
fn remembered(context: &Context<'_>, vmid: i64, node: Option<&str>, kind: Option<Kind>) -> Option<Guest> {
    let asked_for = context.effect == Effect::Ask
        && context.config.access != Access::Full
        && matches!(context.grant, Grant::None);
    if context.dry || asked_for {
        return None;
    }
    let fits = |guest: &Guest| {
        kind.is_none_or(|kind| kind == guest.kind) && node.is_none_or(|node| node == guest.node)
    };
    context.places.recall(vmid).filter(fits)
}

/// The name in a guest's configuration.
#[must_use]
pub fn configured_name(kind: Kind, config: &Map<String, Value>) -> Option<&str> {
    let key = if kind == Kind::Vm { "name" } else { "hostname" };
    config.get(key).and_then(Value::as_str)
}

/// Does something whose answer has the guest's `name`. Where that may not be right any more, the guest is asked for it at
/// the same time.
///
/// # Errors
/// What `work` says.
pub fn with_name(context: &Context<'_>, guest: &Guest, work: impl FnOnce() -> Outcome) -> Outcome {
    if !guest.is_remembered() || context.places.is_named(guest.vmid) {
        return work();
    }
    context.warm(2);
    let (data, name) = thread::scope(|scope| {
        let name = scope.spawn(|| name_of(context, guest));
        let data = work();
        (data, name.join().ok().flatten())
    });
    match (name, data) {
        (Some(name), Ok(data)) if name != guest.name => match serde_json::from_str(data.get()) {
            Ok(Value::Object(mut facts)) if facts.contains_key("name") => {
                facts.insert("name".into(), name.into());
                answer(&facts)
            }
            _ => Ok(data),
        },
        (_, data) => data,
    }
}

/// As [`guest_of`], among guests that were read already.
///
/// # Errors
/// As [`guest`].
pub fn guest_among(
    mut guests: Vec<Guest>,
    vmid: i64,
    node: Option<&str>,
    kind: Option<Kind>,
) -> Result<Guest, Failure> {
    let Some(place) = guests.iter().position(|guest| guest.vmid == vmid) else {
        return Err(no_such_guest(vmid, kind, guests));
    };
    let guest = guests.swap_remove(place);
    if let Some(kind) = kind
        && kind != guest.kind
    {
        let (wrong, right) = (kind.word(), guest.kind.word());
        return Err(Failure::new(format!(
            "{} is a {right}, not a {wrong}; use the tool for {right}s.",
            guest.title()
        )));
    }
    if let Some(node) = node
        && node != guest.node
    {
        return Err(Failure::new(format!(
            "{} is on node `{}`, not on `{}`; leave `node` out, it is found by the VMID.",
            guest.title(),
            guest.node,
            node.escape_debug()
        )));
    }
    Ok(guest)
}

fn no_such_guest(vmid: i64, kind: Option<Kind>, mut guests: Vec<Guest>) -> Failure {
    guests.retain(|guest| kind.is_none_or(|kind| kind == guest.kind));
    let far = |guest: &Guest| guest.vmid.abs_diff(vmid);
    guests.sort_by_key(|guest| (far(guest), guest.vmid));
    let near: Vec<String> = guests.iter().take(5).map(Guest::title).collect();
    let word = kind.map_or("guest", Kind::word);
    let rest = if near.is_empty() {
        format!(
            "This account sees no {word} at all: it may lack VM.Audit (a token starts without any rights)."
        )
    } else {
        format!("Nearest: {}.", near.join(", "))
    };
    Failure::new(format!("There is no {word} {vmid}. {rest}"))
}

/// Says whether there is a node of that name.
///
/// # Errors
/// A sentence that lists the nodes.
pub fn node_exists(context: &Context<'_>, node: &str) -> Result<(), Failure> {
    let reply = context.get("/nodes", &Params::new())?;
    let records = rows(&reply)?;
    among("node", node, &records)
}

/// Says whether one of the rows has that value.
///
/// # Errors
/// A sentence with the nearest value, and all of them.
pub fn among(key: &str, wanted: &str, records: &[Record<'_>]) -> Result<(), Failure> {
    let mut known: Vec<String> = records.iter().map(|record| record.text(key).into_owned()).collect();
    known.sort();
    known.dedup();
    if known.iter().any(|value| value == wanted) {
        return Ok(());
    }
    let hint = did_you_mean(wanted, known.iter().map(String::as_str));
    let list = if known.is_empty() { "none that this account may see".into() } else { known.join(", ") };
    Err(Failure::new(format!("There is no {key} `{}`.{hint} There are: {list}.", wanted.escape_debug())))
}
