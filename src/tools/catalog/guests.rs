//! Virtual machines and containers: the same rows for both, each row two tools.

use crate::{
    pve::Method,
    tools::{
        answer::{
            Outcome,
            record::Record,
            table::{self, Column},
        },
        catalog::{guest_change, guest_clone, guest_create, guest_info, screen},
        param::{Effect, FIELDS, Kind, LIMIT, NODE, OFFSET, Param, VMID},
        row::{Run, Tool},
        run::list,
        run::{args::Args, context::Context, find, inventory},
    },
};
use std::collections::BTreeSet;

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::guest("proxmox_list_vms", "proxmox_list_containers", Effect::Read, Run::With(list))
        .about("List {guest}s: state, CPU share, memory in bytes, uptime in seconds, tags.")
        .params(&[
            NODE,
            Param::one_of("status", &["running", "stopped", "unknown"]).optional(),
            Param::text("name").about("Part of the name.").optional(),
            Param::text("tag").optional(),
            Param::text("pool").unlisted(),
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
    Tool::guest(
        "proxmox_shutdown_vm",
        "proxmox_shutdown_container",
        Effect::Change,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/shutdown"),
    )
    .about("Shut a {guest} down cleanly; with forceStop, cut its power after timeout.")
    .params(&[VMID, NODE, TIMEOUT, Param::flag("forceStop").optional()])
    .idempotent()
    .task()
    .core(),
    Tool::guest(
        "proxmox_reboot_vm",
        "proxmox_reboot_container",
        Effect::Change,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/reboot"),
    )
    .about("Reboot a {guest} cleanly; pending changes take effect.")
    .params(&[VMID, NODE, TIMEOUT])
    .task()
    .core(),
    Tool::post("proxmox_reset_vm", "/nodes/{node}/qemu/{vmid}/status/reset")
        .about("Reset a VM as by its button; what it has not written is lost.")
        .params(&[VMID, NODE])
        .disrupts()
        .task(),
    Tool::post("proxmox_suspend_guest", "/nodes/{node}/{type}/{vmid}/status/suspend")
        .about("Pause a guest; a VM with todisk hibernates.")
        .params(&[VMID, NODE, Param::flag("todisk").optional()])
        .idempotent()
        .task(),
    Tool::post("proxmox_resume_guest", "/nodes/{node}/{type}/{vmid}/status/resume")
        .about("Resume a paused guest.")
        .params(&[VMID, NODE])
        .idempotent()
        .task(),
    Tool::guest(
        "proxmox_delete_vm",
        "proxmox_delete_container",
        Effect::Destroy,
        Run::Api(Method::Delete, "/nodes/{node}/{type}/{vmid}"),
    )
    .about("Delete a stopped {guest} and its disks; with purge, from jobs and HA too.")
    .params(&[
        VMID,
        NODE,
        Param::flag("purge").optional(),
        Param::flag("destroy-unreferenced-disks").unlisted(),
    ])
    .task()
    .core(),
    Tool::with("proxmox_get_guest_state", Effect::Read, guest_info::state)
        .about("Live state, pending changes, or network cards and addresses of a guest.")
        .params(&[VMID, NODE, Param::one_of("what", &["status", "pending", "network"]).optional()]),
    Tool::guest(
        "proxmox_create_vm",
        "proxmox_create_container",
        Effect::Change,
        Run::With(guest_create::create),
    )
    .about("Create a {guest} on a node; without vmid it gets the next free one.")
    .params(guest_create::PARAMS)
    .behind(guest_create::BEHIND)
    .task()
    .core(),
    Tool::guest("proxmox_clone_vm", "proxmox_clone_container", Effect::Change, Run::With(guest_clone::clone))
        .about("Clone a {guest} or template, then set config keys and start it if asked.")
        .params(guest_clone::PARAMS)
        .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
        .task()
        .core(),
    Tool::guest(
        "proxmox_migrate_vm",
        "proxmox_migrate_container",
        Effect::Change,
        Run::With(guest_change::migrate),
    )
    .about("Move a {guest} to another node; a container restarts.")
    .params(guest_change::MIGRATE)
    .task(),
    Tool::guest(
        "proxmox_update_vm_config",
        "proxmox_update_container_config",
        Effect::Change,
        Run::With(guest_change::update),
    )
    .about("Change any key of a {guest}'s configuration (cores, net0, scsi1, …); answers old and new values.")
    .params(guest_change::UPDATE)
    .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
    .idempotent()
    .task()
    .core(),
    Tool::with("proxmox_move_disk", Effect::Change, guest_change::move_disk)
        .about("Move a guest's disk to another storage; with delete, remove the source.")
        .params(guest_change::MOVE)
        .task(),
    Tool::with("proxmox_get_console", Effect::Read, guest_change::console)
        .about("URL that opens a guest's console in the web interface.")
        .params(&[VMID, NODE]),
    Tool::with("proxmox_get_vm_screen", Effect::Read, screen::screen)
        .about("Picture of a VM's screen.")
        .params(screen::SCREEN),
    Tool::with("proxmox_read_serial", Effect::Read, screen::serial)
        .about("What a VM's serial or a container's console says for some seconds; not every Proxmox lets API tokens in.")
        .params(screen::SERIAL),
    Tool::put("proxmox_regenerate_cloudinit", "/nodes/{node}/qemu/{vmid}/cloudinit")
        .about("Write a VM's cloud-init drive anew after its settings changed.")
        .params(&[VMID, NODE]),
    Tool::with("proxmox_list_templates", Effect::Read, list_templates)
        .about("List guest templates that can be cloned.")
        .params(&[FIELDS, LIMIT, OFFSET]),
    Tool::post("proxmox_convert_to_template", "/nodes/{node}/{type}/{vmid}/template")
        .about("Turn a stopped guest into a template; there is no way back.")
        .params(&[VMID, NODE])
        .disrupts()
        .task(),
    Tool::put("proxmox_resize_disk", "/nodes/{node}/{type}/{vmid}/resize")
        .about("Grow a guest's disk, such as size +5G; it cannot shrink.")
        .params(&[VMID, NODE, Param::text("disk").about("scsi0, rootfs, …"), Param::text("size")])
        .task(),
    Tool::put("proxmox_send_keys", "/nodes/{node}/qemu/{vmid}/sendkey")
        .about("Press keys in a VM, such as ctrl-alt-delete.")
        .params(&[VMID, NODE, Param::text("key")]),
];

/// Seconds until a clean shutdown is given up.
const TIMEOUT: Param = Param::int("timeout", 0, 7200).optional();

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
    Column::new("template").mark(),
    Column::new("lock").if_any(),
];

