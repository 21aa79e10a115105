//! Users, groups, roles, access control, realms, tokens.

use super::{
    Args, Context, Effect, Failure, Outcome, Param, Tool, object, rows,
    table::{self, Column, FIELDS, LIMIT, OFFSET},
};
use crate::pve::{Params, path};

const USERID: Param = Param::text("userid");

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_access", Effect::Read, list_access)
        .about("List users, groups, roles, ACL entries, realms, or a user's API tokens.")
        .params(&[
            Param::one_of("what", KINDS),
            Param::text("userid").about("For tokens.").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::with("proxmox_get_permissions", Effect::Read, get_permissions)
        .about("Effective permissions of this account or a user, by path.")
        .params(&[Param::text("userid").optional(), Param::text("path").optional()]),
    Tool::post("proxmox_create_user", "/access/users").about("Create a user.").params(&[
        USERID.about("user@realm."),
        Param::text("groups").optional(),
        Param::text("comment").optional(),
        Param::text("password").optional(),
        Param::more("options"),
    ]),
    Tool::put("proxmox_update_user", "/access/users/{userid}")
        .about("Change a user: groups, expire, enable, comment, email.")
        .params(&[USERID, Param::more("options")]),
    Tool::delete("proxmox_delete_user", "/access/users/{userid}").about("Delete a user.").params(&[USERID]),
    Tool::put("proxmox_update_acl", "/access/acl")
        .about("Grant roles on a path to users, groups or tokens, or with delete take them away.")
        .params(&[
            Param::text("path"),
            Param::text("roles"),
            Param::text("users").optional(),
            Param::text("groups").optional(),
            Param::text("tokens").optional(),
            Param::flag("propagate").optional(),
            Param::flag("delete").optional(),
        ]),
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
        table::sort(&mut records, first.name);
    }
    table::answer(context, args, &records, columns)
}

/// `{"/vms/100":["VM.Audit",…]}`: the privileges by path, in place of Proxmox's object of ones.
fn get_permissions(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = context.get("/access/permissions", &args.params(|_| true))?;
    let mut permissions = object::object(reply.value())?;
    for (_, privileges) in &mut permissions {
        let mut names: Vec<String> =
            privileges.as_object().into_iter().flat_map(|privileges| privileges.keys().cloned()).collect();
        names.sort();
        *privileges = names.into();
    }
    object::fit(context, permissions)
}

const USERS: &[Column] = &[
    Column::new("userid"),
    Column::new("enable"),
    Column::new("expire"),
    Column::new("groups").if_any(),
    Column::new("comment").if_any(),
    Column::new("email").if_any(),
];
const GROUPS: &[Column] = &[Column::new("groupid"), Column::new("users"), Column::new("comment").if_any()];
const ROLES: &[Column] = &[Column::new("roleid"), Column::new("special"), Column::new("privs")];
const ACL: &[Column] = &[
    Column::new("path"),
    Column::new("type"),
    Column::new("ugid"),
    Column::new("roleid"),
    Column::new("propagate"),
];
const REALMS: &[Column] =
    &[Column::new("realm"), Column::new("type"), Column::new("tfa").if_any(), Column::new("comment")];
const TOKENS: &[Column] =
    &[Column::new("tokenid"), Column::new("privsep"), Column::new("expire"), Column::new("comment").if_any()];
