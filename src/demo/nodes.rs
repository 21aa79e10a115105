//! Nodes: their list, status, services, network, certificates, hardware and logs.

use super::{
    answer::{ApiError, Outcome, Reply},
    clock::{civil, whole},
    cluster::version,
    routes::{Request, Route, route},
    state::{Cluster, Node, sha1_hex},
    status,
    task::{Work, nothing},
};
use crate::pve::Method::{Get, Post};
use ring::digest;
use serde_json::{Value, json};

const AUDIT: &str = "/nodes/{node}, Sys.Audit";

pub(crate) const ROUTES: [Route; 26] =
    [
        route(Get, "/nodes", "", list),
        route(Get, "/nodes/{node}", "", index),
        route(Get, "/nodes/{node}/status", AUDIT, node_status),
        route(Get, "/nodes/{node}/version", "", version),
        route(Get, "/nodes/{node}/services", AUDIT, services),
        route(Get, "/nodes/{node}/services/{service}/state", AUDIT, service),
        route(Post, "/nodes/{node}/services/{service}/reload", "/nodes/{node}, Sys.Modify", reload),
        route(Post, "/nodes/{node}/services/{service}/restart", "/nodes/{node}, Sys.Modify", restart),
        route(Get, "/nodes/{node}/time", AUDIT, time),
        route(Get, "/nodes/{node}/dns", AUDIT, |_, _| {
            Ok(json!({"dns1": "10.99.0.254", "search": "test"}).into())
        }),
        route(Get, "/nodes/{node}/hosts", AUDIT, hosts),
        route(Get, "/nodes/{node}/network", "", network),
        route(Get, "/nodes/{node}/config", AUDIT, |_, _| Ok(json!({}).into())),
        route(Get, "/nodes/{node}/certificates/info", "", certificates),
        route(Get, "/nodes/{node}/apt/update", "/nodes/{node}, Sys.Modify|Sys.Audit", updates),
        route(Get, "/nodes/{node}/apt/versions", AUDIT, versions),
        route(Get, "/nodes/{node}/disks/list", "/nodes/{node}, Sys.Audit|Datastore.Audit", disks),
        route(Get, "/nodes/{node}/hardware/pci", AUDIT, pci),
        route(Get, "/nodes/{node}/hardware/usb", AUDIT, empty),
        route(Get, "/nodes/{node}/syslog", "/nodes/{node}, Sys.Syslog", syslog),
        route(Get, "/nodes/{node}/rrddata", AUDIT, rrddata),
        route(Get, "/nodes/{node}/netstat", AUDIT, empty),
        route(Get, "/nodes/{node}/aplinfo", "", empty),
        route(Get, "/nodes/{node}/replication", "", replication),
        route(Get, "/nodes/{node}/scan/lvm", "/storage, Datastore.Allocate", empty),
        route(Get, "/nodes/{node}/scan/zfs", "/storage, Datastore.Allocate", empty),
    ];

fn empty(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([]).into())
}

