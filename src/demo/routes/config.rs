//! Guests' configuration: reading, pending changes, changing, deleting a guest.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::Cluster,
            guest::{Guest, Kind},
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

const AUDIT: &str = "/vms/{vmid}, VM.Audit";
const CHANGE: &str = "/vms/{vmid}, VM.Config.Disk|VM.Config.CDROM|VM.Config.CPU|VM.Config.Memory|\
                      VM.Config.Network|VM.Config.HWType|VM.Config.Options|VM.Config.Cloudinit";

pub(crate) const ROUTES: [Route; 5] = [
    route(Get, "/nodes/{node}/{kind}/{vmid}/config", AUDIT, config),
    route(Get, "/nodes/{node}/{kind}/{vmid}/pending", AUDIT, pending),
    route(Put, "/nodes/{node}/{kind}/{vmid}/config", CHANGE, change),
    route(Post, "/nodes/{node}/{kind}/{vmid}/config", CHANGE, change_later),
    route(Delete, "/nodes/{node}/{kind}/{vmid}", "/vms/{vmid}, VM.Allocate", destroy),
];

/// Options that Proxmox stores as numbers; all others are strings. `memory` is a number in containers only.
const NUMBERS: [&str; 21] = [
    "acpi",
    "autostart",
    "balloon",
    "console",
    "cores",
    "debug",
    "freeze",
    "kvm",
    "localtime",
    "numa",
    "onboot",
    "protection",
    "reboot",
    "shares",
    "sockets",
    "swap",
    "tablet",
    "template",
    "tty",
    "unprivileged",
    "vcpus",
];

fn config(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let mut data = guest.config.clone();
    if data.contains_key("cipassword") {
        data.insert("cipassword".into(), json!("**********"));
    }
    data.insert("digest".into(), json!(guest.digest()));
    Ok(Value::Object(data).into())
}

fn pending(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let mut rows: Vec<Value> = guest
        .config
        .iter()
        .map(|(key, value)| {
            let value = if key == "cipassword" { json!("**********") } else { value.clone() };
            json!({"key": key, "value": value})
        })
        .collect();
    rows.push(json!({"key": "digest", "value": guest.digest()}));
    Ok(Value::Array(rows).into())
}

/// A value as stored in the configuration.
fn kept(kind: Kind, key: &str, value: &str) -> Value {
    let number = NUMBERS.contains(&key) || (key == "memory" && kind == Kind::Lxc);
    match value.parse::<i64>() {
        Ok(value) if number => json!(value),
        _ => json!(value),
    }
}

/// The changes that a request makes: keys with their new value, or `None` to delete them.
type Changes = Vec<(String, Option<Value>)>;

fn changes(guest: &Guest, request: &Request) -> Result<Changes, ApiError> {
    const CONTROL: [&str; 6] = ["digest", "delete", "revert", "skiplock", "force", "background_delay"];
    if let Some(digest) = request.param("digest")
        && digest != guest.digest()
    {
        return Err(ApiError::failed(match guest.kind {
            Kind::Qemu => "checksum mismatch (file change by other user?)",
            Kind::Lxc => "detected modified configuration - file changed by other user? Try again.",
        }));
    }
    guest.check_lock()?;
    let mut changes = Changes::new();
    for (key, value) in request.params.iter().filter(|(key, _)| !CONTROL.contains(&key.as_str())) {
        if key == "args" && (request.who.user != "root@pam" || request.who.token.is_some()) {
            return Err(ApiError::failed("only root can set 'args' config"));
        }
        changes.push((key.clone(), Some(kept(guest.kind, key, value))));
    }
    for key in split_list(request.param("delete").unwrap_or_default()) {
        if changes.iter().any(|(changed, _)| changed == key) {
            return Err(ApiError::parameter(
                key,
                format!("you can't use '-{key}' and -delete {key}' at the same time"),
            ));
        }
        changes.push((key.to_owned(), None));
    }
    Ok(changes)
}

