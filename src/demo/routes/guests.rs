//! Lists of a node's guests, their indexes and status, and which features they support.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::Cluster,
            guest::{Kind, Oddity},
            guest_disks::disks,
            status,
        },
    },
    pve::Method::Get,
};
use serde_json::{Value, json};

const AUDIT: &str = "/vms/{vmid}, VM.Audit";

pub(crate) const ROUTES: [Route; 8] = [
    route(Get, "/nodes/{node}/{kind}", "", list),
    route(Get, "/nodes/{node}/{kind}/{vmid}", "", index),
    route(Get, "/nodes/{node}/{kind}/{vmid}/status/current", AUDIT, current),
    route(Get, "/nodes/{node}/{kind}/{vmid}/feature", AUDIT, feature),
    route(Get, "/nodes/{node}/{kind}/{vmid}/rrddata", AUDIT, rrddata),
    route(Get, "/nodes/{node}/{kind}/{vmid}/cloudinit", AUDIT, cloudinit),
    route(Get, "/nodes/{node}/{kind}/{vmid}/interfaces", AUDIT, interfaces),
    route(Get, "/nodes/{node}/{kind}/{vmid}/migrate", AUDIT, migrate_preconditions),
];

fn list(cluster: &mut Cluster, request: &Request) -> Outcome {
    let now = cluster.clock.now();
    let rows = cluster
        .guests
        .values()
        .filter(|guest| guest.node == request.node() && guest.kind == request.kind())
        .filter(|guest| {
            let path = format!("/vms/{}", guest.vmid);
            cluster.access.allows(&request.who, &path, guest.pool.as_deref(), "VM.Audit")
        })
        .map(|guest| Value::Object(status::listed(guest, now, request.flag("full"))));
    Ok(Value::Array(rows.collect()).into())
}

fn index(cluster: &mut Cluster, request: &Request) -> Outcome {
    cluster.guest(request.kind(), request.node(), request.vmid())?;
    let parts = ["config", "cloudinit", "pending", "status", "snapshot", "firewall", "migrate", "rrddata"];
    Ok(json!(parts.map(|subdir| json!({"subdir": subdir}))).into())
}

fn current(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    Ok(status::current(cluster, guest).into())
}

fn feature(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    // Snapshots of containers need a storage that supports them; the sample's directory storages do not.
    let has = match request.param("feature") {
        Some("snapshot") => crate::demo::routes::snapshots::possible(cluster, guest),
        Some("clone") => true,
        Some("copy") => guest.started.is_none() || guest.kind == Kind::Qemu,
        other => {
            let got = other.unwrap_or_default();
            let problem =
                format!("value '{got}' does not have a value in the enumeration 'snapshot, clone, copy'");
            return Err(ApiError::parameter("feature", problem));
        }
    };
    if guest.kind == Kind::Lxc {
        return Ok(json!({"hasFeature": u8::from(has)}).into());
    }
    let nodes: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    Ok(json!({"hasFeature": u8::from(has), "nodes": nodes}).into())
}

fn rrddata(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let now = cluster.clock.now();
    let rows = crate::demo::routes::nodes::rrd_times(now, request.param("timeframe")).map(|time| {
        #[allow(clippy::cast_precision_loss, reason = "a time")]
        let then = time as f64;
        if guest.started.is_none_or(|started| then < started) {
            return json!({"time": time});
        }
        let load = status::load(guest, then);
        let load_factor = |part: u32| status::load_factor(guest.vmid.wrapping_add(part * 1000), then);
        // A guest's counters are returned as their increase per second.
        #[allow(clippy::cast_precision_loss, reason = "a few thousand bytes")]
        let rate = |counter: u64, part: u32| (counter / load.uptime.max(1)) as f64 * load_factor(part);
        #[allow(clippy::cast_precision_loss, reason = "bytes of memory")]
        let memory = load.mem as f64 * (0.9 + 0.1 * load_factor(1));
        json!({"time": time, "cpu": (load.cpu * load_factor(0)).min(1.0), "maxcpu": guest.cpus(), "mem": memory.round(),
            "maxmem": guest.memory(), "disk": load.disk, "maxdisk": guest.disk(),
            "netin": rate(load.netin, 2), "netout": rate(load.netout, 3),
            "diskread": rate(load.diskread, 4), "diskwrite": rate(load.diskwrite, 5)})
    });
    Ok(Value::Array(rows.collect()).into())
}

