//! The guests of the cluster. The cluster's own inventory is up to 10 s old (pve.md section 6), so a list right after a
//! start would still show the guest stopped, and a guest that was just made has no name in it: those few are looked at
//! themselves.

use crate::{
    pve::{Params, Reply, path},
    tools::{
        answer::{Failure, record::Record, rows},
        param::Kind,
        run::{context::Context, state::State},
    },
};
use serde_json::{Map, Value, json};

/// Guests that are looked at for one list; beyond it the list is as Proxmox gives it.
const MOST: usize = 32;
/// What the inventory calls it, and what a guest's own status calls it.
const COLUMNS: [(&str, &str); 12] = [
    ("name", "name"),
    ("status", "status"),
    ("template", "template"),
    ("tags", "tags"),
    ("cpu", "cpu"),
    ("maxcpu", "cpus"),
    ("mem", "mem"),
    ("maxmem", "maxmem"),
    ("disk", "disk"),
    ("maxdisk", "maxdisk"),
    ("uptime", "uptime"),
    ("lock", "lock"),
];

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
        guest_path(&self.node, self.kind, self.vmid)
    }
}

fn guest_path(node: &str, kind: Kind, vmid: i64) -> Result<String, Failure> {
    let value = |hole: &str| match hole {
        "node" => Some(node.to_owned()),
        "type" => Some(kind.api_type().to_owned()),
        "vmid" => Some(vmid.to_string()),
        _ => None,
    };
    path::fill("/nodes/{node}/{type}/{vmid}", value).map_err(Failure)
}

/// Every guest that this account sees, by VMID, by one request.
///
/// # Errors
/// What the client says.
pub fn guests(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "vm"))?;
    let mut guests: Vec<Guest> = inventory(context, &reply)?.iter().filter_map(read).collect();
    guests.sort_by_key(|one| one.vmid);
    Ok(guests)
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

/// The rows of `/cluster/resources`, those of guests changed a moment ago as the guests themselves say.
///
/// # Errors
/// The answer is no list.
pub fn inventory<'a>(context: &Context<'_>, reply: &'a Reply) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    let fresh = context.fresh.all();
    if !fresh.is_empty() {
        correct(context, &mut records, fresh);
    }
    Ok(records)
}

/// One guest whose row may be wrong or missing.
struct Doubt {
    vmid: i64,
    node: String,
    kind: Kind,
    /// Where its row is.
    row: Option<usize>,
}

fn correct(context: &Context<'_>, records: &mut Vec<Record<'_>>, fresh: Vec<(i64, Option<(String, Kind)>)>) {
    let doubts: Vec<Doubt> = fresh
        .into_iter()
        .filter_map(|(vmid, made)| {
            let wanted = vmid.to_string();
            let row = records.iter().position(|record| is_guest(record) && record.text("vmid") == wanted);
            match (row, made) {
                (Some(row), _) => {
                    let guest = read(&records[row])?;
                    Some(Doubt { vmid, node: guest.node, kind: guest.kind, row: Some(row) })
                }
                (None, Some((node, kind))) => Some(Doubt { vmid, node, kind, row: None }),
                (None, None) => None,
            }
        })
        .take(MOST)
        .collect();
    let paths: Result<Vec<String>, Failure> = doubts
        .iter()
        .map(|doubt| Ok(format!("{}/status/current", guest_path(&doubt.node, doubt.kind, doubt.vmid)?)))
        .collect();
    let Ok(paths) = paths else { return };
    for (doubt, reply) in doubts.into_iter().zip(context.get_each(&paths, &Params::new())) {
        // A guest that cannot be asked (it is moving, gone, or not there yet) stays as the inventory has it.
        let Ok(mut status) = reply.map(|reply| reply.value()) else { continue };
        // The inventory has QEMU's own state.
        let state = State::of_status(&status);
        let Some(status) = status.as_object_mut() else { continue };
        status.insert("status".into(), state.word().into());
        match doubt.row {
            Some(row) => apply(&mut records[row], status),
            None => {
                let mut record = Record::default();
                record.set("vmid", doubt.vmid.to_string());
                record.set("node", json!(doubt.node).to_string());
                record.set("type", json!(doubt.kind.api_type()).to_string());
                record.set("id", json!(format!("{}/{}", doubt.kind.api_type(), doubt.vmid)).to_string());
                apply(&mut record, status);
                records.push(record);
            }
        }
    }
}

fn apply(record: &mut Record<'_>, status: &Map<String, Value>) {
    for (name, own) in COLUMNS {
        match status.get(own) {
            Some(value) => record.set(name, value.to_string()),
            // What a guest is called and marked as does not end because an old version does not tell it here.
            None if matches!(name, "name" | "template" | "tags") => {}
            None if record.has(name) => record.set(name, "null"),
            None => {}
        }
    }
}

/// What a guest is called, where the inventory does not know it yet.
#[must_use]
pub fn name_of(context: &Context<'_>, guest: &Guest) -> Option<String> {
    let path = format!("{}/status/current", guest.path().ok()?);
    let status = context.get(&path, &Params::new()).ok()?.value();
    status["name"].as_str().map(str::to_owned)
}
