//! Defining storages, and scanning for storages that could be defined.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::{
            route::{Request, Route, route},
            rows::check_digest,
            storage::digest,
        },
        state::cluster::{Cluster, Storage},
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const ALLOCATE: &str = "/storage, Datastore.Allocate";

pub(crate) const ROUTES: [Route; 7] = [
    route(Post, "/storage", ALLOCATE, create),
    route(Put, "/storage/{storage}", ALLOCATE, change),
    route(Delete, "/storage/{storage}", ALLOCATE, delete),
    route(Get, "/nodes/{node}/scan/nfs", ALLOCATE, |_, _| {
        Ok(json!([{"path": "/srv/pve", "options": "10.99.0.0/24"}]).into())
    }),
    route(Get, "/nodes/{node}/scan/cifs", ALLOCATE, |_, _| {
        Ok(json!([{"share": "backup", "description": "Backups"}]).into())
    }),
    route(Get, "/nodes/{node}/scan/iscsi", ALLOCATE, |_, request| {
        let portal = request.param("portal").unwrap_or_default();
        Ok(json!([{"target": "iqn.2003-01.test.san:disk1", "portal": format!("{portal}:3260")}]).into())
    }),
    route(Get, "/nodes/{node}/scan/lvmthin", ALLOCATE, |_, _| Ok(json!([{"lv": "data"}]).into())),
];

const SECRETS: [&str; 4] = ["password", "encryption-key", "keyring", "master-pubkey"];

/// The parameters that a definition stores: without name and type, and without secrets, which have files of their own.
fn settings(request: &Request) -> Map<String, Value> {
    const APART: [&str; 6] = ["storage", "type", "content", "shared", "delete", "digest"];
    let kept = request
        .params
        .iter()
        .filter(|(key, _)| !APART.contains(&key.as_str()) && !SECRETS.contains(&key.as_str()));
    kept.map(|(key, value)| {
        let number = ["disable", "mkdir", "sparse", "saferemove", "krbd"].contains(&key.as_str());
        (key.clone(), if number { json!(u8::from(value == "1")) } else { json!(value) })
    })
    .collect()
}

fn create(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (name, kind) =
        (request.param("storage").unwrap_or_default(), request.param("type").unwrap_or_default());
    if cluster.storages.iter().any(|storage| storage.name == name) {
        return Err(ApiError::failed(format!("create storage failed: storage ID '{name}' already defined")));
    }
    let needed: &[&str] = match kind {
        "dir" | "btrfs" => &["path"],
        "nfs" => &["server", "export"],
        "cifs" => &["server", "share"],
        "pbs" => &["server", "datastore"],
        "lvm" => &["vgname"],
        "lvmthin" => &["vgname", "thinpool"],
        "zfspool" => &["pool"],
        "iscsi" => &["portal", "target"],
        _ => &[],
    };
    if let Some(missing) = needed.iter().find(|key| request.param(key).is_none()) {
        return Err(ApiError::parameter(missing, "property is missing and it is not optional"));
    }
    let files = ["dir", "btrfs", "nfs", "cifs"].contains(&kind);
    let default = match kind {
        "pbs" => "backup",
        _ if files => "images,iso,vztmpl,backup,rootdir,snippets",
        _ => "images,rootdir",
    };
    let mut more = settings(request);
    if files && !more.contains_key("path") {
        more.insert("path".into(), json!(format!("/mnt/pve/{name}")));
    }
    let network = ["nfs", "cifs", "pbs", "iscsi", "rbd", "cephfs"].contains(&kind);
    cluster.storages.push(Storage {
        name: name.into(),
        kind: kind.into(),
        content: request.param("content").unwrap_or(default).into(),
        shared: network || request.flag("shared"),
        total: 1 << 40,
        used: 1 << 30,
        more,
    });
    Ok(json!({"storage": name, "type": kind}).into())
}

fn change(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = request.hole("storage");
    let more = settings(request);
    check_digest(request, &digest(cluster))?;
    let Some(storage) = cluster.storages.iter_mut().find(|storage| storage.name == name) else {
        return Err(ApiError::failed(format!("update storage failed: storage '{name}' does not exist")));
    };
    if let Some(content) = request.param("content") {
        content.clone_into(&mut storage.content);
    }
    if request.param("shared").is_some() {
        storage.shared = request.flag("shared");
    }
    storage.more.extend(more);
    for key in split_list(request.param("delete").unwrap_or_default()) {
        match key {
            "content" => storage.content = "none".into(),
            "shared" => storage.shared = false,
            _ => drop(storage.more.remove(key)),
        }
    }
    Ok(json!({"storage": name, "type": storage.kind}).into())
}

fn delete(cluster: &mut Cluster, request: &Request) -> Outcome {
    let name = request.hole("storage");
    if !cluster.storages.iter().any(|storage| storage.name == name) {
        return Err(ApiError::failed(format!("delete storage failed: storage '{name}' does not exist")));
    }
    // The content of the storage stays where it is, but no longer belongs to a known storage.
    cluster.storages.retain(|storage| storage.name != name);
    cluster.volumes.retain(|volume| volume.storage() != name);
    Ok(Value::Null.into())
}
