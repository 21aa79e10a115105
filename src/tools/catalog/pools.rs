//! Pools: named sets of guests and storages.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{
            Failure, Outcome, rows,
            table::{self, Column},
        },
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, context::Context},
    },
};

const POOLID: Param = Param::text("poolid");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_pools", Effect::Read, list)
        .about("List pools, or the members of one.")
        .params(&[Param::text("poolid").optional(), FIELDS, LIMIT, OFFSET]),
    Tool::post("proxmox_create_pool", "/pools")
        .about("Create a pool.")
        .params(&[POOLID, Param::text("comment").optional()]),
    Tool::put("proxmox_update_pool", "/pools/{poolid}")
        .about("Add guests and storages to a pool, or with delete remove them.")
        .params(&[
            POOLID,
            Param::text("vms").about("VMIDs.").optional(),
            Param::text("storage").optional(),
            Param::text("comment").optional().or_empty(),
            Param::flag("delete").optional(),
            Param::flag("allow-move").unlisted(),
        ]),
    Tool::delete("proxmox_delete_pool", "/pools/{poolid}").about("Delete an empty pool.").params(&[POOLID]),
];

const POOLS: &[Column] = &[Column::new("poolid"), Column::new("comment").if_any()];

fn list(context: &Context<'_>, args: &Args) -> Outcome {
    if args.text("poolid").is_some() {
        let path = path::fill("/pools/{poolid}", |hole| args.text(hole).map(str::to_owned));
        let reply = context.get(&path.map_err(Failure::new)?, &Params::new())?;
        return context.wrap(reply.value());
    }
    let reply = context.get("/pools", &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["poolid"]);
    list::answer(context, args, &records, POOLS)
}
