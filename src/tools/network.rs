//! The network of nodes, and software-defined networks.

use super::{
    Args, Context, Effect, Failure, Outcome, Param, Tool, find,
    record::Record,
    rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::{Params, path};
use serde_json::json;

const NODE: Param = Param::text("node");
const IFACE: Param = Param::text("iface");
const MORE: Param =
    Param::more("options").about("Other keys of the API, such as cidr, gateway, bridge_ports.");
const TYPE: Param = Param::text("type").about("bridge, bond, vlan, eth, OVSBridge, …");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_network", Effect::Read, list_network)
        .about("List network interfaces and bridges of a node, or of all.")
        .params(&[Param::text("node").optional(), Param::text("type").optional(), FIELDS, LIMIT, OFFSET]),
    Tool::post("proxmox_create_network", "/nodes/{node}/network")
        .about("Add a network interface; takes effect with proxmox_apply_network.")
        .params(&[NODE, IFACE, TYPE, MORE]),
    Tool::put("proxmox_update_network", "/nodes/{node}/network/{iface}")
        .about("Change a network interface; takes effect with proxmox_apply_network.")
        .params(&[NODE, IFACE, TYPE, MORE]),
    Tool::delete("proxmox_delete_network", "/nodes/{node}/network/{iface}")
        .about("Remove a network interface; takes effect with proxmox_apply_network.")
        .params(&[NODE, IFACE]),
    Tool::put("proxmox_apply_network", "/nodes/{node}/network")
        .about("Apply pending network changes of a node.")
        .params(&[NODE])
        .disrupts()
        .task(),
    Tool::delete("proxmox_revert_network", "/nodes/{node}/network")
        .about("Drop pending network changes of a node.")
        .params(&[NODE])
        .disrupts(),
    Tool::list("proxmox_list_sdn_zones", "/cluster/sdn/zones", ZONES).about("List SDN zones."),
    Tool::list("proxmox_list_sdn_vnets", "/cluster/sdn/vnets", VNETS)
        .about("List SDN virtual networks.")
        .params(&[Param::text("zone").filter()]),
    Tool::list("proxmox_list_sdn_subnets", "/cluster/sdn/vnets/{vnet}/subnets", SUBNETS)
        .about("List subnets of an SDN virtual network.")
        .params(&[Param::text("vnet")]),
    Tool::put("proxmox_apply_sdn", "/cluster/sdn").about("Apply pending SDN changes.").disrupts().task(),
];

const INTERFACES: &[Column] = &[
    Column::new("node"),
    Column::new("iface"),
    Column::new("type"),
    Column::new("active"),
    Column::new("autostart"),
    Column::new("cidr"),
    Column::new("gateway").if_any(),
    Column::new("bridge_ports").if_any(),
    Column::new("comments").if_any(),
];
const ZONES: &[Column] =
    &[Column::new("zone"), Column::new("type"), Column::new("nodes").if_any(), Column::new("ipam").if_any()];
const VNETS: &[Column] =
    &[Column::new("vnet"), Column::new("zone"), Column::new("tag").if_any(), Column::new("alias").if_any()];
const SUBNETS: &[Column] = &[
    Column::new("subnet"),
    Column::new("gateway"),
    Column::new("snat").if_any(),
    Column::new("zone").if_any(),
];

/// A node that does not answer costs its own rows, and is named.
fn list_network(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/nodes", &Params::new())?;
    let nodes = rows(&reply)?;
    if let Some(node) = args.text("node") {
        find::among("node", node, &nodes)?;
    }
    let names: Vec<String> = nodes
        .iter()
        .map(|node| node.text("node").into_owned())
        .filter(|name| args.text("node").is_none_or(|node| node == name))
        .collect();
    let paths: Vec<String> = names
        .iter()
        .map(|name| path::fill("/nodes/{node}/network", |_| Some(name.clone())).map_err(Failure::new))
        .collect::<Result<_, _>>()?;
    let replies = context.get_each(&paths, &Params::new());
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut missing = Vec::new();
    for (name, reply) in names.iter().zip(&replies) {
        match reply {
            Ok(reply) => {
                for mut record in rows(reply)? {
                    record.set("node", json!(name).to_string());
                    records.push(record);
                }
            }
            Err(error) => missing.push(format!("{name}: {error}")),
        }
    }
    if records.is_empty() && !missing.is_empty() {
        return Err(Failure::new(missing.join(" ")));
    }
    if let Some(kind) = args.text("type") {
        find::among("type", kind, &records)?;
        records.retain(|record| record.text("type") == kind);
    }
    table::sort(&mut records, "iface");
    table::sort(&mut records, "node");
    table::answer_with(context, args, &records, INTERFACES, &missing)
}
