//! Looks up guests and nodes, and words the errors for those that do not exist.

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

/// Finds the guest with that VMID by one request for `/cluster/resources`. If a node is given, the guest must be on it;
/// the guest must be of the kind that the tool is for.
///
/// # Errors
/// Fails if there is no such guest, or if it is on another node or of another kind; the error says what is right.
pub fn guest(context: &Context<'_>, vmid: i64, node: Option<&str>) -> Result<Guest, Failure> {
    guest_of(context, vmid, node, context.kind)
}

/// Like [`guest`], but for the given kind instead of the tool's.
///
/// # Errors
/// Fails like [`guest`].
pub fn guest_of(
    context: &Context<'_>,
    vmid: i64,
    node: Option<&str>,
    kind: Option<Kind>,
) -> Result<Guest, Failure> {
    let mut guest = guest_among(guests(context)?, vmid, node, kind)?;
    // For a guest that another client created just now, the inventory has only its node, not its name yet.
    if guest.name.is_empty() {
        guest.name = name_of(context, &guest).unwrap_or_default();
    }
    Ok(guest)
}

/// Path segments after the VMID under which the node reads the guest's configuration first and refuses the request if
/// there is none. Firewall paths, for example, are not among them: their files are the same on every node, whether the
/// guest is there or not.
const FAILS_WITHOUT_GUEST: &[&str] = &[
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

/// Returns whether a request to that path, which begins with `/nodes/{node}/{type}/{vmid}`, fails on a node that does
/// not have the guest.
#[must_use]
pub fn fails_without_guest(path: &str) -> bool {
    path.split('/').nth(5).is_none_or(|action| FAILS_WITHOUT_GUEST.contains(&action))
}

/// Runs `work` on the guest that the arguments name, on the node where it was last seen. `work` may only send requests
/// whose path [`fails_without_guest`]. Only if they fail is the guest looked up, and if they were refused because the guest is on
/// another node, `work` runs again there. A guest whose node is not remembered is looked up first; `requests` is the
/// number of requests that `work` then sends at once.
///
/// # Errors
/// Fails like [`guest`], and if `work` fails.
pub fn at<T>(
    context: &Context<'_>,
    args: &Args,
    kind: Option<Kind>,
    requests: usize,
    work: impl Fn(&Guest) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (vmid, node) = (args.int("vmid").unwrap_or_default(), args.text("node"));
    let Some(remembered) = remembered(context, vmid, node, kind) else {
        context.warm(if is_shown_first(context) { PLANNED } else { requests });
        return work(&guest_of(context, vmid, node, kind)?);
    };
    let mark = context.mark();
    let result = work(&remembered);
    if result.is_ok() || !context.may_have_moved() || context.call.cancel.is_cancelled() {
        return result;
    }
    context.places.forget(vmid);
    if !context.changed_nothing_since(mark) {
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
    context.drop_refused_change(mark);
    work(&found)
}

/// Returns the guest as last seen, if that is good enough. It is not for an unconfirmed change or a dry run, whose plan
/// is shown to a person and must be correct.
fn remembered(context: &Context<'_>, vmid: i64, node: Option<&str>, kind: Option<Kind>) -> Option<Guest> {
    if context.dry || is_shown_first(context) {
        return None;
    }
    let fits = |guest: &Guest| {
        kind.is_none_or(|kind| kind == guest.kind) && node.is_none_or(|node| node == guest.node)
    };
    context.places.last_known(vmid).filter(fits)
}

/// The largest number of requests that a guest's plan sends at once: `guest_facts::read`.
const PLANNED: usize = 5;

/// Whether the call is answered with a plan that a person must confirm.
fn is_shown_first(context: &Context<'_>) -> bool {
    context.effect == Effect::Ask
        && context.config.access != Access::Full
        && matches!(context.grant, Grant::None)
}

/// Returns the name in a guest's configuration.
#[must_use]
pub fn configured_name(kind: Kind, config: &Map<String, Value>) -> Option<&str> {
    let key = if kind == Kind::Vm { "name" } else { "hostname" };
    config.get(key).and_then(Value::as_str)
}

/// Runs `work`, whose answer contains the guest's `name`. If the remembered name may be out of date, the current one is
/// read at the same time and put into the answer.
///
/// # Errors
/// Fails if `work` fails.
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

/// Like [`guest_of`], but searches guests that were already read.
///
/// # Errors
/// Fails like [`guest`].
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

/// Checks that there is a node of that name.
///
/// # Errors
/// Fails if there is none; the error lists the nodes.
pub fn node_exists(context: &Context<'_>, node: &str) -> Result<(), Failure> {
    let reply = context.get("/nodes", &Params::new())?;
    let records = rows(&reply)?;
    among("node", node, &records)
}

/// Checks that one of the rows has that value under `key`.
///
/// # Errors
/// Fails if none has; the error names the nearest value and lists all of them.
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
