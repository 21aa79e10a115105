//! The current states of recently changed guests, read at the same time as the inventory. Several guests on one node
//! are read with one request.

use crate::{
    pve::{self, Params, Reply, path},
    tools::{
        answer::record::Record,
        param::Kind,
        run::{
            context::Context,
            guest::{guest_path, is_guest, read},
            state::State,
        },
    },
};
use serde_json::{Map, Value, json};

/// How many guests are read individually for one list; the rest is shown as in Proxmox's list.
const MOST: usize = 32;
/// The name of a value in the inventory, and its name in a guest's own status.
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

/// A request for the states of guests of one kind on one node.
#[derive(Debug)]
pub struct Asked {
    /// The path of the guest's own status, or of the node's list of guests.
    pub path: String,
    /// The parameter with which a list of VMs includes QEMU's own state.
    pub params: Params,
    node: String,
    kind: Kind,
    vmids: Vec<i64>,
}

/// The states that were read.
#[derive(Debug, Default)]
pub struct States {
    told: Vec<Told>,
    /// The requests that were sent, whether answered or not.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Told {
    vmid: i64,
    node: String,
    kind: Kind,
    says: Map<String, Value>,
}

/// Returns the requests for the recently changed guests whose nodes are known.
#[must_use]
pub fn ask(context: &Context<'_>) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for (vmid, made) in context.fresh.all().into_iter().take(MOST) {
        let recalled = || context.places.last_known(vmid).map(|guest| (guest.node, guest.kind));
        let Some((node, kind)) = made.or_else(recalled) else { continue };
        match asked.iter_mut().find(|one| one.node == node && one.kind == kind) {
            Some(one) => one.vmids.push(vmid),
            None => asked.push(Asked {
                path: String::new(),
                params: Params::new(),
                node,
                kind,
                vmids: vec![vmid],
            }),
        }
    }
    asked.retain_mut(|one| {
        let path = match one.vmids[..] {
            [alone] => status_path(&one.node, one.kind, alone),
            _ => {
                if one.kind == Kind::Vm {
                    one.params.push("full", 1);
                }
                list_path(&one.node, one.kind)
            }
        };
        one.path = path.unwrap_or_default();
        !one.path.is_empty()
    });
    asked
}

fn status_path(node: &str, kind: Kind, vmid: i64) -> Option<String> {
    Some(format!("{}/status/current", guest_path(node, kind, vmid).ok()?))
}

fn list_path(node: &str, kind: Kind) -> Option<String> {
    let value = |hole: &str| Some(if hole == "node" { node } else { kind.api_type() }.to_owned());
    path::fill("/nodes/{node}/{type}", value).ok()
}

impl States {
    /// Collects the answers to the requests.
    #[must_use]
    pub fn of(asked: Vec<Asked>, answers: Vec<Result<Reply, pve::Error>>) -> States {
        let mut told = Vec::new();
        for (asked, answer) in asked.iter().zip(answers) {
            // A guest that cannot be read (it is migrating, deleted, or not there yet) stays as the inventory has it.
            let rows = match answer.map(|reply| reply.value()) {
                Ok(Value::Array(rows)) => rows,
                Ok(one @ Value::Object(_)) => vec![one],
                _ => continue,
            };
            for row in rows {
                // As in the inventory, the status is QEMU's own state.
                let state = State::of_status(&row);
                let Value::Object(mut says) = row else { continue };
                says.insert("status".into(), state.word().into());
                let vmid = match (&asked.vmids[..], says.get("vmid")) {
                    ([alone], _) => Some(*alone),
                    (_, Some(Value::String(text))) => text.parse().ok(),
                    (_, number) => number.and_then(Value::as_i64),
                };
                if let Some(vmid) = vmid.filter(|vmid| asked.vmids.contains(vmid)) {
                    told.push(Told { vmid, node: asked.node.clone(), kind: asked.kind, says });
                }
            }
        }
        States { told, asked }
    }

    fn was_asked(&self, doubt: &Doubt) -> bool {
        let of =
            |one: &Asked| one.node == doubt.node && one.kind == doubt.kind && one.vmids.contains(&doubt.vmid);
        self.asked.iter().any(of)
    }

    fn of_guest(&self, doubt: &Doubt) -> Option<&Map<String, Value>> {
        let fits = |one: &&Told| one.vmid == doubt.vmid && one.node == doubt.node && one.kind == doubt.kind;
        self.told.iter().find(fits).map(|one| &one.says)
    }
}

/// A guest whose row may be wrong or missing.
struct Doubt {
    vmid: i64,
    node: String,
    kind: Kind,
    /// The index of its row, if it has one.
    row: Option<usize>,
}

/// Updates the rows with the guests' own states; guests whose states have not been read yet are read now.
pub fn correct(context: &Context<'_>, records: &mut Vec<Record<'_>>, states: &States) {
    let doubts: Vec<Doubt> = context
        .fresh
        .all()
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
    for doubt in &doubts {
        if let Some(says) = states.of_guest(doubt) {
            put(records, doubt, says);
        }
    }
    let silent: Vec<(String, Doubt)> = doubts
        .into_iter()
        .filter(|doubt| !states.was_asked(doubt))
        .filter_map(|doubt| Some((status_path(&doubt.node, doubt.kind, doubt.vmid)?, doubt)))
        .collect();
    let paths: Vec<&str> = silent.iter().map(|(path, _)| path.as_str()).collect();
    let answers = context.get_each(&paths, &Params::new());
    for ((_, doubt), answer) in silent.iter().zip(answers) {
        let Ok(status) = answer.map(|reply| reply.value()) else { continue };
        let state = State::of_status(&status);
        if let Value::Object(mut says) = status {
            says.insert("status".into(), state.word().into());
            put(records, doubt, &says);
        }
    }
}

fn put(records: &mut Vec<Record<'_>>, doubt: &Doubt, says: &Map<String, Value>) {
    if let Some(row) = doubt.row {
        return apply(&mut records[row], says);
    }
    let mut record = Record::default();
    record.set("vmid", doubt.vmid.to_string());
    record.set("node", json!(doubt.node).to_string());
    record.set("type", json!(doubt.kind.api_type()).to_string());
    record.set("id", json!(format!("{}/{}", doubt.kind.api_type(), doubt.vmid)).to_string());
    apply(&mut record, says);
    records.push(record);
}

fn apply(record: &mut Record<'_>, says: &Map<String, Value>) {
    for (name, own) in COLUMNS {
        match says.get(own) {
            Some(value) => record.set(name, value.to_string()),
            // Names, tags and template marks stay if they are missing here: old versions do not report them.
            None if matches!(name, "name" | "template" | "tags") => {}
            None if record.has(name) => record.set(name, "null"),
            None => {}
        }
    }
}
