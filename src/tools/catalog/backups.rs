//! Backups: listing, creating and restoring them, and the scheduled jobs that create them.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{
            Failure, Outcome, answer, object,
            record::Record,
            rows,
            table::{self, Column},
        },
        catalog::{guest_create, restore},
        param::{Effect, FIELDS, LIMIT, NODE, OFFSET, Param, VMID},
        row::Tool,
        run::list,
        run::{
            args::Args,
            context::Context,
            find,
            follow::{follow, follow_each},
            storages,
        },
    },
};
use serde_json::{Map, Value, json};

const ID: Param = Param::text("id");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_backups", Effect::Read, list_backups)
        .about("Backups, newest first: volume, guest, time, size in bytes.")
        .params(&[
            Param::int("vmid", 100, 999_999_999).optional(),
            Param::text("storage").optional(),
            NODE,
            FIELDS,
            LIMIT,
            OFFSET,
        ])
        .core(),
    Tool::with("proxmox_create_backup", Effect::Change, create_backup)
        .about("Back up a guest now.")
        .params(&[
            VMID,
            Param::text("storage").optional(),
            Param::one_of("mode", &["snapshot", "suspend", "stop"]).optional(),
            Param::text("compress").unlisted(),
            Param::text("notes-template").unlisted(),
            Param::flag("protected").unlisted(),
            NODE,
            Param::more("options").about("bwlimit, prune-backups, …"),
        ])
        .behind(&[(Method::Post, "/nodes/{node}/vzdump")])
        .task()
        .core(),
    Tool::with("proxmox_restore_backup", Effect::Ask, restore::restore)
        .about("Restore a backup to a new VMID; force overwrites an existing guest.")
        .params(restore::PARAMS)
        .behind(guest_create::BEHIND)
        .task()
        .core(),
    Tool::get("proxmox_get_backup_config", "/nodes/{node}/vzdump/extractconfig")
        .about("Guest configuration in a backup.")
        .params(&[Param::text("node"), Param::text("volume")]),
    Tool::list("proxmox_list_backup_jobs", "/cluster/backup", JOBS).about("Scheduled backup jobs."),
    Tool::post("proxmox_create_backup_job", "/cluster/backup")
        .about("Create a scheduled backup job.")
        .params(&[
            Param::text("schedule").about("sun 01:00"),
            Param::text("storage"),
            Param::text("vmid").optional(),
            Param::more("options").about("all, mode, exclude, …"),
        ]),
    Tool::put("proxmox_update_backup_job", "/cluster/backup/{id}")
        .about("Change a backup job.")
        .params(&[ID, Param::more("options").about("schedule, vmid, enabled, …")]),
    Tool::delete("proxmox_delete_backup_job", "/cluster/backup/{id}")
        .about("Delete a backup job.")
        .params(&[ID]),
    Tool::with("proxmox_run_backup_job", Effect::Change, run_job)
        .about("Run a backup job now.")
        .params(&[ID])
        .task(),
    Tool::list("proxmox_list_not_backed_up", "/cluster/backup-info/not-backed-up", GUESTS)
        .about("Guests without a backup job."),
];

const BACKUPS: &[Column] = &[
    Column::new("volid"),
    Column::new("vmid"),
    Column::new("ctime"),
    Column::new("size"),
    Column::new("notes").hide_if_empty(),
    Column::new("protected").hide_if_empty(),
    Column::new("verification").hide_if_empty(),
];
const JOBS: &[Column] = &[
    Column::new("id"),
    Column::new("enabled"),
    Column::new("schedule"),
    Column::new("storage"),
    Column::new("vmid").hide_if_empty(),
    Column::new("all").hide_if_empty(),
    Column::new("pool").hide_if_empty(),
    Column::new("next-run").hide_if_empty(),
];
const GUESTS: &[Column] = &[Column::new("vmid"), Column::new("name"), Column::new("type")];

/// Queries each storage that may hold backups once, all in parallel; a storage that does not respond is named, and only
/// its rows are missing.
fn list_backups(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "storage"))?;
    let known = storages::sorted(&reply)?;
    let asked = storages::with_content(context, &known, "backup", args.text("storage"), args.text("node"))?;
    let mut params = Params::new().with("content", "backup");
    if let Some(vmid) = args.int("vmid") {
        params.push("vmid", vmid);
    }
    let paths = storages::content_paths(&asked)?;
    let replies = context.get_each(&paths, &params);
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut silent = unavailable(args, &known, &asked);
    let skipped = silent.len();
    for (reply, (node, storage)) in replies.iter().zip(&asked) {
        match reply {
            Ok(reply) => records.extend(rows(reply)?),
            Err(error) => silent.push(format!("{storage} on {node}: {error}")),
        }
    }
    if skipped < silent.len() && records.is_empty() {
        return Err(Failure::new(silent.join(" ")));
    }
    table::sort(&mut records, &["ctime", "volid"]);
    records.reverse();
    list::answer_with(context, args, &records, BACKUPS, &silent)
}

