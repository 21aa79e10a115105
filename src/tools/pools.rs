//! Pools: named sets of guests and storages.

use super::{Param, Tool, table::Column};

const POOLID: Param = Param::text("poolid");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::list("proxmox_list_pools", "/pools", &[Column::new("poolid"), Column::new("comment").if_any()])
        .about("List pools."),
    Tool::get("proxmox_get_pool", "/pools/{poolid}").about("Members of a pool.").params(&[POOLID]),
    Tool::post("proxmox_create_pool", "/pools")
        .about("Create a pool.")
        .params(&[POOLID, Param::text("comment").optional()]),
    Tool::put("proxmox_update_pool", "/pools/{poolid}")
        .about("Add guests and storages to a pool, or with delete remove them.")
        .params(&[
            POOLID,
            Param::text("vms").about("VMIDs.").optional(),
            Param::text("storage").optional(),
            Param::text("comment").optional(),
            Param::flag("delete").optional(),
            Param::flag("allow-move").unlisted(),
        ]),
    Tool::delete("proxmox_delete_pool", "/pools/{poolid}").about("Delete an empty pool.").params(&[POOLID]),
];
