//! The network of a node: its interfaces, pending changes, and its name servers.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::{
            nodes::node,
            route::{Request, Route, route},
            rows::{Rows, settings},
        },
        state::{
            cluster::Cluster,
            task_run::{Work, nothing},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const MODIFY: &str = "/nodes/{node}, Sys.Modify";

pub(crate) const ROUTES: [Route; 9] = [
    route(Get, "/nodes/{node}/network", "", |cluster, request| {
        Ok(Value::Array(interfaces(cluster, request)?.iter().cloned().map(Value::Object).collect()).into())
    }),
    route(Post, "/nodes/{node}/network", MODIFY, add),
    route(Put, "/nodes/{node}/network", MODIFY, apply),
    route(Delete, "/nodes/{node}/network", MODIFY, revert),
    route(Get, "/nodes/{node}/network/{iface}", "/nodes/{node}, Sys.Audit", one),
    route(Put, "/nodes/{node}/network/{iface}", MODIFY, change),
    route(Delete, "/nodes/{node}/network/{iface}", MODIFY, remove),
    route(Get, "/nodes/{node}/dns", "/nodes/{node}, Sys.Audit", dns),
    route(Put, "/nodes/{node}/dns", MODIFY, set_dns),
];

fn row(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

/// The interfaces as applied.
fn applied(cluster: &mut Cluster, request: &Request) -> Result<Rows, ApiError> {
    let node = node(cluster, request)?;
    let (ip, name) = (node.ip.clone(), format!("network/{}", node.name));
    let rows = cluster.kept(&name);
    if rows.is_empty() {
        *rows = vec![
            row(
                json!({"iface": "eno1", "type": "eth", "method": "manual", "method6": "manual", "families": ["inet"],
                "active": 1, "exists": 1, "priority": 3}),
            ),
            row(json!({"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual",
                "families": ["inet"], "active": 1, "autostart": 1, "priority": 4, "address": ip, "netmask": "24",
                "cidr": format!("{ip}/24"), "gateway": "10.99.0.254", "bridge_ports": "eno1", "bridge_stp": "off",
                "bridge_fd": "0"})),
        ];
    }
    Ok(rows.clone())
}

/// The interfaces as shown: with pending changes.
fn interfaces<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut Rows, ApiError> {
    let now = applied(cluster, request)?;
    let rows = cluster.kept(&format!("network/{}/new", request.node()));
    if rows.is_empty() {
        *rows = now;
    }
    Ok(rows)
}

fn place(rows: &Rows, iface: &str) -> Result<usize, ApiError> {
    let at = rows.iter().position(|row| row.get("iface") == Some(&json!(iface)));
    at.ok_or_else(|| ApiError::parameter("iface", "interface does not exist"))
}

fn one(cluster: &mut Cluster, request: &Request) -> Outcome {
    let rows = interfaces(cluster, request)?;
    let mut row = rows[place(rows, request.hole("iface"))?].clone();
    row.shift_remove("iface");
    Ok(Value::Object(row).into())
}

fn add(cluster: &mut Cluster, request: &Request) -> Outcome {
    let rows = interfaces(cluster, request)?;
    let iface = request.param("iface").unwrap_or_default();
    if place(rows, iface).is_ok() {
        return Err(ApiError::parameter("iface", "interface already exists"));
    }
    let mut row = settings(request);
    address(&mut row, request)?;
    rows.push(row);
    Ok(Value::Null.into())
}

fn change(cluster: &mut Cluster, request: &Request) -> Outcome {
    let rows = interfaces(cluster, request)?;
    let at = place(rows, request.hole("iface"))?;
    let row = &mut rows[at];
    for key in split_list(request.param("delete").unwrap_or_default()) {
        row.shift_remove(key);
        let others: &[&str] = match key {
            "cidr" | "address" => &["address", "netmask", "cidr"],
            "cidr6" | "address6" => &["address6", "netmask6", "cidr6"],
            _ => &[],
        };
        for other in others {
            row.shift_remove(*other);
        }
    }
    row.extend(settings(request));
    address(row, request)?;
    Ok(Value::Null.into())
}

/// Sets what follows from the addresses of a request. Without an address the interface becomes `manual`: it has no
/// addresses when it is brought up, even if it had some before.
fn address(row: &mut Map<String, Value>, request: &Request) -> Result<(), ApiError> {
    let mut families = Vec::new();
    for (suffix, family) in [("", "inet"), ("6", "inet6")] {
        let key = |name: &str| format!("{name}{suffix}");
        let (cidr, ip, mask) =
            (request.param(&key("cidr")), request.param(&key("address")), request.param(&key("netmask")));
        if cidr.is_some() && ip.is_some() {
            return Err(ApiError::parameter(&key("address"), "address conflicts with cidr"));
        }
        let given = match (cidr.and_then(|cidr| cidr.split_once('/')), ip) {
            (Some((ip, mask)), _) => Some((ip, Some(mask))),
            (None, Some(ip)) => Some((ip, mask)),
            (None, None) => None,
        };
        row.insert(key("method"), json!(if given.is_some() { "static" } else { "manual" }));
        if let Some((ip, mask)) = given {
            families.push(family);
            row.insert(key("address"), json!(ip));
            if let Some(mask) = mask {
                row.insert(key("netmask"), json!(mask));
                row.insert(key("cidr"), json!(format!("{ip}/{mask}")));
            }
        }
    }
    if families.is_empty() {
        families.push("inet");
    }
    row.insert("families".into(), json!(families));
    Ok(())
}

fn remove(cluster: &mut Cluster, request: &Request) -> Outcome {
    let rows = interfaces(cluster, request)?;
    let at = place(rows, request.hole("iface"))?;
    rows.remove(at);
    Ok(Value::Null.into())
}

fn apply(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut rows = interfaces(cluster, request)?.clone();
    for row in &mut rows {
        row.insert("active".into(), json!(1));
    }
    let name = format!("network/{}", request.node());
    *cluster.kept(&name) = rows;
    cluster.kept.remove(&format!("{name}/new"));
    let work = Work {
        kind: "srvreload",
        id: "networking".into(),
        lock: None,
        seconds: 0.5,
        begin: nothing(),
        finish: nothing(),
    };
    Ok(json!(cluster.start_task(request.node(), &request.who.owner(), work)).into())
}

fn revert(cluster: &mut Cluster, request: &Request) -> Outcome {
    cluster.kept.remove(&format!("network/{}/new", request.node()));
    Ok(Value::Null.into())
}

fn resolver<'a>(cluster: &'a mut Cluster, request: &Request) -> &'a mut Map<String, Value> {
    let rows = cluster.kept(&format!("dns/{}", request.node()));
    if rows.is_empty() {
        rows.push(row(json!({"dns1": "10.99.0.254", "search": "test"})));
    }
    &mut rows[0]
}

fn dns(cluster: &mut Cluster, request: &Request) -> Outcome {
    Ok(Value::Object(resolver(cluster, request).clone()).into())
}

/// Stores exactly what is given: a name server that is not given again is removed.
fn set_dns(cluster: &mut Cluster, request: &Request) -> Outcome {
    let settings = settings(request);
    *resolver(cluster, request) = settings;
    Ok(Value::Null.into())
}
