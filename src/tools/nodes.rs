//! Nodes.

use super::{
    Args, Context, Effect, Failure, Outcome, Param, Tool, object, rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::{Params, path};

const NODE: Param = Param::text("node");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_nodes", Effect::Read, list_nodes)
        .about("List nodes: state, CPU share, memory and disk in bytes, uptime in seconds.")
        .params(&[FIELDS, LIMIT, OFFSET])
        .core(),
    Tool::with("proxmox_get_node_info", Effect::Read, node_info)
        .about("State of a node: load, memory, root disk, kernel, CPU, version, subscription.")
        .params(&[NODE])
        .core(),
    Tool::list("proxmox_list_services", "/nodes/{node}/services", SERVICES)
        .about("List system services of a node and their state.")
        .params(&[NODE, Param::text("state").filter()]),
    Tool::post("proxmox_control_service", "/nodes/{node}/services/{service}/{command}")
        .about("Start, stop, restart or reload a service of a node.")
        .params(&[
            NODE,
            Param::text("service"),
            Param::one_of("command", &["start", "stop", "restart", "reload"]),
        ])
        .task(),
    Tool::with("proxmox_get_node_time", Effect::Read, node_time)
        .about("Time, time zone and DNS servers of a node.")
        .params(&[NODE]),
    Tool::put("proxmox_update_node_dns", "/nodes/{node}/dns")
        .about("Set DNS servers and search domain of a node.")
        .params(&[
            NODE,
            Param::text("search"),
            Param::text("dns1").optional(),
            Param::text("dns2").optional(),
            Param::text("dns3").optional(),
        ]),
    Tool::list("proxmox_list_disks", "/nodes/{node}/disks/list", DISKS)
        .about("List disks of a node: size in bytes, model, health, wear, use.")
        .params(&[NODE]),
    Tool::get("proxmox_get_disk_smart", "/nodes/{node}/disks/smart")
        .about("SMART data of a disk.")
        .params(&[NODE, Param::text("disk").about("Such as /dev/sda.")]),
    Tool::list("proxmox_list_updates", "/nodes/{node}/apt/update", UPDATES)
        .about("List package updates available on a node.")
        .params(&[NODE]),
    Tool::post("proxmox_refresh_updates", "/nodes/{node}/apt/update")
        .about("Refresh a node's list of updates (apt update).")
        .params(&[NODE])
        .idempotent()
        .task(),
    Tool::list("proxmox_list_certificates", "/nodes/{node}/certificates/info", CERTIFICATES)
        .about("List certificates of a node with expiry and fingerprint.")
        .params(&[NODE]),
    Tool::list("proxmox_list_devices", "/nodes/{node}/hardware/{type}", DEVICES)
        .about("List PCI or USB devices of a node, for passthrough.")
        .params(&[NODE, Param::one_of("type", &["pci", "usb"])]),
    Tool::list("proxmox_get_syslog", "/nodes/{node}/syslog", &[Column::new("t")])
        .about("System log of a node, by service and time.")
        .params(&[
            NODE,
            Param::text("service").optional(),
            Param::text("since").optional(),
            Param::text("until").optional(),
        ]),
    Tool::post("proxmox_wake_node", "/nodes/{node}/wakeonlan")
        .about("Wake a node that is off, by wake-on-LAN.")
        .params(&[NODE])
        .idempotent(),
    Tool::post("proxmox_power_node", "/nodes/{node}/status")
        .about("Reboot or shut down a node and all guests on it.")
        .params(&[NODE, Param::one_of("command", &["reboot", "shutdown"])])
        .disrupts(),
];

const SERVICES: &[Column] =
    &[Column::new("service"), Column::new("state"), Column::new("unit-state"), Column::new("desc")];
const DISKS: &[Column] = &[
    Column::new("devpath"),
    Column::new("type"),
    Column::new("size"),
    Column::new("model"),
    Column::new("health"),
    Column::new("wearout"),
    Column::new("used"),
];
const UPDATES: &[Column] =
    &[Column::new("Package"), Column::new("OldVersion"), Column::new("Version"), Column::new("Origin")];
const CERTIFICATES: &[Column] = &[
    Column::new("filename"),
    Column::new("subject"),
    Column::new("issuer"),
    Column::new("notafter"),
    Column::new("fingerprint"),
];
const DEVICES: &[Column] = &[
    Column::new("id").if_any(),
    Column::new("device_name").if_any(),
    Column::new("vendor_name").if_any(),
    Column::new("class").if_any(),
    Column::new("iommugroup").if_any(),
    Column::new("busnum").if_any(),
    Column::new("devnum").if_any(),
    Column::new("product").if_any(),
    Column::new("manufacturer").if_any(),
];

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

/// Two paths below a node, read at the same time; the first makes the answer, the second goes in under its name.
fn two(context: &Context<'_>, args: &Args, first: &str, second: &str) -> Outcome {
    let base =
        path::fill("/nodes/{node}", |hole| args.text(hole).map(str::to_owned)).map_err(Failure::new)?;
    let paths = [format!("{base}/{first}"), format!("{base}/{second}")];
    let [one, two] = context.get_all([&paths[0], &paths[1]]);
    let mut answer = object::object(one?.value())?;
    // The second is an extra: without it the answer is still worth having.
    if let Ok(two) = two {
        answer.insert(second.into(), two.value());
    }
    object::fit(context, answer)
}

fn node_info(context: &Context<'_>, args: &Args) -> Outcome {
    two(context, args, "status", "subscription")
}

fn node_time(context: &Context<'_>, args: &Args) -> Outcome {
    two(context, args, "time", "dns")
}

fn list_nodes(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/nodes", &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, "node");
    table::answer(context, args, &records, COLUMNS)
}
