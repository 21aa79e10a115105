//! Looks up which nodes have a storage, and words the errors for one that is missing or disabled.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{Failure, record::Record, rows},
        run::{context::Context, find},
    },
};

/// Returns the rows of `/cluster/resources` that are storages, sorted by name and node.
///
/// # Errors
/// Fails if the answer is not a list.
pub fn sorted<'a>(reply: &'a crate::pve::Reply) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    // The answer also has entries of other types that were not asked for (pve.md section 6).
    records.retain(|record| record.text("type") == "storage");
    let place = |record: &Record<'_>| (record.text("storage").into_owned(), record.text("node").into_owned());
    records.sort_by_key(|one| place(one));
    Ok(records)
}

/// Checks that a storage is among the rows of `/cluster/resources`. A disabled one is not, and is looked up in the
/// storage configuration.
///
/// # Errors
/// Fails if it is disabled, if no node has reported it yet, or if there is none, with the nearest name and all names.
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

/// Returns where to read content of a kind, as pairs of node and storage: a shared storage once, any other once per
/// node. Keeps the order of the rows.
///
/// # Errors
/// Fails if there is no such storage or node.
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

/// Returns the paths of the contents of those storages.
///
/// # Errors
/// Fails if a name cannot be part of a path.
pub fn content_paths(storages: &[(String, String)]) -> Result<Vec<String>, Failure> {
    storages.iter().map(|(node, storage)| Ok(path_of(node, storage)? + "/content")).collect()
}

fn path_of(node: &str, storage: &str) -> Result<String, Failure> {
    let value = |hole: &str| Some(if hole == "node" { node.to_owned() } else { storage.to_owned() });
    path::fill("/nodes/{node}/storage/{storage}", value).map_err(Failure::new)
}

/// Returns a node that has the storage, and whether the storage is available there: the given node, or otherwise the
/// first one on which it is available.
///
/// # Errors
/// Fails if there is no such storage, or if it is not on that node.
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

/// Returns the path of a storage on a node that has it.
///
/// # Errors
/// Fails like [`node_of`].
pub fn path_on_a_node(context: &Context<'_>, storage: &str, node: Option<&str>) -> Result<String, Failure> {
    path_of(&node_of(context, storage, node)?.0, storage)
}
