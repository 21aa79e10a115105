//! What is defined for the cluster as a whole: options, backup jobs, replication, HA rules, SDN, pools.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            cluster::pools,
            route::{Request, Route, route},
            rows::{add, change, list, one, remove, set, settings},
        },
        state::{
            cluster::Cluster,
            task_run::{Work, nothing},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";
const MODIFY: &str = "/, Sys.Modify";
const CONSOLE: &str = "/, Sys.Console";
const SDN: &str = "/sdn, SDN.Allocate";
const SDN_AUDIT: &str = "/sdn, SDN.Audit|SDN.Allocate";
const POOL: &str = "/pool/{poolid}, Pool.Allocate";

pub(crate) const ROUTES: [Route; 37] = [
    route(Put, "/cluster/options", MODIFY, set_options),
    route(Post, "/cluster/backup", MODIFY, add_job),
    route(Get, "/cluster/backup/{id}", AUDIT, |cluster, request| {
        one(&cluster.backup_jobs, "id", "job", request.hole("id"))
    }),
    route(Put, "/cluster/backup/{id}", MODIFY, |cluster, request| {
        change(&mut cluster.backup_jobs, "id", "job", request.hole("id"), request)
    }),
    route(Delete, "/cluster/backup/{id}", MODIFY, |cluster, request| {
        remove(&mut cluster.backup_jobs, "id", "job", request.hole("id"))
    }),
    route(Post, "/cluster/replication", MODIFY, add_replication),
    route(Get, "/cluster/replication/{id}", AUDIT, |cluster, request| {
        one(&cluster.replication, "id", "replication job", request.hole("id"))
    }),
    route(Put, "/cluster/replication/{id}", MODIFY, |cluster, request| {
        change(&mut cluster.replication, "id", "replication job", request.hole("id"), request)
    }),
    route(Delete, "/cluster/replication/{id}", MODIFY, |cluster, request| {
        remove(&mut cluster.replication, "id", "replication job", request.hole("id"))
    }),
    route(Get, "/cluster/ha/resources/{sid}", AUDIT, |cluster, request| {
        one(&cluster.ha, "sid", "resource", request.hole("sid"))
    }),
    route(Put, "/cluster/ha/resources/{sid}", CONSOLE, |cluster, request| {
        change(&mut cluster.ha, "sid", "resource", request.hole("sid"), request)
    }),
    route(Get, "/cluster/ha/rules", AUDIT, |cluster, _| list(cluster.kept("ha/rules"))),
    route(Post, "/cluster/ha/rules", CONSOLE, |cluster, request| {
        add(cluster.kept("ha/rules"), "rule", "HA rule", request)
    }),
    route(Get, "/cluster/ha/rules/{rule}", AUDIT, |cluster, request| {
        one(cluster.kept("ha/rules"), "rule", "HA rule", request.hole("rule"))
    }),
    route(Put, "/cluster/ha/rules/{rule}", CONSOLE, |cluster, request| {
        change(cluster.kept("ha/rules"), "rule", "HA rule", request.hole("rule"), request)
    }),
    route(Delete, "/cluster/ha/rules/{rule}", CONSOLE, |cluster, request| {
        remove(cluster.kept("ha/rules"), "rule", "HA rule", request.hole("rule"))
    }),
    route(Post, "/cluster/ha/groups", CONSOLE, no_groups),
    route(Put, "/cluster/ha/groups/{group}", CONSOLE, no_groups),
    route(Delete, "/cluster/ha/groups/{group}", CONSOLE, no_groups),
    route(Get, "/cluster/sdn/zones", "", |cluster, _| list(cluster.kept("sdn/zones"))),
    route(Post, "/cluster/sdn/zones", SDN, |cluster, request| {
        add(cluster.kept("sdn/zones"), "zone", "zone", request)
    }),
    route(Get, "/cluster/sdn/zones/{zone}", SDN_AUDIT, |cluster, request| {
        one(cluster.kept("sdn/zones"), "zone", "zone", request.hole("zone"))
    }),
    route(Delete, "/cluster/sdn/zones/{zone}", SDN, |cluster, request| {
        remove(cluster.kept("sdn/zones"), "zone", "zone", request.hole("zone"))
    }),
    route(Get, "/cluster/sdn/vnets", "", |cluster, _| list(cluster.kept("sdn/vnets"))),
    route(Post, "/cluster/sdn/vnets", SDN, |cluster, request| {
        add(cluster.kept("sdn/vnets"), "vnet", "vnet", request)
    }),
    route(Get, "/cluster/sdn/vnets/{vnet}", SDN_AUDIT, |cluster, request| {
        one(cluster.kept("sdn/vnets"), "vnet", "vnet", request.hole("vnet"))
    }),
    route(Delete, "/cluster/sdn/vnets/{vnet}", SDN, |cluster, request| {
        remove(cluster.kept("sdn/vnets"), "vnet", "vnet", request.hole("vnet"))
    }),
    route(Get, "/cluster/sdn/vnets/{vnet}/subnets", SDN_AUDIT, subnets),
    route(Post, "/cluster/sdn/vnets/{vnet}/subnets", SDN, |cluster, request| {
        add(cluster.kept(&of_vnet(request)), "subnet", "subnet", request)
    }),
    route(Delete, "/cluster/sdn/vnets/{vnet}/subnets/{subnet}", SDN, |cluster, request| {
        remove(cluster.kept(&of_vnet(request)), "subnet", "subnet", request.hole("subnet"))
    }),
    route(Put, "/cluster/sdn", SDN, apply_sdn),
    route(Post, "/pools", "", add_pool),
    route(Put, "/pools/{poolid}", POOL, change_pool),
    route(Put, "/pools", "", change_pool),
    route(Delete, "/pools/{poolid}", POOL, remove_pool),
    route(Delete, "/pools", "", remove_pool),
    route(Get, "/pools/{poolid}", "", pools),
];

fn set_options(cluster: &mut Cluster, request: &Request) -> Outcome {
    set(&mut cluster.options, request);
    Ok(Value::Null.into())
}

/// A job without an id gets one made up.
fn add_job(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut job: Map<String, Value> = settings(request);
    let number = cluster.backup_jobs.len() + 1;
    job.entry("id").or_insert_with(|| json!(format!("backup-{number:08x}-{number:04x}")));
    job.entry("enabled").or_insert(json!(1));
    job.insert("type".into(), json!("vzdump"));
    if cluster.backup_jobs.iter().any(|other| other.get("id") == job.get("id")) {
        return Err(ApiError::failed(format!(
            "Job '{}' already exists",
            job["id"].as_str().unwrap_or_default()
        )));
    }
    cluster.backup_jobs.push(job);
    Ok(Value::Null.into())
}

fn add_replication(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = request.param("id").unwrap_or_default();
    let vmid = id.split('-').next().and_then(|vmid| vmid.parse::<u32>().ok()).unwrap_or_default();
    let Some(guest) = cluster.guests.get(&vmid) else {
        return Err(ApiError::failed(format!("no such guest '{vmid}'")));
    };
    let (source, kind) = (guest.node.clone(), guest.kind.word());
    add(&mut cluster.replication, "id", "replication job", request)?;
    if let Some(job) = cluster.replication.last_mut() {
        for (key, value) in [("guest", json!(vmid)), ("source", json!(source)), ("vmtype", json!(kind))] {
            job.insert(key.into(), value);
        }
    }
    Ok(Value::Null.into())
}

/// Groups ended with 9.0: they became rules.
fn no_groups(_: &mut Cluster, _: &Request) -> Outcome {
    Err(ApiError::failed("cannot create group: ha groups have been migrated to rules"))
}

fn of_vnet(request: &Request) -> String {
    format!("sdn/subnets/{}", request.hole("vnet"))
}

fn subnets(cluster: &mut Cluster, request: &Request) -> Outcome {
    let vnet = json!(request.hole("vnet"));
    if !cluster.kept("sdn/vnets").iter().any(|row| row.get("vnet") == Some(&vnet)) {
        return Err(ApiError::failed(format!("sdn '{}' does not exist", request.hole("vnet"))));
    }
    list(cluster.kept(&of_vnet(request)))
}

fn apply_sdn(cluster: &mut Cluster, request: &Request) -> Outcome {
    let work = Work {
        kind: "reloadnetworkall",
        id: String::new(),
        lock: None,
        seconds: 1.0,
        begin: nothing(),
        finish: nothing(),
    };
    let node = cluster.nodes.first().map(|node| node.name.clone()).unwrap_or_default();
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// The pool in the path, or in the parameter as newer versions have it.
fn pool_of(request: &Request) -> String {
    let hole = request.hole("poolid");
    if hole.is_empty() { request.param("poolid").unwrap_or_default().to_owned() } else { hole.to_owned() }
}

fn add_pool(cluster: &mut Cluster, request: &Request) -> Outcome {
    let pool = pool_of(request);
    if !cluster.access.allows(&request.who, &format!("/pool/{pool}"), None, "Pool.Allocate") {
        return Err(ApiError::forbidden(&format!("/pool/{pool}, Pool.Allocate")));
    }
    if cluster.pools.contains(&pool) {
        return Err(ApiError::failed(format!("create pool failed: pool '{pool}' already exists")));
    }
    cluster.pools.push(pool);
    Ok(Value::Null.into())
}

fn change_pool(cluster: &mut Cluster, request: &Request) -> Outcome {
    let pool = pool_of(request);
    if !cluster.pools.contains(&pool) {
        return Err(ApiError::failed(format!("update pools failed: pool '{pool}' does not exist")));
    }
    for text in request.param("vms").unwrap_or_default().split(',').filter(|text| !text.is_empty()) {
        let guest = text.trim().parse::<u32>().ok().and_then(|vmid| cluster.guests.get_mut(&vmid));
        let Some(guest) = guest else {
            return Err(ApiError::failed(format!("update pools failed: VM {text} does not exist")));
        };
        let own = guest.pool.as_deref() == Some(pool.as_str());
        if request.flag("delete") {
            if !own {
                return Err(ApiError::failed(format!("update pools failed: VM {text} is not a pool member")));
            }
            guest.pool = None;
        } else if guest.pool.is_some() && !own && !request.flag("allow-move") {
            return Err(ApiError::failed(format!(
                "update pools failed: VM {text} is already a pool member, set 'allow-move' to move it"
            )));
        } else {
            guest.pool = Some(pool.clone());
        }
    }
    Ok(Value::Null.into())
}

fn remove_pool(cluster: &mut Cluster, request: &Request) -> Outcome {
    let pool = pool_of(request);
    let Some(at) = cluster.pools.iter().position(|known| *known == pool) else {
        return Err(ApiError::failed(format!("delete pool failed: pool '{pool}' does not exist")));
    };
    if cluster.guests.values().any(|guest| guest.pool.as_deref() == Some(pool.as_str())) {
        return Err(ApiError::failed(format!("delete pool failed: pool '{pool}' is not empty")));
    }
    cluster.pools.remove(at);
    Ok(Value::Null.into())
}
