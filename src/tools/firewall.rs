//! The firewall at its four levels: cluster, node, virtual machine, container.

use super::{
    Args, Context, Effect, Failure, Outcome, Param, Tool, find, object, rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::{Method, Params, path};

const NODE: Param = Param::text("node").optional();
const VMID: Param = Param::int("vmid", 100, 999_999_999).optional();
const POS: Param = Param::int("pos", 0, 100_000);

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_get_firewall", Effect::Read, |context, args| {
        let path = format!("{}/options", scope(context, args)?);
        object::wrap(context, context.get(&path, &Params::new())?.value())
    })
    .about("Firewall options of the cluster, a node or a guest.")
    .params(&[VMID, NODE]),
    Tool::with("proxmox_list_firewall_rules", Effect::Read, |context, args| {
        list(context, args, "rules", RULES)
    })
    .about("List firewall rules of the cluster, a node or a guest.")
    .params(&[VMID, NODE, FIELDS, LIMIT, OFFSET]),
    Tool::with("proxmox_list_firewall_objects", Effect::Read, |context, args| {
        list(context, args, args.text("what").unwrap_or_default(), OBJECTS)
    })
    .about("List firewall aliases, IP sets or security groups.")
    .params(&[
        Param::one_of("what", &["aliases", "ipset", "groups"]),
        VMID,
        NODE,
        FIELDS,
        LIMIT,
        OFFSET,
    ]),
    Tool::with("proxmox_create_firewall_rule", Effect::Change, |context, args| {
        let path = format!("{}/rules", scope(context, args)?);
        send(context, Method::Post, &path, args)
    })
    .about("Add a firewall rule to a guest, a node or (neither given) the cluster.")
    .params(&[
        Param::one_of("type", &["in", "out", "forward", "group"]),
        Param::text("action"),
        VMID,
        NODE,
        Param::more("options").about("proto, dport, source, macro, …"),
    ]),
    Tool::with("proxmox_delete_firewall_rule", Effect::Destroy, |context, args| {
        let path = format!("{}/rules/{}", scope(context, args)?, args.int("pos").unwrap_or_default());
        send(context, Method::Delete, &path, args)
    })
    .about("Delete a firewall rule by its position; give the rules' digest.")
    .params(&[POS, VMID, NODE, Param::text("digest").optional()]),
];

const RULES: &[Column] = &[
    Column::new("pos"),
    Column::new("type"),
    Column::new("action"),
    Column::new("enable"),
    Column::new("macro").if_any(),
    Column::new("iface").if_any(),
    Column::new("proto").if_any(),
    Column::new("source").if_any(),
    Column::new("dest").if_any(),
    Column::new("dport").if_any(),
    Column::new("sport").if_any(),
    Column::new("comment").if_any(),
];
const OBJECTS: &[Column] = &[
    Column::new("name").if_any(),
    Column::new("group").if_any(),
    Column::new("cidr").if_any(),
    Column::new("comment").if_any(),
];

/// The path under which a level's firewall is found.
fn scope(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    if let Some(vmid) = args.int("vmid") {
        return Ok(format!("{}/firewall", find::guest(context, vmid, args.text("node"))?.path()?));
    }
    match args.text("node") {
        Some(node) => path::fill("/nodes/{node}/firewall", |_| Some(node.to_owned())).map_err(Failure::new),
        None => Ok("/cluster/firewall".into()),
    }
}

fn list(context: &Context<'_>, args: &Args, what: &str, columns: &[Column]) -> Outcome {
    let path = format!("{}/{what}", scope(context, args)?);
    let reply = context.get(&path, &Params::new())?;
    let records = rows(&reply)?;
    table::answer(context, args, &records, columns)
}

/// Proxmox makes a rule that does nothing unless it is told to enable it (pve.md section 8).
fn send(context: &Context<'_>, method: Method, path: &str, args: &Args) -> Outcome {
    let mut params = args.params(|name| !matches!(name, "vmid" | "node" | "pos"));
    if method == Method::Post && params.get("enable").is_none() {
        params.push("enable", 1);
    }
    object::wrap(context, context.pve.send(&context.call.cancel, method, path, &params)?.value())
}
