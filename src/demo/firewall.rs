//! Firewalls of the cluster, of nodes and of guests: options, rules, aliases, sets and groups.

use super::{
    answer::{ApiError, Outcome},
    cluster::list,
    routes::{Request, Route, route},
    state::{Cluster, Firewall, sha1_hex},
};
use crate::pve::Method::{Delete, Get, Post};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";
const NODE: &str = "/nodes/{node}, Sys.Audit";
const GUEST: &str = "/vms/{vmid}, VM.Audit";

pub(crate) const ROUTES: [Route; 12] = [
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
];

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
