//! The tools that the views call (see [`crate::views`]) and that no model sees. They return complete data for drawing,
//! are in no toolset, only read, and pass the same checks as every other tool.

use crate::{
    mcp::Revision,
    pve::{Error, Params, Reply},
    tools::{
        answer::{Failure, Outcome, answer, record::Record, rows},
        catalog::{cluster_status, entry::Entry, view_confirm},
        param::{Effect, Param},
        row::{Name, Tool},
        run::{args::Args, clusters::CLUSTER, context::Context, find, inventory, state::State, storages},
    },
    views::View,
};
use serde_json::{Map, Value, json, value::RawValue};

const TIMEFRAME: Param = Param::one_of("timeframe", &["hour", "day", "week", "month", "year"]).optional();

/// The view tools.
pub static TOOLS: [Tool; 3] = [
    Tool::with("proxmox_view_cluster", Effect::Read, cluster).about("Everything the cluster view draws."),
    Tool::with("proxmox_view_guest", Effect::Read, guest)
        .about("Everything the view of a guest draws.")
        .params(&[Param::int("vmid", 100, 999_999_999), Param::text("node").optional(), TIMEFRAME]),
    Tool::with("proxmox_view_history", Effect::Read, history)
        .about("The last hour's CPU of some guests.")
        .params(&[Param::words("vmids")]),
];

/// The view tool of that name.
#[must_use]
pub fn named(name: &str) -> Option<Entry> {
    let found = TOOLS.iter().find(|tool| matches!(tool.name, Name::One(known) if known == name))?;
    let Name::One(name) = found.name else { return None };
    Some(Entry { tool: found, name, kind: None, toolset: "views" })
}

/// The views, each with the tools whose results it shows; the first is where the view gets its data from.
const SHOWN: [(View, &str, &[&str]); 2] = [
    (View::Cluster, "proxmox_view_cluster", &["proxmox_get_cluster_status"]),
    (View::Guest, "proxmox_view_guest", &["proxmox_get_vm_info", "proxmox_get_container_info"]),
];
/// View data is sent along with a result up to this size, in bytes; larger data is fetched by the view itself.
const MOST_DATA: usize = 256 * 1024;
/// The key of that data in `_meta`.
const DATA: &str = "proxmox-mcp/view";

/// A tool as a client that shows views sees it: with the view for its results, if there is one.
#[must_use]
pub fn with_view(entry: &Entry, mut spec: Value) -> Value {
    let shown = SHOWN.iter().find(|(_, _, tools)| tools.contains(&entry.name)).map(|(view, ..)| *view);
    // A tool that needs confirmation only for some arguments opens no view for the others.
    let asks = (entry.tool.effect == Effect::Ask).then_some(View::Confirm);
    if let Some(view) = shown.or(asks) {
        spec["_meta"]["ui"] = json!({"resourceUri": view.uri(), "visibility": ["model", "app"]});
        // The key from before the extension was final; hosts still read it.
        spec["_meta"]["ui/resourceUri"] = view.uri().into();
    }
    spec
}

/// The view tools that are `offered`, as `tools/list` shows them.
pub fn own<'a>(
    revision: Revision,
    clusters: &'a [&str],
    offered: &'a dyn Fn(&str) -> bool,
) -> impl Iterator<Item = Value> + 'a {
    let rows = TOOLS.iter().filter_map(move |tool| {
        let Name::One(name) = tool.name else { return None };
        offered(name).then_some(named(name)?.spec(revision, clusters))
    });
    let agree = offered(view_confirm::AGREE).then(|| view_confirm::spec(revision));
    rows.chain(agree).map(|mut spec| {
        spec["_meta"]["ui"] = json!({"visibility": ["app"]});
        spec
    })
}

/// The view tool that provides the data, if a view shows the results of the named tool.
#[must_use]
pub fn view_tool_for(name: &str) -> Option<Entry> {
    SHOWN.iter().find(|(_, _, tools)| tools.contains(&name)).and_then(|(_, source, _)| named(source))
}

