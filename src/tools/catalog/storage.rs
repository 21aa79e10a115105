//! Storages.

use crate::{
    pve::{Method, Params, path},
    sync::at_once,
    tools::{
        answer::{
            Failure, Outcome,
            record::Record,
            rows,
            table::{self, Column},
        },
        catalog::upload,
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{
            args::Args,
            context::Context,
            find,
            follow::follow,
            storages::{self, path_on_a_node},
        },
    },
};
use serde_json::json;

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_storage", Effect::Read, list_storage)
        .about("Storages with usage; a shared one is one row.")
        .params(&[
            Param::text("node").optional(),
            Param::text("storage").optional(),
            Param::text("type").about("nfs, dir, …").unlisted(),
            Param::text("content").about("iso, backup, …").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ])
        .core(),
    Tool::get("proxmox_get_storage", "/storage/{storage}")
        .about("Storage definition: server, options, nodes.")
        .params(&[STORAGE]),
    Tool::with("proxmox_list_storage_content", Effect::Read, list_content)
        .about("Volumes of a storage.")
        .params(&[
            STORAGE,
            Param::text("content").optional(),
            Param::int("vmid", 100, 999_999_999).optional(),
            NODE,
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::with("proxmox_download_to_storage", Effect::Ask, download)
        .about("Download an ISO, template or disk image from a URL.")
        .params(&[
            STORAGE,
            Param::text("url"),
            Param::text("filename"),
            Param::one_of("content", &["iso", "vztmpl", "import"]),
            Param::text("checksum").unlisted(),
            Param::one_of("checksum-algorithm", &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
                .unlisted(),
            NODE.unlisted(),
            Param::text("compression").unlisted(),
            Param::flag("verify-certificates").unlisted(),
        ])
        .task(),
    Tool::with("proxmox_upload_to_storage", Effect::Change, upload::upload)
        .about("Upload a local ISO, template or disk image.")
        .params(upload::PARAMS)
        .task(),
    Tool::list("proxmox_list_appliances", "/nodes/{node}/aplinfo", APPLIANCES)
        .about("Container templates to download.")
        .params(&[Param::text("node"), Param::text("section").filter().unlisted()]),
    Tool::post("proxmox_download_appliance", "/nodes/{node}/aplinfo")
        .about("Download a container template.")
        .params(&[Param::text("node"), STORAGE, Param::text("template")])
        .asks()
        .idempotent()
        .task(),
    Tool::with("proxmox_delete_volume", Effect::Ask, delete_volume)
        .about("Delete an ISO, template, backup or unused disk.")
        .params(&[Param::text("volume").about("storage:path"), NODE.unlisted()])
        .idempotent()
        .task(),
    Tool::with("proxmox_update_volume", Effect::Change, update_volume)
        .about("Protect a backup or change its notes.")
        .params(&[
            Param::text("volume"),
            Param::flag("protected").optional(),
            Param::text("notes").optional().allow_empty(),
            NODE.unlisted(),
        ])
        .idempotent(),
    Tool::post("proxmox_create_storage", "/storage").about("Add a storage definition.").params(&[
        STORAGE,
        Param::text("type").about("dir, nfs, …"),
        Param::more("options").about("path, server, content, …"),
    ]),
    Tool::put("proxmox_update_storage", "/storage/{storage}")
        .about("Change a storage's definition.")
        .params(&[STORAGE, Param::more("options").about("content, nodes, …")]),
    Tool::delete("proxmox_delete_storage", "/storage/{storage}")
        .about("Remove a storage's definition; data is kept.")
        .params(&[STORAGE]),
    Tool::list("proxmox_scan_storage", "/nodes/{node}/scan/{type}", SCAN)
        .about("Find exports, shares, targets, LVM or ZFS from a node.")
        .asks()
        .params(&[
            Param::text("node"),
            Param::one_of("type", &["nfs", "cifs", "iscsi", "lvm", "zfs", "pbs"]),
            Param::text("server").optional(),
            Param::text("portal").unlisted(),
            Param::text("username").unlisted(),
            Param::text("password").unlisted(),
            Param::text("fingerprint").unlisted(),
        ]),
];

const STORAGE: Param = Param::text("storage");
const NODE: Param = Param::text("node").optional();

const CONTENT: &[Column] = &[
    Column::new("volid"),
    Column::new("content"),
    Column::new("format"),
    Column::new("size"),
    Column::new("ctime"),
    Column::new("vmid").hide_if_empty(),
    Column::new("notes").hide_if_empty(),
    Column::new("protected").hide_if_empty(),
];
const APPLIANCES: &[Column] = &[
    Column::new("template"),
    Column::new("section"),
    Column::new("os"),
    Column::new("version"),
    Column::new("headline"),
];
const SCAN: &[Column] = &[
    Column::new("path").hide_if_empty(),
    Column::new("share").hide_if_empty(),
    Column::new("target").hide_if_empty(),
    Column::new("portal").hide_if_empty(),
    Column::new("vg").hide_if_empty(),
    Column::new("pool").hide_if_empty(),
    Column::new("store").hide_if_empty(),
    Column::new("options").hide_if_empty(),
    Column::new("size").hide_if_empty(),
    Column::new("free").hide_if_empty(),
];

fn list_content(context: &Context<'_>, args: &Args) -> Outcome {
    let path = path_on_a_node(context, args.text("storage").unwrap_or_default(), args.text("node"))?;
    let params = args.params(&["content", "vmid"]);
    let reply = context.get(&format!("{path}/content"), &params)?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["volid"]);
    list::answer(context, args, &records, CONTENT)
}

fn download(context: &Context<'_>, args: &Args) -> Outcome {
    let path = path_on_a_node(context, args.text("storage").unwrap_or_default(), args.text("node"))?;
    let mut params = args.params(&[
        "url",
        "filename",
        "content",
        "checksum",
        "checksum-algorithm",
        "compression",
        "verify-certificates",
    ]);
    if let Some(checksum) = args.text("checksum")
        && args.text("checksum-algorithm").is_none()
    {
        params.push("checksum-algorithm", upload::algorithm(checksum)?);
    }
    act(context, args, Method::Post, &format!("{path}/download-url"), &params)
}

fn volume_path(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    let volume = args.text("volume").unwrap_or_default();
    let Some((storage, _)) = volume.split_once(':') else {
        let shown = volume.escape_debug();
        return Err(Failure::new(format!(
            "`volume` is `{shown}`, but it must be storage:path, as lists of volumes show it."
        )));
    };
    let path = path_on_a_node(context, storage, args.text("node"))?;
    path::fill("/content/{volume}", |_| Some(volume.to_owned()))
        .map(|rest| path + &rest)
        .map_err(Failure::new)
}

fn delete_volume(context: &Context<'_>, args: &Args) -> Outcome {
    act(context, args, Method::Delete, &volume_path(context, args)?, &Params::new())
}

fn update_volume(context: &Context<'_>, args: &Args) -> Outcome {
    let params = args.params(&["protected", "notes"]);
    act(context, args, Method::Put, &volume_path(context, args)?, &params)
}

/// Sends a change; if it starts a task, waits for it.
fn act(context: &Context<'_>, args: &Args, method: Method, path: &str, params: &Params) -> Outcome {
    let value = context.change(method, path, params)?.value();
    match value.as_str() {
        Some(upid) if upid.starts_with("UPID:") => follow(context, args, upid, serde_json::Map::new()),
        _ => context.wrap(value),
    }
}

const COLUMNS: &[Column] = &[
    Column::new("storage"),
    Column::new("node"),
    Column::new("plugintype"),
    Column::new("status"),
    Column::new("disk"),
    Column::new("maxdisk"),
    Column::new("content"),
    Column::new("shared").hide_if_empty(),
];

fn list_storage(context: &Context<'_>, args: &Args) -> Outcome {
    let resources = ("/cluster/resources", Params::new().with("type", "storage"));
    let mut replies =
        at_once(&[resources, ("/storage", Params::new())], |(path, params)| context.get(path, params))
            .into_iter();
    let (Some(reply), Some(defined)) = (replies.next(), replies.next()) else {
        unreachable!("each path has its answer")
    };
    let reply = reply?;
    let mut records = storages::sorted(&reply)?;
    // A disabled storage appears only among the definitions.
    if let Ok(defined) = &defined {
        let silent = silent(&rows(defined)?, &records);
        records.extend(silent);
    }
    if let Some(node) = args.text("node") {
        records.retain(|record| record.text("node").split(',').any(|own| own == node));
        if records.is_empty() {
            find::node_exists(context, node)?;
        }
    }
    if let Some(storage) = args.text("storage") {
        find::among("storage", storage, &records)?;
        records.retain(|record| record.text("storage") == storage);
    }
    if let Some(kind) = args.text("type") {
        records.retain(|record| record.text("plugintype") == kind);
    }
    if let Some(content) = args.text("content") {
        records.retain(|record| record.text("content").split(',').any(|kind| kind == content));
    }
    let mut records = merge_shared(records);
    table::sort(&mut records, &["storage", "node"]);
    list::answer(context, args, &records, COLUMNS)
}

/// Rows for the storages that are defined but that no node reports: disabled or recently created ones.
fn silent<'a>(defined: &[Record<'a>], told: &[Record<'_>]) -> Vec<Record<'a>> {
    let untold =
        |record: &&Record<'_>| !told.iter().any(|other| other.json("storage") == record.json("storage"));
    let row = |record: &Record<'a>| {
        let mut record = record.clone();
        let status = if record.has("disable") { "disabled" } else { "unknown" };
        let nodes = record.json("nodes").unwrap_or("\"\"").to_owned();
        let kind = record.json("type").unwrap_or("null").to_owned();
        for (name, json) in [("node", nodes), ("plugintype", kind), ("status", json!(status).to_string())] {
            record.set(name, json);
        }
        record
    };
    defined.iter().filter(untold).map(row).collect()
}

/// Proxmox lists a shared storage once for each node; rows with the same status become one row that names the nodes.
fn merge_shared(records: Vec<Record<'_>>) -> Vec<Record<'_>> {
    let mut merged: Vec<(Record<'_>, Vec<String>)> = Vec::new();
    for record in records {
        let node = record.text("node").into_owned();
        let twin = merged.iter_mut().find(|(other, _)| {
            record.has("shared")
                && ["storage", "status"].iter().all(|key| other.json(key) == record.json(key))
        });
        match twin {
            Some((_, nodes)) => nodes.push(node),
            None => merged.push((record, vec![node])),
        }
    }
    merged
        .into_iter()
        .map(|(mut record, nodes)| {
            record.set("node", json!(nodes.join(",")).to_string());
            record
        })
        .collect()
}
