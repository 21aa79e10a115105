//! Jobs of many steps, each planned and shown as a whole.

use crate::{
    pve::Method,
    tools::{
        jobs::{calls, drain, look, provision, restore, update},
        param::Effect,
        row::Tool,
    },
};

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_provision_vm", Effect::Change, provision::provision)
        .about(
            "Make one or more guests that can be logged in to, from a template, cloud image or container template.",
        )
        .params(provision::PARAMS)
        .behind(&[(Method::Put, "/nodes/{node}/{type}/{vmid}/config")])
        .task()
        .core(),
    Tool::with("proxmox_drain_node", Effect::Change, drain::drain)
        .about("Move every guest of a node to others where it fits, live where possible.")
        .params(drain::PARAMS)
        .task()
        .core(),
    Tool::with("proxmox_test_restore", Effect::Change, restore::test)
        .about("Prove that the newest backups restore: each to a new guest without network, started, deleted again.")
        .params(restore::PARAMS)
        .task(),
    Tool::with("proxmox_update_guests", Effect::Change, update::update)
        .about("Update the packages in Linux VMs; rolls back those that do not answer afterwards.")
        .params(update::PARAMS)
        .task(),
    Tool::with("proxmox_run_plan", Effect::Change, calls::run)
        .about("Run up to 50 calls of other tools as one plan, agreed to once and taken back where one fails.")
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
