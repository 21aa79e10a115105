//! Virtual machines and containers: the same rows for both, each row two tools.

use super::{
    Args, Context, Effect, Kind, Outcome, Param, Run, Tool, find, guest_info,
    record::Record,
    rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::{Method, Params};

/// A guest's id.
pub const VMID: Param = Param::int("vmid", 100, 999_999_999);
/// The node a guest is on; found when it is not given.
pub const NODE: Param = Param::text("node").optional();

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::guest("proxmox_list_vms", "proxmox_list_containers", Effect::Read, Run::With(list))
        .about("List {guest}s: state, CPU share, memory in bytes, uptime in seconds, tags.")
        .params(&[
            NODE,
            Param::one_of("status", &["running", "stopped", "unknown"]).optional(),
            Param::text("name").about("Part of the name.").optional(),
            Param::text("tag").optional(),
            Param::text("pool").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ])
        .core(),
    Tool::guest(
        "proxmox_get_vm_info",
        "proxmox_get_container_info",
        Effect::Read,
        Run::With(guest_info::info),
    )
    .about("Configuration, live state, snapshots and addresses of a {guest}.")
    .params(&[VMID, NODE])
    .core(),
    Tool::guest(
        "proxmox_start_vm",
        "proxmox_start_container",
        Effect::Change,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/start"),
    )
    .about("Start a {guest} and wait until it runs.")
    .params(&[VMID, NODE])
    .idempotent()
    .task()
    .core(),
    Tool::guest(
        "proxmox_stop_vm",
        "proxmox_stop_container",
        Effect::Disrupt,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/stop"),
    )
    .about("Cut the power of a {guest}; what it has not written is lost.")
    .params(&[VMID, NODE])
    .idempotent()
    .task()
    .core(),
];

const COLUMNS: &[Column] = &[
    Column::new("vmid"),
    Column::new("name"),
    Column::new("node"),
    Column::new("status"),
    Column::new("cpu").share(),
    Column::new("maxcpu"),
    Column::new("mem"),
    Column::new("maxmem"),
    Column::new("uptime"),
    Column::new("tags"),
    Column::new("template").if_any(),
    Column::new("lock").if_any(),
];

/// One request for the whole cluster, whatever the filters.
fn list(context: &Context<'_>, args: &Args) -> Outcome {
    let kind = context.kind.map_or("", Kind::api_type);
    let reply = context.get("/cluster/resources", &Params::new().with("type", "vm"))?;
    let mut records = rows(&reply)?;
    records.retain(|record| record.text("type") == kind);
    if let Some(node) = args.text("node") {
        if !records.iter().any(|record| record.text("node") == node) {
            find::node_exists(context, node)?;
        }
        records.retain(|record| record.text("node") == node);
    }
    for key in ["status", "pool"] {
        if let Some(wanted) = args.text(key) {
            records.retain(|record| record.text(key) == wanted);
        }
    }
    if let Some(part) = args.text("name") {
        let part = part.to_lowercase();
        records.retain(|record| record.text("name").to_lowercase().contains(&part));
    }
    if let Some(tag) = args.text("tag") {
        records.retain(|record| has_tag(record, tag));
    }
    table::sort(&mut records, "vmid");
    table::answer(context, args, &records, COLUMNS)
}

/// Proxmox keeps tags in one text, separated by `;` (older versions also took `,` and blanks).
fn has_tag(record: &Record<'_>, tag: &str) -> bool {
    record.text("tags").split([';', ',', ' ']).any(|own| own.eq_ignore_ascii_case(tag))
}
