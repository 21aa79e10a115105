//! Where things are: a guest's node, a node's name; and what to say when there is no such thing.

use crate::{
    pve::Params,
    suggest::did_you_mean,
    tools::{
        answer::{Failure, record::Record, rows},
        param::Kind,
        run::{context::Context, fresh},
    },
};

/// Where a guest is, and what the cluster says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its id.
    pub vmid: i64,
    /// Its name, empty when it has none.
    pub name: String,
    /// The node it is on.
    pub node: String,
    /// Virtual machine or container.
    pub kind: Kind,
    /// `running`, `stopped`, or `unknown` when its node does not answer.
    pub status: String,
}

impl Guest {
    /// `VM 100 (web01)`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", self.name) };
        format!("{} {}{name}", self.kind.word(), self.vmid)
    }

    /// `/nodes/pve1/qemu/100`, each part encoded.
    ///
    /// # Errors
    /// A node name that cannot be part of a path.
    pub fn path(&self) -> Result<String, Failure> {
        let value = |hole: &str| match hole {
            "node" => Some(self.node.clone()),
            "type" => Some(self.kind.api_type().to_owned()),
            "vmid" => Some(self.vmid.to_string()),
            _ => None,
        };
        crate::pve::path::fill("/nodes/{node}/{type}/{vmid}", value).map_err(Failure)
    }
}

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
    guest_among(guests(context)?, vmid, node, kind)
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

/// Every guest that this account sees, by one request.
///
/// # Errors
/// What the client says.
pub fn guests(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "vm"))?;
    Ok(fresh::inventory(context, &reply)?.iter().filter_map(read).collect())
}

/// Whether a row of `/cluster/resources` is a guest; rows of other types come along unasked (pve.md section 6).
#[must_use]
pub fn is_guest(record: &Record<'_>) -> bool {
    Kind::from_api_type(&record.text("type")).is_some()
}

/// A row of `/cluster/resources` as a guest, if it is one.
#[must_use]
pub fn read(record: &Record<'_>) -> Option<Guest> {
    Some(Guest {
        vmid: record.text("vmid").parse().ok()?,
        name: record.text("name").into_owned(),
        node: record.text("node").into_owned(),
        kind: Kind::from_api_type(&record.text("type"))?,
        status: record.text("status").into_owned(),
    })
}

fn no_such_guest(vmid: i64, kind: Option<Kind>, mut guests: Vec<Guest>) -> Failure {
    guests.retain(|guest| kind.is_none_or(|kind| kind == guest.kind));
    let far = |guest: &Guest| guest.vmid.abs_diff(vmid);
    guests.sort_by_key(|guest| far(guest));
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
    known.sort();
    known.dedup();
    if known.iter().any(|value| value == wanted) {
        return Ok(());
    }
    let hint = did_you_mean(wanted, known.iter().map(String::as_str));
    let list = if known.is_empty() { "none that this account may see".into() } else { known.join(", ") };
    Err(Failure::new(format!("There is no {key} `{}`.{hint} There are: {list}.", wanted.escape_debug())))
}

/// Where to ask for a kind of content: each storage that may hold it once if it is shared, once a node if not.
/// Takes the rows of `/cluster/resources` of type storage.
///
/// # Errors
/// No such storage or node.
pub fn storages(
    records: &[Record<'_>],
    content: &str,
    storage: Option<&str>,
    node: Option<&str>,
) -> Result<Vec<(String, String)>, Failure> {
    if let Some(storage) = storage {
        among("storage", storage, records)?;
    }
    if let Some(node) = node {
        among("node", node, records)?;
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for record in records {
        let (at, name) = (record.text("node"), record.text("storage"));
        let holds = record.text("content").split(',').any(|kind| kind == content);
        let wanted = storage.is_none_or(|storage| storage == name) && node.is_none_or(|node| node == at);
        let known = record.has("shared") && found.iter().any(|(_, other)| *other == name);
        if record.text("status") == "available" && holds && wanted && !known {
            found.push((at.into_owned(), name.into_owned()));
        }
    }
    Ok(found)
}

/// Where the content of each of those storages is read.
///
/// # Errors
/// A name that cannot be part of a path.
pub fn content_paths(storages: &[(String, String)]) -> Result<Vec<String>, Failure> {
    let path = |(node, storage): &(String, String)| {
        let value = |hole: &str| Some(if hole == "node" { node.clone() } else { storage.clone() });
        crate::pve::path::fill("/nodes/{node}/storage/{storage}/content", value).map_err(Failure::new)
    };
    storages.iter().map(path).collect()
}
