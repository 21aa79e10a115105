//! Tasks: the work that Proxmox continues after it has accepted a change.

use crate::{
    pve::{
        Method, Params, path,
        task::{self, Upid},
    },
    tools::{
        answer::{
            Failure, Outcome, answer, rows,
            table::{self, Column},
        },
        param::{Effect, FIELDS, LIMIT, OFFSET, Param, WAIT},
        row::Tool,
        run::list,
        run::{
            args::Args,
            context::Context,
            find,
            follow::{follow, follow_each},
        },
    },
};
use serde_json::{Map, json};

const UPID: Param = Param::text("upid");

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_list_tasks", Effect::Read, list_tasks)
        .about("Tasks, newest first.")
        .params(&[
            Param::one_of("status", &["running", "failed", "ok"]).optional(),
            Param::int("vmid", 100, 999_999_999).optional(),
            Param::text("type").unlisted(),
            Param::text("user").unlisted(),
            Param::int("since", 0, i64::MAX).unlisted(),
            Param::text("node").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ])
        .core(),
    Tool::with("proxmox_wait_task", Effect::Read, wait_task)
        .about("Wait for tasks (comma-separated) and report results.")
        .params(&[Param::words("upid"), WAIT])
        .core(),
    Tool::with("proxmox_get_task_log", Effect::Read, task_log)
        .about("Last lines of a task's log, or from line `start`.")
        .params(&[
            UPID,
            Param::int("start", 0, 100_000_000).optional(),
            Param::int("limit", 1, 5000).optional(),
        ]),
    Tool::with("proxmox_stop_task", Effect::Change, stop_task).about("Stop a running task.").params(&[UPID]),
];

const COLUMNS: &[Column] = &[
    Column::new("upid"),
    Column::new("type"),
    Column::new("id"),
    Column::new("node"),
    Column::new("user"),
    Column::new("starttime"),
    Column::new("endtime"),
    Column::new("status"),
];

/// The newest tasks of the cluster, in one request, or those of the given node, which go further back.
fn list_tasks(context: &Context<'_>, args: &Args) -> Outcome {
    let reply = match args.text("node") {
        None => context.get("/cluster/tasks", &Params::new())?,
        Some(node) => {
            find::node_exists(context, node)?;
            let path = path::fill("/nodes/{node}/tasks", |_| Some(node.to_owned())).map_err(Failure::new)?;
            let mut params = Params::new().with("source", "all").with("limit", 500);
            if let Some(vmid) = args.int("vmid") {
                params.push("vmid", vmid);
            }
            context.get(&path, &params)?
        }
    };
    let mut records = rows(&reply)?;
    let state = |status: &str, ended: bool| match status {
        _ if !ended => "running",
        "OK" => "ok",
        warned if warned.starts_with("WARNINGS") => "ok",
        _ => "failed",
    };
    if let Some(wanted) = args.text("status") {
        records.retain(|record| state(&record.text("status"), record.has("endtime")) == wanted);
    }
    for (key, argument) in [("id", "vmid"), ("type", "type"), ("user", "user")] {
        if let Some(wanted) = args.get(argument) {
            let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            records.retain(|record| record.text(key) == wanted);
        }
    }
    if let Some(since) = args.int("since") {
        #[allow(clippy::cast_precision_loss, reason = "Unix times are far below 2^53")]
        records.retain(|record| record.number("starttime").is_some_and(|time| since as f64 <= time));
    }
    table::sort(&mut records, &["starttime", "upid"]);
    records.reverse();
    list::answer(context, args, &records, COLUMNS)
}

fn task_log(context: &Context<'_>, args: &Args) -> Outcome {
    let upid = Upid::parse(args.text("upid").unwrap_or_default()).map_err(Failure::new)?;
    let limit = args.count("limit").unwrap_or(50);
    let Some(start) = args.int("start") else {
        let lines = task::log_tail(context.pve, &context.call.cancel, &upid, limit)?;
        return answer(&json!({"lines": lines}));
    };
    let path = path_of(&upid, "/log")?;
    let reply = context.get(&path, &Params::new().with("start", start).with("limit", limit))?;
    let lines: Vec<String> = rows(&reply)?.iter().map(|record| record.text("t").into_owned()).collect();
    answer(&json!({"lines": lines, "total": reply.total}))
}

fn stop_task(context: &Context<'_>, args: &Args) -> Outcome {
    let upid = Upid::parse(args.text("upid").unwrap_or_default()).map_err(Failure::new)?;
    context.change(Method::Delete, &path_of(&upid, "")?, &Params::new())?;
    answer(&json!({"upid": upid.to_string(), "stopped": true}))
}

fn path_of(upid: &Upid, rest: &str) -> Result<String, Failure> {
    let value = |hole: &str| Some(if hole == "node" { upid.node.clone() } else { upid.to_string() });
    Ok(path::fill("/nodes/{node}/tasks/{upid}", value).map_err(Failure::new)? + rest)
}

fn wait_task(context: &Context<'_>, args: &Args) -> Outcome {
    let upids: Vec<String> = args.texts("upid").map(str::to_owned).collect();
    match &upids[..] {
        [] => Err(Failure::new("`upid` is empty; give a task's id, as lists of tasks show it.")),
        [upid] => follow(context, args, upid, Map::new()),
        _ => follow_each(context, args, &upids, Map::new()),
    }
}
