//! Nodes.

use super::{
    Args, Context, Effect, Outcome, Tool, rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::Params;

/// The rows.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_list_nodes", Effect::Read, list_nodes)
    .about("List nodes: state, CPU share, memory and disk in bytes, uptime in seconds.")
    .params(&[FIELDS, LIMIT, OFFSET])
    .core()];

const COLUMNS: &[Column] = &[
    Column::new("node"),
    Column::new("status"),
    Column::new("cpu").share(),
    Column::new("maxcpu"),
    Column::new("mem"),
    Column::new("maxmem"),
    Column::new("disk"),
    Column::new("maxdisk"),
    Column::new("uptime"),
];

fn list_nodes(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/nodes", &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, "node");
    table::answer(context, args, &records, COLUMNS)
}