fn apply(guest: &mut Guest, changes: Changes, now: f64) {
    guest.remember(now);
    for (key, value) in changes {
        match value {
            Some(value) => drop(guest.config.insert(key, value)),
            None => drop(guest.config.remove(&key)),
        }
    }
}

pub(super) fn change(cluster: &mut Cluster, request: &Request) -> Outcome {
    let now = cluster.clock.now();
    let guest = cluster.guest_mut(request.kind(), request.node(), request.vmid())?;
    let changes = changes(guest, request)?;
    apply(guest, changes, now);
    Ok(Value::Null.into())
}

/// The asynchronous call, which only VMs have.
fn change_later(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (node, vmid) = (request.node().to_owned(), request.vmid());
    let guest = cluster.guest(Kind::Qemu, &node, vmid)?;
    let (changes, lock) = (changes(guest, request)?, guest.lock_file());
    let shown: Vec<String> =
        request.params.iter().map(|(key, value)| format!("-{key} {}", hidden(key, value))).collect();
    let line = format!("update VM {vmid}: {}", shown.join(" "));
    let at = node.clone();
    let begin: Step = Box::new(move |cluster, log| {
        let now = cluster.clock.now();
        let guest = cluster.guest_mut(Kind::Qemu, &at, vmid).map_err(|error| error.message)?;
        guest.check_lock()?;
        log.push(line);
        apply(guest, changes, now);
        Ok(())
    });
    let work = Work {
        kind: "qmconfig",
        id: vmid.to_string(),
        lock: Some(lock),
        seconds: 0.1,
        begin,
        finish: nothing(),
    };
    let upid = cluster.start_task(&node, &request.who.owner(), work);
    if request.param("background_delay").is_none() {
        return Ok(json!(upid).into());
    }
    // Proxmox waits for the task, which takes no time here; if another task has the lock, it takes longer than Proxmox
    // waits.
    match cluster.finish_task_now(&upid) {
        None => Ok(json!(upid).into()),
        Some(Ok(())) => Ok(Value::Null.into()),
        Some(Err(problem)) => Err(ApiError::failed(format!("failed to update VM {vmid}: {problem}"))),
    }
}

fn hidden<'a>(key: &str, value: &'a str) -> &'a str {
    if key == "cipassword" { "<hidden>" } else { value }
}

fn destroy(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let guest = cluster.guest(kind, &node, vmid)?;
    guest.check_lock()?;
    let label = guest.kind.label();
    if guest.config.get("protection") == Some(&json!(1)) {
        return Err(ApiError::failed(format!("can't remove {label} {vmid} - protection mode enabled")));
    }
    if guest.started.is_some() {
        return Err(ApiError::failed(format!("{label} {vmid} is running - destroy failed")));
    }
    let sid = json!(format!("{}:{vmid}", if kind == Kind::Qemu { "vm" } else { "ct" }));
    let managed = cluster.ha.iter().any(|resource| resource.get("sid") == Some(&sid));
    let purge = request.flag("purge");
    if managed && !purge {
        return Err(ApiError::failed(format!(
            "unable to remove {label} {vmid} - used in HA resources and purge parameter not set."
        )));
    }
    let lock = guest.lock_file();
    let finish: Step = Box::new(move |cluster, log| {
        if purge {
            log.push(format!("purging {label} {vmid} from related configurations.."));
            cluster.ha.retain(|resource| resource.get("sid") != Some(&sid));
            let guest = json!(vmid);
            cluster.replication.retain(|job| job.get("guest") != Some(&guest));
        }
        cluster.guests.remove(&vmid);
        cluster.agents.remove(&vmid);
        cluster.firewalls.remove(&format!("guests/{vmid}"));
        cluster.volumes.retain(|volume| volume.vmid != Some(vmid) || volume.content == "backup");
        Ok(())
    });
    let word = if kind == Kind::Qemu { "qmdestroy" } else { "vzdestroy" };
    let work =
        Work { kind: word, id: vmid.to_string(), lock: Some(lock), seconds: 0.4, begin: nothing(), finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}
