//! Firewalls of the cluster, of nodes and of guests: options, rules and logs; and the rules of security groups.

use crate::{
    demo::{
        outcome::{ApiError, Outcome, Reply},
        routes::{
            route::{Request, Route, route},
            rows::{check_digest, set, settings},
        },
        state::{
            cluster::{Cluster, Firewall},
            digest::{of_rows, sha1_hex},
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";
const MODIFY: &str = "/, Sys.Modify";
const NODE: &str = "/nodes/{node}, Sys.Audit";
const NODE_MODIFY: &str = "/nodes/{node}, Sys.Modify";
const GUEST: &str = "/vms/{vmid}, VM.Audit";
const GUEST_MODIFY: &str = "/vms/{vmid}, VM.Config.Network";

pub(crate) const ROUTES: [Route; 29] = [
    route(Get, "/cluster/firewall/options", AUDIT, options),
    route(Put, "/cluster/firewall/options", MODIFY, set_options),
    route(Get, "/cluster/firewall/rules", AUDIT, list_rules),
    route(Post, "/cluster/firewall/rules", MODIFY, add_rule),
    route(Get, "/cluster/firewall/rules/{pos}", AUDIT, one_rule),
    route(Put, "/cluster/firewall/rules/{pos}", MODIFY, change_rule),
    route(Delete, "/cluster/firewall/rules/{pos}", MODIFY, remove_rule),
    route(Get, "/nodes/{node}/firewall/options", NODE, options),
    route(Put, "/nodes/{node}/firewall/options", NODE_MODIFY, set_options),
    route(Get, "/nodes/{node}/firewall/rules", NODE, list_rules),
    route(Post, "/nodes/{node}/firewall/rules", NODE_MODIFY, add_rule),
    route(Get, "/nodes/{node}/firewall/rules/{pos}", NODE, one_rule),
    route(Put, "/nodes/{node}/firewall/rules/{pos}", NODE_MODIFY, change_rule),
    route(Delete, "/nodes/{node}/firewall/rules/{pos}", NODE_MODIFY, remove_rule),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/options", GUEST, options),
    route(Put, "/nodes/{node}/{kind}/{vmid}/firewall/options", GUEST_MODIFY, set_options),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/rules", GUEST, list_rules),
    route(Post, "/nodes/{node}/{kind}/{vmid}/firewall/rules", GUEST_MODIFY, add_rule),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}", GUEST, one_rule),
    route(Put, "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}", GUEST_MODIFY, change_rule),
    route(Delete, "/nodes/{node}/{kind}/{vmid}/firewall/rules/{pos}", GUEST_MODIFY, remove_rule),
    route(Get, "/cluster/firewall/groups/{group}", AUDIT, list_rules),
    route(Post, "/cluster/firewall/groups/{group}", MODIFY, add_rule),
    route(Get, "/cluster/firewall/groups/{group}/{pos}", AUDIT, one_rule),
    route(Put, "/cluster/firewall/groups/{group}/{pos}", MODIFY, change_rule),
    route(Delete, "/cluster/firewall/groups/{group}/{pos}", MODIFY, remove_rule),
    route(Get, "/nodes/{node}/firewall/log", "/nodes/{node}, Sys.Syslog", log),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/log", "/vms/{vmid}, VM.Console", log),
    route(Get, "/cluster/firewall/macros", "", macros),
];

/// The firewall that the path refers to: `cluster`, `nodes/pve1`, `guests/100`, `groups/web`.
pub(crate) fn scope_name(cluster: &Cluster, request: &Request) -> Result<String, ApiError> {
    if !request.hole("group").is_empty() {
        let (group, scope) = (request.hole("group"), cluster.firewalls.get("cluster"));
        let known =
            scope.is_some_and(|scope| scope.groups.iter().any(|row| row.get("group") == Some(&json!(group))));
        return match known {
            true => Ok(format!("groups/{group}")),
            false => Err(ApiError::failed(format!("no such security group '{group}'"))),
        };
    }
    if !request.hole("vmid").is_empty() {
        let guest = cluster.guest(request.kind(), request.node(), request.vmid())?;
        return Ok(format!("guests/{}", guest.vmid));
    }
    Ok(if request.node().is_empty() { "cluster".into() } else { format!("nodes/{}", request.node()) })
}

fn scope<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut Firewall, ApiError> {
    let name = scope_name(cluster, request)?;
    Ok(cluster.firewalls.entry(name).or_default())
}

fn options(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let mut data = firewall.options.clone();
    data.insert("digest".into(), json!(digest(firewall)));
    Ok(Value::Object(data).into())
}

fn set_options(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    check_digest(request, &digest(firewall))?;
    set(&mut firewall.options, request);
    Ok(Value::Null.into())
}

/// A firewall without any settings has no file, and its digest is that of empty content.
fn digest(firewall: &Firewall) -> String {
    if firewall.options.is_empty() && firewall.rules.is_empty() {
        return sha1_hex(b"");
    }
    of_rows(firewall.rules.iter().chain([&firewall.options]))
}

fn shown(firewall: &Firewall, pos: usize) -> Option<Value> {
    let mut rule: Map<String, Value> = firewall.rules.get(pos)?.clone();
    rule.insert("pos".into(), json!(pos));
    rule.insert("digest".into(), json!(digest(firewall)));
    Some(Value::Object(rule))
}

fn list_rules(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let rows = (0..firewall.rules.len()).filter_map(|pos| shown(firewall, pos));
    Ok(Value::Array(rows.collect()).into())
}

/// The position in the path, if there is a rule at it.
fn position(firewall: &Firewall, request: &Request) -> Result<usize, ApiError> {
    let pos = request.hole("pos");
    let number = pos.parse::<usize>().ok().filter(|number| *number < firewall.rules.len());
    number.ok_or_else(|| ApiError::failed(format!("no rule at position {pos}")))
}

fn one_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let pos = position(firewall, request)?;
    Ok(shown(firewall, pos).unwrap_or_default().into())
}

fn add_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut rule = settings(request);
    rule.entry("enable").or_insert(json!(0));
    // New rules are added at the top.
    scope(cluster, request)?.rules.insert(0, rule);
    Ok(Value::Null.into())
}

