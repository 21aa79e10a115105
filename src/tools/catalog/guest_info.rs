//! Everything about one guest in one answer: configuration, live state, snapshots, addresses.

use crate::{
    pve,
    tools::{
        answer::{Failure, Outcome, object},
        catalog::guest_addresses,
        run::{args::Args, context::Context, find, state::State},
    },
};
use serde_json::{Map, Value, json};

/// The fields of the current status that an answer shows.
const STATUS: &[&str] = &[
    "status",
    "qmpstatus",
    "lock",
    "uptime",
    "cpu",
    "cpus",
    "mem",
    "maxmem",
    "disk",
    "maxdisk",
    "netin",
    "netout",
    "diskread",
    "diskwrite",
];

/// Configuration keys that are left out because they tell a reader nothing.
const NOISE: &[&str] = &["digest", "smbios1", "vmgenid", "meta"];

/// Sends four requests in parallel, after one that finds the guest if its node is not remembered.
pub fn info(context: &Context<'_>, args: &Args) -> Outcome {
    let found = find::at(context, args, context.kind, 4, |guest| gather(context, guest))?;
    context.fit(found)
}

fn gather(context: &Context<'_>, guest: &find::Guest) -> Result<Map<String, Value>, Failure> {
    let path = guest.path()?;
    // If the state is unknown, the answers themselves tell whether the guest is running.
    let known = guest.state();
    let may_answer = known.answers() || known == State::Unknown;
    let interfaces = guest_addresses::path_of(guest)?;
    let (config, status, snapshots) =
        (format!("{path}/config"), format!("{path}/status/current"), format!("{path}/snapshot"));
    let (config, status, snapshots, addresses) = if may_answer {
        let [config, status, snapshots, addresses] =
            context.get_all([&config, &status, &snapshots, &interfaces]);
        (config, status, snapshots, Some(addresses))
    } else {
        let [config, status, snapshots] = context.get_all([&config, &status, &snapshots]);
        (config, status, snapshots, None)
    };
    let status = status?.value();
    let state = match State::of_status(&status) {
        State::Unknown => known,
        state => state,
    };
    let mut config = object::object(config?.value())?;
    let status = object::object(status)?;
    let name = name_of(guest, &config, &status);
    let mut answer = Map::new();
    answer.insert("vmid".into(), guest.vmid.into());
    answer.insert("name".into(), name.into());
    answer.insert("node".into(), guest.node.clone().into());
    answer.insert("type".into(), guest.kind.api_type().into());
    answer.insert("status".into(), pick_status(status));
    config.retain(|name, _| !NOISE.contains(&name.as_str()));
    answer.insert("config".into(), config.into());
    answer.insert("snapshots".into(), snapshot_rows(&snapshots?.value()));
    match addresses {
        Some(reply) if state.answers() => guest_addresses::tell(&mut answer, guest.kind, reply),
        _ => guest_addresses::insert_unknown_reason(&mut answer, guest.kind, &state),
    }
    Ok(answer)
}

/// A guest's name: as it was found or, if its node was only remembered, from its own configuration.
fn name_of(guest: &find::Guest, config: &Map<String, Value>, status: &Map<String, Value>) -> String {
    let own =
        find::configured_name(guest.kind, config).or_else(|| status.get("name").and_then(Value::as_str));
    own.filter(|_| guest.is_remembered() || guest.name.is_empty()).unwrap_or(&guest.name).to_owned()
}

/// One aspect of a guest, with every value that Proxmox returns.
pub fn state(context: &Context<'_>, args: &Args) -> Outcome {
    let request = match args.text("what") {
        Some("network") => return network(context, args),
        Some("pending") => "pending",
        _ => "status/current",
    };
    let reply = find::at(context, args, context.kind, 1, |guest| {
        context.get(&format!("{}/{request}", guest.path()?), &pve::Params::new())
    })?;
    context.wrap(reply.value())
}

/// The network keys of the configuration, and the addresses that a running guest reports.
fn network(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    let path = guest.path()?;
    let mut config = object::object(context.get(&format!("{path}/config"), &pve::Params::new())?.value())?;
    config.retain(|key, _| {
        let family = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
        matches!(family, "net" | "ipconfig" | "nameserver" | "searchdomain")
    });
    let mut answer =
        Map::from_iter([("vmid".to_owned(), json!(guest.vmid)), ("node".to_owned(), json!(guest.node))]);
    answer.insert("config".into(), config.into());
    let state = guest.state_now(context);
    if state.answers() {
        let reply =
            context.pve.get(&context.call.cancel, &guest_addresses::path_of(&guest)?, &pve::Params::new());
        guest_addresses::tell(&mut answer, guest.kind, reply);
    } else {
        guest_addresses::insert_unknown_reason(&mut answer, guest.kind, &state);
    }
    context.fit(answer)
}

fn pick_status(mut status: Map<String, Value>) -> Value {
    let mut picked = Map::new();
    for name in STATUS {
        if let Some(value) = status.shift_remove(*name).filter(|value| !value.is_null()) {
            picked.insert((*name).into(), value);
        }
    }
    if status.get("ha").is_some_and(|ha| ha["managed"] == 1) {
        picked.insert("ha".into(), status["ha"].clone());
    }
    picked.into()
}

/// `[name, snaptime, description]` of each snapshot; with `snapstate` if an operation on any of them is in progress or
/// was interrupted. `current` is the running state, not a snapshot.
fn snapshot_rows(list: &Value) -> Value {
    let mut snapshots: Vec<&Value> =
        list.as_array().into_iter().flatten().filter(|snapshot| snapshot["name"] != "current").collect();
    let key =
        |snapshot: &Value| (snapshot["snaptime"].as_u64(), snapshot["name"].as_str().map(str::to_owned));
    snapshots.sort_by_key(|one| key(one));
    let half_done = snapshots.iter().any(|snapshot| !snapshot["snapstate"].is_null());
    let mut columns = vec!["name", "snaptime", "description"];
    if half_done {
        columns.push("snapstate");
    }
    let rows: Vec<Vec<&Value>> = snapshots
        .into_iter()
        .map(|snapshot| columns.iter().map(|column| &snapshot[*column]).collect())
        .collect();
    json!({"columns": columns, "rows": rows})
}
