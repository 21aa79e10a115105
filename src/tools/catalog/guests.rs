//! Virtual machines and containers. Most rows define two tools, one for each.

use crate::{
    pve::{Method, Params},
    suggest::did_you_mean,
    tools::{
        answer::{
            Failure, Outcome,
            record::Record,
            rows,
            table::{self, Column},
        },
        catalog::{guest_change, guest_clone, guest_create, guest_info, guest_migrate, screen},
        param::{Effect, FIELDS, Kind, LIMIT, NODE, OFFSET, Param, VMID},
        row::{Run, Tool},
        run::list,
        run::{
            args::Args,
            context::Context,
            find, guest, inventory,
            state::{COMMON, State},
        },
    },
};
use std::collections::BTreeSet;

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::guest("proxmox_list_vms", "proxmox_list_containers", Effect::Read, Run::With(list))
        .about("List {guest}s: status, CPU usage, memory in bytes, uptime in seconds, tags.")
        .params(&[
            NODE,
            Param::text("status").usual(COMMON).optional(),
            Param::text("name").about("Substring.").optional(),
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
    .about("Configuration, status, snapshots and addresses of a {guest}.")
    .params(&[VMID, NODE])
    .core(),
    Tool::guest(
        "proxmox_start_vm",
        "proxmox_start_container",
        Effect::Change,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/start"),
    )
    .about("Start a {guest}.")
    .params(&[VMID, NODE])
    .idempotent()
    .task()
    .core(),
    Tool::guest(
        "proxmox_stop_vm",
        "proxmox_stop_container",
        Effect::Change,
        Run::Api(Method::Post, "/nodes/{node}/{type}/{vmid}/status/stop"),
    )
    .about("Power off a {guest} at once; unsaved data is lost.")
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
    .about("Shut down a {guest} cleanly; forceStop powers it off after timeout.")
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
        .about("Hard-reset a VM; unsaved data is lost.")
        .params(&[VMID, NODE])
        .task(),
    Tool::post("proxmox_suspend_guest", "/nodes/{node}/{type}/{vmid}/status/suspend")
        .about("Pause a guest; todisk hibernates a VM.")
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
        Effect::Ask,
        Run::Api(Method::Delete, "/nodes/{node}/{type}/{vmid}"),
    )
    .about("Delete a stopped {guest} and its disks; purge also removes it from jobs and HA.")
    .params(&[
        VMID,
        NODE,
        Param::flag("purge").optional(),
        Param::flag("destroy-unreferenced-disks").unlisted(),
    ])
    .task()
    .core(),
    Tool::with("proxmox_get_guest_state", Effect::Read, guest_info::state)
        .about("Status, pending changes or network addresses of a guest.")
        .params(&[VMID, NODE, Param::one_of("what", &["status", "pending", "network"]).optional()]),
    Tool::guest(
        "proxmox_create_vm",
        "proxmox_create_container",
        Effect::Change,
        Run::With(guest_create::create),
    )
    .about("Create a {guest}; vmid defaults to the next free one.")
    .params(guest_create::PARAMS)
    .behind(guest_create::BEHIND)
    .task()
    .core(),
    Tool::guest("proxmox_clone_vm", "proxmox_clone_container", Effect::Change, Run::With(guest_clone::clone))
        .about("Clone a {guest} or template.")
        .params(guest_clone::PARAMS)
        .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
        .task()
        .core(),
    Tool::guest(
        "proxmox_migrate_vm",
        "proxmox_migrate_container",
        Effect::Change,
        Run::With(guest_migrate::migrate),
    )
    .about("Migrate a {guest} to another node; running containers restart.")
    .params(guest_migrate::PARAMS)
    .task(),
    Tool::guest(
        "proxmox_update_vm_config",
        "proxmox_update_container_config",
        Effect::Change,
        Run::With(guest_change::update),
    )
    .about("Change a {guest}'s configuration; returns old and new values.")
    .params(guest_change::UPDATE)
    .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
    .idempotent()
    .task()
    .core(),
    Tool::with("proxmox_move_disk", Effect::Change, guest_change::move_disk)
        .about("Move a guest's disk to another storage; delete removes the source.")
        .params(guest_change::MOVE)
        .task(),
    Tool::with("proxmox_get_console", Effect::Read, guest_change::console)
        .about("Web interface URL of a guest's console.")
        .params(&[VMID, NODE]),
    Tool::with("proxmox_get_vm_screen", Effect::Change, screen::screen)
        .about("Screenshot of a VM.")
        .params(screen::SCREEN),
    Tool::with("proxmox_read_serial", Effect::Change, screen::serial)
        .about("Read a VM's serial or a container's console; some versions refuse API tokens.")
        .params(screen::SERIAL),
    Tool::put("proxmox_regenerate_cloudinit", "/nodes/{node}/qemu/{vmid}/cloudinit")
        .about("Regenerate a VM's cloud-init drive after changing settings.")
        .params(&[VMID, NODE]),
    Tool::with("proxmox_list_templates", Effect::Read, list_templates)
        .about("VM and container templates to clone.")
        .params(&[FIELDS, LIMIT, OFFSET]),
    Tool::post("proxmox_convert_to_template", "/nodes/{node}/{type}/{vmid}/template")
        .about("Convert a stopped guest to a template; cannot be undone.")
        .params(&[VMID, NODE])
        .task(),
    Tool::put("proxmox_resize_disk", "/nodes/{node}/{type}/{vmid}/resize")
        .about("Grow a guest's disk (size +5G); it cannot shrink.")
        .params(&[VMID, NODE, Param::text("disk").about("scsi0, rootfs, …"), Param::text("size")])
        .task(),
    Tool::put("proxmox_send_keys", "/nodes/{node}/qemu/{vmid}/sendkey")
        .about("Send keys to a VM, for example ctrl-alt-delete.")
        .params(&[VMID, NODE, Param::text("key")]),
];

