//! The cluster as a whole, and the connection to it.

use crate::{
    config::Access,
    pve::Params,
    tools::{
        answer::{
            Failure, Outcome, answer, rows,
            table::{self, Column},
        },
        catalog::{cluster_status, index, metrics},
        param::{Effect, FIELDS, LIMIT, OFFSET, Param},
        row::Tool,
        run::list,
        run::{args::Args, clusters::STATUS, context::Context, find},
    },
};
use serde_json::json;

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_test_connection", Effect::Read, test_connection)
        .about("Test network, TLS, login and permissions step by step.")
        .core(),
    Tool::get("proxmox_get_version", "/version").about("Version of the API host.").core(),
    Tool::with("proxmox_get_server_info", Effect::Read, server_info)
        .about("This MCP server's access level, denied tools, toolsets and version."),
    Tool::with(STATUS, Effect::Read, cluster_status::status)
        .about("Quorum, nodes, CPU, memory and storage totals, guests by state, what needs attention.")
        .core()
        .entry(),
    Tool::with("proxmox_get_metrics", Effect::Read, metrics::metrics)
        .about("Metrics of a node, guest or storage over time: minimum, average, maximum.")
        .params(metrics::PARAMS),
    Tool::with("proxmox_get_cluster_log", Effect::Read, cluster_log)
        .about("Cluster log, newest first.")
        .params(&[
            Param::int("max", 1, 1000).unlisted(),
            Param::int("since", 0, i64::MAX).unlisted(),
            Param::text("user").optional(),
            Param::text("text").optional(),
            FIELDS,
            LIMIT,
            OFFSET,
        ]),
    Tool::get("proxmox_get_next_vmid", "/cluster/nextid")
        .about("Next free VMID, or whether one is free.")
        .params(&[Param::int("vmid", 100, 999_999_999).optional()]),
    Tool::get("proxmox_get_cluster_options", "/cluster/options").about("Datacenter options."),
    Tool::put("proxmox_update_cluster_options", "/cluster/options")
        .about("Change datacenter options.")
        .params(&[Param::more("options").about("keyboard, migration, …")]),
    Tool::with("proxmox_list_replication", Effect::Read, replication)
        .about("Replication jobs; with node, their last sync and failures there.")
        .params(&[Param::text("node").optional(), FIELDS, LIMIT, OFFSET]),
    Tool::get("proxmox_get_ceph_status", "/cluster/ceph/status").about("Ceph health and usage."),
];

const LOG: &[Column] =
    &[Column::new("time"), Column::new("node"), Column::new("user"), Column::new("tag"), Column::new("msg")];
const REPLICATION: &[Column] = &[
    Column::new("id"),
    Column::new("source").hide_if_empty(),
    Column::new("target"),
    Column::new("schedule"),
    Column::new("disable").hide_if_empty(),
    Column::new("comment").hide_if_empty(),
];
const REPLICATION_STATE: &[Column] = &[
    Column::new("id"),
    Column::new("target"),
    Column::new("last_sync"),
    Column::new("next_sync"),
    Column::new("duration"),
    Column::new("fail_count"),
    Column::new("error").hide_if_empty(),
];

fn replication(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, columns) = match args.text("node") {
        Some(node) => {
            find::node_exists(context, node)?;
            (format!("/nodes/{node}/replication"), REPLICATION_STATE)
        }
        None => ("/cluster/replication".to_owned(), REPLICATION),
    };
    let reply = context.get(&path, &Params::new())?;
    let mut records = rows(&reply)?;
    table::sort(&mut records, &["id"]);
    list::answer(context, args, &records, columns)
}

/// About this MCP server, not about the cluster: sends no request to Proxmox.
fn server_info(context: &Context<'_>, _: &Args) -> Outcome {
    let config = context.config;
    let access = match config.access {
        Access::ReadOnly => "read-only",
        Access::Standard => "standard",
        Access::Full => "full",
    };
    let names: Vec<&str> = index::entries().map(|entry| entry.name).collect();
    answer(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "access": access,
        "confirms_before_destroying": config.access == Access::Standard,
        "deny_tools": config.deny_tools,
        "toolsets": config.toolsets,
        "tools": names,
    }))
}

fn cluster_log(context: &Context<'_>, args: &Args) -> Outcome {
    let max = args.int("max").unwrap_or(100);
    let reply = context.get("/cluster/log", &Params::new().with("max", max))?;
    let mut records = rows(&reply)?;
    if let Some(since) = args.int("since") {
        #[allow(clippy::cast_precision_loss, reason = "Unix times are far below 2^53")]
        records.retain(|record| record.number("time").is_some_and(|time| since as f64 <= time));
    }
    for (key, argument) in [("user", "user"), ("msg", "text")] {
        if let Some(part) = args.text(argument) {
            let part = part.to_lowercase();
            records.retain(|record| record.text(key).to_lowercase().contains(&part));
        }
    }
    table::sort(&mut records, &["time", "node", "uid"]);
    records.reverse();
    list::answer(context, args, &records, LOG)
}

/// Reports each step. If a step fails, the call fails, with the steps before it as context.
fn test_connection(context: &Context<'_>, _: &Args) -> Outcome {
    let steps = context.pve.probe(&context.call.cancel);
    if steps.iter().all(|step| step.ok) {
        let rows: Vec<_> = steps.iter().map(|step| json!([step.name, "ok", step.detail])).collect();
        return answer(&json!({"columns": ["step", "result", "detail"], "rows": rows}));
    }
    let line = |step: &crate::pve::probe::Step| {
        format!("{}: {}: {}", step.name, if step.ok { "ok" } else { "FAILED" }, step.detail)
    };
    Err(Failure::new(steps.iter().map(line).collect::<Vec<_>>().join("\n")))
}
