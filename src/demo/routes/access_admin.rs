//! Creating, changing and deleting users, roles, ACL entries and API tokens.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome},
        random::uuid,
        routes::route::{Request, Route, route},
        state::{
            access::{Rule, User, bits},
            cluster::Cluster,
        },
    },
    pve::Method::{Delete, Get, Post, Put},
    secret::Secret,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const USERS: &str = "/access/groups, User.Modify";
const ROLES: &str = "/access, Sys.Modify";

pub(crate) const ROUTES: [Route; 10] = [
    route(Post, "/access/users", USERS, add_user),
    route(Put, "/access/users/{userid}", USERS, change_user),
    route(Delete, "/access/users/{userid}", USERS, remove_user),
    route(Put, "/access/users/{userid}/token/{tokenid}", "", change_token),
    route(Get, "/access/users/{userid}/token/{tokenid}", "", one_token),
    route(Post, "/access/roles", ROLES, add_role),
    route(Get, "/access/roles/{roleid}", "", one_role),
    route(Put, "/access/roles/{roleid}", ROLES, change_role),
    route(Delete, "/access/roles/{roleid}", ROLES, remove_role),
    route(Put, "/access/acl", "/access, Permissions.Modify", change_acl),
];

fn add_user(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = request.param("userid").unwrap_or_default().to_owned();
    let realm = id.rsplit_once('@').map_or("", |(_, realm)| realm);
    if !["pam", "pve"].contains(&realm) {
        return Err(ApiError::failed(format!("create user failed: domain '{realm}' does not exist")));
    }
    if cluster.access.users.contains_key(&id) {
        return Err(ApiError::failed(format!("create user failed: user '{id}' already exists")));
    }
    known_groups(cluster, request)?;
    cluster.access.users.insert(id.clone(), User::new(request.param("password").map(Secret::new)));
    set_user(cluster, &id, request);
    Ok(Value::Null.into())
}

/// Refuses groups that do not exist.
fn known_groups(cluster: &mut Cluster, request: &Request) -> Result<(), ApiError> {
    for group in split_list(request.param("groups").unwrap_or_default()) {
        if !cluster.kept("groups").iter().any(|row| row.get("groupid") == Some(&json!(group))) {
            return Err(ApiError::failed(format!("no such group '{group}'")));
        }
    }
    Ok(())
}

fn set_user(cluster: &mut Cluster, id: &str, request: &Request) {
    let Some(user) = cluster.access.users.get_mut(id) else { return };
    if request.param("enable").is_some() {
        user.enabled = request.flag("enable");
    }
    if let Some(expire) = request.number("expire") {
        user.expire = expire;
    }
    if let Some(comment) = request.param("comment") {
        user.comment = Some(comment.to_owned());
    }
    // The given groups replace the existing ones, unless `append` is set.
    if let Some(groups) = request.param("groups") {
        if !request.flag("append") {
            user.groups.clear();
        }
        user.groups.extend(split_list(groups).map(str::to_owned));
    }
}

fn known_user(cluster: &Cluster, request: &Request) -> Result<String, ApiError> {
    let id = request.hole("userid").to_owned();
    match cluster.access.users.contains_key(&id) {
        true => Ok(id),
        false => Err(ApiError::failed(format!("no such user ('{id}')"))),
    }
}

fn change_user(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = known_user(cluster, request)?;
    known_groups(cluster, request)?;
    set_user(cluster, &id, request);
    Ok(Value::Null.into())
}

fn remove_user(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = known_user(cluster, request)?;
    cluster.access.users.remove(&id);
    cluster.access.rules.retain(|rule| rule.who != id && !rule.who.starts_with(&format!("{id}!")));
    Ok(Value::Null.into())
}

fn no_token(request: &Request) -> ApiError {
    ApiError::failed(format!(
        "no such token '{}' for user '{}'",
        request.hole("tokenid"),
        request.hole("userid")
    ))
}

fn one_token(cluster: &mut Cluster, request: &Request) -> Outcome {
    let token = cluster
        .access
        .users
        .get(request.hole("userid"))
        .and_then(|user| user.tokens.get(request.hole("tokenid")));
    let token = token.ok_or_else(|| no_token(request))?;
    let mut row = json!({"privsep": u8::from(token.separated), "expire": token.expire});
    if let Some(comment) = &token.comment {
        row["comment"] = json!(comment);
    }
    Ok(row.into())
}

