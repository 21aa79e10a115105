//! Nodes.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{
            Failure, Outcome, object, rows,
            table::{self, Column},
        },
        catalog::logs,
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, context::Context},
    },
};

const NODE: Param = Param::text("node");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_nodes", Effect::Read, list_nodes)
        .about("Nodes: status, CPU usage, memory and disk in bytes, uptime in seconds.")
        .params(&[FIELDS, LIMIT, OFFSET])
        .core(),
    Tool::with("proxmox_get_node_info", Effect::Read, node_info)
        .about("A node's load, memory, root disk, CPU, versions and subscription.")
        .params(&[NODE]),
    Tool::with("proxmox_list_node_items", Effect::Read, list_items)
        .about("Services, disks, updates, certificates or devices of a node.")
        .params(&[
            NODE,
            Param::one_of("what", &["services", "disks", "updates", "certificates", "pci", "usb"]),
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::post("proxmox_control_service", "/nodes/{node}/services/{service}/{command}")
        .about("Control a system service of a node.")
        .params(&[
            NODE,
            Param::text("service"),
            Param::one_of("command", &["start", "stop", "restart", "reload"]),
        ])
        .task(),
    Tool::with("proxmox_get_node_time", Effect::Read, node_time)
        .about("Time, time zone and DNS of a node.")
        .params(&[NODE]),
    Tool::put("proxmox_update_node_dns", "/nodes/{node}/dns")
        .about("Set a node's DNS servers and search domain; omitted ones stay, delete removes.")
        .params(&[
            NODE,
            Param::text("search").optional(),
            Param::text("dns1").optional(),
            Param::text("dns2").unlisted(),
            Param::text("dns3").unlisted(),
            Param::words("delete").about("For example dns2.").unlisted(),
        ]),
    Tool::get("proxmox_get_disk_smart", "/nodes/{node}/disks/smart")
        .about("SMART data of a disk.")
        .params(&[NODE, Param::text("disk").about("/dev/sda")]),
    Tool::post("proxmox_refresh_updates", "/nodes/{node}/apt/update")
        .about("Run apt update on a node.")
        .params(&[NODE])
        .asks()
        .idempotent()
        .task(),
    Tool::with("proxmox_get_syslog", Effect::Read, syslog)
        .about("Newest lines of a node's system log.")
        .params(&[
            NODE,
            Param::text("service").optional(),
            Param::text("since").about("YYYY-MM-DD").optional(),
            Param::text("until").unlisted(),
            Param::int("limit", 1, 5000).optional(),
        ]),
    Tool::post("proxmox_wake_node", "/nodes/{node}/wakeonlan")
        .about("Wake a node by wake-on-LAN.")
        .params(&[NODE])
        .idempotent(),
    Tool::post("proxmox_power_node", "/nodes/{node}/status")
        .about("Reboot or shut down a node and its guests.")
        .params(&[NODE, Param::one_of("command", &["reboot", "shutdown"])]),
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
    Column::new("id").hide_if_empty(),
    Column::new("device_name").hide_if_empty(),
    Column::new("vendor_name").hide_if_empty(),
    Column::new("class").hide_if_empty(),
    Column::new("iommugroup").hide_if_empty(),
    Column::new("busnum").hide_if_empty(),
    Column::new("devnum").hide_if_empty(),
    Column::new("product").hide_if_empty(),
    Column::new("manufacturer").hide_if_empty(),
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

/// Reads two paths below a node in parallel; the first is the answer, and the second is added under its name.
fn two(context: &Context<'_>, args: &Args, first: &str, second: &str) -> Outcome {
    let base =
        path::fill("/nodes/{node}", |hole| args.text(hole).map(str::to_owned)).map_err(Failure::new)?;
    let paths = [format!("{base}/{first}"), format!("{base}/{second}")];
    let [one, two] = context.get_all([&paths[0], &paths[1]]);
    let mut answer = object::object(one?.value())?;
    // The second is optional: the answer is useful without it.
    if let Ok(two) = two {
        answer.insert(second.into(), two.value());
    }
    context.fit(answer)
}

fn node_info(context: &Context<'_>, args: &Args) -> Outcome {
    two(context, args, "status", "subscription")
}

fn node_time(context: &Context<'_>, args: &Args) -> Outcome {
    two(context, args, "time", "dns")
}

fn list_items(context: &Context<'_>, args: &Args) -> Outcome {
    let (template, columns) = match args.text("what") {
        Some("disks") => ("/nodes/{node}/disks/list", DISKS),
        Some("updates") => ("/nodes/{node}/apt/update", UPDATES),
        Some("certificates") => ("/nodes/{node}/certificates/info", CERTIFICATES),
        Some("pci") => ("/nodes/{node}/hardware/pci", DEVICES),
        Some("usb") => ("/nodes/{node}/hardware/usb", DEVICES),
        _ => ("/nodes/{node}/services", SERVICES),
    };
    let path = path::fill(template, |hole| args.text(hole).map(str::to_owned)).map_err(Failure::new)?;
    let reply = context.get(&path, &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &[columns[0].name]);
    list::answer(context, args, &records, columns)
}

fn syslog(context: &Context<'_>, args: &Args) -> Outcome {
    let path = path::fill("/nodes/{node}/syslog", |hole| args.text(hole).map(str::to_owned));
    let params = args.params(&["service", "since", "until"]);
    logs::newest(context, &path.map_err(Failure::new)?, params, args.count("limit"))
}

fn list_nodes(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/nodes", &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["node"]);
    list::answer(context, args, &records, COLUMNS)
}
