//! Migrating guests to another node, directly or through the HA manager.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            access::Identity,
            cluster::Cluster,
            guest::{Guest, Kind},
            guest_disks::{all_shared, disks, log_time, shown},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::Post,
};
use serde_json::json;

pub(crate) const ROUTES: [Route; 1] =
    [route(Post, "/nodes/{node}/{kind}/{vmid}/migrate", "/vms/{vmid}, VM.Migrate", migrate)];

/// Seconds between two cycles of the HA manager (pve.md section 5).
const HA_CYCLE: f64 = 10.0;

fn migrate(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let target = request.param("target").unwrap_or_default();
    if target == request.node() {
        return Err(ApiError::parameter("target", "target is local node."));
    }
    match cluster.nodes.iter().find(|node| node.name == target) {
        None => return Err(ApiError::failed(format!("no such cluster node '{target}'"))),
        Some(node) if node.lost.is_some() => {
            return Err(ApiError::failed(format!("node '{target}' is not online")));
        }
        Some(_) => {}
    }
    let online = request.flag("online");
    if guest.started.is_some() {
        match guest.kind {
            Kind::Qemu if !online => {
                return Err(ApiError::failed("can't migrate running VM without --online"));
            }
            Kind::Lxc if !request.flag("restart") => {
                let problem = if online {
                    "lxc live migration is currently not implemented"
                } else {
                    "can't migrate running container without --online or --restart"
                };
                return Err(ApiError::failed(problem));
            }
            _ => {}
        }
    }
    if cluster.ha_state(guest)["managed"] == 1 { by_ha(cluster, request) } else { now(cluster, request) }
}

/// Only records the request; the HA manager acts on it in its next cycle, with a task of its own.
fn by_ha(cluster: &mut Cluster, request: &Request) -> Outcome {
    let target = request.param("target").unwrap_or_default().to_owned();
    let (label, vmid) = (request.kind().label(), request.vmid());
    let begin: Step = Box::new(move |_, log| {
        log.push(format!("Requesting HA migration for {label} {vmid} to node {target}"));
        Ok(())
    });
    let work =
        Work { kind: "hamigrate", id: vmid.to_string(), lock: None, seconds: 0.1, begin, finish: nothing() };
    let upid = cluster.start_task(request.node(), &request.who.owner(), work);
    let next_cycle = (cluster.clock.now() / HA_CYCLE).floor() * HA_CYCLE + HA_CYCLE;
    let who = Identity { user: "root@pam".into(), token: None };
    let own = Request { holes: request.holes.clone(), params: request.params.clone(), who, file_bytes: None };
    let act: Step = Box::new(move |cluster, _| now(cluster, &own).map(drop).map_err(|error| error.message));
    cluster.tasks.at(next_cycle, act);
    Ok(json!(upid).into())
}

fn now(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let target = request.param("target").unwrap_or_default().to_owned();
    let local_too = request.flag("with-local-disks");
    let lock = cluster.guest(kind, &node, vmid)?.lock_file();
    let since = cluster.clock.now();
    let (from, to) = (node.clone(), target.clone());
    let begin: Step = Box::new(move |cluster, log| {
        let time = cluster.clock.now();
        let address = cluster.nodes.iter().find(|node| node.name == to).map(|node| node.ip.clone());
        let word = if kind == Kind::Qemu { "VM" } else { "CT" };
        let address = address.unwrap_or_default();
        log.push(format!(
            "{} starting migration of {word} {vmid} to node '{to}' ({address})",
            log_time(time)
        ));
        let guest = cluster.guest(kind, &from, vmid).map_err(|error| error.message)?;
        guest.check_lock()?;
        refuse(cluster, guest, local_too)?;
        let guest = cluster.guest_mut(kind, &from, vmid).map_err(|error| error.message)?;
        if guest.started.is_some() && kind == Kind::Qemu {
            let (part, all) = (shown(guest.memory() / 4), shown(guest.memory()));
            log.push(format!("{} migration active, transferred {part} of {all} VM-state", log_time(time)));
        }
        guest.config.insert("lock".into(), json!("migrate"));
        Ok(())
    });
    let from = node.clone();
    let finish: Step = Box::new(move |cluster, log| {
        let time = cluster.clock.now();
        let guest = cluster.guest_mut(kind, &from, vmid).map_err(|error| error.message)?;
        guest.config.remove("lock");
        guest.node.clone_from(&target);
        if kind == Kind::Lxc && guest.started.is_some() {
            guest.set_started(Some(time), time);
        }
        // Disks on local storages were copied, and the source's volumes are gone.
        for volume in &mut cluster.volumes {
            if volume.vmid == Some(vmid) && volume.content != "backup" && volume.node.as_ref() == Some(&from)
            {
                volume.node = Some(target.clone());
            }
        }
        let seconds = crate::demo::state::clock::whole(time - since) % 60;
        log.push(format!("{} migration finished successfully (duration 00:00:{seconds:02})", log_time(time)));
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmigrate" } else { "vzmigrate" };
    let work = Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds: 2.0, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// Refuses to migrate a running VM with local disks unless `local_too` is set.
fn refuse(cluster: &Cluster, guest: &Guest, local_too: bool) -> Result<(), String> {
    if guest.kind == Kind::Lxc || guest.started.is_none() || local_too || all_shared(cluster, guest) {
        return Ok(());
    }
    let volid = disks(guest).first().map(|disk| disk.volid.clone()).unwrap_or_default();
    Err(format!(
        "can't migrate local disk '{volid}': can't live migrate attached local disks without with-local-disks option"
    ))
}