/// One request for the whole cluster, whatever the filters.
fn list(context: &Context<'_>, args: &Args) -> Outcome {
    let kind = context.kind.map_or("", Kind::api_type);
    let (reply, states) = inventory::of_all_guests(context);
    let reply = reply?;
    let mut records = inventory::corrected(context, &reply, &states)?;
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
    table::sort(&mut records, &["vmid"]);
    list::answer_with(context, args, &records, COLUMNS, &silent_nodes(&records))
}

/// A sentence about the nodes whose guests nobody can tell anything of.
fn silent_nodes(records: &[Record<'_>]) -> Vec<String> {
    let unknown = records.iter().filter(|record| record.text("status") == "unknown");
    let nodes: BTreeSet<String> = unknown.map(|record| record.text("node").into_owned()).collect();
    if nodes.is_empty() {
        return Vec::new();
    }
    let nodes = nodes.into_iter().collect::<Vec<_>>().join(", ");
    // For the first 5 minutes Proxmox goes on listing them as running (pve.md section 6).
    vec![format!(
        "Nothing has been heard of these nodes for 5 minutes or more, so the state of their guests is unknown: {nodes}."
    )]
}

fn list_templates(context: &Context<'_>, args: &Args) -> Outcome {
    let (reply, states) = inventory::of_all_guests(context);
    let reply = reply?;
    let mut records = inventory::corrected(context, &reply, &states)?;
    records.retain(|record| record.has("template"));
    table::sort(&mut records, &["vmid"]);
    let columns = [
        Column::new("vmid"),
        Column::new("name"),
        Column::new("type"),
        Column::new("node"),
        Column::new("maxcpu"),
        Column::new("maxmem"),
        Column::new("maxdisk"),
        Column::new("tags").if_any(),
    ];
    list::answer(context, args, &records, &columns)
}

/// Proxmox keeps tags in one text, separated by `;` (older versions also took `,` and blanks).
fn has_tag(record: &Record<'_>, tag: &str) -> bool {
    record.text("tags").split([';', ',', ' ']).any(|own| own.eq_ignore_ascii_case(tag))
}