/// The arguments of a call that the view's source takes too.
#[must_use]
pub fn view_arguments(arguments: &Map<String, Value>) -> Map<String, Value> {
    let wanted = |name: &str| matches!(name, "vmid" | "node" | CLUSTER);
    arguments
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The `_meta` with the data for a result's view, unless the data is too large.
#[must_use]
pub fn meta(data: &RawValue) -> Option<Map<String, Value>> {
    let fits = data.get().len() <= MOST_DATA;
    serde_json::from_str(data.get()).ok().filter(|_| fits).map(beside)
}

/// The `_meta` of a result that carries this data to its view.
#[must_use]
pub fn beside(data: Value) -> Map<String, Value> {
    Map::from_iter([(DATA.to_owned(), data)])
}

/// The columns of a table of guests.
const GUEST: [&str; 16] = [
    "vmid", "name", "node", "type", "status", "cpu", "maxcpu", "mem", "maxmem", "disk", "maxdisk", "uptime",
    "tags", "lock", "hastate", "template",
];
const NODE: [&str; 9] = ["node", "status", "cpu", "maxcpu", "mem", "maxmem", "disk", "maxdisk", "uptime"];
const STORAGE: [&str; 7] = ["storage", "node", "status", "disk", "maxdisk", "shared", "plugintype"];
/// Guests whose history is fetched at once; a view shows no more rows.
const MOST_GUESTS: usize = 24;
/// Points of a sparkline, and of a plot.
const FEW_POINTS: usize = 40;
const MANY_POINTS: usize = 240;
/// The number of tasks that are shown for a guest.
const TASKS: usize = 8;
const SERIES: [&str; 6] = ["cpu", "mem", "netin", "netout", "diskread", "diskwrite"];
/// Configuration keys that are left out because they tell a reader nothing.
const NOISE: [&str; 4] = ["digest", "smbios1", "vmgenid", "meta"];

fn cluster(context: &Context<'_>, _: &Args) -> Outcome {
    let (members, resources, states) = inventory::of_cluster(context);
    let resources = resources?;
    let time = resources.date;
    let resources = inventory::corrected(context, &resources, &states)?;
    let summary = cluster_status::summary(&members, &resources)?;
    let table = |wanted: fn(&str) -> bool, columns: &[&str]| {
        let rows: Vec<Vec<&RawValue>> = resources
            .iter()
            .filter(|record| wanted(&record.text("type")))
            .map(|record| columns.iter().map(|name| raw(record, name)).collect())
            .collect();
        answer(&json!({"columns": columns, "rows": rows}))
    };
    answer(&json!({
        "kind": "cluster",
        "name": summary.get("name"),
        "time": time,
        "quorate": summary.get("quorate"),
        "attention": summary.get("attention"),
        "missing": summary.get("missing"),
        "nodes": table(|kind| kind == "node", &NODE)?,
        "storage": table(|kind| kind == "storage", &STORAGE)?,
        "guests": table(|kind| matches!(kind, "qemu" | "lxc"), &GUEST)?,
    }))
}

/// A field as Proxmox sent it.
fn raw<'a>(record: &'a Record<'_>, name: &str) -> &'a RawValue {
    record.json(name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or(RawValue::NULL)
}

fn guest(context: &Context<'_>, args: &Args) -> Outcome {
    let vmid = args.int("vmid").unwrap_or_default();
    let guest = find::guest(context, vmid, args.text("node"))?;
    let path = guest.path()?;
    let timeframe = args.text("timeframe").unwrap_or("hour");
    let node = crate::pve::path::fill("/nodes/{node}", |_| Some(guest.node.clone())).map_err(Failure::new)?;
    let paths = [
        format!("{path}/status/current"),
        format!("{path}/config"),
        format!("{path}/snapshot"),
        format!("{path}/rrddata?timeframe={timeframe}&cf=AVERAGE"),
        format!("{node}/tasks?vmid={vmid}&limit={TASKS}&source=all"),
    ];
    let replies = crate::sync::at_once(&paths, |path| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let params = pairs.fold(Params::new(), |params, (name, value)| params.with(name, value));
        context.pve.get(&context.call.cancel, path, &params)
    });
    let [status, config, snapshots, history, tasks]: [Result<Reply, Error>; 5] =
        replies.try_into().unwrap_or_else(|_| unreachable!("each path has its answer"));
    let mut data = Map::from_iter([("kind".to_owned(), json!("guest")), ("vmid".to_owned(), json!(vmid))]);
    let status = status?.value();
    for (name, key) in [
        ("cpu", "cpu"),
        ("maxcpu", "cpus"),
        ("mem", "mem"),
        ("maxmem", "maxmem"),
        ("disk", "disk"),
        ("maxdisk", "maxdisk"),
        ("uptime", "uptime"),
        ("lock", "lock"),
        ("tags", "tags"),
        ("template", "template"),
    ] {
        data.insert(name.into(), status[key].clone());
    }
    let state = match State::of_status(&status) {
        State::Unknown => guest.state(),
        state => state,
    };
    data.insert("status".into(), state.word().into());
    data.insert("hastate".into(), status["ha"]["state"].clone());
    data.insert("name".into(), guest.name.clone().into());
    data.insert("node".into(), guest.node.clone().into());
    data.insert("type".into(), guest.kind.api_type().into());
    if let Value::Object(mut config) = config?.value() {
        config.retain(|name, _| !NOISE.contains(&name.as_str()));
        data.insert("config".into(), config.into());
    }
    data.insert("snapshots".into(), snapshots.map_or(Value::Null, |reply| reply.value()));
    data.insert("timeframe".into(), timeframe.into());
    data.insert(
        "history".into(),
        history.ok().map_or(Value::Null, |reply| series(&reply, &SERIES, MANY_POINTS)),
    );
    data.insert("tasks".into(), tasks.map_or(Value::Null, |reply| reply.value()));
    data.insert("backups".into(), backups(context, vmid).unwrap_or(Value::Null));
    data.retain(|_, value| !value.is_null());
    answer(&data)
}

/// The backups of a guest on every storage that may hold one; `None` if no storage answered.
fn backups(context: &Context<'_>, vmid: i64) -> Option<Value> {
    let reply = context.get("/cluster/resources", &Params::new().with("type", "storage")).ok()?;
    let places =
        storages::with_content(context, &storages::sorted(&reply).ok()?, "backup", None, None).ok()?;
    let params = Params::new().with("content", "backup").with("vmid", vmid);
    let replies = context.get_each(&storages::content_paths(&places).ok()?, &params);
    if replies.iter().all(Result::is_err) {
        return None;
    }
    let found = replies.iter().flatten().flat_map(|reply| match reply.value() {
        Value::Array(list) => list,
        _ => Vec::new(),
    });
    Some(found.collect())
}

fn history(context: &Context<'_>, args: &Args) -> Outcome {
    let wanted: Vec<i64> =
        args.texts("vmids").filter_map(|vmid| vmid.parse().ok()).take(MOST_GUESTS).collect();
    let guests = find::guests(context)?;
    let found: Vec<&find::Guest> = guests.iter().filter(|guest| wanted.contains(&guest.vmid)).collect();
    let paths = found.iter().map(|guest| Ok(format!("{}/rrddata", guest.path()?)));
    let paths = paths.collect::<Result<Vec<String>, Failure>>()?;
    let replies = context.get_each(&paths, &Params::new().with("timeframe", "hour").with("cf", "AVERAGE"));
    let lines = found.iter().zip(replies).filter_map(|(guest, reply)| {
        let values = series(&reply.ok()?, &["cpu"], FEW_POINTS)["cpu"].take();
        Some((guest.vmid.to_string(), values))
    });
    answer(&json!({"series": lines.collect::<Map<String, Value>>()}))
}

/// A history as columns instead of rows, averaged down to `most` points; `null` where there is no value.
fn series(reply: &Reply, names: &[&str], most: usize) -> Value {
    let Ok(records) = rows(reply) else { return Value::Null };
    let size = records.len().div_ceil(most).max(1);
    let column = |name: &str| -> Value {
        let average = |part: &[Record<'_>]| -> Value {
            let known: Vec<f64> = part.iter().filter_map(|record| record.number(name)).collect();
            #[allow(clippy::cast_precision_loss, reason = "a few thousand points")]
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            // Six digits are more than a plot shows.
            let digits = 10f64.powi(if mean.abs() < 1000.0 { 5 } else { 0 });
            json!(if known.is_empty() { None } else { Some((mean * digits).round() / digits) })
        };
        records.chunks(size).map(average).collect()
    };
    let times: Vec<Value> = records.chunks(size).map(|part| json!(part[0].number("time"))).collect();
    let mut all = Map::from_iter([("time".to_owned(), times.into())]);
    all.extend(names.iter().map(|name| ((*name).to_owned(), column(name))));
    all.into()
}