/// A node as lists show it. One that is lost has no numbers.
pub(crate) fn summary(cluster: &Cluster, node: &Node) -> Value {
    let mut row =
        json!({"id": format!("node/{}", node.name), "node": node.name, "type": "node", "level": ""});
    if node.lost.is_some() {
        row["status"] = json!("offline");
        return row;
    }
    let (cpu, memory, disk) = status::node_load(cluster, node);
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

/// A fingerprint as Proxmox prints it. It is made up: the sample's nodes have no certificates of their own.
fn fingerprint(name: &str) -> String {
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let pairs: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn list(cluster: &mut Cluster, _: &Request) -> Outcome {
    let rows = cluster.nodes.iter().map(|node| {
        let mut row = summary(cluster, node);
        row["ssl_fingerprint"] = json!(fingerprint(&node.name));
        row
    });
    Ok(Value::Array(rows.collect()).into())
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

/// The node in the path; `localhost` is the one that answers.
fn node<'a>(cluster: &'a Cluster, request: &Request) -> Result<&'a Node, ApiError> {
    let name = if request.node() == "localhost" { "pve1" } else { request.node() };
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

/// Services: name, what it is, whether it runs.
const SERVICES: [(&str, &str, bool); 10] = [
    ("chrony", "chrony, an NTP client/server", true),
    ("corosync", "Corosync Cluster Engine", true),
    ("cron", "Regular background program processing daemon", true),
    ("ksmtuned", "Kernel Samepage Merging (KSM) Tuning Daemon", true),
    ("postfix", "Postfix Mail Transport Agent", false),
    ("pve-cluster", "The Proxmox VE cluster filesystem", true),
    ("pve-ha-crm", "PVE Cluster HA Resource Manager Daemon", true),
    ("pvedaemon", "PVE API Daemon", true),
    ("pveproxy", "PVE API Proxy Server", true),
    ("pvestatd", "PVE Status Daemon", true),
];

fn service_row((name, about, runs): (&str, &str, bool)) -> Value {
    json!({"service": name, "name": name, "desc": about, "state": if runs { "running" } else { "dead" },
        "active-state": if runs { "active" } else { "inactive" },
        "unit-state": if runs { "enabled" } else { "masked" }})
}

fn services(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!(SERVICES.map(service_row)).into())
}

fn known_service(request: &Request) -> Result<(&'static str, &'static str, bool), ApiError> {
    let name = request.hole("service");
    let names: Vec<&str> = SERVICES.iter().map(|(name, ..)| *name).collect();
    SERVICES.into_iter().find(|(known, ..)| *known == name).ok_or_else(|| {
        let list = names.join(", ");
        ApiError::parameter(
            "service",
            format!("value '{name}' does not have a value in the enumeration '{list}'"),
        )
    })
}

fn service(_: &mut Cluster, request: &Request) -> Outcome {
    Ok(service_row(known_service(request)?).into())
}

fn reload(cluster: &mut Cluster, request: &Request) -> Outcome {
    service_task(cluster, request, "srvreload")
}

fn restart(cluster: &mut Cluster, request: &Request) -> Outcome {
    service_task(cluster, request, "srvrestart")
}

fn service_task(cluster: &mut Cluster, request: &Request, kind: &'static str) -> Outcome {
    let (name, ..) = known_service(request)?;
    let work = Work { kind, id: name.into(), lock: None, seconds: 0.2, begin: nothing(), finish: nothing() };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
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

fn network(cluster: &mut Cluster, request: &Request) -> Outcome {
    let ip = &node(cluster, request)?.ip;
    Ok(json!([
        {"iface": "eno1", "type": "eth", "method": "manual", "method6": "manual", "families": ["inet"], "active": 1,
            "exists": 1, "priority": 3},
        {"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual", "families": ["inet"],
            "active": 1, "autostart": 1, "priority": 4, "address": ip, "netmask": "24", "cidr": format!("{ip}/24"),
            "gateway": "10.99.0.254", "bridge_ports": "eno1", "bridge_stp": "off", "bridge_fd": "0"},
    ])
    .into())
}

fn certificates(cluster: &mut Cluster, request: &Request) -> Outcome {
    let node = node(cluster, request)?;
    let issuer = "/CN=Proxmox Virtual Environment/O=PVE Cluster Manager CA";
    let made = whole(node.booted);
    let row = |file: &str, subject: &str, san: Value, bits: u32, days: u64| {
        json!({"filename": file, "subject": subject, "issuer": issuer, "san": san, "public-key-bits": bits,
            "public-key-type": "rsaEncryption", "notbefore": made, "notafter": made + days * 86_400,
            "fingerprint": fingerprint(if bits == 2048 { &node.name } else { file }), "pem": "<pem>"})
    };
    let san = json!(["127.0.0.1", "localhost", node.ip, node.name, format!("{}.test", node.name)]);
    let subject = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={}.test", node.name);
    Ok(json!([
        row("pve-root-ca.pem", issuer, json!([]), 4096, 3650),
        row("pve-ssl.pem", &subject, san, 2048, 730),
    ])
    .into())
}

fn updates(_: &mut Cluster, _: &Request) -> Outcome {
    let about = "time zone and daylight-saving time data";
    Ok(json!([{"Package": "tzdata", "Version": "2026f-0+deb13u1", "OldVersion": "2026c-0+deb13u1", "Arch": "all",
        "Section": "localization", "Priority": "required", "Origin": "Debian", "Title": about, "Description": about}])
    .into())
}

fn versions(_: &mut Cluster, _: &Request) -> Outcome {
    let row = |name: &str, version: &str, about: &str| {
        json!({"Package": name, "Version": version, "OldVersion": version, "CurrentState": "Installed",
            "Arch": "amd64", "Section": "admin", "Priority": "optional", "Origin": "Proxmox", "Title": about,
            "Description": about})
    };
    Ok(json!([
        row("pve-manager", "9.2.11", "Proxmox Virtual Environment Management Tools"),
        row("qemu-server", "9.2.6", "Qemu Server Tools"),
        row("pve-container", "6.1.10", "Proxmox VE Container management tool"),
    ])
    .into())
}

fn disks(cluster: &mut Cluster, request: &Request) -> Outcome {
    let size = node(cluster, request)?.disk;
    let row = |path: &str, used: &str, serial: &str| {
        json!({"devpath": path, "used": used, "type": "nvme", "model": "SAMSUNG MZQL2960HCJR", "serial": serial,
            "vendor": "unknown", "wwn": "unknown", "size": size, "rpm": 0, "gpt": 1, "health": "PASSED",
            "wearout": "99", "osdid": -1, "osdid-list": null, "mounted": u8::from(used == "mounted")})
    };
    Ok(json!([
        row("/dev/nvme0n1", "mounted", "S64FNE0R700001"),
        row("/dev/nvme1n1", "LVM", "S64FNE0R700002")
    ])
    .into())
}

fn pci(_: &mut Cluster, _: &Request) -> Outcome {
    let row = |id: &str, class: &str, vendor: &str, device: &str, words: [&str; 2], group: i32| {
        json!({"id": id, "class": class, "vendor": vendor, "device": device, "vendor_name": words[0],
            "device_name": words[1], "iommugroup": group, "subsystem_vendor": vendor, "subsystem_device": device,
            "subsystem_vendor_name": words[0]})
    };
    Ok(json!([
        row(
            "0000:01:00.0",
            "0x020000",
            "0x8086",
            "0x1563",
            ["Intel Corporation", "Ethernet Controller X550"],
            12
        ),
        row("0000:41:00.0", "0x030000", "0x10de", "0x2236", ["NVIDIA Corporation", "GA102GL [A10]"], 30),
    ])
    .into())
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

/// The times of a chart's points: 70 for an hour and a week, 1440 for the others, as 9.x has them.
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
        json!({"time": time, "cpu": cpu, "maxcpu": node.cpus, "memused": memory, "memtotal": node.memory,
            "rootused": disk, "roottotal": node.disk, "iowait": 0, "loadavg": cpu, "netin": 4096, "netout": 2048})
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
