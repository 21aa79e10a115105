//! Users, groups, roles, access control, realms, tokens.

use crate::{
    pve::{Method, Params, path},
    tools::{
        answer::{
            Failure, Outcome, object, rows,
            table::{self, Column},
        },
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, context::Context},
    },
};
use serde_json::json;

const WHAT: Param = Param::one_of("what", &["user", "group", "role", "token"]);
const ID: Param = Param::text("id");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_access", Effect::Read, list_access)
        .about("Users, groups, roles, ACL, realms or a user's tokens.")
        .params(&[Param::one_of("what", KINDS), Param::text("userid").optional(), FIELDS, LIMIT, OFFSET]),
    Tool::with("proxmox_get_permissions", Effect::Read, get_permissions)
        .about("Effective permissions of this account or a user, by path.")
        .params(&[Param::text("userid").optional(), Param::text("path").optional()]),
    Tool::with("proxmox_create_access", Effect::Ask, |context, args| change(context, args, Method::Post))
        .about("Create a user, group, role or API token, whose secret is kept in a file.")
        .params(&[WHAT, ID, Param::more("options").about("groups, privs, password, privsep, …")])
        .behind(&[
            (Method::Post, "/access/users"),
            (Method::Post, "/access/groups"),
            (Method::Post, "/access/roles"),
            (Method::Post, "/access/users/{userid}/token/{tokenid}"),
        ]),
    Tool::with("proxmox_update_access", Effect::Ask, |context, args| change(context, args, Method::Put))
        .about("Change a user, group, role or API token.")
        .params(&[WHAT, ID, Param::more("options").about("groups, privs, enable, …")])
        .behind(&[
            (Method::Put, "/access/users/{userid}"),
            (Method::Put, "/access/groups/{groupid}"),
            (Method::Put, "/access/roles/{roleid}"),
            (Method::Put, "/access/users/{userid}/token/{tokenid}"),
        ])
        .idempotent(),
    Tool::with("proxmox_delete_access", Effect::Ask, |context, args| change(context, args, Method::Delete))
        .about("Delete a user, group, role or API token.")
        .params(&[WHAT, ID])
        .idempotent(),
    Tool::put("proxmox_update_acl", "/access/acl")
        .about("Grant roles on a path; delete revokes them.")
        .params(&[
            Param::text("path"),
            Param::text("roles"),
            Param::text("users").optional(),
            Param::text("groups").optional(),
            Param::text("tokens").unlisted(),
            Param::flag("propagate").unlisted(),
            Param::flag("delete").optional(),
        ])
        .asks(),
];

const KINDS: &[&str] = &["users", "groups", "roles", "acl", "realms", "tokens"];

fn list_access(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, columns): (String, &[Column]) = match args.text("what") {
        Some("users") => ("/access/users".into(), USERS),
        Some("groups") => ("/access/groups".into(), GROUPS),
        Some("roles") => ("/access/roles".into(), ROLES),
        Some("acl") => ("/access/acl".into(), ACL),
        Some("realms") => ("/access/domains".into(), REALMS),
        _ => {
            let value = |hole: &str| args.text(hole).map(str::to_owned);
            (path::fill("/access/users/{userid}/token", value).map_err(Failure::new)?, TOKENS)
        }
    };
    let reply = context.get(&path, &Params::new())?;
    let mut records = rows(&reply)?;
    if let Some(first) = columns.first() {
        table::sort(&mut records, &[first.name]);
    }
    list::answer(context, args, &records, columns)
}

/// A POST takes the name as a parameter, except for a token; PUT and DELETE take it in the path.
fn change(context: &Context<'_>, args: &Args, method: Method) -> Outcome {
    let (what, id) = (args.text("what").unwrap_or_default(), args.text("id").unwrap_or_default());
    let mut params = args.params(&["options"]);
    let (collection, key) = match what {
        "user" => ("/access/users", "userid"),
        "group" => ("/access/groups", "groupid"),
        "role" => ("/access/roles", "roleid"),
        _ => return token(context, id, method, &params),
    };
    let path = if method == Method::Post {
        params.push(key, id);
        collection.to_owned()
    } else {
        path::fill("/{id}", |_| Some(id.to_owned()))
            .map(|id| collection.to_owned() + &id)
            .map_err(Failure::new)?
    };
    context.change(method, &path, &params)?;
    context.wrap(json!({(what): id, "ok": true}))
}

fn token(context: &Context<'_>, id: &str, method: Method, params: &Params) -> Outcome {
    let Some((userid, tokenid)) = id.split_once('!') else {
        let shown = id.escape_debug();
        return Err(Failure::new(format!(
            "`id` of a token is user@realm!name, not `{shown}`. Nothing was done."
        )));
    };
    let value = |hole: &str| Some(if hole == "userid" { userid } else { tokenid }.to_owned());
    let path = path::fill("/access/users/{userid}/token/{tokenid}", value).map_err(Failure::new)?;
    context.wrap(context.change(method, &path, params)?.value())
}

/// The privileges by path, `{"/vms/100":["VM.Audit",…]}`, where Proxmox returns an object of `1`s for each path.
fn get_permissions(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/access/permissions", &args.params(&["userid", "path"]))?;
    let mut permissions = object::object(reply.value())?;
    for (_, privileges) in &mut permissions {
        let mut names: Vec<String> =
            privileges.as_object().into_iter().flat_map(|privileges| privileges.keys().cloned()).collect();
        names.sort();
        *privileges = names.into();
    }
    context.fit(permissions)
}

const USERS: &[Column] = &[
    Column::new("userid"),
    Column::new("enable"),
    Column::new("expire"),
    Column::new("groups").hide_if_empty(),
    Column::new("comment").hide_if_empty(),
    Column::new("email").hide_if_empty(),
];
const GROUPS: &[Column] =
    &[Column::new("groupid"), Column::new("users"), Column::new("comment").hide_if_empty()];
const ROLES: &[Column] = &[Column::new("roleid"), Column::new("special"), Column::new("privs")];
const ACL: &[Column] = &[
    Column::new("path"),
    Column::new("type"),
    Column::new("ugid"),
    Column::new("roleid"),
    Column::new("propagate"),
];
const REALMS: &[Column] =
    &[Column::new("realm"), Column::new("type"), Column::new("tfa").hide_if_empty(), Column::new("comment")];
const TOKENS: &[Column] = &[
    Column::new("tokenid"),
    Column::new("privsep"),
    Column::new("expire"),
    Column::new("comment").hide_if_empty(),
];
