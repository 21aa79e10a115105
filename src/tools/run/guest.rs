//! A guest as a row of `/cluster/resources` tells of it: where it is, what it is called, what it does.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{Failure, record::Record},
        param::Kind,
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
