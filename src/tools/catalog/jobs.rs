//! Jobs of many steps, each planned and shown as a whole.

use crate::{
    pve::Method,
    tools::{
        jobs::{calls, drain, look, provision, restore, rightsize, update},
        param::Effect,
        row::Tool,
    },
};

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_provision_vm", Effect::Change, provision::provision)
        .about("Make guests that can be logged in to, from a template, cloud image or container template.")
        .params(provision::PARAMS)
        .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
        .task()
        .core(),
    Tool::with("proxmox_drain_node", Effect::Change, drain::drain)
        .about("Move every guest of a node to others, live where possible.")
        .params(drain::PARAMS)
        .task()
        .core(),
    Tool::with("proxmox_test_restore", Effect::Change, restore::test)
        .about("Prove that newest backups restore: to a new guest without network, started, then deleted.")
        .params(restore::PARAMS)
        .task(),
    Tool::with("proxmox_update_guests", Effect::Change, update::update)
        .about("Update packages in Linux VMs; rolls back those that do not answer afterwards.")
        .params(update::PARAMS)
        .behind(&[
            (Method::Post, "/nodes/{node}/qemu/{vmid}/snapshot"),
            (Method::Post, "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback"),
            (Method::Delete, "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}"),
            (Method::Post, "/nodes/{node}/qemu/{vmid}/agent/exec"),
            (Method::Post, "/nodes/{node}/qemu/{vmid}/status/reboot"),
        ])
        .task(),
    Tool::with("proxmox_rightsize", Effect::Change, rightsize::rightsize)
        .about(
            "List guests with too many or too few cores or memory by a month of metrics; apply changes them.",
        )
        .params(rightsize::PARAMS)
        .task(),
    Tool::with("proxmox_run_plan", Effect::Change, calls::run)
        .about(
            "Run up to 50 calls of other tools as one plan, agreed to once and taken back where one fails.",
        )
        .params(calls::PARAMS)
        .task(),
    Tool::with("proxmox_get_job", Effect::Read, look::get)
        .about("Steps of a job and how they stand; without id, list jobs.")
        .params(look::GET),
    Tool::with("proxmox_continue_job", Effect::Change, look::go_on)
        .about("Go on with a job that was cut off.")
        .params(look::CONTINUE)
        .task(),
];
