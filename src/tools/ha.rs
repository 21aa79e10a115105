//! High availability.

use super::{Param, Tool, table::Column};

const SID: Param = Param::text("sid").about("vm:100 or ct:100.");
const STATE: Param = Param::one_of("state", &["started", "stopped", "disabled", "ignored"]).optional();

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::list("proxmox_get_ha_status", "/cluster/ha/status/current", STATUS)
        .about("State of high availability: quorum, master, services."),
    Tool::list("proxmox_list_ha_resources", "/cluster/ha/resources", RESOURCES)
        .about("List guests managed by high availability."),
    Tool::list("proxmox_list_ha_rules", "/cluster/ha/rules", RULES)
        .about("List HA rules: node and resource affinity."),
    Tool::post("proxmox_create_ha_resource", "/cluster/ha/resources")
        .about("Put a guest under high availability.")
        .params(&[SID, STATE, Param::more("options")]),
    Tool::put("proxmox_update_ha_resource", "/cluster/ha/resources/{sid}")
        .about("Change a guest's HA settings.")
        .params(&[SID, STATE, Param::more("options")]),
    Tool::delete("proxmox_delete_ha_resource", "/cluster/ha/resources/{sid}")
        .about("Take a guest out of high availability; the guest stays.")
        .params(&[SID]),
];

const STATUS: &[Column] = &[
    Column::new("id"),
    Column::new("type"),
    Column::new("node"),
    Column::new("status"),
    Column::new("state").if_any(),
];
const RESOURCES: &[Column] = &[
    Column::new("sid"),
    Column::new("state"),
    Column::new("group").if_any(),
    Column::new("max_restart").if_any(),
];
const RULES: &[Column] =
    &[Column::new("rule"), Column::new("type"), Column::new("resources"), Column::new("nodes").if_any()];
