//! Restoring a backup: to a new guest, or over the one that has its VMID.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{Failure, Outcome},
        param::{Kind, Param},
        run::{args::Args, context::Context, follow::follow, inventory, storages},
    },
};
use serde_json::{Map, json};

/// Parameters of restoring.
pub const PARAMS: &[Param] = &[
    Param::text("archive").about("Backup volume."),
    Param::int("vmid", 100, 999_999_999).about("Default: as in the backup.").optional(),
    Param::text("storage").optional(),
    Param::flag("force").optional(),
    Param::flag("unique").unlisted(),
    Param::flag("start").optional(),
    Param::text("node").unlisted(),
    Param::more("config").about("name, bwlimit, …"),
];

/// VMs take the backup as `archive`, containers as `ostemplate` (pve.md section 8).
pub fn restore(context: &Context<'_>, args: &Args) -> Outcome {
    let archive = args.text("archive").unwrap_or_default();
    let Some((kind, own)) = what_is_in(archive) else {
        return Err(Failure::new(format!(
            "`archive` is `{}`, but it must be the volume of a backup, as proxmox_list_backups shows it.",
            archive.escape_debug()
        )));
    };
    let Some(vmid) = args.int("vmid").or(own) else {
        return Err(Failure::new("The backup's name contains no VMID; give `vmid`."));
    };
    let reply = context.get("/cluster/resources", &Params::new().with("type", "vm"))?;
    let records = inventory::inventory(context, &reply)?;
    let existing =
        records.iter().find(|record| record.number("vmid").is_some_and(|found| found == vmid as f64));
    if let Some(guest) = existing
        && args.flag("force") != Some(true)
    {
        return Err(Failure::new(format!(
            "VMID {vmid} is taken by {} on {}; give another `vmid`, or `force` to overwrite that guest. Nothing was done.",
            guest.text("name"),
            guest.text("node")
        )));
    }
    let node = match (existing, args.text("node")) {
        (Some(guest), _) => guest.text("node").into_owned(),
        (None, Some(node)) => node.to_owned(),
        (None, None) => {
            let storage = archive.split(':').next().unwrap_or_default();
            match storages::node_of(context, storage, None)? {
                (node, true) => node,
                _ => {
                    return Err(Failure::new(format!("Storage `{storage}` is not available on any node.")));
                }
            }
        }
    };
    let value = |hole: &str| Some(if hole == "node" { node.clone() } else { kind.api_type().to_owned() });
    let path = path::fill("/nodes/{node}/{type}", value).map_err(Failure::new)?;
    let mut params = Params::new().with("vmid", vmid);
    match kind {
        Kind::Vm => params.push("archive", archive),
        Kind::Container => {
            params.push("ostemplate", archive);
            params.push("restore", 1);
        }
    }
    for (name, value) in args.params(&["storage", "force", "unique", "start", "config"]).iter() {
        params.push(name, value);
    }
    let reply = context.change(Method::Post, &path, &params)?.value();
    let facts = Map::from_iter([("vmid".to_owned(), json!(vmid)), ("node".to_owned(), json!(node))]);
    follow(context, args, reply.as_str().unwrap_or_default(), facts)
}

/// The kind and VMID from a backup's name: `vzdump-qemu-100-…`, or `backup/vm/100/…` on a backup server.
fn what_is_in(archive: &str) -> Option<(Kind, Option<i64>)> {
    for (mark, kind) in [
        ("vzdump-qemu-", Kind::Vm),
        ("vzdump-lxc-", Kind::Container),
        ("backup/vm/", Kind::Vm),
        ("backup/ct/", Kind::Container),
    ] {
        if let Some((_, rest)) = archive.split_once(mark) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            return Some((kind, digits.parse().ok()));
        }
    }
    None
}
