//! Storages.

use super::{
    Args, Context, Effect, Outcome, Param, Tool, find,
    record::Record,
    rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::Params;
use serde_json::json;

/// The rows.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_list_storage", Effect::Read, list_storage)
    .about("List storages with use in bytes; a shared storage is one row with its nodes.")
    .params(&[
        Param::text("node").optional(),
        Param::text("storage").optional(),
        Param::text("content").about("images, rootdir, iso, vztmpl, backup, snippets or import.").optional(),
        FIELDS,
        LIMIT,
        OFFSET,
    ])
    .core()];

const COLUMNS: &[Column] = &[
    Column::new("storage"),
    Column::new("node"),
    Column::new("plugintype"),
    Column::new("status"),
    Column::new("disk"),
    Column::new("maxdisk"),
    Column::new("content"),
    Column::new("shared").if_any(),
];

fn list_storage(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "storage"))?;
    let mut records = rows(&reply)?;
    // Entries of other types come along unasked (pve.md section 6).
    records.retain(|record| record.text("type") == "storage");
    if let Some(node) = args.text("node") {
        records.retain(|record| record.text("node") == node);
        if records.is_empty() {
            find::node_exists(context, node)?;
        }
    }
    if let Some(storage) = args.text("storage") {
        find::among("storage", storage, &records)?;
        records.retain(|record| record.text("storage") == storage);
    }
    if let Some(content) = args.text("content") {
        records.retain(|record| record.text("content").split(',').any(|kind| kind == content));
    }
    table::sort(&mut records, "node");
    let mut records = merge_shared(records);
    table::sort(&mut records, "storage");
    table::answer(context, args, &records, COLUMNS)
}

/// A shared storage comes once for each node; where they tell the same it becomes one row naming its nodes.
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