fn change_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let pos = position(firewall, request)?;
    check_digest(request, &digest(firewall))?;
    match request.number("moveto") {
        // It is moved before the rule at the target position, which is counted with the moving rule still in its place.
        Some(target) => {
            let rule = firewall.rules.remove(pos);
            let target = usize::try_from(target).unwrap_or(usize::MAX);
            let target = if pos < target { target - 1 } else { target };
            let target = target.min(firewall.rules.len());
            firewall.rules.insert(target, rule);
        }
        None => set(&mut firewall.rules[pos], request),
    }
    Ok(Value::Null.into())
}

fn remove_rule(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let pos = position(firewall, request)?;
    check_digest(request, &digest(firewall))?;
    firewall.rules.remove(pos);
    Ok(Value::Null.into())
}

/// The packets matched by a rule with a log level; without such a rule nothing is logged.
fn log(cluster: &mut Cluster, request: &Request) -> Outcome {
    let vmid = request.vmid();
    let firewall = scope(cluster, request)?;
    let total = if firewall.rules.is_empty() { 0 } else { 120 };
    let start = request.number("start").unwrap_or(0).min(total);
    let limit = request.number("limit").unwrap_or(50);
    let line = |n: u64| json!({"n": n, "t": format!("{vmid} 6 tap{vmid}i0-IN 21/Nov/2026:06:{:02}:{:02} +0000 policy DROP: IN=fwbr{vmid}i0 SRC=10.99.0.{} DST=10.99.0.20 PROTO=TCP DPT=23", n / 60, n % 60, n % 250)});
    let rows: Vec<Value> = (start + 1..=(start + limit).min(total)).map(line).collect();
    let data = if rows.is_empty() { json!([{"n": 1, "t": "no content"}]) } else { rows.into() };
    Ok(Reply { data, total: Some(usize::try_from(total).unwrap_or_default()) })
}

fn macros(_: &mut Cluster, _: &Request) -> Outcome {
    let rows = [("SSH", "Secure shell traffic"), ("HTTPS", "HTTP over TLS"), ("Ping", "ICMP echo request")];
    Ok(json!(rows.map(|(name, descr)| json!({"macro": name, "descr": descr}))).into())
}
