//! Snapshots of guests. The same tools for virtual machines and containers: the VMID tells which it is.

use crate::tools::{
    answer::table::Column,
    param::{NODE, Param, VMID},
    row::Tool,
};

const SNAPNAME: Param = Param::text("snapname");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::list("proxmox_list_snapshots", "/nodes/{node}/{type}/{vmid}/snapshot", SNAPSHOTS)
        .about("Snapshots of a guest; current is the present state.")
        .params(&[VMID, NODE]),
    Tool::post("proxmox_create_snapshot", "/nodes/{node}/{type}/{vmid}/snapshot")
        .about("Snapshot a guest; vmstate includes a VM's memory.")
        .params(&[
            VMID,
            NODE,
            SNAPNAME,
            Param::text("description").optional(),
            Param::flag("vmstate").optional(),
        ])
        .task()
        .core(),
    Tool::post("proxmox_rollback_snapshot", "/nodes/{node}/{type}/{vmid}/snapshot/{snapname}/rollback")
        .about("Roll a guest back to a snapshot; all later changes are lost.")
        .params(&[VMID, NODE, SNAPNAME, Param::flag("start").optional()])
        .asks()
        .task()
        .core(),
    Tool::delete("proxmox_delete_snapshot", "/nodes/{node}/{type}/{vmid}/snapshot/{snapname}")
        .about("Delete a guest's snapshot.")
        .params(&[VMID, NODE, SNAPNAME, Param::flag("force").unlisted()])
        .task()
        .core(),
    Tool::put("proxmox_update_snapshot", "/nodes/{node}/{type}/{vmid}/snapshot/{snapname}/config")
        .about("Change a snapshot's description.")
        .params(&[VMID, NODE, SNAPNAME, Param::text("description").allow_empty()]),
    Tool::get("proxmox_get_snapshot_config", "/nodes/{node}/{type}/{vmid}/snapshot/{snapname}/config")
        .about("Guest configuration in a snapshot.")
        .params(&[VMID, NODE, SNAPNAME]),
];

const SNAPSHOTS: &[Column] = &[
    Column::new("name"),
    Column::new("parent"),
    Column::new("snaptime"),
    Column::new("vmstate").hide_if_empty(),
    // An operation that is in progress or was interrupted: no rollback to such a snapshot is possible.
    Column::new("snapstate").hide_if_empty(),
    Column::new("description"),
];
