//! The objects that firewall rules refer to: aliases, IP sets and security groups, of the cluster and of guests.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            firewall::scope_name,
            route::{Request, Route, route},
            rows::{Rows, add, list, one, remove, replace},
        },
        state::cluster::{Cluster, Firewall},
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

const AUDIT: &str = "/, Sys.Audit";
const MODIFY: &str = "/, Sys.Modify";
const GUEST: &str = "/vms/{vmid}, VM.Audit";
const GUEST_MODIFY: &str = "/vms/{vmid}, VM.Config.Network";

pub(crate) const ROUTES: [Route; 31] = [
    route(Get, "/cluster/firewall/aliases", AUDIT, |cluster, request| {
        list(&scope(cluster, request)?.aliases)
    }),
    route(Post, "/cluster/firewall/aliases", MODIFY, |cluster, request| {
        add(&mut scope(cluster, request)?.aliases, "name", "alias", request)
    }),
    route(Get, "/cluster/firewall/aliases/{name}", AUDIT, |cluster, request| {
        one(&scope(cluster, request)?.aliases, "name", "alias", request.hole("name"))
    }),
    route(Put, "/cluster/firewall/aliases/{name}", MODIFY, |cluster, request| {
        replace(&mut scope(cluster, request)?.aliases, "name", "alias", request.hole("name"), request)
    }),
    route(Delete, "/cluster/firewall/aliases/{name}", MODIFY, |cluster, request| {
        remove(&mut scope(cluster, request)?.aliases, "name", "alias", request.hole("name"))
    }),
    route(Get, "/cluster/firewall/ipset", AUDIT, |cluster, request| list(&scope(cluster, request)?.ipsets)),
    route(Post, "/cluster/firewall/ipset", MODIFY, |cluster, request| {
        add(&mut scope(cluster, request)?.ipsets, "name", "IPSet", request)
    }),
    route(Get, "/cluster/firewall/ipset/{name}", AUDIT, |cluster, request| list(entries(cluster, request)?)),
    route(Post, "/cluster/firewall/ipset/{name}", MODIFY, |cluster, request| {
        add(entries(cluster, request)?, "cidr", "address", request)
    }),
    route(Delete, "/cluster/firewall/ipset/{name}", MODIFY, remove_ipset),
    route(Get, "/cluster/firewall/ipset/{name}/{cidr*}", AUDIT, |cluster, request| {
        one(entries(cluster, request)?, "cidr", "address", request.hole("cidr"))
    }),
    route(Put, "/cluster/firewall/ipset/{name}/{cidr*}", MODIFY, |cluster, request| {
        replace(entries(cluster, request)?, "cidr", "address", request.hole("cidr"), request)
    }),
    route(Delete, "/cluster/firewall/ipset/{name}/{cidr*}", MODIFY, |cluster, request| {
        remove(entries(cluster, request)?, "cidr", "address", request.hole("cidr"))
    }),
    route(Get, "/cluster/firewall/refs", AUDIT, refs),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/aliases", GUEST, |cluster, request| {
        list(&scope(cluster, request)?.aliases)
    }),
    route(Post, "/nodes/{node}/{kind}/{vmid}/firewall/aliases", GUEST_MODIFY, |cluster, request| {
        add(&mut scope(cluster, request)?.aliases, "name", "alias", request)
    }),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/aliases/{name}", GUEST, |cluster, request| {
        one(&scope(cluster, request)?.aliases, "name", "alias", request.hole("name"))
    }),
    route(Put, "/nodes/{node}/{kind}/{vmid}/firewall/aliases/{name}", GUEST_MODIFY, |cluster, request| {
        replace(&mut scope(cluster, request)?.aliases, "name", "alias", request.hole("name"), request)
    }),
    route(Delete, "/nodes/{node}/{kind}/{vmid}/firewall/aliases/{name}", GUEST_MODIFY, |cluster, request| {
        remove(&mut scope(cluster, request)?.aliases, "name", "alias", request.hole("name"))
    }),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/ipset", GUEST, |cluster, request| {
        list(&scope(cluster, request)?.ipsets)
    }),
    route(Post, "/nodes/{node}/{kind}/{vmid}/firewall/ipset", GUEST_MODIFY, |cluster, request| {
        add(&mut scope(cluster, request)?.ipsets, "name", "IPSet", request)
    }),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}", GUEST, |cluster, request| {
        list(entries(cluster, request)?)
    }),
    route(Post, "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}", GUEST_MODIFY, |cluster, request| {
        add(entries(cluster, request)?, "cidr", "address", request)
    }),
    route(Delete, "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}", GUEST_MODIFY, remove_ipset),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}/{cidr*}", GUEST, |cluster, request| {
        one(entries(cluster, request)?, "cidr", "address", request.hole("cidr"))
    }),
    route(
        Put,
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}/{cidr*}",
        GUEST_MODIFY,
        |cluster, request| {
            replace(entries(cluster, request)?, "cidr", "address", request.hole("cidr"), request)
        },
    ),
    route(
        Delete,
        "/nodes/{node}/{kind}/{vmid}/firewall/ipset/{name}/{cidr*}",
        GUEST_MODIFY,
        |cluster, request| remove(entries(cluster, request)?, "cidr", "address", request.hole("cidr")),
    ),
    route(Get, "/nodes/{node}/{kind}/{vmid}/firewall/refs", GUEST, refs),
    route(Get, "/cluster/firewall/groups", "", |cluster, request| list(&scope(cluster, request)?.groups)),
    route(Post, "/cluster/firewall/groups", MODIFY, |cluster, request| {
        add(&mut scope(cluster, request)?.groups, "group", "security group", request)
    }),
    route(Delete, "/cluster/firewall/groups/{group}", MODIFY, remove_group),
];

