//! Pruning: which backups on a storage are, or would be, removed by the retention rules.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::{Cluster, Volume},
            guest_disks::storage,
            retention::Keep,
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Delete, Get},
};
use serde_json::{Value, json};

pub(crate) const ROUTES: [Route; 2] = [
    route(
        Get,
        "/nodes/{node}/storage/{storage}/prunebackups",
        "/storage/{storage}, Datastore.Audit|Datastore.AllocateSpace",
        preview,
    ),
    route(Delete, "/nodes/{node}/storage/{storage}/prunebackups", "", prune),
];

/// The backups that a request selects.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) node: String,
    pub(super) storage: String,
    pub(super) vmid: Option<u32>,
    /// `qemu` or `lxc`.
    pub(super) kind: Option<String>,
}

impl Wanted {
    fn of(request: &Request) -> Wanted {
        Wanted {
            node: request.node().into(),
            storage: request.hole("storage").into(),
            vmid: request.param("vmid").and_then(|vmid| vmid.parse().ok()),
            kind: request.param("type").map(str::to_owned),
        }
    }

    fn takes(&self, volume: &Volume) -> bool {
        volume.content == "backup"
            && volume.storage() == self.storage
            && volume.node.as_ref().is_none_or(|node| *node == self.node)
            && self.vmid.is_none_or(|vmid| volume.vmid == Some(vmid))
            && self.kind.as_deref().is_none_or(|kind| kind == kind_of(volume))
    }
}

fn kind_of(volume: &Volume) -> &'static str {
    if volume.volid.contains("-lxc-") { "lxc" } else { "qemu" }
}

/// The selected backups with their mark: `keep`, `remove` or `protected`. Protected backups do not count towards those
/// that are kept.
pub(super) fn marks(cluster: &Cluster, wanted: &Wanted, keep: &Keep) -> Vec<(String, &'static str)> {
    let volumes: Vec<&Volume> = cluster.volumes.iter().filter(|volume| wanted.takes(volume)).collect();
    let mut marks = Vec::new();
    let mut groups: Vec<(Option<u32>, &str)> =
        volumes.iter().map(|volume| (volume.vmid, kind_of(volume))).collect();
    groups.sort();
    groups.dedup();
    for group in groups {
        let own = volumes.iter().filter(|volume| (volume.vmid, kind_of(volume)) == group);
        let (protected, others): (Vec<&Volume>, Vec<&Volume>) = own.partition(|volume| volume.protected);
        marks.extend(protected.into_iter().map(|volume| (volume.volid.clone(), "protected")));
        let times: Vec<u64> = others.iter().map(|volume| volume.ctime).collect();
        for (volume, gone) in others.into_iter().zip(keep.removed(&times)) {
            marks.push((volume.volid.clone(), if gone { "remove" } else { "keep" }));
        }
    }
    marks
}

/// Removes the backups marked `remove`, and returns them.
pub(super) fn carry_out(cluster: &mut Cluster, wanted: &Wanted, keep: &Keep) -> Vec<String> {
    let gone = marks(cluster, wanted, keep).into_iter().filter(|(_, mark)| *mark == "remove");
    let gone: Vec<String> = gone.map(|(volid, _)| volid).collect();
    for volid in &gone {
        cluster.volumes.retain(|volume| !(volume.volid == *volid && wanted.takes(volume)));
        cluster.firewalls.remove(&format!("backups/{volid}"));
    }
    gone
}

/// The given retention rules; if none are given, those of the storage.
pub(super) fn retention(cluster: &Cluster, name: &str, given: Option<&str>) -> Result<Keep, ApiError> {
    let own = storage(cluster, name)?.more.get("prune-backups").and_then(Value::as_str);
    let text = given.or(own).unwrap_or("keep-all=1");
    Keep::parse(text).map_err(|problem| ApiError::parameter("prune-backups", problem))
}

fn preview(cluster: &mut Cluster, request: &Request) -> Outcome {
    let wanted = Wanted::of(request);
    storage(cluster, &wanted.storage)?.check(request.node())?;
    let keep = retention(cluster, &wanted.storage, request.param("prune-backups"))?;
    let rows = marks(cluster, &wanted, &keep).into_iter().filter_map(|(volid, mark)| {
        let volume = cluster.volumes.iter().find(|volume| volume.volid == volid)?;
        let mut row = json!({"volid": volid, "ctime": volume.ctime, "mark": mark, "type": kind_of(volume)});
        if let Some(vmid) = volume.vmid {
            row["vmid"] = json!(vmid);
        }
        Some(row)
    });
    Ok(Value::Array(rows.collect()).into())
}

fn prune(cluster: &mut Cluster, request: &Request) -> Outcome {
    let wanted = Wanted::of(request);
    let path = format!("/storage/{}", wanted.storage);
    let needs = match wanted.vmid {
        None => vec![(path, "Datastore.Allocate")],
        Some(vmid) => vec![(path, "Datastore.AllocateSpace"), (format!("/vms/{vmid}"), "VM.Backup")],
    };
    for (path, need) in needs {
        if !cluster.access.allows(&request.who, &path, None, need) {
            return Err(ApiError::forbidden(&format!("{path}, {need}")));
        }
    }
    storage(cluster, &wanted.storage)?.check(request.node())?;
    let keep = retention(cluster, &wanted.storage, request.param("prune-backups"))?;
    let id = match wanted.vmid {
        Some(vmid) => format!("{vmid}@{}", wanted.storage),
        None => wanted.storage.clone(),
    };
    let finish: Step = Box::new(move |cluster, log| {
        log.extend(
            carry_out(cluster, &wanted, &keep).into_iter().map(|volid| format!("Removed volume '{volid}'")),
        );
        Ok(())
    });
    let work = Work { kind: "prunebackups", id, lock: None, seconds: 0.3, begin: nothing(), finish };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}