/// Sentences about the backup storages that cannot be queried now, such as those of an offline node.
fn unavailable(args: &Args, known: &[Record<'_>], asked: &[(String, String)]) -> Vec<String> {
    let wanted = |record: &&Record<'_>| {
        let holds = record.text("content").split(',').any(|kind| kind == "backup");
        let named = |key: &str| args.text(key).is_none_or(|wanted| wanted == record.text(key));
        holds && named("storage") && named("node") && record.text("status") != "available"
    };
    let elsewhere = |record: &Record<'_>| {
        record.has("shared") && asked.iter().any(|(_, name)| *name == record.text("storage"))
    };
    let missing = known.iter().filter(wanted).filter(|record| !elsewhere(record));
    let sentence = |record: &Record<'_>| {
        let (name, node) = (record.text("storage"), record.text("node"));
        format!("Storage {name} on {node} is {} now; what it holds is not listed.", record.text("status"))
    };
    missing.map(sentence).collect()
}

fn create_backup(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    let path = path::fill("/nodes/{node}/vzdump", |_| Some(guest.node.clone())).map_err(Failure::new)?;
    let params =
        args.params(&["vmid", "storage", "mode", "compress", "notes-template", "protected", "options"]);
    let reply = context.change(Method::Post, &path, &params)?.value();
    let facts =
        Map::from_iter([("vmid".to_owned(), json!(guest.vmid)), ("name".to_owned(), json!(guest.name))]);
    follow(context, args, reply.as_str().unwrap_or_default(), facts)
}

/// Keys of a backup job that `vzdump` does not accept: its schedule and identity.
const OF_THE_SCHEDULE: &[&str] = &[
    "id",
    "type",
    "enabled",
    "schedule",
    "next-run",
    "starttime",
    "dow",
    "comment",
    "repeat-missed",
    "node",
    "digest",
];

/// Like the web interface, asks each online node to back up its share of the job.
fn run_job(context: &Context<'_>, args: &Args) -> Outcome {
    let id = args.text("id").unwrap_or_default();
    let reply = context.get("/cluster/backup", &Params::new())?;
    find::among("id", id, &rows(&reply)?)?;
    let path = path::fill("/cluster/backup/{id}", |_| Some(id.to_owned())).map_err(Failure::new)?;
    let job = object::object(context.get(&path, &Params::new())?.value())?;
    let mut params = Params::new();
    for (name, value) in job.iter().filter(|(name, _)| !OF_THE_SCHEDULE.contains(&name.as_str())) {
        params.push_json(name, value);
    }
    let reply = context.get("/nodes", &Params::new())?;
    let wanted = job.get("node").and_then(Value::as_str);
    let mut nodes: Vec<String> = rows(&reply)?
        .iter()
        .filter(|node| {
            node.text("status") == "online" && wanted.is_none_or(|wanted| wanted == node.text("node"))
        })
        .map(|node| node.text("node").into_owned())
        .collect();
    nodes.sort();
    if nodes.is_empty() {
        return Err(Failure::new(format!("No node on which backup job `{id}` could run is online.")));
    }
    let (mut upids, mut failed) = (Vec::new(), Vec::new());
    for node in &nodes {
        let path = path::fill("/nodes/{node}/vzdump", |_| Some(node.clone())).map_err(Failure::new)?;
        // `OK` instead of a task: the node has none of the job's guests.
        match context.change(Method::Post, &path, &params) {
            Ok(reply) => {
                let value = reply.value();
                upids.extend(value.as_str().filter(|upid| upid.starts_with("UPID:")).map(str::to_owned));
            }
            // The other nodes have their own shares, and the tasks that were started must be reported.
            Err(Failure(sentences)) => failed.push(format!("Node {node}: {sentences}")),
        }
    }
    if upids.is_empty() && failed.is_empty() {
        return answer(&json!({"id": id, "note": "No node has a guest of this job; nothing was backed up."}));
    }
    if upids.is_empty() {
        return Err(Failure::new(failed.join("\n")));
    }
    let followed = follow_each(context, args, &upids, Map::from_iter([("id".to_owned(), json!(id))]));
    if failed.is_empty() {
        return followed;
    }
    let told = followed.map_or_else(|failure| failure.0, |answer| answer.get().to_owned());
    Err(Failure::new(format!("{told}\n{}", failed.join("\n"))))
}
