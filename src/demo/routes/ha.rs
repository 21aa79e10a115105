//! High availability: the managed resources, and its status.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            route::{Request, Route, route},
            rows::list,
        },
        state::{cluster::Cluster, digest::sha1_hex},
    },
    pve::Method::{Delete, Get, Post},
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";

pub(crate) const ROUTES: [Route; 5] = [
    route(Get, "/cluster/ha/status/current", AUDIT, ha_status),
    route(Get, "/cluster/ha/resources", AUDIT, |cluster, _| list(&cluster.ha)),
    route(Post, "/cluster/ha/resources", "/, Sys.Console", add_ha),
    route(Delete, "/cluster/ha/resources/{sid}", "/, Sys.Console", remove_ha),
    route(Get, "/cluster/ha/groups", AUDIT, ha_groups),
];

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