fn cloudinit(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let rows = guest.config.iter().filter(|(key, _)| key.starts_with("ci") || key.starts_with("ipconfig"));
    let shown =
        |key: &str, value: &Value| if key == "cipassword" { json!("**********") } else { value.clone() };
    let rows = rows.map(|(key, value)| json!({"key": key, "value": shown(key, value)}));
    Ok(Value::Array(rows.collect()).into())
}

fn interfaces(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    if guest.started.is_none() {
        return Ok(Value::Null.into());
    }
    let net = guest.config.get("net0").and_then(Value::as_str).unwrap_or_default();
    let part = |name: &str| net.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    let address = part("hwaddr=").to_lowercase();
    if guest.has_oddity(Oddity::OldInterfaces) {
        let lo =
            json!({"name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128"});
        let own = json!({"name": part("name="), "hwaddr": address, "inet": part("ip="),
            "inet6": "fe80::be24:11ff:fe89:1/64"});
        return Ok(json!([lo, own]).into());
    }
    let mut own =
        json!({"name": part("name="), "hwaddr": address, "hardware-address": address, "ip-addresses": []});
    if let Some((ip, prefix)) = part("ip=").split_once('/') {
        own["inet"] = json!(format!("{ip}/{prefix}"));
        own["ip-addresses"] = json!([{"ip-address": ip, "ip-address-type": "inet", "prefix": prefix}]);
    }
    let zero = "00:00:00:00:00:00";
    let lo = json!({"name": "lo", "hwaddr": zero, "hardware-address": zero, "ip-addresses": []});
    Ok(json!([lo, own]).into())
}

fn migrate_preconditions(cluster: &mut Cluster, request: &Request) -> Outcome {
    let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
    let others = cluster.nodes.iter().filter(|node| node.name != guest.node && node.lost.is_none());
    let others: Vec<&str> = others.map(|node| node.name.as_str()).collect();
    let is_shared = |volid: &str| {
        let place = volid.split(':').next().unwrap_or_default();
        cluster.storages.iter().any(|storage| storage.name == place && storage.shared)
    };
    let local = disks(guest).into_iter().filter(|disk| !is_shared(&disk.volid));
    let local = local.map(|disk| {
        json!({"volid": disk.volid, "size": disk.size, "drivename": disk.key, "cdrom": 0, "shared": 0,
            "is_attached": 1})
    });
    let drives = guest.config.iter().filter_map(|(key, value)| {
        let volid = value.as_str().filter(|text| text.contains("media=cdrom"))?.split(',').next()?;
        (volid.contains(':') && !is_shared(volid))
            .then(|| json!({"volid": volid, "drivename": key, "cdrom": 1, "shared": 0}))
    });
    let disks: Vec<Value> = local.chain(drives).collect();
    // Devices that only their node has; mapped devices may exist elsewhere too.
    let devices = guest.config.iter().filter(|(key, _)| key.starts_with("hostpci") || key.starts_with("usb"));
    let (mapped, bound): (Vec<_>, Vec<_>) =
        devices.partition(|(_, value)| value.as_str().is_some_and(|text| text.contains("mapping=")));
    let mut bound: Vec<&String> = bound.into_iter().map(|(key, _)| key).collect();
    if guest.has_oddity(Oddity::MappedIsLocal) {
        bound.extend(mapped.iter().map(|(key, _)| *key));
    }
    let mapping = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.split(',').find_map(|part| part.strip_prefix("mapping=")).unwrap_or_default().to_owned()
    };
    let info: serde_json::Map<String, Value> = mapped
        .iter()
        .map(|(key, value)| ((*key).clone(), json!({"name": mapping(value), "live-migration": 0})))
        .collect();
    let mapped: Vec<&String> = mapped.into_iter().map(|(key, _)| key).collect();
    let none: serde_json::Map<String, Value> =
        others.iter().map(|node| ((*node).to_owned(), json!({}))).collect();
    Ok(json!({
        "running": u8::from(guest.started.is_some()),
        "allowed_nodes": others,
        "not_allowed_nodes": none,
        "local_disks": disks,
        "local_resources": bound,
        "mapped-resources": mapped,
        "mapped-resource-info": info,
        "has-dbus-vmstate": 1,
    })
    .into())
}
