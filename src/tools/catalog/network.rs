//! The network of nodes, and software-defined networks.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{
            Failure, Outcome, answer,
            record::Record,
            rows,
            table::{self, Column},
        },
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, context::Context, find, follow::follow},
    },
};
use serde_json::{Map, json};

const NODE: Param = Param::text("node");
const IFACE: Param = Param::text("iface");
const MORE: Param = Param::more("options");
const TYPE: Param = Param::text("type");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_network", Effect::Read, list_network)
        .about("Network interfaces and bridges of nodes.")
        .params(&[Param::text("node").optional(), Param::text("type").optional(), FIELDS, LIMIT, OFFSET]),
    Tool::post("proxmox_create_network", "/nodes/{node}/network")
        .about("Add a network interface, pending until proxmox_apply_network.")
        .params(&[
            NODE,
            IFACE,
            TYPE.about("bridge, bond, vlan, …"),
            MORE.about("cidr, gateway, bridge_ports, …"),
        ]),
    Tool::put("proxmox_update_network", "/nodes/{node}/network/{iface}")
        .about("Change a network interface, pending until applied.")
        .params(&[NODE, IFACE, TYPE, MORE.about("cidr, gateway, …")]),
    Tool::delete("proxmox_delete_network", "/nodes/{node}/network/{iface}")
        .about("Remove a network interface, pending until applied.")
        .params(&[NODE, IFACE]),
    Tool::with("proxmox_apply_network", Effect::Change, apply)
        .behind(&[(Method::Put, "/nodes/{node}/network")])
        .about("Apply a node's pending network changes; revert discards them.")
        .params(&[NODE, Param::flag("revert").optional()])
        .idempotent()
        .task(),
    Tool::with("proxmox_list_sdn", Effect::Read, list_sdn)
        .about("SDN zones, VNets or subnets of a VNet.")
        .params(&[
            Param::one_of("what", &["zones", "vnets", "subnets"]),
            Param::text("vnet").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::put("proxmox_apply_sdn", "/cluster/sdn").about("Apply pending SDN changes.").task(),
];

const INTERFACES: &[Column] = &[
    Column::new("node"),
    Column::new("iface"),
    Column::new("type"),
    Column::new("active"),
    Column::new("autostart"),
    Column::new("cidr"),
    Column::new("gateway").hide_if_empty(),
    Column::new("bridge_ports").hide_if_empty(),
    Column::new("comments").hide_if_empty(),
];
const ZONES: &[Column] = &[
    Column::new("zone"),
    Column::new("type"),
    Column::new("nodes").hide_if_empty(),
    Column::new("ipam").hide_if_empty(),
];
const VNETS: &[Column] = &[
    Column::new("vnet"),
    Column::new("zone"),
    Column::new("tag").hide_if_empty(),
    Column::new("alias").hide_if_empty(),
];
const SUBNETS: &[Column] = &[
    Column::new("subnet"),
    Column::new("gateway"),
    Column::new("snat").hide_if_empty(),
    Column::new("zone").hide_if_empty(),
];

fn apply(context: &Context<'_>, args: &Args) -> Outcome {
    let path = path::fill("/nodes/{node}/network", |hole| args.text(hole).map(str::to_owned));
    let path = path.map_err(Failure::new)?;
    if args.flag("revert") == Some(true) {
        context.change(Method::Delete, &path, &Params::new())?;
        return answer(&json!({"reverted": true}));
    }
    let value = context.change(Method::Put, &path, &Params::new())?.value();
    follow(context, args, value.as_str().unwrap_or_default(), Map::new())
}

fn list_sdn(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, columns) = match args.text("what") {
        Some("vnets") => ("/cluster/sdn/vnets".to_owned(), VNETS),
        Some("subnets") => {
            let vnet = |hole: &str| args.text(hole).map(str::to_owned);
            (path::fill("/cluster/sdn/vnets/{vnet}/subnets", vnet).map_err(Failure::new)?, SUBNETS)
        }
        _ => ("/cluster/sdn/zones".to_owned(), ZONES),
    };
    let reply = context.get(&path, &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &[columns[0].name]);
    list::answer(context, args, &records, columns)
}

/// A node that does not respond is named, and only its rows are missing.
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
    table::sort(&mut records, &["node", "iface"]);
    list::answer_with(context, args, &records, INTERFACES, &missing)
}
