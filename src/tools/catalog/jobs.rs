//! Jobs of many steps, each planned and shown as a whole before it runs.

use crate::{
    pve::Method,
    tools::{
        jobs::{calls, drain, look, provision, restore, rightsize, update},
        param::Effect,
        row::Tool,
    },
};

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_provision_vm", Effect::Change, provision::provision)
        .about("Create guests ready for login from a template, cloud image or container template.")
        .params(provision::PARAMS)
        .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
        .task()
        .core(),
    Tool::with("proxmox_drain_node", Effect::Change, drain::drain)
        .about("Move all guests off a node, live where possible.")
        .params(drain::PARAMS)
        .task()
        .core(),
    Tool::with("proxmox_test_restore", Effect::Change, restore::test)
        .about("Test newest backups: restore to a new guest without network, start, delete.")
        .params(restore::PARAMS)
        .task(),
    Tool::with("proxmox_update_guests", Effect::Change, update::update)
        .about("Update packages in Linux VMs; rolls back VMs that stop answering.")
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
        .about("Guests whose cores or memory do not fit a month of metrics; apply resizes them.")
        .params(rightsize::PARAMS)
        .task(),
    Tool::with("proxmox_run_plan", Effect::Change, calls::run)
        .about("Run up to 50 tool calls as one plan, confirmed once, undone if one fails.")
        .params(calls::PARAMS)
        .task(),
    Tool::with("proxmox_get_job", Effect::Read, look::get)
        .about("Steps of a job and their state; without id, all jobs.")
        .params(look::GET),
    Tool::with("proxmox_continue_job", Effect::Change, look::go_on)
        .about("Continue a job; back undoes it.")
        .params(look::CONTINUE)
        .task(),
];