fn change_token(cluster: &mut Cluster, request: &Request) -> Outcome {
    let user = cluster.access.users.get_mut(request.hole("userid"));
    let token = user.and_then(|user| user.tokens.get_mut(request.hole("tokenid")));
    let token = token.ok_or_else(|| no_token(request))?;
    if let Some(expire) = request.number("expire") {
        token.expire = expire;
    }
    if request.param("privsep").is_some() {
        token.separated = request.flag("privsep");
    }
    if let Some(comment) = request.param("comment") {
        token.comment = Some(comment.to_owned());
    }
    let fresh = request.flag("regenerate").then(uuid);
    if let Some(secret) = &fresh {
        token.secret = Secret::new(secret);
    }
    let mut reply = one_token(cluster, request)?;
    if let Some(secret) = fresh {
        reply.data["full-tokenid"] = json!(format!("{}!{}", request.hole("userid"), request.hole("tokenid")));
        reply.data["value"] = json!(secret);
    }
    Ok(reply)
}

fn add_role(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = request.param("roleid").unwrap_or_default().to_owned();
    if cluster.access.roles.contains_key(&id) {
        return Err(ApiError::failed(format!("create role failed: role '{id}' already exists")));
    }
    let privileges = checked(request.param("privs").unwrap_or_default())?;
    cluster.access.roles.insert(id, (false, privileges));
    Ok(Value::Null.into())
}

/// The bits of a list of privileges; an unknown name is refused, as Proxmox does.
fn checked(list: &str) -> Result<u64, ApiError> {
    match split_list(list).find(|name| bits(name) == 0) {
        Some(name) => Err(ApiError::failed(format!("invalid privilege '{name}'"))),
        None => Ok(bits(list)),
    }
}

/// A custom role; built-in roles cannot be changed.
fn own_role<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut (bool, u64), ApiError> {
    let id = request.hole("roleid");
    match cluster.access.roles.get_mut(id) {
        None => Err(ApiError::failed(format!("role '{id}' does not exist"))),
        Some((true, _)) => Err(ApiError::failed(format!("auto-generated role '{id}' cannot be modified"))),
        Some(role) => Ok(role),
    }
}

fn one_role(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = request.hole("roleid");
    let Some((_, bits)) = cluster.access.roles.get(id) else {
        return Err(ApiError::failed(format!("role '{id}' does not exist")));
    };
    let names: BTreeSet<_> = crate::demo::state::access::names(*bits).collect();
    Ok(Value::Object(names.into_iter().map(|name| (name.to_owned(), json!(1))).collect()).into())
}

fn change_role(cluster: &mut Cluster, request: &Request) -> Outcome {
    let more = checked(request.param("privs").unwrap_or_default())?;
    let append = request.flag("append");
    let role = own_role(cluster, request)?;
    role.1 = if append { role.1 | more } else { more };
    Ok(Value::Null.into())
}

fn remove_role(cluster: &mut Cluster, request: &Request) -> Outcome {
    own_role(cluster, request)?;
    cluster.access.roles.remove(request.hole("roleid"));
    Ok(Value::Null.into())
}

fn change_acl(cluster: &mut Cluster, request: &Request) -> Outcome {
    let path = request.param("path").unwrap_or_default().to_owned();
    let words = |name: &str| {
        let text = request.param(name).unwrap_or_default();
        split_list(text).map(str::to_owned).collect::<Vec<_>>()
    };
    let propagate = request.param("propagate").is_none_or(|value| value == "1");
    for role in words("roles") {
        if !cluster.access.roles.contains_key(&role) {
            return Err(ApiError::failed(format!("role '{role}' does not exist")));
        }
        let groups = words("groups").into_iter().map(|group| format!("@{group}"));
        for who in words("users").into_iter().chain(words("tokens")).chain(groups) {
            if let Some(group) = who.strip_prefix('@') {
                if !cluster.kept("groups").iter().any(|row| row.get("groupid") == Some(&json!(group))) {
                    return Err(ApiError::failed(format!("group '{group}' does not exist")));
                }
            } else {
                let user = who.split('!').next().unwrap_or_default();
                if !cluster.access.users.contains_key(user) {
                    return Err(ApiError::failed(format!("user '{user}' does not exist")));
                }
            }
            let rule = Rule { path: path.clone(), who, role: role.clone(), propagate };
            cluster.access.rules.retain(|other| {
                !(other.path == rule.path && other.who == rule.who && other.role == rule.role)
            });
            if !request.flag("delete") {
                cluster.access.rules.push(rule);
            }
        }
    }
    Ok(Value::Null.into())
}
