//! The guests of the cluster. The cluster's own inventory is up to 10 s old (pve.md section 6), so a list right after a
//! start would still show the guest stopped, and a guest that was just made has no name in it: those few are looked at
//! themselves (see [`super::states`]).

use crate::{
    pve::{self, Params, Reply, path},
    sync::at_once,
    tools::{
        answer::{Failure, record::Record, rows},
        param::Kind,
        run::{
            context::Context,
            states::{self, States},
        },
    },
};

/// The path of the inventory.
pub const PATH: &str = "/cluster/resources";

/// What narrows the inventory down to guests.
#[must_use]
pub fn of_guests() -> Params {
    Params::new().with("type", "vm")
}

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
    /// `running`, `stopped`, or `unknown` when its node does not answer; empty where only its place is remembered.
    pub status: String,
}

impl Guest {
    /// `VM 100 (web01)`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", self.name) };
        format!("{} {}{name}", self.kind.word(), self.vmid)
    }

    /// Whether only its place is remembered, so that nothing is known of how it is now.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        self.status.is_empty()
    }

    /// `/nodes/pve1/qemu/100`, each part encoded.
    ///
    /// # Errors
    /// A node name that cannot be part of a path.
    pub fn path(&self) -> Result<String, Failure> {
        guest_path(&self.node, self.kind, self.vmid)
    }
}

/// `/nodes/pve1/qemu/100`, each part encoded.
pub(super) fn guest_path(node: &str, kind: Kind, vmid: i64) -> Result<String, Failure> {
    let value = |hole: &str| match hole {
        "node" => Some(node.to_owned()),
        "type" => Some(kind.api_type().to_owned()),
        "vmid" => Some(vmid.to_string()),
        _ => None,
    };
    path::fill("/nodes/{node}/{type}/{vmid}", value).map_err(Failure)
}

/// Every guest that this account sees, by VMID, by one request. Until the call sends a change, whoever next asks for the
/// inventory is given the same answer.
///
/// # Errors
/// What the client says.
pub fn guests(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let (reply, states) = of_all_guests(context);
    let reply = reply?;
    let mut guests: Vec<Guest> = corrected(context, &reply, &states)?.iter().filter_map(read).collect();
    guests.sort_by_key(|one| one.vmid);
    context.share(reply);
    Ok(guests)
}

/// Where every guest that this account sees is, and nothing of how it is.
///
/// # Errors
/// What the client says.
pub fn places(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let reply = context.get(PATH, &of_guests())?;
    let mut guests: Vec<Guest> = rows(&reply)?.iter().filter_map(read).collect();
    guests.iter_mut().for_each(|guest| guest.status.clear());
    context.places.heard(guests.iter().cloned());
    context.fresh.all().iter().for_each(|(vmid, _)| context.places.unname(*vmid));
    Ok(guests)
}

/// The inventory of the guests, for [`corrected`].
pub fn of_all_guests(context: &Context<'_>) -> (Result<Reply, pve::Error>, States) {
    let (mut replies, states) = with_states(context, &[(PATH, of_guests())]);
    (replies.remove(0), states)
}

/// What `/cluster/status` and the whole inventory answer, the latter for [`corrected`].
pub fn of_cluster(context: &Context<'_>) -> (Result<Reply, pve::Error>, Result<Reply, pve::Error>, States) {
    let (mut replies, states) =
        with_states(context, &[("/cluster/status", Params::new()), (PATH, Params::new())]);
    let (resources, members) = (replies.pop(), replies.pop());
    let (Some(members), Some(resources)) = (members, resources) else {
        unreachable!("each path has its answer")
    };
    (members, resources, states)
}

/// What those paths answer, and beside them what guests that were changed a moment ago say of themselves.
fn with_states(context: &Context<'_>, paths: &[(&str, Params)]) -> (Vec<Result<Reply, pve::Error>>, States) {
    let asked = states::ask(context);
    let fixed = paths.iter().map(|(path, params)| (*path, params.clone()));
    let own = asked.iter().map(|one| (one.path.as_str(), one.params.clone()));
    let all: Vec<(&str, Params)> = fixed.chain(own).collect();
    let mut replies = at_once(&all, |(path, params)| context.read(path, params));
    let answers = replies.split_off(paths.len());
    (replies, States::of(asked, answers))
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

/// The rows of `/cluster/resources`, those of guests changed a moment ago as the guests themselves say. They are asked
/// now; [`of_all_guests`] asks them at the same time as for the rows.
///
/// # Errors
/// The answer is no list.
pub fn inventory<'a>(context: &Context<'_>, reply: &'a Reply) -> Result<Vec<Record<'a>>, Failure> {
    corrected(context, reply, &States::default())
}

/// As [`inventory`], with what was read beside it.
///
/// # Errors
/// The answer is no list.
pub fn corrected<'a>(
    context: &Context<'_>,
    reply: &'a Reply,
    states: &States,
) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    states::correct(context, &mut records, states);
    context.places.heard(records.iter().filter_map(read));
    Ok(records)
}

/// What a guest is called, where the inventory does not know it yet.
#[must_use]
pub fn name_of(context: &Context<'_>, guest: &Guest) -> Option<String> {
    let path = format!("{}/status/current", guest.path().ok()?);
    let status = context.get(&path, &Params::new()).ok()?.value();
    let name = status["name"].as_str()?;
    context.places.named(guest.vmid, name);
    Some(name.to_owned())
}
