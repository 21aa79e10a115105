//! Everything about one guest in one answer: configuration, live state, snapshots, addresses.

use crate::{
    pve,
    tools::{
        answer::{Failure, Outcome, object},
        param::Kind,
        run::{args::Args, context::Context, find},
    },
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Of the live state, what matters to somebody who looks at one guest.
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

/// Of the configuration, what says nothing to anybody.
const NOISE: &[&str] = &["digest", "smbios1", "vmgenid", "meta"];

/// Four requests at the same time, after the one that finds the guest where its place is not remembered.
pub fn info(context: &Context<'_>, args: &Args) -> Outcome {
    let found = find::at(context, args, context.kind, 4, |guest| gather(context, guest))?;
    context.fit(found)
}

fn gather(context: &Context<'_>, guest: &find::Guest) -> Result<Map<String, Value>, Failure> {
    let path = guest.path()?;
    let may_run = guest.status == "running" || guest.is_remembered();
    let interfaces = match guest.kind {
        Kind::Vm => format!("{path}/agent/network-get-interfaces"),
        Kind::Container => format!("{path}/interfaces"),
    };
    let (config, status, snapshots) =
        (format!("{path}/config"), format!("{path}/status/current"), format!("{path}/snapshot"));
    let (config, status, snapshots, addresses) = if may_run {
        let [config, status, snapshots, addresses] =
            context.get_all([&config, &status, &snapshots, &interfaces]);
        (config, status, snapshots, Some(addresses))
    } else {
        let [config, status, snapshots] = context.get_all([&config, &status, &snapshots]);
        (config, status, snapshots, None)
    };
    let status = object::object(status?.value())?;
    let mut config = object::object(config?.value())?;
    let is_running = status.get("status").is_some_and(|status| status == "running");
    let addresses = addresses.filter(|_| is_running || !guest.is_remembered());
    let mut answer = Map::new();
    answer.insert("vmid".into(), guest.vmid.into());
    answer.insert("name".into(), name_of(guest, &config, &status).into());
    answer.insert("node".into(), guest.node.clone().into());
    answer.insert("type".into(), guest.kind.api_type().into());
    answer.insert("status".into(), pick_status(status));
    config.retain(|name, _| !NOISE.contains(&name.as_str()));
    answer.insert("config".into(), config.into());
    answer.insert("snapshots".into(), snapshot_rows(&snapshots?.value()));
    match addresses.map(|reply| addresses_of(guest.kind, reply)) {
        None => {}
        Some(Ok(list)) => {
            answer.insert("addresses".into(), list);
        }
        Some(Err(Failure(why))) => {
            answer.insert("addresses_unknown".into(), why.into());
        }
    }
    Ok(answer)
}

/// What a guest is called: as it was found, or where its place was only remembered, as it says itself.
fn name_of(guest: &find::Guest, config: &Map<String, Value>, status: &Map<String, Value>) -> String {
    let own =
        find::configured_name(guest.kind, config).or_else(|| status.get("name").and_then(Value::as_str));
    own.filter(|_| guest.is_remembered()).unwrap_or(&guest.name).to_owned()
}

/// How often a guest that has just started is asked for its addresses.
const ADDRESS_PAUSE: Duration = Duration::from_secs(1);

/// Asks a guest that has just started for its addresses until it has one that others can reach, or the time is
/// over; `facts` gets `addresses`, or `addresses_unknown` with the reason.
pub fn await_addresses(
    context: &Context<'_>,
    guest: &find::Guest,
    until: Instant,
    facts: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let path = guest.path()?;
    let request = match guest.kind {
        Kind::Vm => "agent/network-get-interfaces",
        Kind::Container => "interfaces",
    };
    let mut last = "None was told in time.".to_owned();
    loop {
        let reply = context.pve.get(&context.call.cancel, &format!("{path}/{request}"), &pve::Params::new());
        match addresses_of(guest.kind, reply) {
            Ok(list) if has_reachable(&list) => {
                facts.insert("addresses".into(), list);
                return Ok(());
            }
            Ok(_) => {}
            // Without an agent there is nobody who could tell, however long one waits.
            Err(Failure(why)) => {
                let hopeless = why.contains("No QEMU guest agent configured");
                last = why;
                if hopeless {
                    break;
                }
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || context.call.cancel.sleep(ADDRESS_PAUSE.min(left)) {
            break;
        }
        context.call.progress(
            context.started.elapsed().as_secs_f64(),
            None,
            "It runs; waiting for its address.",
        );
    }
    facts.insert("addresses_unknown".into(), last.into());
    Ok(())
}

/// Whether there is an address beyond those that every interface gives itself.
fn has_reachable(addresses: &Value) -> bool {
    let own = |address: &str| address.starts_with("127.") || address == "::1" || address.starts_with("fe80:");
    let lists = addresses.as_object().into_iter().flat_map(Map::values);
    lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).any(|address| !own(address))
}

/// One aspect of a guest, every value that Proxmox has of it.
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

/// The cards of the configuration, and the addresses that a running guest tells.
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
    if guest.status == "running" {
        let request = match guest.kind {
            Kind::Vm => "agent/network-get-interfaces",
            Kind::Container => "interfaces",
        };
        let reply = context.pve.get(&context.call.cancel, &format!("{path}/{request}"), &pve::Params::new());
        match addresses_of(guest.kind, reply) {
            Ok(list) => answer.insert("addresses".into(), list),
            Err(Failure(why)) => answer.insert("addresses_unknown".into(), why.into()),
        };
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

/// `[name, snaptime, description]` of each snapshot; `current` is the running state, not a snapshot.
fn snapshot_rows(list: &Value) -> Value {
    let mut snapshots: Vec<&Value> =
        list.as_array().into_iter().flatten().filter(|snapshot| snapshot["name"] != "current").collect();
    let key =
        |snapshot: &Value| (snapshot["snaptime"].as_u64(), snapshot["name"].as_str().map(str::to_owned));
    snapshots.sort_by_key(|one| key(one));
    let rows: Vec<Value> = snapshots
        .into_iter()
        .map(|snapshot| json!([snapshot["name"], snapshot["snaptime"], snapshot["description"]]))
        .collect();
    json!({"columns": ["name", "snaptime", "description"], "rows": rows})
}

/// Addresses by interface, loopback left out. The agent of a virtual machine names them otherwise than the host
/// of a container does (API paths `…/agent/network-get-interfaces` and `…/interfaces`).
fn addresses_of(kind: Kind, reply: Result<pve::Reply, pve::Error>) -> Result<Value, Failure> {
    let value = reply
        .map_err(|error| Failure::new(error.message().map_or_else(|| error.to_string(), str::to_owned)))?;
    let value = value.value();
    let interfaces = match kind {
        Kind::Vm => &value["result"],
        Kind::Container => &value,
    };
    let mut found = Map::new();
    for interface in interfaces.as_array().into_iter().flatten() {
        let name = interface["name"].as_str().unwrap_or_default();
        let addresses: Vec<&str> = interface["ip-addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|address| address["ip-address"].as_str())
            .collect();
        if name != "lo" && !addresses.is_empty() {
            found.insert(name.into(), json!(addresses));
        }
    }
    Ok(found.into())
}