fn scope<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut Firewall, ApiError> {
    let name = scope_name(cluster, request)?;
    Ok(cluster.firewalls.entry(name).or_default())
}

/// The entries of the IP set in the path.
fn entries<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut Rows, ApiError> {
    let firewall = scope(cluster, request)?;
    let name = request.hole("name");
    if !firewall.ipsets.iter().any(|set| set.get("name") == Some(&json!(name))) {
        return Err(ApiError::failed(format!("no such IPSet '{name}'")));
    }
    Ok(firewall.entries.entry(name.to_owned()).or_default())
}

fn remove_ipset(cluster: &mut Cluster, request: &Request) -> Outcome {
    if !entries(cluster, request)?.is_empty() && !request.flag("force") {
        return Err(ApiError::failed(format!("IPSet '{}' is not empty", request.hole("name"))));
    }
    let firewall = scope(cluster, request)?;
    firewall.entries.remove(request.hole("name"));
    remove(&mut firewall.ipsets, "name", "IPSet", request.hole("name"))
}

fn remove_group(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = request.hole("group");
    if cluster.firewalls.get(&format!("groups/{name}")).is_some_and(|group| !group.rules.is_empty()) {
        return Err(ApiError::failed(format!("Security group '{name}' is not empty")));
    }
    cluster.firewalls.remove(&format!("groups/{name}"));
    let groups = &mut cluster.firewalls.entry("cluster".into()).or_default().groups;
    remove(groups, "group", "security group", name)
}

fn refs(cluster: &mut Cluster, request: &Request) -> Outcome {
    let firewall = scope(cluster, request)?;
    let row = |kind: &str, prefix: &str, row: &serde_json::Map<String, Value>| {
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        json!({"type": kind, "name": name, "ref": format!("{prefix}{name}"), "scope": "dc"})
    };
    let aliases = firewall.aliases.iter().map(|alias| row("alias", "", alias));
    let sets = firewall.ipsets.iter().map(|set| row("ipset", "+", set));
    Ok(Value::Array(aliases.chain(sets).collect()).into())
}
