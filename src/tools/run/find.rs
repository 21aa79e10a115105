//! Where things are: a guest's node, a node's name; and what to say when there is no such thing.

use crate::{
    order,
    pve::Params,
    suggest::did_you_mean,
    tools::{
        answer::{Failure, record::Record, rows},
        param::Kind,
        run::{context::Context, inventory::name_of},
    },
};

pub use crate::tools::run::inventory::{Guest, guests, is_guest, read};

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
    order::sort_by(&mut guests, |one, other| far(one).cmp(&far(other)).then(one.vmid.cmp(&other.vmid)));
    let near: Vec<String> = guests.iter().take(5).map(Guest::title).collect();
    let word = kind.map_or("guest", Kind::word);
    let rest = if near.is_empty() {
        format!(
            "This account sees no {word} at all: it may lack VM.Audit (a token starts without any rights)."
        )
    } else {
        format!("Near it: {}.", near.join(", "))
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
    order::sort(&mut known);
    known.dedup();
    if known.iter().any(|value| value == wanted) {
        return Ok(());
    }
    let hint = did_you_mean(wanted, known.iter().map(String::as_str));
    let list = if known.is_empty() { "none that this account may see".into() } else { known.join(", ") };
    Err(Failure::new(format!("There is no {key} `{}`.{hint} There are: {list}.", wanted.escape_debug())))
}
