//! A guest as a row of `/cluster/resources` describes it: its node, name and status.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{Failure, record::Record},
        param::Kind,
    },
};
use std::borrow::Cow;

/// The path of the inventory.
pub const PATH: &str = "/cluster/resources";

/// Returns the parameters that restrict the inventory to guests.
#[must_use]
pub fn guests_only() -> Params {
    Params::new().with("type", "vm")
}

/// A guest: its node, and what the cluster reports about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its VMID.
    pub vmid: i64,
    /// Its name; empty if it has none.
    pub name: String,
    /// The node it is on.
    pub node: String,
    /// Virtual machine or container.
    pub kind: Kind,
    /// `running`, `stopped` or another state, `unknown` if its node does not answer; empty if only its node is
    /// remembered.
    pub status: String,
}

impl Guest {
    /// Returns its name for people, such as `VM 100 (web01)`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", self.name) };
        format!("{} {}{name}", self.kind.word(), self.vmid)
    }

    /// Returns whether only its node is remembered, so that its current status is not known.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        self.status.is_empty()
    }

    /// Returns its path, such as `/nodes/pve1/qemu/100`, each part percent-encoded.
    ///
    /// # Errors
    /// Fails if the node's name cannot be part of a path.
    pub fn path(&self) -> Result<String, Failure> {
        guest_path(&self.node, self.kind, self.vmid)
    }
}

/// Returns the path of a guest, such as `/nodes/pve1/qemu/100`, each part percent-encoded.
pub(super) fn guest_path(node: &str, kind: Kind, vmid: i64) -> Result<String, Failure> {
    let value = |hole: &str| match hole {
        "node" => Some(node.to_owned()),
        "type" => Some(kind.api_type().to_owned()),
        "vmid" => Some(vmid.to_string()),
        _ => None,
    };
    path::fill("/nodes/{node}/{type}/{vmid}", value).map_err(Failure)
}

/// Returns whether a row of `/cluster/resources` is a guest; the answer also has rows of other types that were not
/// asked for (pve.md section 6).
#[must_use]
pub fn is_guest(record: &Record<'_>) -> bool {
    Kind::from_api_type(&record.text("type")).is_some()
}

/// Reads a row of `/cluster/resources` as a guest, if it is one.
#[must_use]
pub fn read(record: &Record<'_>) -> Option<Guest> {
    Some(place(record)?.with_status(&record.text("status")))
}

/// Where a guest is, and its name, borrowed from its row of `/cluster/resources`.
#[derive(Debug)]
pub struct Place<'a> {
    /// Its VMID.
    pub vmid: i64,
    /// Its name; empty if it has none.
    pub name: Cow<'a, str>,
    /// The node it is on.
    pub node: Cow<'a, str>,
    /// Virtual machine or container.
    pub kind: Kind,
}

impl Place<'_> {
    /// Returns the guest in that status; empty if it is not known.
    #[must_use]
    pub fn with_status(self, status: &str) -> Guest {
        Guest {
            vmid: self.vmid,
            name: self.name.into_owned(),
            node: self.node.into_owned(),
            kind: self.kind,
            status: status.to_owned(),
        }
    }
}

/// Reads a row of `/cluster/resources` as the place of a guest, if it is one.
#[must_use]
pub fn place<'a>(record: &'a Record<'_>) -> Option<Place<'a>> {
    Some(Place {
        vmid: record.text("vmid").parse().ok()?,
        name: record.text("name"),
        node: record.text("node"),
        kind: Kind::from_api_type(&record.text("type"))?,
    })
}
