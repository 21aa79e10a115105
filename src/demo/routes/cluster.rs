//! The cluster as a whole: version, resources, status, options, log, jobs, SDN and pools.

use crate::{
    demo::{
        state::{cluster::Cluster, status},
        wire::{
            answer::{ApiError, Outcome},
            routes::{Request, Route, route},
        },
    },
    pve::Method::Get,
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";

pub(crate) const ROUTES: [Route; 17] = [
    route(Get, "/version", "", version),
    route(Get, "/cluster/status", AUDIT, cluster_status),
    route(Get, "/cluster/resources", "", resources),
    route(Get, "/cluster/log", "", log),
    route(Get, "/cluster/options", "", options),
    route(Get, "/cluster/nextid", "", nextid),
    route(Get, "/cluster/config/nodes", AUDIT, config_nodes),
    route(Get, "/cluster/backup", AUDIT, |cluster, _| list(&cluster.backup_jobs)),
    route(Get, "/cluster/backup-info/not-backed-up", AUDIT, not_backed_up),
    route(Get, "/cluster/replication", "", |cluster, _| list(&cluster.replication)),
    route(Get, "/cluster/mapping/pci", "", empty),
    route(Get, "/cluster/mapping/usb", "", empty),
    route(Get, "/cluster/metrics/server", AUDIT, empty),
    route(Get, "/cluster/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/nodes/{node}/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/cluster", "", index),
    route(Get, "/pools", "", pools),
];

/// What `/version` says, on the cluster and on each node.
pub(crate) fn version(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!({"version": "9.2.11", "release": "9.2", "repoid": "14a22df3"}).into())
}

fn index(_: &mut Cluster, _: &Request) -> Outcome {
    let names =
        ["backup", "config", "firewall", "ha", "log", "nextid", "options", "resources", "status", "tasks"];
    Ok(json!(names.map(|name| json!({"name": name}))).into())
}

/// An empty list.
pub(crate) fn empty(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([]).into())
}

/// Rows as they are kept.
pub(crate) fn list(rows: &[Map<String, Value>]) -> Outcome {
    Ok(Value::Array(rows.iter().cloned().map(Value::Object).collect()).into())
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
        let pools = cluster.pools.iter().filter(|pool| allowed(&format!("/pool/{pool}"), None, "Pool.Audit"));
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
            let mut row = crate::demo::routes::nodes::summary(cluster, node);
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
            rows.extend(cluster.nodes.iter().map(|node| {
                json!({"id": format!("storage/{}/{}", node.name, storage.name), "type": "storage",
                    "storage": storage.name, "node": node.name, "plugintype": storage.kind,
                    "content": storage.content, "shared": u8::from(storage.shared),
                    "status": if node.lost.is_none() { "available" } else { "unknown" },
                    "disk": storage.used, "maxdisk": storage.total})
            }));
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
        .flat_map(|tags| tags.split(';'))
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

fn not_backed_up(cluster: &mut Cluster, _: &Request) -> Outcome {
    let covered = |vmid: u32| {
        cluster.backup_jobs.iter().any(|job| {
            job.get("all") == Some(&json!(1))
                || job
                    .get("vmid")
                    .and_then(Value::as_str)
                    .is_some_and(|list| list.split(',').any(|one| one.parse() == Ok(vmid)))
        })
    };
    let guests = cluster.guests.values().filter(|guest| !covered(guest.vmid));
    let rows =
        guests.map(|guest| json!({"vmid": guest.vmid, "name": guest.name(), "type": guest.kind.word()}));
    Ok(Value::Array(rows.collect()).into())
}

pub(crate) fn pools(cluster: &mut Cluster, request: &Request) -> Outcome {
    let allowed =
        |pool: &str| cluster.access.allows(&request.who, &format!("/pool/{pool}"), None, "Pool.Audit");
    let one = request.param("poolid").or_else(|| Some(request.hole("poolid")).filter(|id| !id.is_empty()));
    let Some(one) = one else {
        let rows = cluster.pools.iter().filter(|pool| allowed(pool)).map(|pool| json!({"poolid": pool}));
        return Ok(Value::Array(rows.collect()).into());
    };
    if !cluster.pools.iter().any(|pool| pool == one) {
        return Err(ApiError::failed(format!("pool '{one}' does not exist")));
    }
    if !allowed(one) {
        return Err(ApiError::forbidden(&format!("/pool/{one}, Pool.Audit")));
    }
    let members = cluster.guests.values().filter(|guest| guest.pool.as_deref() == Some(one));
    let members: Vec<Value> = members
        .map(|guest| {
            let mut row = status::resource(cluster, guest);
            if let Some(row) = row.as_object_mut() {
                row.remove("pool");
            }
            row
        })
        .collect();
    if request.hole("poolid").is_empty() {
        return Ok(json!([{"poolid": one, "members": members}]).into());
    }
    Ok(json!({"members": members}).into())
}
