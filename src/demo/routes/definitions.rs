//! Definitions for the whole cluster: options, replication, HA rules, SDN.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            route::{Request, Route, route},
            rows::{add, change, list, one, remove, set},
        },
        state::{
            cluster::Cluster,
            task_run::{Work, nothing},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

const AUDIT: &str = "/, Sys.Audit";
const MODIFY: &str = "/, Sys.Modify";
const CONSOLE: &str = "/, Sys.Console";
const SDN: &str = "/sdn, SDN.Allocate";
const SDN_AUDIT: &str = "/sdn, SDN.Audit|SDN.Allocate";

pub(crate) const ROUTES: [Route; 27] = [
    route(Put, "/cluster/options", MODIFY, set_options),
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
];

fn set_options(cluster: &mut Cluster, request: &Request) -> Outcome {
    set(&mut cluster.options, request);
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

/// HA groups were replaced by rules in 9.0.
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
