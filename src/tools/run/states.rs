//! What guests that were changed a moment ago say of themselves: asked at the same time as the inventory, several guests
//! of one node by one request.

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

/// A request for the state of some guests of one kind on one node.
#[derive(Debug)]
pub struct Asked {
    /// The guest's own status, or the node's list of guests.
    pub path: String,
    /// What the list takes so that QEMU's own state is in it.
    pub params: Params,
    node: String,
    kind: Kind,
    vmids: Vec<i64>,
}

/// What the guests said.
#[derive(Debug, Default)]
pub struct States {
    told: Vec<Told>,
    /// Who was asked, whether it answered or not.
    asked: Vec<Asked>,
}

#[derive(Debug)]
struct Told {
    vmid: i64,
    node: String,
    kind: Kind,
    says: Map<String, Value>,
}

/// The requests for the guests that were changed a moment ago, as far as it is known where they are.
#[must_use]
pub fn ask(context: &Context<'_>) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for (vmid, made) in context.fresh.all().into_iter().take(MOST) {
        let recalled = || context.places.recall(vmid).map(|guest| (guest.node, guest.kind));
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
    /// What came of the requests.
    #[must_use]
    pub fn of(asked: Vec<Asked>, answers: Vec<Result<Reply, pve::Error>>) -> States {
        let mut told = Vec::new();
        for (asked, answer) in asked.iter().zip(answers) {
            // A guest that cannot be asked (it is moving, gone, or not there yet) stays as the inventory has it.
            let rows = match answer.map(|reply| reply.value()) {
                Ok(Value::Array(rows)) => rows,
                Ok(one @ Value::Object(_)) => vec![one],
                _ => continue,
            };
            for row in rows {
                // The inventory has QEMU's own state.
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

/// One guest whose row may be wrong or missing.
struct Doubt {
    vmid: i64,
    node: String,
    kind: Kind,
    /// Where its row is.
    row: Option<usize>,
}

/// Puts what the guests say of themselves into the rows; those that did not say it yet are asked.
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
            // What a guest is called and marked as does not end because an old version does not tell it here.
            None if matches!(name, "name" | "template" | "tags") => {}
            None if record.has(name) => record.set(name, "null"),
            None => {}
        }
    }
}