/// Seconds until a clean shutdown is given up.
const TIMEOUT: Param = Param::int("timeout", 0, 7200).unlisted();

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
    Column::new("lock").hide_if_empty(),
];

/// One request for the whole cluster, whatever the filters.
fn list(context: &Context<'_>, args: &Args) -> Outcome {
    let kind = context.kind.map_or("", Kind::api_type);
    let (reply, states) = inventory::of_all_guests(context);
    let reply = reply?;
    let mut records = inventory::corrected(context, &reply, &states)?;
    let heard = heard_of(&records);
    records.retain(|record| record.text("type") == kind);
    if let Some(node) = args.text("node") {
        if !records.iter().any(|record| record.text("node") == node) {
            find::node_exists(context, node)?;
        }
        records.retain(|record| record.text("node") == node);
    }
    if let Some(wanted) = args.text("status") {
        let wanted = wanted_state(wanted, &records)?;
        records.retain(|record| State::of(&record.text("status")).fits(&wanted));
    }
    if let Some(pool) = args.text("pool") {
        records.retain(|record| record.text("pool") == pool);
    }
    if let Some(part) = args.text("name") {
        let part = part.to_lowercase();
        records.retain(|record| record.text("name").to_lowercase().contains(&part));
    }
    if let Some(tag) = args.text("tag") {
        records.retain(|record| has_tag(record, tag));
    }
    table::sort(&mut records, &["vmid"]);
    let missing = unknown_guests(context, heard, &records);
    list::answer_with(context, args, &records, COLUMNS, &missing)
}

/// The state that the filter `status` names: a common one, or one that some guest is in.
fn wanted_state(word: &str, records: &[Record<'_>]) -> Result<State, Failure> {
    let word = word.trim().to_lowercase();
    let present = records.iter().map(|record| record.text("status").into_owned());
    let mut known: Vec<String> =
        COMMON.iter().map(ToString::to_string).chain(present).filter(|word| !word.is_empty()).collect();
    if known.contains(&word) {
        return Ok(State::of(&word));
    }
    known.sort();
    known.dedup();
    let hint = did_you_mean(&word, known.iter().map(String::as_str));
    Err(Failure::new(format!(
        "There is no state `{}`.{hint} There are: {}.",
        word.escape_debug(),
        known.join(", ")
    )))
}

fn is_unknown(record: &&Record<'_>) -> bool {
    State::of(&record.text("status")) == State::Unknown
}

/// If the state of any guest is unknown: the nodes that report the state of at least one guest.
fn heard_of(records: &[Record<'_>]) -> BTreeSet<String> {
    let guests = || records.iter().filter(|record| guest::is_guest(record));
    if !guests().any(|record| is_unknown(&record)) {
        return BTreeSet::new();
    }
    guests().filter(|record| !is_unknown(record)).map(|record| record.text("node").into_owned()).collect()
}

/// Sentences about guests in an unknown state: their node does not respond, or they are new.
fn unknown_guests(context: &Context<'_>, mut alive: BTreeSet<String>, shown: &[Record<'_>]) -> Vec<String> {
    let unknown = || shown.iter().filter(is_unknown);
    let nodes: BTreeSet<String> = unknown().map(|record| record.text("node").into_owned()).collect();
    // A node that reports any state is up; the list of nodes tells whether the others are.
    let doubtful: Vec<String> = nodes.into_iter().filter(|node| !alive.contains(node)).collect();
    let mut silent = Vec::new();
    if !doubtful.is_empty() {
        let reply = context.get("/nodes", &Params::new());
        let online = reply.as_ref().map_or_else(|_| Ok(Vec::new()), rows).unwrap_or_default();
        let online = |node: &String| {
            online.iter().any(|row| row.text("node") == *node && row.text("status") == "online")
        };
        let (more, dead): (Vec<String>, Vec<String>) = doubtful.into_iter().partition(online);
        alive.extend(more);
        silent = dead;
    }
    let mut sentences = Vec::new();
    if !silent.is_empty() {
        // For the first 5 minutes Proxmox still lists them as running (pve.md section 6).
        sentences.push(format!(
            "These nodes have not responded for 5 minutes or more, so the state of their guests is unknown: {}.",
            silent.join(", ")
        ));
    }
    let fresh: Vec<String> = unknown()
        .filter(|record| alive.contains(&*record.text("node")))
        .map(|record| format!("{} on {}", record.text("vmid"), record.text("node")))
        .collect();
    if !fresh.is_empty() {
        sentences.push(format!(
            "The state of these guests is not known yet, although their node responds; they may be new: {}.",
            fresh.join(", ")
        ));
    }
    sentences
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
        Column::new("tags").hide_if_empty(),
    ];
    list::answer(context, args, &records, &columns)
}

/// Proxmox stores tags as one string, separated by `;` (older versions also allowed `,` and spaces).
fn has_tag(record: &Record<'_>, tag: &str) -> bool {
    record.text("tags").split([';', ',', ' ']).any(|own| own.eq_ignore_ascii_case(tag))
}
