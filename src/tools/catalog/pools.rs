//! Pools: named sets of guests and storages.

use crate::{
    pve::{Method, Params, path},
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

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_pools", Effect::Read, list).about("Pools, or a pool's members.").params(&[
        Param::text("poolid").optional(),
        FIELDS,
        LIMIT,
        OFFSET,
    ]),
    Tool::post("proxmox_create_pool", "/pools")
        .about("Create a pool.")
        .params(&[POOLID, Param::text("comment").optional()]),
    Tool::with("proxmox_update_pool", Effect::Change, update)
        .about("Add guests and storages to a pool; delete removes them.")
        .params(&[
            POOLID,
            Param::text("vms").about("VMIDs.").optional(),
            Param::text("storage").optional(),
            Param::text("comment").optional().allow_empty(),
            Param::flag("delete").optional(),
            Param::flag("allow-move").unlisted(),
        ])
        .idempotent(),
    Tool::with("proxmox_delete_pool", Effect::Ask, delete)
        .about("Delete an empty pool.")
        .params(&[POOLID])
        .idempotent(),
];

const POOLS: &[Column] = &[Column::new("poolid"), Column::new("comment").hide_if_empty()];

fn list(context: &Context<'_>, args: &Args) -> Outcome {
    if args.text("poolid").is_some() {
        let (path, params) = place(args, Params::new())?;
        let mut value = context.get(&path, &params)?.value();
        // `/pools` returns a list, even of a single pool.
        if let Some(only) = value.as_array_mut().filter(|pools| pools.len() == 1).and_then(Vec::pop) {
            value = only;
        }
        return context.wrap(value);
    }
    let reply = context.get("/pools", &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["poolid"]);
    list::answer(context, args, &records, POOLS)
}

fn update(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, params) = place(args, args.params(&["vms", "storage", "comment", "delete", "allow-move"]))?;
    context.wrap(context.change(Method::Put, &path, &params)?.value())
}

fn delete(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, params) = place(args, Params::new())?;
    context.wrap(context.change(Method::Delete, &path, &params)?.value())
}

/// The path and parameters for a pool. A nested pool has a slash in its name, which the path of a pool cannot contain;
/// `/pools` takes the name as a parameter (from 8.1 on).
fn place(args: &Args, mut params: Params) -> Result<(String, Params), Failure> {
    let poolid = args.text("poolid").unwrap_or_default();
    if poolid.contains('/') {
        params.push("poolid", poolid);
        return Ok(("/pools".to_owned(), params));
    }
    let path = path::fill("/pools/{poolid}", |_| Some(poolid.to_owned())).map_err(Failure::new)?;
    Ok((path, params))
}
