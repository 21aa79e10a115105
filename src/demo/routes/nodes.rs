//! Nodes: their list, status, time, logs and RRD data. Their components are in `host`.

use crate::{
    demo::{
        outcome::{ApiError, Outcome, Reply},
        routes::{
            route::{Request, Route, route},
            rows::empty,
        },
        state::{
            clock::{civil, whole},
            cluster::{Cluster, Node},
            digest::sha1_hex,
            status,
        },
    },
    pve::Method::Get,
};
use ring::digest;
use serde_json::{Value, json};

const AUDIT: &str = "/nodes/{node}, Sys.Audit";

pub(crate) const ROUTES: [Route; 14] = [
    route(Get, "/nodes", "", list),
    route(Get, "/nodes/{node}", "", index),
    route(Get, "/nodes/{node}/status", AUDIT, node_status),
    route(Get, "/nodes/{node}/version", "", version),
    route(Get, "/nodes/{node}/time", AUDIT, time),
    route(Get, "/nodes/{node}/hosts", AUDIT, hosts),
    route(Get, "/nodes/{node}/config", AUDIT, |_, _| Ok(json!({}).into())),
    route(Get, "/nodes/{node}/syslog", "/nodes/{node}, Sys.Syslog", syslog),
    route(Get, "/nodes/{node}/rrddata", AUDIT, rrddata),
    route(Get, "/nodes/{node}/netstat", AUDIT, empty),
    route(Get, "/nodes/{node}/aplinfo", "", empty),
    route(Get, "/nodes/{node}/replication", "", replication),
    route(Get, "/nodes/{node}/scan/lvm", "/storage, Datastore.Allocate", empty),
    route(Get, "/nodes/{node}/scan/zfs", "/storage, Datastore.Allocate", empty),
];

/// A fingerprint in Proxmox's format. It is made up: the sample's nodes have no certificates of their own.
pub(crate) fn fingerprint(name: &str) -> String {
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let pairs: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn list(cluster: &mut Cluster, _: &Request) -> Outcome {
    let rows = cluster.nodes.iter().map(|node| {
        let mut row = status::node_summary(cluster, node);
        row["ssl_fingerprint"] = json!(fingerprint(&node.name));
        row
    });
    Ok(Value::Array(rows.collect()).into())
}

/// Answers `/version`, for the cluster and for each node.
pub(crate) fn version(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!({"version": "9.2.11", "release": "9.2", "repoid": "14a22df3"}).into())
}

fn index(_: &mut Cluster, _: &Request) -> Outcome {
    let names = [
        "aplinfo",
        "apt",
        "capabilities",
        "ceph",
        "certificates",
        "config",
        "disks",
        "dns",
        "firewall",
        "hardware",
        "hosts",
        "lxc",
        "network",
        "qemu",
        "services",
        "status",
        "storage",
        "syslog",
        "tasks",
    ];
    Ok(json!(names.map(|name| json!({"name": name}))).into())
}

/// The node in the path.
pub(crate) fn node<'a>(cluster: &'a Cluster, request: &Request) -> Result<&'a Node, ApiError> {
    let name = request.node();
    let found = cluster.nodes.iter().find(|node| node.name == name);
    found.ok_or_else(|| ApiError::failed(format!("no such cluster node '{name}'")))
}

fn node_status(cluster: &mut Cluster, request: &Request) -> Outcome {
    let node = node(cluster, request)?;
    let (cpu, memory, disk) = status::node_load(cluster, node);
    #[allow(clippy::cast_precision_loss, reason = "a load average")]
    let load = cpu * node.cpus as f64;
    let average = |share: f64| format!("{:.2}", load * share);
    let (total, release) = (node.memory, "6.17.2-1-pve");
    let built = "#1 SMP PREEMPT_DYNAMIC PMX 6.17.2-1";
    Ok(json!({
        "uptime": whole(cluster.clock.now() - node.booted),
        "cpu": cpu,
        "wait": 0.001,
        "idle": 0,
        "loadavg": [average(1.0), average(0.9), average(0.8)],
        "cpuinfo": {"model": "AMD EPYC 7313P 16-Core Processor", "vendor": "AuthenticAMD", "family": "25",
            "sockets": 1, "cores": node.cpus / 2, "cpus": node.cpus, "mhz": "2994.375", "user_hz": 100, "hvm": "1",
            "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep svm aes avx avx2"},
        "memory": {"total": total, "used": memory, "free": total - memory, "available": total - memory},
        "swap": {"total": 8_589_930_496_u64, "used": 0, "free": 8_589_930_496_u64},
        "rootfs": {"total": node.disk, "used": disk, "free": node.disk - disk, "avail": (node.disk - disk) / 10 * 9},
        "ksm": {"shared": 0},
        "boot-info": {"mode": "efi", "secureboot": 0},
        "kversion": format!("Linux {release} {built}"),
        "current-kernel": {"sysname": "Linux", "release": release, "version": built, "machine": "x86_64"},
        "pveversion": "pve-manager/9.2.11/14a22df3",
    })
    .into())
}

