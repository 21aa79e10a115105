//! Tasks as the API shows them: lists, status, log, stopping.

use crate::{
    demo::{
        list::split_list,
        outcome::{ApiError, Outcome, Reply},
        routes::route::{Request, Route, route},
        state::{clock::whole, cluster::Cluster, task::Task},
    },
    pve::Method::{Delete, Get},
};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// How many of a node's tasks `/cluster/tasks` shows.
const RECENT: usize = 25;

pub(crate) const ROUTES: [Route; 6] = [
    route(Get, "/cluster/tasks", "", recent),
    route(Get, "/nodes/{node}/tasks", "", list),
    route(Get, "/nodes/{node}/tasks/{upid}", "", index),
    route(Delete, "/nodes/{node}/tasks/{upid}", "", kill),
    route(Get, "/nodes/{node}/tasks/{upid}/status", "", status),
    route(Get, "/nodes/{node}/tasks/{upid}/log", "", log),
];

/// Whether the sender may see a task: its owner, the user whose API token started it, or anyone who may audit the node.
fn visible(cluster: &Cluster, request: &Request, task: &Task) -> bool {
    let own = task.user == request.who.owner()
        || (request.who.token.is_none() && task.user.starts_with(&format!("{}!", request.who.user)));
    own || cluster.access.allows(&request.who, &format!("/nodes/{}", task.node), None, "Sys.Audit")
}

fn recent(cluster: &mut Cluster, request: &Request) -> Outcome {
    let mut rows = Vec::new();
    for node in &cluster.nodes {
        let tasks = cluster.tasks.newest_first().filter(|task| task.node == node.name);
        rows.extend(tasks.filter(|task| visible(cluster, request, task)).take(RECENT).map(|task| {
            let mut row = json!({"upid": task.upid, "node": task.node, "type": task.kind, "id": task.id,
                "user": task.user, "starttime": whole(task.start)});
            if let Some((end, status)) = &task.end {
                row["endtime"] = json!(whole(*end));
                row["status"] = json!(status);
                row["saved"] = json!("1");
            } else {
                row["saved"] = json!("0");
            }
            row
        }));
    }
    let started = |row: &Value| row["starttime"].as_u64();
    rows.sort_by_key(|row| Reverse(started(row)));
    Ok(Value::Array(rows).into())
}

fn list(cluster: &mut Cluster, request: &Request) -> Outcome {
    let source = request.param("source").unwrap_or("archive");
    let types: Vec<&str> =
        request.param("typefilter").map(|list| split_list(list).collect()).unwrap_or_default();
    let wanted = |task: &&Task| {
        let failed =
            task.end.as_ref().is_some_and(|(_, status)| status != "OK" && !status.starts_with("WARNINGS"));
        task.node == request.node()
            && (source == "all" || (source == "active") == task.end.is_none())
            && request.param("vmid").is_none_or(|vmid| task.id == vmid)
            && request.param("userfilter").is_none_or(|part| task.user.contains(part))
            && request.number("since").is_none_or(|since| since <= whole(task.start))
            && request.number("until").is_none_or(|until| whole(task.start) <= until)
            && (types.is_empty() || types.contains(&task.kind.as_str()))
            && (!request.flag("errors") || failed)
            && visible(cluster, request, task)
    };
    let all: Vec<&Task> = cluster.tasks.newest_first().filter(wanted).collect();
    let start = usize::try_from(request.number("start").unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(request.number("limit").unwrap_or(50)).unwrap_or(50);
    let rows = all.iter().skip(start).take(limit).map(|task| {
        let mut row = json!({"upid": task.upid, "node": task.node, "type": task.kind, "id": task.id,
            "user": task.user, "starttime": whole(task.start), "pid": task.pid, "pstart": task.pstart});
        match &task.end {
            Some((end, status)) => {
                row["endtime"] = json!(whole(*end));
                row["status"] = json!(status);
            }
            None => row["status"] = json!("RUNNING"),
        }
        row
    });
    let data = Value::Array(rows.collect());
    Ok(Reply { data, total: Some(all.len()) })
}

fn find<'a>(cluster: &'a Cluster, request: &Request) -> Result<&'a Task, ApiError> {
    let upid = request.hole("upid");
    if !upid.starts_with("UPID:") || upid.split(':').count() != 9 {
        return Err(ApiError::failed(format!("unable to parse worker upid '{upid}'")));
    }
    let task = cluster.tasks.find(upid).ok_or_else(|| ApiError::parameter("upid", "no such task"))?;
    if !visible(cluster, request, task) {
        return Err(ApiError::forbidden(&format!("/nodes/{}, Sys.Audit", task.node)));
    }
    Ok(task)
}

fn index(cluster: &mut Cluster, request: &Request) -> Outcome {
    find(cluster, request)?;
    Ok(json!([{"name": "log"}, {"name": "status"}]).into())
}

fn status(cluster: &mut Cluster, request: &Request) -> Outcome {
    let task = find(cluster, request)?;
    let mut data = json!({"upid": task.upid, "node": task.node, "type": task.kind, "id": task.id,
        "starttime": whole(task.start), "pid": task.pid, "pstart": task.pstart});
    data["user"] = json!(task.user);
    match &task.end {
        Some((_, exit)) => {
            data["status"] = json!("stopped");
            data["exitstatus"] = json!(exit);
        }
        None => data["status"] = json!("running"),
    }
    Ok(data.into())
}

fn log(cluster: &mut Cluster, request: &Request) -> Outcome {
    let task = find(cluster, request)?;
    let start = usize::try_from(request.number("start").unwrap_or(0)).unwrap_or(0);
    let limit = match request.number("limit") {
        Some(0) => usize::MAX,
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        None => 50,
    };
    let number = |n: usize| if cluster.log_numbers_as_text { json!(n.to_string()) } else { json!(n) };
    let lines = task.log.iter().enumerate().skip(start).take(limit);
    let mut rows: Vec<Value> = lines.map(|(at, line)| json!({"n": number(at + 1), "t": line})).collect();
    if task.log.is_empty() {
        rows.push(json!({"n": number(1), "t": "no content"}));
    }
    Ok(Reply { data: Value::Array(rows), total: Some(task.log.len().max(1)) })
}

fn kill(cluster: &mut Cluster, request: &Request) -> Outcome {
    let task = find(cluster, request)?;
    let upid = task.upid.clone();
    if task.user != request.who.owner() && task.user != request.who.user {
        let need = format!("/nodes/{}", task.node);
        if !cluster.access.allows(&request.who, &need, None, "Sys.Modify") {
            return Err(ApiError::forbidden(&format!("{need}, Sys.Modify")));
        }
    }
    cluster.kill_task(&upid);
    Ok(Value::Null.into())
}
