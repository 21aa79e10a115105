//! Starting and stopping guests: tasks that are accepted first and may fail later (pve.md section 5).

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Handler, Request, Route, route},
        state::{
            access::Identity,
            cluster::Cluster,
            guest::{Guest, Kind},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::Post,
};
use serde_json::json;

const POWER: &str = "/vms/{vmid}, VM.PowerMgmt";

pub(crate) const ROUTES: [Route; 7] = [
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/start", POWER, start),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/stop", POWER, stop),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/shutdown", POWER, shutdown),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/reboot", POWER, reboot),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/reset", POWER, reset),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/suspend", POWER, suspend),
    route(Post, "/nodes/{node}/{kind}/{vmid}/status/resume", POWER, resume),
];

/// The effect of a step on its guest.
type Change = fn(&mut Guest, f64, &mut Vec<String>) -> Result<(), String>;

/// A step that acts on one guest, which may have been deleted by then.
fn on(kind: Kind, node: String, vmid: u32, change: Change) -> Step {
    Box::new(move |cluster, log| {
        let now = cluster.clock.now();
        let guest = cluster.guest_mut(kind, &node, vmid).map_err(|error| error.message)?;
        // A guest suspended to disk is locked until it is started or resumed, which remove the lock.
        if !(guest.is_hibernated() && guest.started.is_none()) {
            guest.check_lock()?;
        }
        change(guest, now, log)
    })
}