fn time(cluster: &mut Cluster, _: &Request) -> Outcome {
    let now = whole(cluster.clock.now());
    Ok(json!({"time": now, "localtime": now, "timezone": "Etc/UTC"}).into())
}

fn hosts(cluster: &mut Cluster, _: &Request) -> Outcome {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for node in &cluster.nodes {
        text.push_str(&format!("{} {}.test {}\n", node.ip, node.name, node.name));
    }
    Ok(json!({"digest": sha1_hex(text.as_bytes()), "data": text}).into())
}

fn syslog(cluster: &mut Cluster, request: &Request) -> Outcome {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let own: Vec<_> = cluster.log.iter().filter(|line| line.node == request.node()).collect();
    let start = usize::try_from(request.number("start").unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(request.number("limit").unwrap_or(50)).unwrap_or(50);
    let rows = own.iter().enumerate().skip(start).take(limit).map(|(at, line)| {
        let (_, month, day, hour, minute, second) = civil(line.time);
        let month = MONTHS[usize::try_from(month.saturating_sub(1)).unwrap_or(0) % 12];
        let text = format!(
            "{month} {day:02} {hour:02}:{minute:02}:{second:02} {} {}[{}]: {}",
            line.node,
            line.tag,
            190 + line.number,
            line.message
        );
        json!({"n": at + 1, "t": text})
    });
    let data = Value::Array(rows.collect());
    Ok(Reply { data, total: Some(own.len()) })
}

/// The times of the points of RRD data; a day, a month and a year have 1440 of them in 9.x.
pub(crate) fn rrd_times(now: f64, timeframe: Option<&str>) -> impl Iterator<Item = u64> {
    let (step, count) = match timeframe.unwrap_or("hour") {
        "day" => (60, 1440),
        "week" => (1800, 336),
        "month" => (1800, 1440),
        "year" => (21_600, 1440),
        _ => (60, 60),
    };
    let last = whole(now) / step * step;
    (0..count).map(move |at| last - (count - 1 - at) * step)
}

fn rrddata(cluster: &mut Cluster, request: &Request) -> Outcome {
    let node = node(cluster, request)?;
    let (cpu, memory, disk) = status::node_load(cluster, node);
    let rows = rrd_times(cluster.clock.now(), request.param("timeframe")).map(|time| {
        if time < whole(node.booted) {
            return json!({"time": time});
        }
        #[allow(clippy::cast_precision_loss, reason = "a time")]
        let load_factor = status::load_factor(u32::try_from(node.name.len()).unwrap_or_default(), time as f64);
        let cpu = (cpu * load_factor).min(1.0);
        json!({"time": time, "cpu": cpu, "maxcpu": node.cpus, "memused": memory, "memtotal": node.memory,
            "rootused": disk, "roottotal": node.disk, "iowait": 0, "loadavg": cpu, "netin": 4096.0 * load_factor,
            "netout": 2048.0 * load_factor})
    });
    Ok(Value::Array(rows.collect()).into())
}

fn replication(cluster: &mut Cluster, request: &Request) -> Outcome {
    let now = whole(cluster.clock.now());
    let own = cluster.replication.iter().filter(|job| job.get("source") == Some(&json!(request.node())));
    let rows = own.map(|job| {
        let mut row = job.clone();
        for (key, value) in
            [("fail_count", 0), ("last_sync", now / 900 * 900), ("next_sync", now / 900 * 900 + 900)]
        {
            row.insert(key.into(), json!(value));
        }
        Value::Object(row)
    });
    Ok(Value::Array(rows.collect()).into())
}
