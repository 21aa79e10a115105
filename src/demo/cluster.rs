//! The cluster as a whole: version, resources, status, options, log, HA, jobs, firewall, SDN and pools.

use super::{
    answer::{ApiError, Outcome},
    routes::{Request, Route, route},
    state::{Cluster, Firewall, sha1_hex},
    status,
};
use crate::pve::Method::{Delete, Get, Post};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";
const NODE: &str = "/nodes/{node}, Sys.Audit";
const GUEST: &str = "/vms/{vmid}, VM.Audit";

pub(crate) const ROUTES: [Route; 38] = [
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
    route(Get, "/cluster/ha/status/current", AUDIT, ha_status),
    route(Get, "/cluster/ha/resources", AUDIT, |cluster, _| list(&cluster.ha)),
    route(Post, "/cluster/ha/resources", "/, Sys.Console", add_ha),
    route(Delete, "/cluster/ha/resources/{sid}", "/, Sys.Console", remove_ha),
    route(Get, "/cluster/ha/rules", AUDIT, empty),
    route(Get, "/cluster/ha/groups", AUDIT, ha_groups),
    route(Get, "/cluster/firewall/options", AUDIT, firewall_options),
    route(Get, "/cluster/firewall/rules", AUDIT, firewall_rules),
    route(Get, "/cluster/firewall/aliases", AUDIT, |cluster, _| list(&scope(cluster, "cluster").aliases)),
    route(Get, "/cluster/firewall/ipset", AUDIT, |cluster, _| list(&scope(cluster, "cluster").ipsets)),
    route(Get, "/cluster/firewall/groups", "", |cluster, _| list(&scope(cluster, "cluster").groups)),
    route(Get, "/cluster/firewall/macros", "", macros),
    route(Get, "/nodes/{node}/firewall/options", NODE, firewall_options),
    route(Get, "/nodes/{node}/firewall/rules", NODE, firewall_rules),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/options", GUEST, firewall_options),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/rules", GUEST, firewall_rules),
    route(Post, "/nodes/{node}/{kind}/{vmid}/firewall/rules", "/vms/{vmid}, VM.Config.Network", add_rule),
    route(
        Delete,
        "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}",
        "/vms/{vmid}, VM.Config.Network",
        remove_rule,
    ),
    route(Get, "/cluster/sdn/zones", "", empty),
    route(Get, "/cluster/sdn/vnets", "", empty),
    route(Get, "/cluster/mapping/pci", "", empty),
    route(Get, "/cluster/mapping/usb", "", empty),
    route(Get, "/cluster/metrics/server", AUDIT, empty),
    route(Get, "/cluster/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/nodes/{node}/ceph/status", "/, Sys.Audit|Datastore.Audit", no_ceph),
    route(Get, "/cluster", "", index),
    route(Get, "/pools", "", pools),
    route(Get, "/pools/{poolid}", "", pools),
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

fn empty(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([]).into())
}

