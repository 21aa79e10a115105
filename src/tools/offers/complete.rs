//! Completes partly typed arguments: clusters, nodes, VMIDs by number or by name, recent tasks.

use crate::{
    mcp::{Call, CompletionRequest},
    pve::Params,
    tools::{
        answer::{Failure, record::Record, rows},
        offers::Toolset,
        offers::resources,
        run::{
            clusters::{self, CLUSTER},
            find,
        },
    },
};
use serde_json::Value;

/// Returns every value that matches, the best first.
///
/// # Errors
/// Fails if a request fails, or if there is no such cluster.
pub fn complete(
    tools: &dyn Toolset,
    call: &Call<'_>,
    wish: &CompletionRequest,
) -> Result<Vec<String>, Failure> {
    let typed = wish.typed.trim().to_lowercase();
    // Arguments that are already filled in narrow the choice (context.arguments, from 2025-06-18).
    let node = wish.known.get("node").and_then(Value::as_str).filter(|node| !node.is_empty());
    let cluster = wish.known.get(CLUSTER).and_then(Value::as_str).filter(|name| !name.is_empty());
    let cluster = match cluster {
        Some(name) if !tools.cluster_names().is_empty() => {
            clusters::named(tools.clusters(), name).map_err(Failure::new)?
        }
        _ => &tools.clusters()[0],
    };
    match wish.argument.as_str() {
        CLUSTER => {
            let names =
                tools.cluster_names().into_iter().filter(|name| name.to_lowercase().starts_with(&typed));
            Ok(names.map(str::to_owned).collect())
        }
        "node" => {
            let inventory = resources::inventory(cluster, call)?;
            let mut nodes = resources::nodes(&rows(&inventory)?);
            nodes.retain(|name| name.to_lowercase().starts_with(&typed));
            nodes.sort();
            Ok(nodes)
        }
        "vmid" => {
            let inventory = resources::inventory(cluster, call)?;
            let mut guests: Vec<find::Guest> = rows(&inventory)?.iter().filter_map(find::read).collect();
            guests.retain(|guest| node.is_none_or(|node| node == guest.node));
            Ok(vmids(guests, &typed))
        }
        "upid" => {
            let reply = cluster.pve.get(&call.cancel, "/cluster/tasks", &Params::new())?;
            let mut tasks = rows(&reply)?;
            tasks.sort_by(|a, b| {
                started(b).total_cmp(&started(a)).then_with(|| a.text("upid").cmp(&b.text("upid")))
            });
            let upids = tasks.iter().map(|task| task.text("upid").into_owned());
            // Nobody types a UPID from its beginning: the parts that people know, such as its type and VMID, are inside
            // it.
            Ok(upids.filter(|upid| upid.to_lowercase().contains(&typed)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn started(task: &Record<'_>) -> f64 {
    task.number("starttime").unwrap_or_default()
}

/// Returns guests whose VMID starts with the text, then those whose name does, then those whose name contains it.
fn vmids(mut guests: Vec<find::Guest>, typed: &str) -> Vec<String> {
    let rank = |guest: &find::Guest| {
        let name = guest.name.to_lowercase();
        if guest.vmid.to_string().starts_with(typed) {
            return Some(0);
        }
        if name.starts_with(typed) {
            return Some(1);
        }
        name.contains(typed).then_some(2)
    };
    guests.retain(|guest| rank(guest).is_some());
    guests.sort_by_key(|guest| (rank(guest), guest.vmid));
    guests.iter().map(|guest| guest.vmid.to_string()).collect()
}
