//! The overview of a cluster in one small answer, by two requests, no matter how many guests there are.

use crate::{
    pve::{Error, Reply},
    tools::{
        answer::{Failure, Outcome, answer, canonical, record::Record, rows, table},
        run::{args::Args, context::Context, guest, inventory, state::State},
    },
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A storage or root disk this full, or a CPU this busy, needs attention.
const FULL: f64 = 0.9;
/// Memory this full needs attention; caches that can be freed make it look fuller than it is.
const MEMORY_FULL: f64 = 0.95;

/// Quorum from `/cluster/status`, everything else from `/cluster/resources`.
pub fn status(context: &Context<'_>, _: &Args) -> Outcome {
    let (members, resources, states) = inventory::of_cluster(context);
    let resources = resources?;
    let mut resources = inventory::corrected(context, &resources, &states)?;
    table::sort(&mut resources, &["type", "node", "storage", "vmid"]);
    answer(&summary(&members, &resources)?)
}

/// Builds the overview from both answers. Not every account may read the members (Sys.Audit); without them, only the
/// quorum is missing.
///
/// # Errors
/// Fails if the call was cancelled or the members are not a list.
pub fn summary(
    members: &Result<Reply, Error>,
    resources: &[Record<'_>],
) -> Result<Map<String, Value>, Failure> {
    let of_type = |kind: &'static str| resources.iter().filter(move |record| record.text("type") == kind);

    let (mut attention, mut missing) = (Vec::new(), Vec::new());
    let members = match members {
        Ok(reply) => Some(rows(reply)?),
        Err(error) if error.is_cancelled() => return Err(error.clone().into()),
        Err(error) => {
            missing.push(format!("Whether the cluster has quorum is not known. {error}"));
            None
        }
    };
    if of_type("node").next().is_none() {
        missing.push("This account sees no nodes, so their load and state are not known.".to_owned());
    }
    let cluster = members.iter().flatten().find(|record| record.text("type") == "cluster");
    let quorate = members.as_ref().map(|_| cluster.is_none_or(|cluster| cluster.has("quorate")));
    if quorate == Some(false) {
        attention.push("The cluster has no quorum: it can be read but not changed.".to_owned());
    }
    let nodes: Vec<Value> = of_type("node").map(|node| node_row(node, &mut attention)).collect();
    let mut storage = Totals::default();
    let mut seen: Vec<String> = Vec::new();
    for record in of_type("storage") {
        watch_storage(record, &mut attention);
        let name = record.text("storage").into_owned();
        if record.has("shared") && seen.contains(&name) {
            continue;
        }
        seen.push(name);
        storage.add(record, "disk", "maxdisk");
    }
    let (mut memory, mut cpu) = (Totals::default(), Totals::default());
    for node in of_type("node") {
        memory.add(node, "mem", "maxmem");
        let cores = node.number("maxcpu").unwrap_or_default();
        cpu.used += node.number("cpu").unwrap_or_default() * cores;
        cpu.total += cores;
    }
    let mut result = Map::new();
    if let Some(cluster) = cluster {
        result.insert("name".into(), cluster.text("name").into());
    }
    result.insert("quorate".into(), quorate.into());
    result.insert(
        "nodes".into(),
        json!({"columns": ["node", "status", "cpu", "mem", "maxmem", "uptime"], "rows": nodes}),
    );
    result.insert("cpu".into(), json!({"used": (cpu.used * 100.0).round() / 100.0, "total": cpu.total}));
    result.insert("memory".into(), memory.json());
    result.insert("storage".into(), storage.json());
    result.insert("vms".into(), count(of_type("qemu"), &mut attention));
    result.insert("containers".into(), count(of_type("lxc"), &mut attention));
    attention.sort();
    result.insert("attention".into(), attention.into());
    if !missing.is_empty() {
        result.insert("missing".into(), missing.join(" ").into());
    }
    Ok(result)
}

#[derive(Default)]
struct Totals {
    used: f64,
    total: f64,
}

impl Totals {
    fn add(&mut self, record: &Record<'_>, used: &str, total: &str) {
        self.used += record.number(used).unwrap_or_default();
        self.total += record.number(total).unwrap_or_default();
    }

    fn json(&self) -> Value {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sums of bytes below 2^63"
        )]
        let whole = |number: f64| number.max(0.0) as u64;
        json!({"used": whole(self.used), "total": whole(self.total)})
    }
}

fn node_row(node: &Record<'_>, attention: &mut Vec<String>) -> Value {
    let (name, status) = (node.text("node"), known(node.text("status")));
    if status != "online" {
        attention.push(format!("Node {name} is {status}; its guests are shown as they were last seen."));
    }
    if share(node, "disk", "maxdisk").is_some_and(|share| FULL <= share) {
        attention.push(format!("The root disk of node {name} is over 90 % full."));
    }
    if share(node, "mem", "maxmem").is_some_and(|share| MEMORY_FULL <= share) {
        attention.push(format!("The memory of node {name} is over 95 % used."));
    }
    if node.number("cpu").is_some_and(|share| FULL <= share) {
        attention.push(format!("The CPU of node {name} is over 90 % busy."));
    }
    let number = |key: &str| node.json(key).and_then(|json| serde_json::from_str::<Value>(json).ok());
    let cpu = node.number("cpu").map(|cpu| (cpu * 10_000.0).round() / 10_000.0);
    json!([name, status, cpu, number("mem"), number("maxmem"), number("uptime")])
}

fn watch_storage(record: &Record<'_>, attention: &mut Vec<String>) {
    let (name, node) = (record.text("storage"), record.text("node"));
    let place = if record.has("shared") { String::new() } else { format!(" on {node}") };
    let sentence = if record.text("status") != "available" {
        format!("Storage {name} is {} on {node}.", known(record.text("status")))
    } else if share(record, "disk", "maxdisk").is_some_and(|share| FULL <= share) {
        format!("Storage {name}{place} is over 90 % full.")
    } else {
        return;
    };
    if !attention.contains(&sentence) {
        attention.push(sentence);
    }
}

fn share(record: &Record<'_>, used: &str, total: &str) -> Option<f64> {
    let total = record.number(total).filter(|total| 0.0 < *total)?;
    Some(record.number(used)? / total)
}

/// A status, or `unknown` if there is none.
fn known(status: Cow<'_, str>) -> Cow<'_, str> {
    if status.is_empty() { "unknown".into() } else { status }
}

/// The number of guests in each state; templates are counted separately.
fn count<'a>(guests: impl Iterator<Item = &'a Record<'a>>, attention: &mut Vec<String>) -> Value {
    let mut counts: Map<String, Value> =
        Map::from_iter([("running".to_owned(), json!(0)), ("stopped".to_owned(), json!(0))]);
    for guest in guests {
        let state = State::of(&guest.text("status"));
        let word = if guest.has("template") { "templates" } else { state.word() };
        let count = counts.get(word).and_then(Value::as_u64).unwrap_or_default() + 1;
        counts.insert(word.to_owned(), count.into());
        if let (Some(trouble), Some(guest)) = (state.trouble(), guest::read(guest)) {
            attention.push(format!("{} {trouble}.", guest.title()));
        }
        let failed = ["error", "fence", "recovery"].iter().find(|bad| guest.text("hastate") == **bad);
        if let Some(state) = failed {
            attention.push(format!("High availability of guest {} is in state {state}.", guest.text("vmid")));
        }
    }
    canonical::ordered(counts.into())
}
