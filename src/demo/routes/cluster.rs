//! The cluster as a whole: version, resources, status, options, log, and features that the sample lacks.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::{
            nodes::version,
            route::{Request, Route, route},
            rows::{empty, list},
        },
        state::{cluster::Cluster, status},
    },
    pve::Method::Get,
};
use serde_json::{Value, json};

const AUDIT: &str = "/, Sys.Audit";

pub(crate) const ROUTES: [Route; 14] = [
    route(Get, "/version", "", version),
    route(Get, "/cluster/status", AUDIT, cluster_status),
    route(Get, "/cluster/resources", "", resources),
    route(Get, "/cluster/log", "", log),
    route(Get, "/cluster/options", "", options),
    route(Get, "/cluster/nextid", "", nextid),
    route(Get, "/cluster/config/nodes", AUDIT, config_nodes),
    route(Get, "/cluster/replication", "", |cluster, _| list(&cluster.replication)),
    route(Get, "/cluster/mapping/pci", "", empty),
    route(Get, "/cluster/mapping/usb", "", empty),
    route(Get, "/cluster/metrics/server", AUDIT, empty),
    route(Get, "/cluster/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/nodes/{node}/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/cluster", "", index),
];

fn index(_: &mut Cluster, _: &Request) -> Outcome {
    let names =
        ["backup", "config", "firewall", "ha", "log", "nextid", "options", "resources", "status", "tasks"];
    Ok(json!(names.map(|name| json!({"name": name}))).into())
}

fn no_ceph(_: &mut Cluster, _: &Request) -> Outcome {
    Err(ApiError::failed("binary not installed: /usr/bin/ceph-mon"))
}

fn cluster_status(cluster: &mut Cluster, _: &Request) -> Outcome {
    let mut rows = vec![json!({"type": "cluster", "id": "cluster", "name": "testcluster", "version": 3,
        "nodes": cluster.nodes.len(), "quorate": u8::from(cluster.quorate)})];
    rows.extend(cluster.nodes.iter().enumerate().map(|(at, node)| {
        json!({"type": "node", "id": format!("node/{}", node.name), "name": node.name, "nodeid": at + 1,
            "ip": node.ip, "level": "", "local": u8::from(at == 0), "online": u8::from(node.lost.is_none())})
    }));
    Ok(Value::Array(rows).into())
}

fn resources(cluster: &mut Cluster, request: &Request) -> Outcome {
    let wanted = request.param("type");
    let allowed =
        |path: &str, pool: Option<&str>, any: &str| cluster.access.allows(&request.who, path, pool, any);
    let mut rows = Vec::new();
    if wanted.is_none() {
        let pools = cluster.pools.iter().map(|pool| &pool.name);
        let pools = pools.filter(|pool| allowed(&format!("/pool/{pool}"), None, "Pool.Audit"));
        rows.extend(pools.map(|pool| json!({"id": format!("/pool/{pool}"), "type": "pool", "pool": pool})));
    }
    if matches!(wanted, None | Some("vm")) {
        let guests = cluster.guests.values();
        let seen = guests
            .filter(|guest| allowed(&format!("/vms/{}", guest.vmid), guest.pool.as_deref(), "VM.Audit"));
        rows.extend(seen.map(|guest| status::resource(cluster, guest)));
    }
    if matches!(wanted, None | Some("node")) {
        rows.extend(cluster.nodes.iter().map(|node| {
            let mut row = status::node_summary(cluster, node);
            if node.lost.is_none() {
                row["cgroup-mode"] = json!(2);
            }
            row
        }));
    }
    if matches!(wanted, None | Some("storage")) {
        for storage in &cluster.storages {
            if !allowed(
                &format!("/storage/{}", storage.name),
                None,
                "Datastore.Audit|Datastore.AllocateSpace",
            ) {
                continue;
            }
            let nodes = cluster.nodes.iter().filter(|node| storage.is_enabled(&node.name));
            rows.extend(nodes.map(|node| status::storage_resource(storage, &node.name, node.lost.is_none())));
        }
    }
    if wanted.is_none() || wanted == Some("sdn") {
        rows.extend(cluster.nodes.iter().map(|node| {
            json!({"id": format!("network/{}/zone/localnetwork", node.name), "type": "network", "node": node.name,
                "network": "localnetwork", "network-type": "zone",
                "status": if node.lost.is_none() { "ok" } else { "unknown" }})
        }));
    }
    Ok(Value::Array(rows).into())
}

fn log(cluster: &mut Cluster, request: &Request) -> Outcome {
    let all = cluster.access.allows(&request.who, "/", None, "Sys.Syslog");
    let max = usize::try_from(request.number("max").unwrap_or(50)).unwrap_or(50);
    let lines = cluster.log.iter().rev().filter(|line| all || line.user == request.who.user).take(max);
    let rows = lines.map(|line| {
        json!({"id": format!("{}:{}", line.number, line.node), "uid": line.number.to_string(), "node": line.node,
            "user": line.user, "tag": line.tag, "pri": 6, "pid": 190 + line.number, "msg": line.message,
            "time": line.time})
    });
    Ok(Value::Array(rows.collect()).into())
}

fn options(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut data = cluster.options.clone();
    let mut tags: Vec<&str> = cluster
        .guests
        .values()
        .filter_map(|guest| guest.config.get("tags").and_then(Value::as_str))
        .flat_map(split_list)
        .collect();
    tags.sort();
    tags.dedup();
    data.insert("allowed-tags".into(), json!(tags));
    if !cluster.access.allows(&request.who, "/", None, "Sys.Audit") {
        data.retain(|key, _| key == "allowed-tags" || key == "console");
    }
    Ok(Value::Object(data).into())
}

fn nextid(cluster: &mut Cluster, request: &Request) -> Outcome {
    if let Some(vmid) = request.param("vmid") {
        let number: u32 = vmid.parse().map_err(|_| {
            ApiError::parameter("vmid", format!("type check ('integer') failed - got '{vmid}'"))
        })?;
        if cluster.guests.contains_key(&number) {
            return Err(ApiError::parameter("vmid", format!("VM {vmid} already exists")));
        }
        return Ok(json!(vmid).into());
    }
    let free = (100u32..).find(|vmid| !cluster.guests.contains_key(vmid)).unwrap_or(100);
    Ok(json!(free.to_string()).into())
}

fn config_nodes(cluster: &mut Cluster, _: &Request) -> Outcome {
    let rows = cluster.nodes.iter().enumerate().map(|(at, node)| {
        json!({"node": node.name, "name": node.name, "nodeid": (at + 1).to_string(), "quorum_votes": "1",
            "ring0_addr": node.ip})
    });
    Ok(Value::Array(rows.collect()).into())
}
