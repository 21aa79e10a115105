//! The figures of guests, as in lists, resources and status. Knows neither routes nor privileges.

use crate::demo::state::{
    clock::whole,
    cluster::{Cluster, Node, Storage},
    guest::{Guest, Kind},
};
use serde_json::{Map, Value, json};

/// Seconds after which the last known state of a lost node's guests is forgotten (pve.md section 6).
const STALE: f64 = 300.0;

/// A constant pseudo-random number between 0 and 1 for a guest, from which its load is derived.
fn share(vmid: u32, salt: u32) -> f64 {
    f64::from(vmid.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 16 & 0xff) / 255.0
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate"
)]
fn part(whole: u64, share: f64) -> u64 {
    (whole as f64 * share) as u64
}

/// The measured values of a guest at a point in time.
pub(crate) struct Load {
    pub(crate) uptime: u64,
    pub(crate) cpu: f64,
    pub(crate) mem: u64,
    pub(crate) disk: u64,
    pub(crate) netin: u64,
    pub(crate) netout: u64,
    pub(crate) diskread: u64,
    pub(crate) diskwrite: u64,
}

/// The load of a guest: all zero while it is stopped.
pub(crate) fn load(guest: &Guest, now: f64) -> Load {
    load_since(guest, guest.started, now)
}

/// The factor, around 1, by which the load of a guest or node differs from its average at a time: higher by day than at
/// night, and always varying. The same time always has the same value.
pub(crate) fn load_factor(number: u32, time: f64) -> f64 {
    let phase = share(number, 5);
    let wave = |period: f64| ((time / period + phase) * std::f64::consts::TAU).sin();
    let minute = u32::try_from(whole(time) / 60 % 1_000_003).unwrap_or_default();
    let noise = share(minute.wrapping_mul(31).wrapping_add(number), 6) - 0.5;
    1.0 + 0.3 * wave(86_400.0) + 0.2 * wave(1_500.0) + 0.1 * wave(410.0) + 0.3 * noise
}

fn load_since(guest: &Guest, started: Option<f64>, now: f64) -> Load {
    let Some(started) = started else {
        return Load { uptime: 0, cpu: 0.0, mem: 0, disk: 0, netin: 0, netout: 0, diskread: 0, diskwrite: 0 };
    };
    let (uptime, vmid) = (whole(now - started), guest.vmid);
    let disk = if guest.kind == Kind::Lxc { part(guest.disk(), 0.1 + 0.6 * share(vmid, 3)) } else { 0 };
    Load {
        uptime,
        cpu: (share(vmid, 1) * 4000.0).round() / 10_000.0,
        mem: part(guest.memory(), 0.2 + 0.7 * share(vmid, 2)),
        disk,
        netin: uptime * (200 + u64::from(vmid % 17) * 300),
        netout: uptime * (150 + u64::from(vmid % 13) * 250),
        diskread: uptime * 512,
        diskwrite: uptime * (1024 + u64::from(vmid % 7) * 512),
    }
}

/// `running` or `stopped`.
pub(crate) fn word(guest: &Guest) -> &'static str {
    if guest.started.is_some() { "running" } else { "stopped" }
}

/// QEMU's state of a VM; a container is either running or stopped.
fn qmp_word(guest: &Guest) -> &'static str {
    match guest.qmp {
        Some(word) if guest.kind == Kind::Qemu && guest.started.is_some() => word,
        _ => word(guest),
    }
}

