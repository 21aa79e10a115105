//! Clones of guests, full and linked, and converting a guest to a template.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            create,
            route::{Request, Route, route},
        },
        state::{
            cluster::{Cluster, Volume},
            guest::{Guest, Kind},
            guest_disks::{Disk, Wanted, all_shared, copied, copy, disks, storage},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::Post,
};
use serde_json::{Value, json};

pub(crate) const ROUTES: [Route; 2] = [
    route(Post, "/nodes/{node}/{kind}/{vmid}/clone", "/vms/{vmid}, VM.Clone", clone),
    route(Post, "/nodes/{node}/{kind}/{vmid}/template", "/vms/{vmid}, VM.Allocate", template),
];

fn clone(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let newid = request.number("newid").and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    let pool = request.param("pool").map(str::to_owned);
    if !cluster.access.allows(&request.who, &format!("/vms/{newid}"), pool.as_deref(), "VM.Allocate") {
        return Err(ApiError::forbidden(&format!("/vms/{newid}, VM.Allocate")));
    }
    let source = cluster.guest(kind, &node, vmid)?;
    source.check_lock()?;
    let label = kind.label();
    let full = if request.param("full").is_some() { request.flag("full") } else { !source.is_template() };
    for name in ["storage", "format"] {
        if !full && request.param(name).is_some() {
            return Err(ApiError::parameter(
                name,
                format!("parameter '{name}' not allowed for linked clones"),
            ));
        }
    }
    let snapshot = request.param("snapname");
    let from = match snapshot {
        None => source.config.clone(),
        Some(name) => match source.snapshots.iter().find(|one| one.name == name) {
            Some(one) => one.config.clone(),
            None => return Err(ApiError::failed(format!("snapshot '{name}' does not exist"))),
        },
    };
    if cluster.guests.contains_key(&newid) {
        return Err(ApiError::failed(format!(
            "unable to create {label} {newid}: config file already exists"
        )));
    }
    let target = request.param("target").unwrap_or(&node).to_owned();
    if !cluster.nodes.iter().any(|known| known.name == target && known.lost.is_none()) {
        return Err(ApiError::failed(format!("no such cluster node '{target}'")));
    }
    if target != node && !all_shared(cluster, source) {
        let problem = format!("can't clone {label} to node '{target}' ({label} uses local storage)");
        return Err(ApiError::failed(problem));
    }
    if kind == Kind::Lxc && full && source.started.is_some() && snapshot.is_none() {
        return Err(ApiError::failed("Cannot do full clones on a running container without snapshots"));
    }
    if !full && !source.is_template() {
        let key = disks(source).first().map(|disk| disk.key.clone()).unwrap_or_default();
        return Err(ApiError::failed(format!("Linked clone feature is not supported for drive '{key}'")));
    }
    let (lock, key) = (source.lock_file(), if kind == Kind::Qemu { "name" } else { "hostname" });
    let default = format!("Copy-of-{label}-{}", source.name());
    let name = request.param(key).map_or(default, str::to_owned);
    let description = request.param("description").map(str::to_owned);
    let place = request.param("storage").map(str::to_owned);
    let format = request.param("format").map(str::to_owned);
    let mut config = from;
    for gone in ["lock", "parent", "template", "description"] {
        config.remove(gone);
    }
    config.insert(key.into(), json!(name));
    if let Some(description) = description {
        config.insert("description".into(), json!(description));
    }
    let mut guest = Guest::new(newid, kind, &target, config);
    guest.pool = pool;
    create::renew(&mut guest);
    guest.config.insert("lock".into(), json!(if kind == Kind::Qemu { "clone" } else { "create" }));
    let begin: Step = Box::new(move |cluster, log| {
        if cluster.guests.contains_key(&newid) {
            return Err(format!("unable to create {label} {newid}: config file already exists"));
        }
        log.push(format!("creating a clone of {label} {vmid} with ID {newid}"));
        let (volumes, mut made) = (cluster.volumes.clone(), Vec::new());
        for disk in disks(&guest) {
            let one = if full {
                let place = place.as_deref().unwrap_or(disk.storage());
                let format = Some(format.as_deref().unwrap_or(disk.format()));
                let wanted = Wanted { node: &target, storage: place, vmid: newid, kind, format, size: 0 };
                copy(cluster, &disk, &wanted, log)
            } else {
                linked(cluster, &disk, vmid, newid, log)
            };
            match one {
                Ok(disk) => made.push(disk),
                Err(problem) => {
                    cluster.volumes = volumes;
                    return Err(problem);
                }
            }
        }
        for disk in made {
            guest.config.insert(disk.key.clone(), json!(disk.text()));
        }
        guest.before = Some((cluster.clock.now(), None));
        cluster.guests.insert(newid, guest);
        Ok(())
    });
    let finish: Step = Box::new(move |cluster, log| {
        let Some(guest) = cluster.guests.get_mut(&newid) else {
            return Err(format!("clone failed: {label} {newid} is gone"));
        };
        guest.config.remove("lock");
        if full {
            log.extend(disks(guest).iter().map(copied));
        }
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmclone" } else { "vzclone" };
    let seconds = if full { 3.0 } else { 0.5 };
    let work = Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// A volume that stores only the differences from its base.
fn linked(
    cluster: &mut Cluster,
    disk: &Disk,
    vmid: u32,
    newid: u32,
    log: &mut Vec<String>,
) -> Result<Disk, String> {
    let files = storage(cluster, disk.storage())?.more.contains_key("path");
    log.push(format!("create linked clone of drive {} ({})", disk.key, disk.volid));
    let (place, base) = disk.volid.split_once(':').unwrap_or_default();
    let own = base.rsplit('/').next().unwrap_or_default();
    let own = own.replace(&format!("base-{vmid}-"), &format!("vm-{newid}-"));
    if files {
        log.push(format!("clone {base}: images, {own}, {newid} to {own} (base=../{base})"));
    }
    let volid = if files { format!("{place}:{base}/{newid}/{own}") } else { format!("{place}:{own}") };
    let Some(volume) = cluster.volumes.iter().find(|volume| volume.volid == disk.volid) else {
        return Err(format!("volume '{}' does not exist", disk.volid));
    };
    let volume = Volume { volid: volid.clone(), vmid: Some(newid), used: 0, ..volume.clone() };
    cluster.volumes.push(volume);
    Ok(Disk { volid, ..disk.clone() })
}

fn template(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let guest = cluster.guest(kind, &node, vmid)?;
    guest.check_lock()?;
    let label = kind.label();
    if !guest.snapshots.is_empty() {
        let problem = format!("unable to create template, because {label} contains snapshots");
        return Err(ApiError::failed(problem));
    }
    if guest.is_template() {
        return Err(ApiError::failed("you can't convert a template to a template"));
    }
    if guest.started.is_some() {
        let the = if kind == Kind::Qemu { "" } else { "the " };
        let problem = format!("you can't convert a {label} to template if {the}{label} is running");
        return Err(ApiError::failed(problem));
    }
    if kind == Kind::Lxc {
        make_template(cluster, kind, &node, vmid)?;
        return Ok(Value::Null.into());
    }
    let (lock, at) = (Some(guest.lock_file()), node.clone());
    let begin: Step = Box::new(move |cluster, _| make_template(cluster, kind, &at, vmid));
    let work =
        Work { kind: "qmtemplate", id: vmid.to_string(), lock, seconds: 0.3, begin, finish: nothing() };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// Converts a guest to a template and renames its disks to `base-…`.
fn make_template(cluster: &mut Cluster, kind: Kind, node: &str, vmid: u32) -> Result<(), String> {
    let old = disks(cluster.guest(kind, node, vmid).map_err(|error| error.message)?);
    let mut renamed = vec![("template".to_owned(), json!(1))];
    for disk in old {
        let volid = disk.volid.replace(&format!("vm-{vmid}-"), &format!("base-{vmid}-"));
        for volume in cluster.volumes.iter_mut().filter(|volume| volume.volid == disk.volid) {
            volume.volid.clone_from(&volid);
        }
        renamed.push((disk.key.clone(), json!(Disk { volid, ..disk }.text())));
    }
    let now = cluster.clock.now();
    let guest = cluster.guest_mut(kind, node, vmid).map_err(|error| error.message)?;
    guest.remember(now);
    guest.config.extend(renamed);
    Ok(())
}
