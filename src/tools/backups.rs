//! Backups: what there is, making, restoring and protecting them, and the jobs that make them.

use super::{
    Args, Context, Effect, Failure, Outcome, Param, Tool, find,
    guests::{NODE, VMID},
    record::Record,
    restore, rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
    tasks,
};
use crate::pve::{Method, Params, path};
use serde_json::{Map, json};

const ID: Param = Param::text("id");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_backups", Effect::Read, list_backups)
        .about("List backups, newest first: volume, guest, time, size in bytes.")
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
        .about("Back a guest up now.")
        .params(&[
            VMID,
            Param::text("storage").optional(),
            Param::one_of("mode", &["snapshot", "suspend", "stop"]).optional(),
            Param::text("compress").unlisted(),
            Param::text("notes-template").unlisted(),
            Param::flag("protected").optional(),
            NODE,
            Param::more("options"),
        ])
        .task()
        .core(),
    Tool::with("proxmox_restore_backup", Effect::Destroy, restore::restore)
        .about("Restore a backup to a new VMID, or with force over the guest it has.")
        .params(restore::PARAMS)
        .task()
        .core(),
    Tool::get("proxmox_get_backup_config", "/nodes/{node}/vzdump/extractconfig")
        .about("Configuration of the guest inside a backup.")
        .params(&[Param::text("node"), Param::text("volume")]),
    Tool::list("proxmox_list_backup_jobs", "/cluster/backup", JOBS).about("List scheduled backup jobs."),
    Tool::post("proxmox_create_backup_job", "/cluster/backup")
        .about("Create a scheduled backup job.")
        .params(&[
            Param::text("schedule").about("Such as sun 01:00."),
            Param::text("storage"),
            Param::text("vmid").optional(),
            Param::more("options"),
        ]),
    Tool::put("proxmox_update_backup_job", "/cluster/backup/{id}")
        .about("Change a backup job.")
        .params(&[ID, Param::more("options")]),
    Tool::delete("proxmox_delete_backup_job", "/cluster/backup/{id}")
        .about("Delete a backup job.")
        .params(&[ID]),
    Tool::list("proxmox_list_not_backed_up", "/cluster/backup-info/not-backed-up", GUESTS)
        .about("List guests that no backup job covers."),
];

const BACKUPS: &[Column] = &[
    Column::new("volid"),
    Column::new("vmid"),
    Column::new("ctime"),
    Column::new("size"),
    Column::new("notes").if_any(),
    Column::new("protected").if_any(),
    Column::new("verification").if_any(),
];
const JOBS: &[Column] = &[
    Column::new("id"),
    Column::new("enabled"),
    Column::new("schedule"),
    Column::new("storage"),
    Column::new("vmid").if_any(),
    Column::new("all").if_any(),
    Column::new("pool").if_any(),
    Column::new("next-run").if_any(),
];
const GUESTS: &[Column] = &[Column::new("vmid"), Column::new("name"), Column::new("type")];

/// Asks each storage that may hold backups once, all at the same time; one that does not answer costs its own
/// rows and is named.
fn list_backups(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "storage"))?;
    let storages = find::storages(&rows(&reply)?, "backup", args.text("storage"), args.text("node"))?;
    let mut params = Params::new().with("content", "backup");
    if let Some(vmid) = args.int("vmid") {
        params.push("vmid", vmid);
    }
    let paths: Vec<String> = storages
        .iter()
        .map(|(node, storage)| {
            let value = |hole: &str| Some(if hole == "node" { node.clone() } else { storage.clone() });
            path::fill("/nodes/{node}/storage/{storage}/content", value).map_err(Failure::new)
        })
        .collect::<Result<_, _>>()?;
    let replies = context.get_each(&paths, &params);
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut silent = Vec::new();
    for (reply, (node, storage)) in replies.iter().zip(&storages) {
        match reply {
            Ok(reply) => records.extend(rows(reply)?),
            Err(error) => silent.push(format!("{storage} on {node}: {error}")),
        }
    }
    if !silent.is_empty() && records.is_empty() {
        return Err(Failure::new(silent.join(" ")));
    }
    table::sort(&mut records, "ctime");
    records.reverse();
    table::answer_with(context, args, &records, BACKUPS, &silent)
}

fn create_backup(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    let path = path::fill("/nodes/{node}/vzdump", |_| Some(guest.node.clone())).map_err(Failure::new)?;
    let params = args.params(|name| !matches!(name, "node" | "wait"));
    let reply = context.pve.send(&context.call.cancel, Method::Post, &path, &params)?.value();
    let facts =
        Map::from_iter([("vmid".to_owned(), json!(guest.vmid)), ("name".to_owned(), json!(guest.name))]);
    tasks::follow(context, args, reply.as_str().unwrap_or_default(), facts)
}
