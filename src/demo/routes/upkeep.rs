//! Maintenance of nodes and guests: services, restarts, package lists, disk health, keys sent to a console.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            host::known_service,
            route::{Request, Route, route},
        },
        state::{
            clock::whole,
            cluster::Cluster,
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Get, Post, Put},
};
use serde_json::{Value, json};

const MODIFY: &str = "/nodes/{node}, Sys.Modify";

pub(crate) const ROUTES: [Route; 10] = [
    route(Post, "/nodes/{node}/services/{service}/start", MODIFY, |cluster, request| {
        service(cluster, request, "srvstart")
    }),
    route(Post, "/nodes/{node}/services/{service}/stop", MODIFY, |cluster, request| {
        service(cluster, request, "srvstop")
    }),
    route(Post, "/nodes/{node}/status", "/nodes/{node}, Sys.PowerMgmt", power),
    route(Post, "/nodes/{node}/wakeonlan", "/nodes/{node}, Sys.PowerMgmt", wake),
    route(Post, "/nodes/{node}/apt/update", MODIFY, package_lists),
    route(Get, "/nodes/{node}/disks/smart", "/nodes/{node}, Sys.Audit|Datastore.Audit", smart),
    route(Get, "/nodes/{node}/subscription", "", subscription),
    route(Get, "/nodes/{node}/replication/{id}/status", "", replication),
    route(Put, "/nodes/{node}/qemu/{vmid}/cloudinit", "/vms/{vmid}, VM.Config.Cloudinit", cloudinit),
    route(Put, "/nodes/{node}/qemu/{vmid}/sendkey", "/vms/{vmid}, VM.Console", send_key),
];

/// Seconds that a node takes to restart.
const REBOOT: f64 = 90.0;

fn service(cluster: &mut Cluster, request: &Request, kind: &'static str) -> Outcome {
    // The list of services is where they are read, and so is the error for an unknown one.
    known_service(request)?;
    let id = request.hole("service").to_owned();
    let work = Work { kind, id, lock: None, seconds: 0.2, begin: nothing(), finish: nothing() };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

/// Updates the quorum: whether more than half of the nodes are online.
fn count_votes(cluster: &mut Cluster) {
    let there = cluster.nodes.iter().filter(|node| node.lost.is_none()).count();
    cluster.quorate = cluster.nodes.len() < there * 2;
}

fn power(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (now, name) = (cluster.clock.now(), request.node().to_owned());
    for node in cluster.nodes.iter_mut().filter(|node| node.name == name) {
        node.lost = Some(now);
    }
    for guest in cluster.guests.values_mut().filter(|guest| guest.node == name) {
        guest.set_started(None, now);
    }
    count_votes(cluster);
    if request.param("command") == Some("reboot") {
        let back: Step = Box::new(move |cluster, _| {
            let now = cluster.clock.now();
            for node in cluster.nodes.iter_mut().filter(|node| node.name == name) {
                node.lost = None;
                node.booted = now;
            }
            for guest in cluster.guests.values_mut().filter(|guest| guest.node == name) {
                let starts = guest.config.get("onboot") == Some(&json!(1));
                guest.set_started(starts.then_some(now), now);
            }
            count_votes(cluster);
            Ok(())
        });
        cluster.tasks.at(now + REBOOT, back);
    }
    Ok(Value::Null.into())
}

fn wake(cluster: &mut Cluster, request: &Request) -> Outcome {
    let at = cluster.nodes.iter().position(|node| node.name == request.node()).unwrap_or(0);
    Ok(json!(format!("BC:24:11:00:00:{:02X}", (at + 1) % 256)).into())
}

fn package_lists(cluster: &mut Cluster, request: &Request) -> Outcome {
    let begin: Step = Box::new(|_, log| {
        log.push("starting apt-get update".into());
        for (at, place) in
            ["http://deb.debian.org/debian trixie", "http://download.proxmox.com/debian/pve trixie"]
                .iter()
                .enumerate()
        {
            log.push(format!("Hit:{} {place} InRelease", at + 1));
        }
        log.push("Reading package lists...".into());
        Ok(())
    });
    let work =
        Work { kind: "aptupdate", id: String::new(), lock: None, seconds: 2.0, begin, finish: nothing() };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

fn smart(_: &mut Cluster, request: &Request) -> Outcome {
    let disk = request.param("disk").unwrap_or_default();
    if !["/dev/nvme0n1", "/dev/nvme1n1"].contains(&disk) {
        return Err(ApiError::failed(format!("not a valid disk '{disk}'")));
    }
    if request.flag("healthonly") {
        return Ok(json!({"health": "PASSED", "type": "text", "wearout": 99}).into());
    }
    let text = "\nSMART/Health Information (NVMe Log 0x02)\nCritical Warning:                   0x00\n\
                Temperature:                        38 Celsius\nPercentage Used:                    1%\n\
                Media and Data Integrity Errors:    0\n";
    Ok(json!({"health": "PASSED", "type": "text", "wearout": 99, "text": text}).into())
}

fn subscription(cluster: &mut Cluster, _: &Request) -> Outcome {
    let url = "https://www.proxmox.com/en/proxmox-virtual-environment/pricing";
    let now = whole(cluster.clock.now());
    Ok(json!({"status": "notfound", "message": "There is no subscription key", "url": url, "checktime": now,
        "serverid": "0123456789ABCDEF0123456789ABCDEF"})
    .into())
}

fn replication(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = json!(request.hole("id"));
    let found = cluster
        .replication
        .iter()
        .find(|job| job.get("id") == Some(&id) && job.get("source") == Some(&json!(request.node())));
    let Some(job) = found else {
        return Err(ApiError::failed(format!("no such replication job '{}'", request.hole("id"))));
    };
    let vmid = job.get("guest").and_then(Value::as_u64).unwrap_or(0);
    if !cluster.access.allows(&request.who, &format!("/vms/{vmid}"), None, "VM.Audit") {
        return Err(ApiError::forbidden(&format!("/vms/{vmid}, VM.Audit")));
    }
    let last = whole(cluster.clock.now()) / 900 * 900;
    let mut data = job.clone();
    for (key, value) in
        [("last_sync", last), ("last_try", last), ("next_sync", last + 900), ("fail_count", 0)]
    {
        data.insert(key.into(), json!(value));
    }
    data.insert("duration".into(), json!(3.4));
    Ok(Value::Object(data).into())
}

fn cloudinit(cluster: &mut Cluster, request: &Request) -> Outcome {
    cluster.guest(request.kind(), request.node(), request.vmid())?.check_lock()?;
    Ok(Value::Null.into())
}

fn send_key(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    if guest.started.is_none() {
        return Err(ApiError::failed(format!("VM {} not running", guest.vmid)));
    }
    Ok(Value::Null.into())
}
