//! Where storages are: which nodes have one, and what to say of one that is not there or is disabled.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{Failure, record::Record, rows},
        run::{context::Context, find},
    },
};

/// The rows of `/cluster/resources` that are storages, by name and node.
///
/// # Errors
/// The answer is no list.
pub fn sorted<'a>(reply: &'a crate::pve::Reply) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    // Entries of other types come along unasked (pve.md section 6).
    records.retain(|record| record.text("type") == "storage");
    let place = |record: &Record<'_>| (record.text("storage").into_owned(), record.text("node").into_owned());
    records.sort_by_key(|one| place(one));
    Ok(records)
}

/// Says whether a storage is among the rows of `/cluster/resources`. A disabled one is in none, and is looked for among
/// the definitions.
///
/// # Errors
/// A sentence: it is disabled, no node has told of it yet, or there is none, with the nearest name and all of them.
pub fn must_be_there(context: &Context<'_>, storage: &str, records: &[Record<'_>]) -> Result<(), Failure> {
    if records.iter().any(|record| record.text("storage") == storage) {
        return Ok(());
    }
    let reply = context.get("/storage", &Params::new());
    let defined = reply.as_ref().map_or_else(|_| Ok(Vec::new()), rows)?;
    let shown = storage.escape_debug();
    match defined.iter().find(|record| record.text("storage") == storage) {
        Some(record) if record.has("disable") => Err(Failure::new(format!(
            "Storage `{shown}` is disabled, so no node has it. proxmox_get_storage shows its definition; proxmox_update_storage \
             with options {{\"disable\":0}} enables it."
        ))),
        Some(record) if record.has("nodes") => Err(Failure::new(format!(
            "Storage `{shown}` is defined for the nodes {}, but none of them reports it; it may be new, or they are offline.",
            record.text("nodes")
        ))),
        Some(_) => Err(Failure::new(format!(
            "Storage `{shown}` is defined, but no node reports it; it may have been created just now."
        ))),
        None => {
            let all: Vec<Record<'_>> = records.iter().chain(&defined).cloned().collect();
            find::among("storage", storage, &all)
        }
    }
}

/// Where to ask for a kind of content: each storage that may hold it once if it is shared, once a node if not.
/// Takes the storages in order.
///
/// # Errors
/// No such storage or node.
pub fn with_content(
    context: &Context<'_>,
    records: &[Record<'_>],
    content: &str,
    storage: Option<&str>,
    node: Option<&str>,
) -> Result<Vec<(String, String)>, Failure> {
    if let Some(storage) = storage {
        must_be_there(context, storage, records)?;
    }
    if let Some(node) = node {
        find::among("node", node, records)?;
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for record in records {
        let (at, name) = (record.text("node"), record.text("storage"));
        let holds = record.text("content").split(',').any(|kind| kind == content);
        let wanted = storage.is_none_or(|storage| storage == name) && node.is_none_or(|node| node == at);
        let known = record.has("shared") && found.iter().any(|(_, other)| *other == name);
        if record.text("status") == "available" && holds && wanted && !known {
            found.push((at.into_owned(), name.into_owned()));
        }
    }
    Ok(found)
}

/// Where the content of each of those storages is read.
///
/// # Errors
/// A name that cannot be part of a path.
pub fn content_paths(storages: &[(String, String)]) -> Result<Vec<String>, Failure> {
    storages.iter().map(|(node, storage)| Ok(path_of(node, storage)? + "/content")).collect()
}

fn path_of(node: &str, storage: &str) -> Result<String, Failure> {
    let value = |hole: &str| Some(if hole == "node" { node.to_owned() } else { storage.to_owned() });
    path::fill("/nodes/{node}/storage/{storage}", value).map_err(Failure::new)
}

/// A node on which a storage is available: the given one, or else the first.
///
/// # Errors
/// No such storage; it is not on that node.
pub fn node_of(context: &Context<'_>, storage: &str, node: Option<&str>) -> Result<(String, bool), Failure> {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "storage"))?;
    let records = sorted(&reply)?;
    must_be_there(context, storage, &records)?;
    let all: Vec<&Record<'_>> = records.iter().filter(|record| record.text("storage") == storage).collect();
    let is_available = |record: &Record<'_>| record.text("status") == "available";
    let mut here = all.iter().filter(|record| node.is_none_or(|node| node == record.text("node")));
    let first = here.clone().next();
    match here.find(|record| is_available(record)).or(first) {
        Some(record) => Ok((record.text("node").into_owned(), is_available(record))),
        None => {
            let nodes: Vec<_> = all.iter().map(|record| record.text("node").into_owned()).collect();
            let wanted = node.unwrap_or_default().escape_debug();
            Err(Failure::new(format!(
                "Storage `{storage}` is not on node `{wanted}`. It is on: {}.",
                nodes.join(", ")
            )))
        }
    }
}

/// The path of a storage on a node that has it.
///
/// # Errors
/// As [`node_of`].
pub fn on_a_node(context: &Context<'_>, storage: &str, node: Option<&str>) -> Result<String, Failure> {
    path_of(&node_of(context, storage, node)?.0, storage)
}
