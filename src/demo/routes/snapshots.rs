//! Snapshots: listing, creating, rolling back, deleting. The guest is locked while these tasks run.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            clock::whole,
            cluster::Cluster,
            guest::{Guest, Kind, Snapshot},
            task_run::{Step, Work},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/vms/{vmid}, VM.Audit";
const SNAPSHOT: &str = "/vms/{vmid}, VM.Snapshot";

pub(crate) const ROUTES: [Route; 6] = [
    route(Get, "/nodes/{node}/{kind}/{vmid}/snapshot", AUDIT, list),
    route(Post, "/nodes/{node}/{kind}/{vmid}/snapshot", SNAPSHOT, create),
    route(Delete, "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}", SNAPSHOT, delete),
    route(
        Get,
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/config",
        "/vms/{vmid}, VM.Snapshot|VM.Snapshot.Rollback|VM.Audit",
        config,
    ),
    route(Put, "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/config", SNAPSHOT, describe),
    route(
        Post,
        "/nodes/{node}/{kind}/{vmid}/snapshot/{snapname}/rollback",
        "/vms/{vmid}, VM.Snapshot|VM.Snapshot.Rollback",
        rollback,
    ),
];

/// Whether the storage of a guest's disk can take snapshots: qcow2 files and thin volumes can, raw files cannot.
pub(crate) fn possible(cluster: &Cluster, guest: &Guest) -> bool {
    let key = if guest.kind == Kind::Qemu { "scsi0" } else { "rootfs" };
    let volid = guest.config.get(key).and_then(Value::as_str).unwrap_or_default();
    let volid = volid.split(',').next().unwrap_or_default();
    let storage = volid.split(':').next().unwrap_or_default();
    volid.ends_with(".qcow2")
        || cluster.storages.iter().any(|known| known.name == storage && known.kind == "lvmthin")
}

fn list(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let mut rows: Vec<Value> = guest
        .snapshots
        .iter()
        .map(|snapshot| {
            let mut row =
                json!({"name": snapshot.name, "description": snapshot.description, "snaptime": snapshot.time});
            if guest.kind == Kind::Qemu {
                row["vmstate"] = json!(u8::from(snapshot.vmstate));
            }
            if let Some(parent) = &snapshot.parent {
                row["parent"] = json!(parent);
            }
            if let Some(state) = snapshot.state {
                row["snapstate"] = json!(state);
            }
            row
        })
        .collect();
    let mut current = json!({"name": "current", "description": "You are here!", "digest": guest.digest(),
        "running": u8::from(guest.started.is_some())});
    if let Some(parent) = guest.config.get("parent") {
        current["parent"] = parent.clone();
    }
    rows.push(current);
    Ok(Value::Array(rows).into())
}

/// Locks the guest for a snapshot operation, unless it is already locked or `refuse` returns an error.
fn locked(
    kind: Kind,
    node: String,
    vmid: u32,
    word: &'static str,
    refuse: fn(&Cluster, &Guest, &str) -> Result<(), String>,
    name: String,
) -> Step {
    Box::new(move |cluster, _| {
        let guest = cluster.guest(kind, &node, vmid).map_err(|error| error.message)?;
        guest.check_lock()?;
        refuse(cluster, guest, &name)?;
        let guest = cluster.guest_mut(kind, &node, vmid).map_err(|error| error.message)?;
        guest.config.insert("lock".into(), json!(word));
        Ok(())
    })
}

fn known(_: &Cluster, guest: &Guest, name: &str) -> Result<(), String> {
    match guest.snapshots.iter().any(|snapshot| snapshot.name == name) {
        true => Ok(()),
        false => Err(format!("snapshot '{name}' does not exist")),
    }
}