/// A guest as listed by `/cluster/resources`: tags and locks from its configuration are up to date, what its node
/// measures lags some seconds behind, and the state is `unknown` while nothing was reported.
pub(crate) fn resource(cluster: &Cluster, guest: &Guest) -> Value {
    let now = cluster.clock.now();
    let mut row = json!({
        "id": format!("{}/{}", guest.kind.word(), guest.vmid),
        "type": guest.kind.word(),
        "vmid": guest.vmid,
        "node": guest.node,
        "status": "unknown",
    });
    for key in ["tags", "lock"] {
        if let Some(value) = guest.config.get(key) {
            row[key] = value.clone();
        }
    }
    if let Some(pool) = &guest.pool {
        row["pool"] = json!(pool);
    }
    let lost = cluster.nodes.iter().find(|node| node.name == guest.node).and_then(|node| node.lost);
    if lost.is_some_and(|lost| STALE < now - lost) {
        return row;
    }
    let Some(told) = guest.told(now) else { return row };
    let load = load_since(guest, told.started, lost.unwrap_or(now));
    row["name"] = json!(told.name);
    row["template"] = json!(u8::from(told.template));
    row["status"] = json!(match told.qmp {
        Some(word) if guest.kind == Kind::Qemu && told.started.is_some() => word,
        _ if told.started.is_some() => "running",
        _ => "stopped",
    });
    row["cpu"] = number(load.cpu);
    row["maxcpu"] = json!(told.cpus);
    row["mem"] = json!(load.mem);
    row["memhost"] = json!(load.mem);
    row["maxmem"] = json!(told.memory);
    row["disk"] = json!(load.disk);
    row["maxdisk"] = json!(told.disk);
    row["uptime"] = json!(load.uptime);
    row["netin"] = json!(load.netin);
    row["netout"] = json!(load.netout);
    row["diskread"] = json!(load.diskread);
    row["diskwrite"] = json!(load.diskwrite);
    row
}

/// A fraction as Perl writes it: a whole number has no decimal point.
fn number(value: f64) -> Value {
    if value == 0.0 { json!(0) } else { json!(value) }
}

/// A guest as listed by its node; `full` also queries each VM's monitor.
pub(crate) fn listed(guest: &Guest, now: f64, full: bool) -> Map<String, Value> {
    let load = load(guest, now);
    let mut row = Map::new();
    let mut set = |key: &str, value: Value| drop(row.insert(key.into(), value));
    set("vmid", json!(guest.vmid));
    set("name", json!(guest.name()));
    set("status", json!(word(guest)));
    set("cpu", number(load.cpu));
    set("cpus", json!(guest.cpus()));
    set("mem", json!(load.mem));
    set("maxmem", json!(guest.memory()));
    set("disk", json!(load.disk));
    set("maxdisk", json!(guest.disk()));
    set("uptime", json!(load.uptime));
    set("netin", json!(load.netin));
    set("netout", json!(load.netout));
    if let Some(tags) = guest.config.get("tags") {
        set("tags", tags.clone());
    }
    if let Some(lock) = guest.config.get("lock") {
        set("lock", lock.clone());
    }
    if guest.is_template() {
        set("template", json!(1));
    }
    if guest.started.is_some() {
        set("pid", json!(600 + guest.vmid));
    }
    if guest.kind == Kind::Lxc {
        set("type", json!("lxc"));
        set("swap", json!(0));
        set("maxswap", json!(guest.number("swap", 512) << 20));
        set("diskread", json!(load.diskread));
        set("diskwrite", json!(load.diskwrite));
        return row;
    }
    set("memhost", json!(load.mem));
    if guest.config.contains_key("serial0") {
        set("serial", json!(1));
    }
    if guest.started.is_some() {
        set("diskread", json!(load.diskread));
        set("diskwrite", json!(load.diskwrite));
    }
    if full {
        set("qmpstatus", json!(qmp_word(guest)));
    }
    row
}

/// A guest's `status/current`.
pub(crate) fn current(cluster: &Cluster, guest: &Guest) -> Value {
    let now = cluster.clock.now();
    let mut row = listed(guest, now, true);
    row.insert("ha".into(), cluster.ha_state(guest));
    let pressures = ["pressurecpusome", "pressurecpufull", "pressureiosome", "pressureiofull"];
    let pressures = pressures.into_iter().chain(["pressurememorysome", "pressurememoryfull"]);
    let running = guest.started.is_some();
    if guest.kind == Kind::Lxc {
        if running {
            row.extend(pressures.map(|key| (key.to_owned(), Value::Null)));
        }
        return Value::Object(row);
    }
    if guest.config.contains_key("agent") {
        row.insert("agent".into(), json!(1));
    }
    row.insert("clipboard".into(), Value::Null);
    if running {
        let load = load(guest, now);
        row.extend(pressures.map(|key| (key.to_owned(), json!(0))));
        row.insert("balloon".into(), json!(guest.memory()));
        row.insert("ballooninfo".into(), json!({"actual": guest.memory(), "max_mem": guest.memory()}));
        row.insert("running-machine".into(), json!("pc-i440fx-10.2+pve0"));
        row.insert("running-qemu".into(), json!("10.2.2"));
        row.insert("proxmox-support".into(), support());
        let nic = format!("tap{}i0", guest.vmid);
        row.insert("nics".into(), json!({nic: {"netin": load.netin, "netout": load.netout}}));
        row.insert("blockstat".into(), json!({"scsi0": block_statistics(&load)}));
    }
    Value::Object(row)
}

