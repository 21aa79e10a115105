//! High availability.

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
use serde_json::json;

const WHAT: Param = Param::one_of("what", &["resource", "rule", "group"]);
const ID: Param = Param::text("id");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::list("proxmox_get_ha_status", "/cluster/ha/status/current", STATUS)
        .about("HA quorum, master and services."),
    Tool::with("proxmox_list_ha", Effect::Read, list)
        .about("HA resources (guests), rules (PVE 9) or groups (older).")
        .params(&[Param::one_of("what", &["resources", "rules", "groups"]), FIELDS, LIMIT, OFFSET]),
    Tool::with("proxmox_create_ha", Effect::Change, |context, args| change(context, args, Method::Post))
        .about("Add a guest to HA, or create a rule or group.")
        .params(&[
            WHAT,
            ID.about("vm:100, ct:100 or a name"),
            Param::more("options").about("state, type, resources, …"),
        ])
        .behind(&[
            (Method::Post, "/cluster/ha/resources"),
            (Method::Post, "/cluster/ha/rules"),
            (Method::Post, "/cluster/ha/groups"),
        ]),
    Tool::with("proxmox_update_ha", Effect::Change, |context, args| change(context, args, Method::Put))
        .about("Change a guest's HA settings, a rule or a group.")
        .params(&[WHAT, ID, Param::more("options").about("state, nodes, …")])
        .behind(&[
            (Method::Put, "/cluster/ha/resources/{sid}"),
            (Method::Put, "/cluster/ha/rules/{rule}"),
            (Method::Put, "/cluster/ha/groups/{group}"),
        ])
        .idempotent(),
    Tool::with("proxmox_delete_ha", Effect::Ask, |context, args| change(context, args, Method::Delete))
        .about("Remove a guest from HA (the guest stays), or a rule or group.")
        .params(&[WHAT, ID])
        .idempotent(),
];

const STATUS: &[Column] = &[
    Column::new("id"),
    Column::new("type"),
    Column::new("node"),
    Column::new("status"),
    Column::new("state").hide_if_empty(),
];
const RESOURCES: &[Column] = &[
    Column::new("sid"),
    Column::new("state"),
    Column::new("group").hide_if_empty(),
    Column::new("max_restart").hide_if_empty(),
];
const RULES: &[Column] = &[
    Column::new("rule"),
    Column::new("type"),
    Column::new("resources"),
    Column::new("nodes").hide_if_empty(),
    Column::new("affinity").hide_if_empty(),
    Column::new("disable").hide_if_empty(),
];
const GROUPS: &[Column] =
    &[Column::new("group"), Column::new("nodes"), Column::new("restricted").hide_if_empty()];

fn list(context: &Context<'_>, args: &Args) -> Outcome {
    let what = args.text("what").unwrap_or("resources");
    let columns = match what {
        "rules" => RULES,
        "groups" => GROUPS,
        _ => RESOURCES,
    };
    let reply = context.get(&format!("/cluster/ha/{what}"), &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &[columns[0].name]);
    list::answer(context, args, &records, columns)
}

/// A POST takes the name as a parameter, PUT and DELETE in the path.
fn change(context: &Context<'_>, args: &Args, method: Method) -> Outcome {
    let (what, id) = (args.text("what").unwrap_or_default(), args.text("id").unwrap_or_default());
    let mut params = args.params(&["options"]);
    let path = if method == Method::Post {
        params.push(if what == "resource" { "sid" } else { what }, id);
        format!("/cluster/ha/{what}s")
    } else {
        let filled = path::fill("/{id}", |_| Some(id.to_owned())).map_err(Failure::new)?;
        format!("/cluster/ha/{what}s{filled}")
    };
    context.change(method, &path, &params)?;
    context.wrap(json!({(what): id, "ok": true}))
}
