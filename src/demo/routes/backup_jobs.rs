//! Backup jobs: which guests are backed up when, and which are not backed up.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        routes::{
            route::{Request, Route, route},
            rows::{Rows, change, list, one, remove, settings},
        },
        state::{cluster::Cluster, retention},
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Map, Value, json};

const AUDIT: &str = "/, Sys.Audit";
const MODIFY: &str = "/, Sys.Modify";

pub(crate) const ROUTES: [Route; 6] = [
    route(Get, "/cluster/backup", AUDIT, |cluster, _| list(&cluster.backup_jobs)),
    route(Post, "/cluster/backup", MODIFY, add),
    route(Get, "/cluster/backup/{id}", AUDIT, |cluster, request| {
        one(&cluster.backup_jobs, "id", "job", request.hole("id"))
    }),
    route(Put, "/cluster/backup/{id}", MODIFY, update),
    route(Delete, "/cluster/backup/{id}", MODIFY, |cluster, request| {
        remove(&mut cluster.backup_jobs, "id", "job", request.hole("id"))
    }),
    route(Get, "/cluster/backup-info/not-backed-up", AUDIT, not_backed_up),
];

/// Options that are one string in the file and an object in answers; all values of the object are strings.
const TAKEN_APART: [&str; 3] = ["fleecing", "performance", "prune-backups"];

fn take_apart(job: &mut Map<String, Value>) {
    for key in TAKEN_APART {
        if let Some(Value::String(text)) = job.get(key) {
            let object = retention::parts(text).map(|(name, value)| (name.to_owned(), json!(value)));
            let object: Map<String, Value> = object.collect();
            job.insert(key.into(), Value::Object(object));
        }
    }
}

/// A job without an id gets a generated one.
fn add(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut job: Map<String, Value> = settings(request);
    let number = cluster.backup_jobs.len() + 1;
    job.entry("id").or_insert_with(|| json!(format!("backup-{number:08x}-{number:04x}")));
    job.entry("enabled").or_insert(json!(1));
    job.insert("type".into(), json!("vzdump"));
    take_apart(&mut job);
    if cluster.backup_jobs.iter().any(|other| other.get("id") == job.get("id")) {
        return Err(ApiError::failed(format!(
            "Job '{}' already exists",
            job["id"].as_str().unwrap_or_default()
        )));
    }
    cluster.backup_jobs.push(job);
    Ok(Value::Null.into())
}

/// A new selection of guests replaces the old one.
fn update(cluster: &mut Cluster, request: &Request) -> Outcome {
    let jobs: &mut Rows = &mut cluster.backup_jobs;
    let id = request.hole("id");
    let answer = change(jobs, "id", "job", id, request)?;
    let other: &[&str] = match () {
        () if request.param("vmid").is_some() => &["all", "exclude", "pool"],
        () if request.param("pool").is_some() => &["all", "exclude", "vmid"],
        () if request.flag("all") => &["vmid", "pool"],
        () => &[],
    };
    for job in jobs.iter_mut().filter(|job| job.get("id") == Some(&json!(id))) {
        for key in other {
            job.shift_remove(*key);
        }
        take_apart(job);
    }
    Ok(answer)
}

fn not_backed_up(cluster: &mut Cluster, _: &Request) -> Outcome {
    let covered = |vmid: u32| {
        cluster.backup_jobs.iter().any(|job| {
            let list = job.get("vmid").and_then(Value::as_str);
            job.get("all") == Some(&json!(1))
                || list.is_some_and(|list| split_list(list).any(|one| one.parse() == Ok(vmid)))
        })
    };
    let guests = cluster.guests.values().filter(|guest| !covered(guest.vmid));
    let rows =
        guests.map(|guest| json!({"vmid": guest.vmid, "name": guest.name(), "type": guest.kind.word()}));
    Ok(Value::Array(rows.collect()).into())
}