fn list(rows: &[Map<String, Value>]) -> Outcome {
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
            let mut row = super::nodes::summary(cluster, node);
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
    tags.sort_unstable();
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

fn ha_status(cluster: &mut Cluster, _: &Request) -> Outcome {
    let word = if cluster.quorate { "OK" } else { "No quorum on node 'pve1'!" };
    let mut rows = vec![
        json!({"id": "quorum", "type": "quorum", "node": "pve1", "status": word, "quorate": u8::from(cluster.quorate)}),
        json!({"id": "fencing", "type": "fencing", "node": "pve1", "armed-state": "standby",
            "status": "standby (CRM watchdog standby)"}),
    ];
    for resource in &cluster.ha {
        let sid = resource.get("sid").and_then(Value::as_str).unwrap_or_default();
        let vmid = sid.split(':').nth(1).and_then(|vmid| vmid.parse().ok());
        let Some(guest) = vmid.and_then(|vmid: u32| cluster.guests.get(&vmid)) else { continue };
        let state = resource.get("state").cloned().unwrap_or(json!("started"));
        let text = state.as_str().unwrap_or_default();
        rows.push(json!({"id": format!("service:{sid}"), "type": "service", "sid": sid, "node": guest.node,
            "state": state, "crm_state": state, "request_state": state,
            "status": format!("{sid} ({}, {text})", guest.node)}));
    }
    Ok(Value::Array(rows).into())
}

fn ha_groups(_: &mut Cluster, _: &Request) -> Outcome {
    Err(ApiError::failed("cannot index groups: ha groups have been migrated to rules"))
}

fn add_ha(cluster: &mut Cluster, request: &Request) -> Outcome {
    let Some(sid) = request.param("sid") else {
        return Err(ApiError::parameter("sid", "property is missing and it is not optional"));
    };
    let (word, vmid) = sid.split_once(':').unwrap_or(("vm", sid));
    let known = vmid.parse::<u32>().is_ok_and(|vmid| cluster.guests.contains_key(&vmid));
    if !known {
        return Err(ApiError::failed(format!("cannot find guest '{vmid}' in the cluster")));
    }
    let sid = format!("{word}:{vmid}");
    if cluster.ha.iter().any(|resource| resource.get("sid") == Some(&json!(sid))) {
        return Err(ApiError::failed(format!("resource ID '{sid}' already defined")));
    }
    let mut row = Map::new();
    row.insert("sid".into(), json!(sid));
    row.insert("type".into(), json!(word));
    row.insert("state".into(), json!(request.param("state").unwrap_or("started")));
    row.insert("digest".into(), json!(sha1_hex(sid.as_bytes())));
    cluster.ha.push(row);
    Ok(Value::Null.into())
}

fn remove_ha(cluster: &mut Cluster, request: &Request) -> Outcome {
    let sid = request.hole("sid");
    let at = cluster.ha.iter().position(|resource| resource.get("sid") == Some(&json!(sid)));
    let at = at.ok_or_else(|| ApiError::failed(format!("cannot delete service '{sid}', not HA managed!")))?;
    cluster.ha.remove(at);
    Ok(Value::Null.into())
}

fn scope(cluster: &Cluster, name: &str) -> Firewall {
    cluster.firewalls.get(name).cloned().unwrap_or_default()
}

/// The firewall that the path speaks of.
fn scope_name(cluster: &Cluster, request: &Request) -> Result<String, ApiError> {
    if !request.hole("vmid").is_empty() {
        let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
        return Ok(format!("guests/{}", guest.vmid));
    }
    Ok(if request.node().is_empty() { "cluster".into() } else { format!("nodes/{}", request.node()) })
}

fn firewall_options(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, &scope_name(cluster, request)?);
    let mut data = firewall.options.clone();
    data.insert("digest".into(), json!(digest(&firewall)));
    Ok(Value::Object(data).into())
}

/// An untouched firewall has no file, and the digest is that of nothing.
fn digest(firewall: &Firewall) -> String {
    if firewall.options.is_empty() && firewall.rules.is_empty() {
        return sha1_hex(b"");
    }
    sha1_hex(format!("{:?}{:?}", firewall.options, firewall.rules).as_bytes())
}

fn firewall_rules(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, &scope_name(cluster, request)?);
    let digest = digest(&firewall);
    let rows = firewall.rules.into_iter().enumerate().map(|(pos, mut rule)| {
        rule.insert("pos".into(), json!(pos));
        rule.insert("digest".into(), json!(digest));
        Value::Object(rule)
    });
    Ok(Value::Array(rows.collect()).into())
}

fn add_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = scope_name(cluster, request)?;
    let mut rule = Map::new();
    for (key, value) in request.params.iter().filter(|(key, _)| key != "digest" && key != "pos") {
        let number = if key == "enable" { value.parse::<u64>().ok() } else { None };
        rule.insert(key.clone(), number.map_or_else(|| json!(value), |number| json!(number)));
    }
    rule.entry("enable").or_insert(json!(0));
    // New rules go to the top.
    cluster.firewalls.entry(name).or_default().rules.insert(0, rule);
    Ok(Value::Null.into())
}

fn remove_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = scope_name(cluster, request)?;
    let rules = &mut cluster.firewalls.entry(name).or_default().rules;
    match request.hole("pos").parse::<usize>() {
        Ok(pos) if pos < rules.len() => {
            rules.remove(pos);
            Ok(Value::Null.into())
        }
        _ => Err(ApiError::failed(format!("no rule at position {}", request.hole("pos")))),
    }
}

fn macros(_: &mut Cluster, _: &Request) -> Outcome {
    let rows = [("SSH", "Secure shell traffic"), ("HTTPS", "HTTP over TLS"), ("Ping", "ICMP echo request")];
    Ok(json!(rows.map(|(name, descr)| json!({"macro": name, "descr": descr}))).into())
}

fn pools(cluster: &mut Cluster, request: &Request) -> Outcome {
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
