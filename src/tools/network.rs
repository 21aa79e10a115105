//! The network of nodes, and software-defined networks.

use super::{Param, Tool, table::Column};

const NODE: Param = Param::text("node");
const IFACE: Param = Param::text("iface");
const MORE: Param =
    Param::more("options").about("Other keys of the API, such as cidr, gateway, bridge_ports.");
const TYPE: Param = Param::text("type").about("bridge, bond, vlan, eth, OVSBridge, …");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::list("proxmox_list_network", "/nodes/{node}/network", INTERFACES)
        .about("List network interfaces and bridges of a node.")
        .params(&[NODE, Param::text("type").filter()]),
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
