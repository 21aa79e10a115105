//! Pools, which may be nested, and their members.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::{Cluster, Pool},
            status,
        },
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

const ALLOCATE: &str = "/pool/{poolid}, Pool.Allocate";

pub(crate) const ROUTES: [Route; 7] = [
    route(Get, "/pools", "", read),
    route(Get, "/pools/{poolid}", "", read),
    route(Post, "/pools", "", add),
    route(Put, "/pools/{poolid}", ALLOCATE, change),
    route(Put, "/pools", "", change),
    route(Delete, "/pools/{poolid}", ALLOCATE, remove),
    route(Delete, "/pools", "", remove),
];

/// The pool in the path, or in the parameter that newer versions have; a nested pool's name does not fit into a path.
fn name(request: &Request) -> Option<&str> {
    Some(request.hole("poolid")).filter(|id| !id.is_empty()).or_else(|| request.param("poolid"))
}

/// Refuses senders without the needed privilege on a pool.
fn permit(cluster: &Cluster, request: &Request, pool: &str, need: &str) -> Result<(), ApiError> {
    match cluster.access.allows(&request.who, &format!("/pool/{pool}"), None, need) {
        true => Ok(()),
        false => Err(ApiError::forbidden(&format!("/pool/{pool}, {need}"))),
    }
}

fn read(cluster: &mut Cluster, request: &Request) -> Outcome {
    let Some(name) = name(request) else {
        let seen = |pool: &&Pool| permit(cluster, request, &pool.name, "Pool.Audit").is_ok();
        let rows = cluster.pools.iter().filter(seen).map(|pool| match &pool.comment {
            Some(comment) => json!({"poolid": pool.name, "comment": comment}),
            None => json!({"poolid": pool.name}),
        });
        return Ok(Value::Array(rows.collect()).into());
    };
    let Some(pool) = cluster.pools.iter().find(|pool| pool.name == name) else {
        return Err(ApiError::failed(format!("pool '{name}' does not exist")));
    };
    permit(cluster, request, name, "Pool.Audit")?;
    let guests = cluster.guests.values().filter(|guest| guest.pool.as_deref() == Some(name));
    let mut members: Vec<Value> = guests
        .map(|guest| {
            let mut row = status::resource(cluster, guest);
            if let Some(row) = row.as_object_mut() {
                row.remove("pool");
            }
            row
        })
        .collect();
    let node = cluster.nodes.first().map(|node| node.name.as_str()).unwrap_or_default();
    let storages = cluster.storages.iter().filter(|storage| pool.storages.contains(&storage.name));
    members.extend(storages.map(|storage| status::storage_resource(storage, node, true)));
    let mut data = json!({"members": members});
    if let Some(comment) = &pool.comment {
        data["comment"] = json!(comment);
    }
    if request.hole("poolid").is_empty() {
        data["poolid"] = json!(name);
        return Ok(json!([data]).into());
    }
    Ok(data.into())
}

fn add(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = name(request).unwrap_or_default().to_owned();
    permit(cluster, request, &name, "Pool.Allocate")?;
    if cluster.pools.iter().any(|pool| pool.name == name) {
        return Err(ApiError::failed(format!("create pool failed: pool '{name}' already exists")));
    }
    if let Some((parent, _)) = name.rsplit_once('/')
        && !cluster.pools.iter().any(|pool| pool.name == parent)
    {
        return Err(ApiError::failed(format!(
            "create pool failed: parent '{parent}' of pool does not exist"
        )));
    }
    let comment = request.param("comment").filter(|comment| !comment.is_empty()).map(str::to_owned);
    cluster.pools.push(Pool { name, comment, storages: Vec::new() });
    Ok(Value::Null.into())
}

fn change(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = name(request).unwrap_or_default().to_owned();
    permit(cluster, request, &name, "Pool.Allocate")?;
    let failed = |problem: String| Err(ApiError::failed(format!("update pools failed: {problem}")));
    let Some(at) = cluster.pools.iter().position(|pool| pool.name == name) else {
        return failed(format!("pool '{name}' does not exist"));
    };
    let delete = request.flag("delete");
    for text in split_list(request.param("vms").unwrap_or_default()) {
        let guest = text.parse::<u32>().ok().and_then(|vmid| cluster.guests.get_mut(&vmid));
        let Some(guest) = guest else { return failed(format!("VM {text} does not exist")) };
        let own = guest.pool.as_deref() == Some(name.as_str());
        if delete && !own {
            return failed(format!("VM {text} is not a pool member"));
        }
        if !delete && guest.pool.is_some() && !own && !request.flag("allow-move") {
            return failed(format!("VM {text} is already a pool member, set 'allow-move' to move it"));
        }
        guest.pool = (!delete).then(|| name.clone());
    }
    for storage in split_list(request.param("storage").unwrap_or_default()) {
        let own = cluster.pools[at].storages.iter().position(|one| one == storage);
        match (delete, own) {
            (true, Some(own)) => drop(cluster.pools[at].storages.remove(own)),
            (true, None) => return failed(format!("Storage '{storage}' is not a pool member")),
            (false, Some(_)) => return failed(format!("Storage '{storage}' is already a pool member")),
            (false, None) => cluster.pools[at].storages.push(storage.to_owned()),
        }
    }
    if let Some(comment) = request.param("comment") {
        cluster.pools[at].comment = Some(comment.to_owned());
    }
    Ok(Value::Null.into())
}

fn remove(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = name(request).unwrap_or_default().to_owned();
    permit(cluster, request, &name, "Pool.Allocate")?;
    let failed = |problem: String| Err(ApiError::failed(format!("delete pool failed: {problem}")));
    let Some(at) = cluster.pools.iter().position(|pool| pool.name == name) else {
        return failed(format!("pool '{name}' does not exist"));
    };
    let inside = format!("{name}/");
    let vm = cluster.guests.values().find(|guest| guest.pool.as_deref() == Some(name.as_str()));
    let content = vm
        .map(|guest| format!("contains VM {}", guest.vmid))
        .or_else(|| cluster.pools[at].storages.first().map(|storage| format!("contains storage '{storage}'")))
        .or_else(|| {
            let nested = cluster.pools.iter().find(|pool| pool.name.starts_with(&inside));
            nested.map(|pool| format!("contains pool '{}'", pool.name))
        });
    if let Some(content) = content {
        return failed(format!("pool '{name}' is not empty ({content})"));
    }
    cluster.pools.remove(at);
    Ok(Value::Null.into())
}
