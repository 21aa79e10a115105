//! Resizing a guest's disk and moving it to another storage.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::Cluster,
            digest::size_in_bytes,
            guest::{Guest, Kind},
            guest_disks::{Disk, Wanted, copied, copy, disk, free},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Post, Put},
};
use serde_json::json;

const DISK: &str = "/vms/{vmid}, VM.Config.Disk";

pub(crate) const ROUTES: [Route; 3] = [
    route(Put, "/nodes/{node}/{kind}/{vmid}/resize", DISK, resize),
    route(Post, "/nodes/{node}/qemu/{vmid}/move_disk", DISK, move_disk),
    route(Post, "/nodes/{node}/lxc/{vmid}/move_volume", DISK, move_volume),
];

/// The disk with that key, or the error that there is none.
fn existing(guest: &Guest, key: &str) -> Result<Disk, String> {
    disk(guest, key).ok_or_else(|| format!("disk '{key}' does not exist"))
}

fn digest(guest: &Guest, request: &Request) -> Result<(), ApiError> {
    match request.param("digest") {
        Some(digest) if digest != guest.digest() => {
            Err(ApiError::failed("checksum mismatch (file change by other user?)"))
        }
        _ => Ok(()),
    }
}

fn resize(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let guest = cluster.guest(kind, &node, vmid)?;
    digest(guest, request)?;
    let lock = Some(guest.lock_file());
    let (key, at) = (request.param("disk").unwrap_or_default().to_owned(), node.clone());
    let size = request.param("size").unwrap_or_default().to_owned();
    let begin: Step = Box::new(move |cluster, log| {
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        guest.check_lock()?;
        let old = existing(guest, &key)?;
        let bytes = match size.strip_prefix('+') {
            Some(more) => old.size.saturating_add(size_in_bytes(more)),
            None => size_in_bytes(&size),
        };
        if bytes < old.size {
            return Err("shrinking disks is not supported".into());
        }
        guest.config.insert(key, json!(Disk { size: bytes, ..old.clone() }.text()));
        for volume in cluster.volumes.iter_mut().filter(|volume| volume.volid == old.volid) {
            volume.size = bytes;
        }
        log.push("Image resized.".into());
        Ok(())
    });
    let work = Work { kind: "resize", id: vmid.to_string(), lock, seconds: 0.3, begin, finish: nothing() };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

fn move_disk(cluster: &mut Cluster, request: &Request) -> Outcome {
    moved(cluster, request, Kind::Qemu, "disk", "qmmove")
}

fn move_volume(cluster: &mut Cluster, request: &Request) -> Outcome {
    moved(cluster, request, Kind::Lxc, "volume", "move_volume")
}

fn moved(cluster: &mut Cluster, request: &Request, kind: Kind, name: &str, word: &'static str) -> Outcome {
    let (node, vmid) = (request.node().to_owned(), request.vmid());
    let guest = cluster.guest(kind, &node, vmid)?;
    guest.check_lock()?;
    digest(guest, request)?;
    if request.param("target-vmid").is_some() {
        let problem = "Giving a disk to another guest is not implemented by the sample cluster";
        return Err(ApiError::with(501, problem));
    }
    let old = existing(guest, request.param(name).unwrap_or_default())?;
    let Some(place) = request.param("storage").map(str::to_owned) else {
        return Err(ApiError::parameter("storage", "property is missing and it is not optional"));
    };
    let format = request.param("format").map(str::to_owned);
    if old.storage() == place && format.as_deref().is_none_or(|format| format == old.format()) {
        return Err(ApiError::failed("you can't move to the same storage with same format"));
    }
    if !cluster.access.allows(&request.who, &format!("/storage/{place}"), None, "Datastore.AllocateSpace") {
        return Err(ApiError::forbidden(&format!("/storage/{place}, Datastore.AllocateSpace")));
    }
    let delete = request.flag("delete");
    let in_snapshot = guest.snapshots.iter().any(|snapshot| {
        let text = snapshot.config.get(&old.key).and_then(serde_json::Value::as_str);
        text.is_some_and(|text| text.split(',').next() == Some(old.volid.as_str()))
    });
    if delete && in_snapshot {
        return Err(ApiError::failed("you can't move a disk with snapshots and delete the source"));
    }
    if kind == Kind::Lxc && guest.started.is_some() {
        return Err(ApiError::failed("cannot move volumes of a running container"));
    }
    let (lock, at) = (Some(guest.lock_file()), node.clone());
    let (source, begun) = (old.clone(), node.clone());
    let begin: Step = Box::new(move |cluster, log| {
        let guest = cluster.guest(kind, &begun, vmid).map_err(|error| error.message)?;
        guest.check_lock()?;
        let format = Some(format.as_deref().unwrap_or(source.format()));
        let wanted = Wanted { node: &begun, storage: &place, vmid, kind, format, size: 0 };
        let copy = copy(cluster, &source, &wanted, log)?;
        let guest = cluster.guest_mut(kind, &begun, vmid).map_err(|error| error.message)?;
        guest.config.insert("lock".into(), json!("disk"));
        guest.config.insert(source.key.clone(), json!(copy.text()));
        Ok(())
    });
    let finish: Step = Box::new(move |cluster, log| {
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        guest.config.remove("lock");
        log.push(copied(&old));
        if delete {
            free(cluster, &old.volid);
            return Ok(());
        }
        let free_key = (0..256).map(|number| format!("unused{number}"));
        if let Some(key) = free_key.into_iter().find(|key| !guest.config.contains_key(key)) {
            guest.config.insert(key, json!(old.volid));
        }
        Ok(())
    });
    let work = Work { kind: word, id: vmid.to_string(), lock, seconds: 2.0, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}
