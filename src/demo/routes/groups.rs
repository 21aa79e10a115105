//! Groups of users. Membership is stored with the users.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::{
            route::{Request, Route, route},
            rows::{add, change, remove},
        },
        state::cluster::Cluster,
    },
    pve::Method::{Delete, Get, Post, Put},
};
use serde_json::{Value, json};

const ALLOCATE: &str = "/access/groups, Group.Allocate";

pub(crate) const ROUTES: [Route; 5] = [
    route(Get, "/access/groups", "", list),
    route(Post, "/access/groups", ALLOCATE, |cluster, request| {
        add(cluster.kept("groups"), "groupid", "group", request)
    }),
    route(Get, "/access/groups/{groupid}", "", read),
    route(Put, "/access/groups/{groupid}", ALLOCATE, |cluster, request| {
        change(cluster.kept("groups"), "groupid", "group", request.hole("groupid"), request)
    }),
    route(Delete, "/access/groups/{groupid}", ALLOCATE, delete),
];

/// The users in a group, sorted.
fn members<'a>(cluster: &'a Cluster, group: &str) -> Vec<&'a str> {
    let users = cluster.access.users.iter().filter(|(_, user)| user.groups.contains(group));
    users.map(|(id, _)| id.as_str()).collect()
}

fn list(cluster: &mut Cluster, _: &Request) -> Outcome {
    let mut rows = cluster.kept("groups").clone();
    for row in &mut rows {
        let users = row.get("groupid").and_then(Value::as_str).map(|group| members(cluster, group).join(","));
        row.insert("users".into(), json!(users.unwrap_or_default()));
    }
    Ok(Value::Array(rows.into_iter().map(Value::Object).collect()).into())
}

fn read(cluster: &mut Cluster, request: &Request) -> Outcome {
    let group = request.hole("groupid");
    let rows = cluster.kept("groups").clone();
    let Some(row) = rows.iter().find(|row| row.get("groupid") == Some(&json!(group))) else {
        return Err(ApiError::failed(format!("group '{group}' does not exist")));
    };
    let mut data = json!({"members": members(cluster, group)});
    if let Some(comment) = row.get("comment") {
        data["comment"] = comment.clone();
    }
    Ok(data.into())
}

fn delete(cluster: &mut Cluster, request: &Request) -> Outcome {
    let group = request.hole("groupid");
    let answer = remove(cluster.kept("groups"), "groupid", "group", group)?;
    for user in cluster.access.users.values_mut() {
        user.groups.remove(group);
    }
    cluster.access.rules.retain(|rule| rule.who.strip_prefix('@') != Some(group));
    Ok(answer)
}
