//! The firewall at its four levels: cluster, node, virtual machine, container.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{
            Failure, Outcome, rows,
            table::{self, Column},
        },
        catalog::logs,
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, context::Context, find},
    },
};

const NODE: Param = Param::text("node").optional();
const VMID: Param = Param::int("vmid", 100, 999_999_999).optional();
const POS: Param = Param::int("pos", 0, 100_000);

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_get_firewall", Effect::Read, |context, args| {
        let path = format!("{}/options", scope(context, args)?);
        context.wrap(context.get(&path, &Params::new())?.value())
    })
    .about("Firewall options of the cluster, a node or guest.")
    .params(&[VMID, NODE]),
    Tool::with("proxmox_update_firewall", Effect::Change, |context, args| {
        let path = format!("{}/options", scope(context, args)?);
        send(context, Method::Put, &path, args)
    })
    .about("Set firewall options of the cluster, a node or guest.")
    .params(&[VMID, NODE, Param::more("options").about("enable, policy_in, …")])
    .behind(&[
        (Method::Put, "/cluster/firewall/options"),
        (Method::Put, "/nodes/{node}/firewall/options"),
        (Method::Put, "/nodes/{node}/{type}/{vmid}/firewall/options"),
    ])
    .idempotent(),
    Tool::with("proxmox_list_firewall_rules", Effect::Read, list_rules)
        .about("Firewall rules of the cluster, a node, guest or group.")
        .params(&[VMID, NODE, GROUP, FIELDS, LIMIT, OFFSET]),
    Tool::with("proxmox_create_firewall_rule", Effect::Change, |context, args| {
        send(context, Method::Post, &rules_path(context, args)?, args)
    })
    .about("Add a firewall rule to a guest, node, group or (default) the cluster.")
    .params(&[
        Param::one_of("type", &["in", "out", "forward", "group"]),
        Param::text("action"),
        VMID,
        NODE,
        GROUP,
        Param::more("options").about("proto, dport, source, …"),
    ])
    .behind(&[(Method::Post, "/cluster/firewall/rules")]),
    Tool::with("proxmox_update_firewall_rule", Effect::Change, |context, args| {
        send(context, Method::Put, &rule_path(context, args)?, args)
    })
    .about("Change a firewall rule; moveto moves it.")
    .params(&[
        POS,
        VMID,
        NODE,
        GROUP,
        Param::int("moveto", 0, 100_000).optional(),
        Param::text("digest").unlisted(),
        Param::more("options").about("action, dport, enable, …"),
    ])
    .behind(&[(Method::Put, "/cluster/firewall/rules/{pos}")]),
    Tool::with("proxmox_delete_firewall_rule", Effect::Ask, |context, args| {
        send(context, Method::Delete, &rule_path(context, args)?, args)
    })
    .about("Delete a firewall rule by its position.")
    .params(&[POS, VMID, NODE, GROUP, Param::text("digest").unlisted()]),
    Tool::with("proxmox_list_firewall_objects", Effect::Read, list_objects)
        .about("Firewall aliases, IP sets or groups; with name, an IP set's entries.")
        .params(&[
            Param::one_of("what", &["aliases", "ipset", "groups"]),
            Param::text("name").optional(),
            VMID,
            NODE,
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::with("proxmox_create_firewall_object", Effect::Change, create_object)
        .about("Add a firewall alias (with cidr), IP set (with cidr: its entry) or group.")
        .params(&[WHAT, NAME, CIDR, VMID, Param::text("comment").unlisted()]),
    Tool::with("proxmox_delete_firewall_object", Effect::Ask, delete_object)
        .about("Delete a firewall alias, IP set (with cidr: its entry) or group.")
        .params(&[WHAT, NAME, CIDR, VMID])
        .idempotent(),
    Tool::with("proxmox_get_firewall_log", Effect::Read, log)
        .about("Firewall log of a guest or node.")
        .params(&[VMID, NODE, Param::int("limit", 1, 5000).optional()]),
];

const GROUP: Param = Param::text("group").unlisted();
const WHAT: Param = Param::one_of("what", &["alias", "ipset", "group"]);
const NAME: Param = Param::text("name");
const CIDR: Param = Param::text("cidr").optional();

const RULES: &[Column] = &[
    Column::new("pos"),
    Column::new("type"),
    Column::new("action"),
    Column::new("enable"),
    Column::new("macro").hide_if_empty(),
    Column::new("iface").hide_if_empty(),
    Column::new("proto").hide_if_empty(),
    Column::new("source").hide_if_empty(),
    Column::new("dest").hide_if_empty(),
    Column::new("dport").hide_if_empty(),
    Column::new("sport").hide_if_empty(),
    Column::new("comment").hide_if_empty(),
];
const OBJECTS: &[Column] = &[
    Column::new("name").hide_if_empty(),
    Column::new("group").hide_if_empty(),
    Column::new("cidr").hide_if_empty(),
    Column::new("comment").hide_if_empty(),
];

/// The firewall path of the cluster, a node or a guest.
fn scope(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    if let Some(vmid) = args.int("vmid") {
        return Ok(format!("{}/firewall", find::guest(context, vmid, args.text("node"))?.path()?));
    }
    match args.text("node") {
        Some(node) => path::fill("/nodes/{node}/firewall", |_| Some(node.to_owned())).map_err(Failure::new),
        None => Ok("/cluster/firewall".into()),
    }
}

/// The path of the rules of the cluster, a node, a guest or a security group, which belongs to the cluster.
fn rules_path(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    match args.text("group") {
        Some(_) => path::fill("/cluster/firewall/groups/{group}", |hole| args.text(hole).map(str::to_owned))
            .map_err(Failure::new),
        None => Ok(format!("{}/rules", scope(context, args)?)),
    }
}

fn rule_path(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    Ok(format!("{}/{}", rules_path(context, args)?, args.int("pos").unwrap_or_default()))
}

/// The path of a kind of object; guests have aliases and IP sets too.
fn objects_path(context: &Context<'_>, args: &Args, what: &str) -> Result<String, Failure> {
    let collection = match what {
        "alias" => "aliases",
        "group" => "groups",
        what => what,
    };
    if collection == "groups" && (args.int("vmid").is_some() || args.text("node").is_some()) {
        return Err(Failure::new("Security groups belong to the cluster: leave out `vmid` and `node`."));
    }
    if args.int("vmid").is_none() && args.text("node").is_some() {
        return Err(Failure::new(
            "A node has no aliases and no IP sets of its own: leave out `node`, or give a guest's `vmid`.",
        ));
    }
    Ok(format!("{}/{collection}", scope(context, args)?))
}

fn named(context: &Context<'_>, args: &Args, cidr: Option<&str>) -> Result<String, Failure> {
    let base = objects_path(context, args, args.text("what").unwrap_or_default())?;
    let template = if cidr.is_some() { "/{name}/{cidr}" } else { "/{name}" };
    let value = |hole: &str| args.text(hole).map(str::to_owned);
    path::fill(template, value).map(|rest| base + &rest).map_err(Failure::new)
}

fn list_rules(context: &Context<'_>, args: &Args) -> Outcome {
    table_of(context, args, &rules_path(context, args)?, RULES)
}

fn list_objects(context: &Context<'_>, args: &Args) -> Outcome {
    match args.text("name") {
        Some(_) => table_of(context, args, &named(context, args, None)?, OBJECTS),
        None => {
            let path = objects_path(context, args, args.text("what").unwrap_or_default())?;
            table_of(context, args, &path, OBJECTS)
        }
    }
}

fn table_of(context: &Context<'_>, args: &Args, path: &str, columns: &[Column]) -> Outcome {
    let reply = context.get(path, &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["pos", "name", "group", "cidr"]);
    list::answer(context, args, &records, columns)
}

fn create_object(context: &Context<'_>, args: &Args) -> Outcome {
    let what = args.text("what").unwrap_or_default();
    let mut params = args.params(&["cidr", "comment"]);
    let path = match (what, args.text("cidr")) {
        ("group", Some(_)) => {
            return Err(Failure::new(
                "A security group has rules, not `cidr`; leave it out. Nothing was done.",
            ));
        }
        ("ipset", Some(_)) => named(context, args, None)?,
        _ => {
            params
                .push(if what == "group" { "group" } else { "name" }, args.text("name").unwrap_or_default());
            objects_path(context, args, what)?
        }
    };
    context.wrap(context.change(Method::Post, &path, &params)?.value())
}

fn delete_object(context: &Context<'_>, args: &Args) -> Outcome {
    let entry = args.text("cidr").filter(|_| args.text("what") == Some("ipset"));
    let path = named(context, args, entry)?;
    context.wrap(context.change(Method::Delete, &path, &Params::new())?.value())
}

fn log(context: &Context<'_>, args: &Args) -> Outcome {
    if args.int("vmid").is_none() && args.text("node").is_none() {
        return Err(Failure::new("Give `vmid` or `node`: the cluster itself keeps no firewall log."));
    }
    logs::newest(context, &format!("{}/log", scope(context, args)?), Params::new(), args.count("limit"))
}

/// Sends a change. A new rule is enabled unless the call says otherwise: Proxmox creates it disabled (pve.md section
/// 8).
fn send(context: &Context<'_>, method: Method, path: &str, args: &Args) -> Outcome {
    let mut params = args.params(&["type", "action", "moveto", "digest", "options"]);
    if method == Method::Post && params.get("enable").is_none() {
        params.push("enable", 1);
    }
    context.wrap(context.change(method, path, &params)?.value())
}
