//! Storages: their definitions, usage and content.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            cluster::{Cluster, Storage},
            digest::of_rows,
        },
    },
    pve::Method::Get,
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "Datastore.Audit|Datastore.AllocateSpace";

pub(crate) const ROUTES: [Route; 6] = [
    route(Get, "/storage", "", defined),
    route(Get, "/storage/{storage}", "/storage/{storage}, Datastore.Allocate", defined_one),
    route(Get, "/nodes/{node}/storage", "", list),
    route(
        Get,
        "/nodes/{node}/storage/{storage}",
        "/storage/{storage}, Datastore.Audit|Datastore.AllocateSpace",
        index,
    ),
    route(
        Get,
        "/nodes/{node}/storage/{storage}/status",
        "/storage/{storage}, Datastore.Audit|Datastore.AllocateSpace",
        status,
    ),
    route(Get, "/nodes/{node}/storage/{storage}/content", "", content),
];

fn seen(cluster: &Cluster, request: &Request, storage: &Storage) -> bool {
    cluster.access.allows(&request.who, &format!("/storage/{}", storage.name), None, AUDIT)
}

fn definition(cluster: &Cluster, storage: &Storage) -> Value {
    let mut row: Map<String, Value> = storage.more.clone();
    row.insert("storage".into(), json!(storage.name));
    row.insert("type".into(), json!(storage.kind));
    row.insert("content".into(), json!(storage.content));
    if storage.shared {
        row.insert("shared".into(), json!(1));
    }
    row.insert("digest".into(), json!(digest(cluster)));
    Value::Object(row)
}

/// The digest of the file in which all storages are defined.
pub(super) fn digest(cluster: &Cluster) -> String {
    let rows = cluster.storages.iter().map(|storage| {
        let mut row = storage.more.clone();
        let mut content: Vec<&str> = split_list(&storage.content).collect();
        content.sort();
        row.insert("storage".into(), json!([storage.name, storage.kind, storage.shared, content]));
        row
    });
    let rows: Vec<Map<String, Value>> = rows.collect();
    of_rows(&rows)
}

fn find<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Storage, ApiError> {
    let found = cluster.storages.iter().find(|storage| storage.name == name);
    found.ok_or_else(|| ApiError::failed(format!("storage '{name}' does not exist")))
}

fn defined(cluster: &mut Cluster, request: &Request) -> Outcome {
    let wanted = |storage: &&Storage| {
        request.param("type").is_none_or(|kind| storage.kind == kind) && seen(cluster, request, storage)
    };
    let rows = cluster.storages.iter().filter(wanted).map(|storage| definition(cluster, storage));
    Ok(Value::Array(rows.collect()).into())
}

fn defined_one(cluster: &mut Cluster, request: &Request) -> Outcome {
    Ok(definition(cluster, find(cluster, request.hole("storage"))?).into())
}

/// The status of a storage on a node; a storage that cannot be used there has no figures.
fn measured(storage: &Storage, node: &str) -> Value {
    let enabled = storage.is_enabled(node);
    let (total, used) = if enabled { (storage.total, storage.used) } else { (0, 0) };
    json!({"content": storage.content, "shared": u8::from(storage.shared), "type": storage.kind,
        "active": u8::from(enabled), "enabled": u8::from(enabled), "total": total, "used": used,
        "avail": total - used})
}

fn list(cluster: &mut Cluster, request: &Request) -> Outcome {
    // With `content`, only enabled storages that allow any of the types are returned.
    let takes = |storage: &Storage| {
        request.param("content").is_none_or(|list| {
            storage.is_enabled(request.node()) && split_list(list).any(|word| storage.takes(word))
        })
    };
    let wanted = |storage: &&Storage| {
        seen(cluster, request, storage)
            && takes(storage)
            && (!request.flag("enabled") || storage.is_enabled(request.node()))
            && request.param("storage").is_none_or(|name| storage.name == name)
    };
    let rows = cluster.storages.iter().filter(wanted).map(|storage| {
        let mut row = measured(storage, request.node());
        row["storage"] = json!(storage.name);
        #[allow(clippy::cast_precision_loss, reason = "a fraction")]
        let used = storage.used as f64 / storage.total.max(1) as f64;
        if storage.is_enabled(request.node()) {
            row["used_fraction"] = json!(used);
        }
        row
    });
    Ok(Value::Array(rows.collect()).into())
}

fn index(cluster: &mut Cluster, request: &Request) -> Outcome {
    find(cluster, request.hole("storage"))?;
    Ok(json!(
        ["content", "prunebackups", "rrddata", "status", "upload"].map(|subdir| json!({"subdir": subdir}))
    )
    .into())
}

fn status(cluster: &mut Cluster, request: &Request) -> Outcome {
    Ok(measured(find(cluster, request.hole("storage"))?, request.node()).into())
}

fn content(cluster: &mut Cluster, request: &Request) -> Outcome {
    let storage = find(cluster, request.hole("storage"))?;
    if !seen(cluster, request, storage) {
        let need = format!("/storage/{}, Datastore.AllocateSpace|Datastore.Audit", storage.name);
        return Err(ApiError::forbidden(&need));
    }
    storage.check(request.node())?;
    let rows = cluster
        .volumes
        .iter()
        .filter(|volume| volume.storage() == storage.name)
        .filter(|volume| volume.node.as_deref().is_none_or(|node| node == request.node()))
        .filter(|volume| request.param("content").is_none_or(|content| volume.content == content))
        .filter(|volume| {
            request.param("vmid").is_none_or(|vmid| volume.vmid.is_some_and(|own| vmid == own.to_string()))
        })
        .map(|volume| {
            let mut row = json!({"volid": volume.volid, "content": volume.content, "format": volume.format,
                "size": volume.size, "ctime": volume.ctime});
            if let Some(vmid) = volume.vmid {
                row["vmid"] = json!(vmid);
            }
            match volume.content {
                "images" | "rootdir" => {
                    row["used"] = json!(volume.used);
                    row["parent"] = Value::Null;
                }
                "backup" => {
                    row["subtype"] = json!(if volume.volid.contains("-lxc-") { "lxc" } else { "qemu" });
                    if let Some(notes) = &volume.notes {
                        row["notes"] = json!(notes);
                    }
                    if volume.protected {
                        row["protected"] = json!(1);
                    }
                }
                _ => {}
            }
            row
        });
    Ok(Value::Array(rows.collect()).into())
}