fn create(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let lock = cluster.guest(kind, &node, vmid)?.lock_file();
    let Some(name) = request.param("snapname").map(str::to_owned) else {
        return Err(ApiError::parameter("snapname", "property is missing and it is not optional"));
    };
    if name == "current" {
        return Err(ApiError::failed("unable to use snapshot name 'current' (reserved name)"));
    }
    let refuse = |cluster: &Cluster, guest: &Guest, name: &str| {
        if guest.snapshots.iter().any(|snapshot| snapshot.name == name) {
            return Err(format!("snapshot name '{name}' already used"));
        }
        if guest.is_template() || !possible(cluster, guest) {
            return Err("snapshot feature is not available".to_owned());
        }
        Ok(())
    };
    let begin = locked(kind, node.clone(), vmid, "snapshot", refuse, name.clone());
    let description = request.param("description").unwrap_or_default().to_owned();
    let with_memory = request.flag("vmstate");
    let (at, taken) = (node.clone(), whole(cluster.clock.now()));
    let finish: Step = Box::new(move |cluster, log| {
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        guest.config.remove("lock");
        if let Some(disk) = guest.config.get("scsi0").and_then(Value::as_str) {
            let volid = disk.split(',').next().unwrap_or_default();
            log.push(format!("snapshotting 'drive-scsi0' ({volid})"));
        }
        let parent = guest.config.get("parent").and_then(Value::as_str).map(str::to_owned);
        let mut config = guest.config.clone();
        config.remove("parent");
        guest.config.insert("parent".into(), json!(name));
        let vmstate = with_memory && guest.started.is_some();
        guest.snapshots.push(Snapshot {
            name,
            description,
            time: taken,
            parent,
            vmstate,
            config,
            state: None,
        });
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmsnapshot" } else { "vzsnapshot" };
    let work = Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds: 0.5, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

fn delete(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let lock = cluster.guest(kind, &node, vmid)?.lock_file();
    let name = request.hole("snapname").to_owned();
    let begin = locked(kind, node.clone(), vmid, "snapshot-delete", known, name.clone());
    let at = node.clone();
    let finish: Step = Box::new(move |cluster, _| {
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        guest.config.remove("lock");
        remove(guest, &name);
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmdelsnapshot" } else { "vzdelsnapshot" };
    let work = Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds: 0.5, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// Removes a snapshot from the chain: its children become children of its parent.
fn remove(guest: &mut Guest, name: &str) {
    let Some(at) = guest.snapshots.iter().position(|snapshot| snapshot.name == name) else { return };
    let gone = guest.snapshots.remove(at);
    for snapshot in guest.snapshots.iter_mut().filter(|one| one.parent.as_deref() == Some(name)) {
        snapshot.parent.clone_from(&gone.parent);
    }
    if guest.config.get("parent").and_then(Value::as_str) == Some(name) {
        match gone.parent {
            Some(parent) => drop(guest.config.insert("parent".into(), json!(parent))),
            None => drop(guest.config.remove("parent")),
        }
    }
}

fn rollback(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let lock = cluster.guest(kind, &node, vmid)?.lock_file();
    let name = request.hole("snapname").to_owned();
    let begin = locked(kind, node.clone(), vmid, "rollback", known, name.clone());
    let (at, start) = (node.clone(), request.flag("start"));
    let finish: Step = Box::new(move |cluster, _| {
        let now = cluster.clock.now();
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
        let (mut config, vmstate) = match found {
            Some(snapshot) => (snapshot.config.clone(), snapshot.vmstate),
            None => return Err(format!("snapshot '{name}' does not exist")),
        };
        config.remove("lock");
        config.insert("parent".into(), json!(name));
        guest.remember(now);
        guest.config = config;
        guest.set_started((vmstate || start).then_some(now), now);
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmrollback" } else { "vzrollback" };
    let work = Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds: 0.6, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

fn config(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let snapshot = find(guest, request.hole("snapname"))?;
    let mut data: Map<String, Value> = snapshot.config.clone();
    data.insert("snaptime".into(), json!(snapshot.time));
    data.insert("description".into(), json!(snapshot.description));
    Ok(Value::Object(data).into())
}

fn find<'a>(guest: &'a Guest, name: &str) -> Result<&'a Snapshot, ApiError> {
    let found = guest.snapshots.iter().find(|snapshot| snapshot.name == name);
    found.ok_or_else(|| ApiError::failed(format!("snapshot '{name}' does not exist")))
}

fn describe(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest_mut(request.kind(), request.node(), request.vmid())?;
    find(guest, request.hole("snapname"))?;
    let description = request.param("description").unwrap_or_default();
    for snapshot in guest.snapshots.iter_mut().filter(|snapshot| snapshot.name == request.hole("snapname")) {
        description.clone_into(&mut snapshot.description);
    }
    Ok(Value::Null.into())
}