/// Starts the task for this change, named by the kind of guest: `qmstart`, `vzstart`.
fn submit(
    cluster: &mut Cluster,
    request: &Request,
    names: [&'static str; 2],
    seconds: f64,
    change: Change,
) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    // The task is accepted even if the guest does not exist: the task itself fails.
    let lock = cluster.guests.get(&vmid).map(Guest::lock_file);
    let work = Work {
        kind: if kind == Kind::Qemu { names[0] } else { names[1] },
        id: vmid.to_string(),
        lock,
        seconds,
        begin: on(kind, node.clone(), vmid, change),
        finish: nothing(),
    };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// Refuses calls that need a running guest.
fn running(cluster: &Cluster, request: &Request) -> Result<(), ApiError> {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    if guest.started.is_none() {
        return Err(ApiError::failed(format!("{} {} not running", guest.kind.label(), guest.vmid)));
    }
    Ok(())
}

/// Seconds between two cycles of the HA manager (pve.md section 5).
const HA_CYCLE: f64 = 10.0;

/// For a guest that HA manages: only records the requested state, in a task that ends at once; the HA manager acts in
/// its next cycle, with a task of its own. Returns `None` for any other guest.
fn by_ha(
    cluster: &mut Cluster,
    request: &Request,
    kind: &'static str,
    state: &'static str,
    then: Handler,
) -> Option<Outcome> {
    let guest = cluster.guests.get(&request.vmid())?;
    if cluster.ha_state(guest)["managed"] != 1 {
        return None;
    }
    let word = if request.kind() == Kind::Qemu { "vm" } else { "ct" };
    let sid = json!(format!("{word}:{}", guest.vmid));
    let begin: Step = Box::new(move |cluster, _| {
        for resource in cluster.ha.iter_mut().filter(|resource| resource.get("sid") == Some(&sid)) {
            resource.insert("state".into(), json!(state));
        }
        Ok(())
    });
    let id = request.vmid().to_string();
    let work = Work { kind, id, lock: None, seconds: 0.1, begin, finish: nothing() };
    let upid = cluster.start_task(request.node(), &request.who.owner(), work);
    let next_cycle = (cluster.clock.now() / HA_CYCLE).floor() * HA_CYCLE + HA_CYCLE;
    let who = Identity { user: "root@pam".into(), token: None };
    let own = Request { holes: request.holes.clone(), params: Vec::new(), who, file_bytes: None };
    let act: Step = Box::new(move |cluster, _| then(cluster, &own).map(drop).map_err(|error| error.message));
    cluster.tasks.at(next_cycle, act);
    Some(Ok(json!(upid).into()))
}

fn start(cluster: &mut Cluster, request: &Request) -> Outcome {
    by_ha(cluster, request, "hastart", "started", start_now).unwrap_or_else(|| start_now(cluster, request))
}

fn stop(cluster: &mut Cluster, request: &Request) -> Outcome {
    by_ha(cluster, request, "hastop", "stopped", stop_now).unwrap_or_else(|| stop_now(cluster, request))
}

fn shutdown(cluster: &mut Cluster, request: &Request) -> Outcome {
    by_ha(cluster, request, "hastop", "stopped", shutdown_now)
        .unwrap_or_else(|| shutdown_now(cluster, request))
}

fn start_now(cluster: &mut Cluster, request: &Request) -> Outcome {
    submit(cluster, request, ["qmstart", "vzstart"], 0.3, |guest, now, _| {
        if guest.is_template() {
            return Err("you can't start a vm if it's a template".into());
        }
        if guest.started.is_some() {
            return Err(format!("{} {} already running", guest.kind.label(), guest.vmid));
        }
        wake(guest);
        guest.set_started(Some(now), now);
        Ok(())
    })
}

/// Removes what suspending to disk left behind; returns whether there was anything.
fn wake(guest: &mut Guest) -> bool {
    let hibernated = guest.is_hibernated();
    if hibernated {
        guest.config.remove("lock");
        guest.config.remove("vmstate");
    }
    hibernated
}

fn stop_now(cluster: &mut Cluster, request: &Request) -> Outcome {
    submit(cluster, request, ["qmstop", "vzstop"], 0.2, |guest, now, _| {
        if guest.started.is_none() && guest.kind == Kind::Lxc {
            return Err(format!("CT {} not running", guest.vmid));
        }
        guest.set_started(None, now);
        Ok(())
    })
}

fn shutdown_now(cluster: &mut Cluster, request: &Request) -> Outcome {
    submit(cluster, request, ["qmshutdown", "vzshutdown"], 0.8, |guest, now, _| {
        if guest.started.is_none() {
            return Err(match guest.kind {
                Kind::Qemu => "VM not running".into(),
                Kind::Lxc => format!("CT {} not running", guest.vmid),
            });
        }
        guest.set_started(None, now);
        Ok(())
    })
}

fn reboot(cluster: &mut Cluster, request: &Request) -> Outcome {
    running(cluster, request)?;
    submit(cluster, request, ["qmreboot", "vzreboot"], 1.0, |guest, now, _| {
        guest.set_started(Some(now), now);
        Ok(())
    })
}

fn reset(cluster: &mut Cluster, request: &Request) -> Outcome {
    running(cluster, request)?;
    submit(cluster, request, ["qmreset", "qmreset"], 0.1, |guest, now, _| {
        guest.set_started(Some(now), now);
        Ok(())
    })
}

fn suspend(cluster: &mut Cluster, request: &Request) -> Outcome {
    running(cluster, request)?;
    if request.flag("todisk") {
        return submit(cluster, request, ["qmsuspend", "vzsuspend"], 1.0, |guest, now, _| {
            guest.set_started(None, now);
            if guest.kind == Kind::Qemu {
                guest.config.insert("lock".into(), json!("suspended"));
                let place = format!("local:{0}/vm-{0}-state-suspend.raw", guest.vmid);
                guest.config.insert("vmstate".into(), json!(place));
            }
            Ok(())
        });
    }
    submit(cluster, request, ["qmpause", "vzsuspend"], 0.1, |guest, now, _| {
        guest.remember(now);
        guest.qmp = Some("paused");
        Ok(())
    })
}

fn resume(cluster: &mut Cluster, request: &Request) -> Outcome {
    if !cluster.guest(request.kind(), request.node(), request.vmid())?.is_hibernated() {
        running(cluster, request)?;
    }
    submit(cluster, request, ["qmresume", "vzresume"], 0.1, |guest, now, _| {
        if wake(guest) {
            guest.set_started(Some(now), now);
        }
        guest.remember(now);
        guest.qmp = None;
        Ok(())
    })
}