/// QEMU's block statistics of a disk.
fn block_statistics(load: &Load) -> Value {
    let mut disk = json!({"rd_bytes": load.diskread, "wr_bytes": load.diskwrite, "rd_operations": load.uptime,
        "wr_operations": load.uptime, "wr_highest_offset": load.diskwrite, "idle_time_ns": 1_000_000,
        "account_failed": true, "account_invalid": true, "timed_stats": []});
    for name in ["rd", "wr", "flush", "unmap", "zone_append"] {
        for kind in ["failed", "invalid"] {
            disk[format!("{kind}_{name}_operations")] = json!(0);
        }
        disk[format!("{name}_total_time_ns")] = json!(0);
        if name != "flush" {
            disk[format!("{name}_merged")] = json!(0);
        }
    }
    for name in
        ["flush_operations", "unmap_operations", "unmap_bytes", "zone_append_operations", "zone_append_bytes"]
    {
        disk[name] = json!(0);
    }
    disk
}

/// The features that Proxmox has added to this build of QEMU.
fn support() -> Value {
    json!({"pbs-dirty-bitmap": true, "pbs-dirty-bitmap-savevm": true, "pbs-dirty-bitmap-migration": true,
        "pbs-masterkey": true, "pbs-library-version": "1.5.2", "backup-access-api": true, "backup-fleecing": true,
        "backup-max-workers": true, "query-bitmap-info": true})
}

/// The load of a node: that of its guests plus its own.
pub(crate) fn node_load(cluster: &Cluster, node: &Node) -> (f64, u64, u64) {
    let now = cluster.clock.now();
    let (mut cpu, mut memory) = (0.02, node.memory / 12);
    for guest in cluster.guests.values().filter(|guest| guest.node == node.name) {
        let load = load(guest, now);
        #[allow(clippy::cast_precision_loss, reason = "a load")]
        let share = guest.cpus() as f64 / node.cpus.max(1) as f64;
        cpu += load.cpu * share;
        memory += load.mem;
    }
    ((cpu.min(1.0) * 1e6).round() / 1e6, memory.min(node.memory), part(node.disk, 0.09))
}

/// A node as shown in lists. An offline node has no figures.
pub(crate) fn node_summary(cluster: &Cluster, node: &Node) -> Value {
    let mut row =
        json!({"id": format!("node/{}", node.name), "node": node.name, "type": "node", "level": ""});
    if node.lost.is_some() {
        row["status"] = json!("offline");
        return row;
    }
    let (cpu, memory, disk) = node_load(cluster, node);
    row["status"] = json!("online");
    row["cpu"] = json!(cpu);
    row["maxcpu"] = json!(node.cpus);
    row["mem"] = json!(memory);
    row["maxmem"] = json!(node.memory);
    row["disk"] = json!(disk);
    row["maxdisk"] = json!(node.disk);
    row["uptime"] = json!(whole(cluster.clock.now() - node.booted));
    row
}

/// A storage of a node as listed by `/cluster/resources`.
pub(crate) fn storage_resource(storage: &Storage, node: &str, there: bool) -> Value {
    json!({"id": format!("storage/{node}/{}", storage.name), "type": "storage", "storage": storage.name,
        "node": node, "plugintype": storage.kind, "content": storage.content,
        "shared": u8::from(storage.shared), "status": if there { "available" } else { "unknown" },
        "disk": storage.used, "maxdisk": storage.total})
}
