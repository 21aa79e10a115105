//! Users, groups, roles, ACL entries, API tokens and the sender's own permissions, as the API shows them.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        random::uuid,
        routes::route::{Request, Route, route},
        state::{
            access::{Identity, Token, names},
            cluster::Cluster,
        },
    },
    pve::Method::{Delete, Get, Post},
    secret::Secret,
};
use serde_json::{Map, Value, json};

pub(crate) const ROUTES: [Route; 11] = [
    route(Get, "/access", "", index),
    route(Get, "/access/domains", "", domains),
    route(Get, "/access/ticket", "", |_, _| Ok(Value::Null.into())),
    route(Get, "/access/users", "", users),
    route(Get, "/access/users/{userid}", "", user),
    route(Get, "/access/users/{userid}/token", "", tokens),
    route(Post, "/access/users/{userid}/token/{tokenid}", "", create_token),
    route(Delete, "/access/users/{userid}/token/{tokenid}", "", remove_token),
    route(Get, "/access/roles", "", roles),
    route(Get, "/access/acl", "", acl),
    route(Get, "/access/permissions", "", permissions),
];

fn index(_: &mut Cluster, _: &Request) -> Outcome {
    let parts =
        ["users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "permissions", "password"];
    Ok(json!(parts.map(|subdir| json!({"subdir": subdir}))).into())
}

fn domains(_: &mut Cluster, _: &Request) -> Outcome {
    Ok(json!([
        {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
        {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
    ])
    .into())
}

/// Whether the sender may see other users.
fn sees_users(cluster: &Cluster, who: &Identity) -> bool {
    cluster.access.allows(who, "/access/groups", None, "User.Modify|Sys.Audit")
}

fn token_rows(cluster: &Cluster, user: &str) -> Value {
    let tokens = cluster.access.users.get(user).map(|user| &user.tokens);
    let rows = tokens.into_iter().flatten().map(|(name, token)| {
        let mut row = json!({"tokenid": name, "privsep": u8::from(token.separated), "expire": token.expire});
        if let Some(comment) = &token.comment {
            row["comment"] = json!(comment);
        }
        row
    });
    Value::Array(rows.collect())
}

fn users(cluster: &mut Cluster, request: &Request) -> Outcome {
    let all = sees_users(cluster, &request.who);
    let seen = cluster.access.users.iter().filter(|(id, _)| all || **id == request.who.user);
    let rows = seen.map(|(id, user)| {
        let mut row = json!({"userid": id, "enable": u8::from(user.enabled), "expire": user.expire,
            "realm-type": id.rsplit('@').next()});
        if let Some(comment) = &user.comment {
            row["comment"] = json!(comment);
        }
        if request.flag("full") {
            let groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
            row["groups"] = json!(groups.join(","));
            row["tokens"] = token_rows(cluster, id);
        }
        row
    });
    Ok(Value::Array(rows.collect()).into())
}

/// The user in the path, if the sender may see it.
fn seen_user<'a>(cluster: &Cluster, request: &'a Request) -> Result<&'a str, ApiError> {
    let id = request.hole("userid");
    if id != request.who.user && !sees_users(cluster, &request.who) {
        return Err(ApiError::forbidden("/access/groups, User.Modify|Sys.Audit"));
    }
    if !cluster.access.users.contains_key(id) {
        return Err(ApiError::failed(format!("no such user ('{id}')")));
    }
    Ok(id)
}

fn user(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = seen_user(cluster, request)?;
    let user = &cluster.access.users[id];
    let tokens: Map<String, Value> = user
        .tokens
        .iter()
        .map(|(name, token)| {
            (name.clone(), json!({"privsep": u8::from(token.separated), "expire": token.expire}))
        })
        .collect();
    Ok(json!({"enable": u8::from(user.enabled), "expire": user.expire, "groups": user.groups, "tokens": tokens})
        .into())
}

fn tokens(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = seen_user(cluster, request)?;
    Ok(token_rows(cluster, id).into())
}

fn create_token(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = seen_user(cluster, request)?.to_owned();
    let name = request.hole("tokenid").to_owned();
    let separated = request.param("privsep").is_none_or(|value| value != "0");
    let secret = uuid();
    let token = Token {
        secret: Secret::new(&*secret),
        separated,
        expire: request.number("expire").unwrap_or(0),
        comment: request.param("comment").map(str::to_owned),
    };
    let tokens = cluster.access.users.get_mut(&id).map(|user| &mut user.tokens);
    let Some(tokens) = tokens else { return Err(ApiError::failed(format!("no such user ('{id}')"))) };
    if tokens.contains_key(&name) {
        return Err(ApiError::parameter("tokenid", "Token already exists."));
    }
    tokens.insert(name.clone(), token);
    // The secret is returned only this once; `privsep` is returned as the string that was sent.
    let info = json!({"privsep": u8::from(separated).to_string()});
    Ok(json!({"full-tokenid": format!("{id}!{name}"), "info": info, "value": secret}).into())
}

fn remove_token(cluster: &mut Cluster, request: &Request) -> Outcome {
    let id = seen_user(cluster, request)?.to_owned();
    let name = request.hole("tokenid");
    let gone = cluster.access.users.get_mut(&id).and_then(|user| user.tokens.remove(name));
    if gone.is_none() {
        return Err(ApiError::failed(format!("no such token '{name}' for user '{id}'")));
    }
    let owner = format!("{id}!{name}");
    cluster.access.rules.retain(|rule| rule.who != owner);
    Ok(Value::Null.into())
}

fn roles(cluster: &mut Cluster, _: &Request) -> Outcome {
    let rows = cluster.access.roles.iter().map(|(name, (special, bits))| {
        let privileges: Vec<&str> = names(*bits).collect();
        json!({"roleid": name, "privs": privileges.join(","), "special": u8::from(*special)})
    });
    Ok(Value::Array(rows.collect()).into())
}

fn acl(cluster: &mut Cluster, request: &Request) -> Outcome {
    let all = cluster.access.allows(&request.who, "/access", None, "Sys.Audit|Permissions.Modify");
    let seen = cluster.access.rules.iter().filter(|_| all);
    let rows = seen.map(|rule| {
        let (who, kind) = match rule.who.strip_prefix('@') {
            Some(group) => (group, "group"),
            None => (rule.who.as_str(), if rule.who.contains('!') { "token" } else { "user" }),
        };
        json!({"path": rule.path, "ugid": who, "roleid": rule.role, "propagate": u8::from(rule.propagate),
            "type": kind})
    });
    Ok(Value::Array(rows.collect()).into())
}

/// Privileges by path. If no path is given: the paths of ACL entries, and the top levels of the tree.
fn permissions(cluster: &mut Cluster, request: &Request) -> Outcome {
    let who = match request.param("userid") {
        Some(id) if id != request.who.owner() => {
            if !sees_users(cluster, &request.who) && !id.starts_with(&request.who.user) {
                return Err(ApiError::forbidden("/access, Sys.Audit"));
            }
            let (user, token) = id.split_once('!').map_or((id, None), |(user, token)| (user, Some(token)));
            Identity { user: user.into(), token: token.map(str::to_owned) }
        }
        _ => request.who.clone(),
    };
    let trunk = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];
    let mut paths: Vec<String> = trunk.map(str::to_owned).to_vec();
    paths.extend(cluster.access.rules.iter().map(|rule| rule.path.clone()));
    paths.extend(
        cluster
            .guests
            .values()
            .filter(|guest| guest.pool.is_some())
            .map(|guest| format!("/vms/{}", guest.vmid)),
    );
    if let Some(path) = request.param("path") {
        paths = vec![path.to_owned()];
    }
    let mut data = Map::new();
    for path in paths {
        let vmid = path.strip_prefix("/vms/").and_then(|vmid| vmid.parse::<u32>().ok());
        let pool = vmid.and_then(|vmid| cluster.guests.get(&vmid)).and_then(|guest| guest.pool.as_deref());
        let bits = cluster.access.privileges(&who, &path, pool);
        if bits != 0 {
            let all: Map<String, Value> = names(bits).map(|name| (name.to_owned(), json!(1))).collect();
            data.insert(path, Value::Object(all));
        }
    }
    Ok(Value::Object(data).into())
}

/// The `cap` of a login's answer: privileges by the first segment of the paths that they apply to.
pub(crate) fn capabilities(cluster: &Cluster, who: &Identity) -> Value {
    let groups = [
        ("vms", "/vms", "VM."),
        ("nodes", "/nodes", "Sys."),
        ("storage", "/storage", "Datastore."),
        ("access", "/access", "User."),
        ("dc", "/", "Sys."),
        ("sdn", "/sdn", "SDN."),
        ("mapping", "/mapping", "Mapping."),
    ];
    let mut data = Map::new();
    for (group, path, prefix) in groups {
        let bits = cluster.access.privileges(who, path, None);
        let own: Map<String, Value> = names(bits)
            .filter(|name| name.starts_with(prefix) || *name == "Permissions.Modify")
            .map(|name| (name.to_owned(), json!(1)))
            .collect();
        data.insert(group.into(), Value::Object(own));
    }
    Value::Object(data)
}
