//! The IP addresses of a guest, as reported by a VM's guest agent or a container's node.

use crate::{
    pve::{Error, Params, Reply},
    tools::{
        answer::Failure,
        param::Kind,
        run::{context::Context, find::Guest, state::State},
    },
};
use serde_json::{Map, Value, json};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// The keys of an answer for the addresses, or for the reason why they are unknown.
const ADDRESSES: &str = "addresses";
const UNKNOWN: &str = "addresses_unknown";
/// The interval at which a guest that has just started is asked for its addresses.
const PAUSE: Duration = Duration::from_secs(1);

/// The API path of a guest's network interfaces.
///
/// # Errors
/// Fails if the node's name cannot be part of a path.
pub fn path_of(guest: &Guest) -> Result<String, Failure> {
    let request = match guest.kind {
        Kind::Vm => "agent/network-get-interfaces",
        Kind::Container => "interfaces",
    };
    Ok(format!("{}/{request}", guest.path()?))
}

/// Adds the addresses to an answer, or the reason why they are unknown.
pub fn tell(facts: &mut Map<String, Value>, kind: Kind, reply: Result<Reply, Error>) {
    match addresses_of(kind, reply) {
        Ok(list) => facts.insert(ADDRESSES.into(), list),
        Err(Unknown { why, .. }) => facts.insert(UNKNOWN.into(), why.into()),
    };
}

/// Adds the reason why the addresses of a guest in that state are unknown; a stopped guest needs none.
pub fn insert_unknown_reason(facts: &mut Map<String, Value>, kind: Kind, state: &State) {
    let why = match state {
        State::Stopped => return,
        State::Running => "It had only just started.".to_owned(),
        State::Unknown => "Its state is not known.".to_owned(),
        state => format!("The {} is {}, so it cannot be queried.", kind.word(), state.word()),
    };
    facts.insert(UNKNOWN.into(), why.into());
}

/// Polls a guest that has just started until it has an address that other hosts can reach, or until the deadline.
///
/// # Errors
/// Fails if the node's name cannot be part of a path.
pub fn wait_for(
    context: &Context<'_>,
    guest: &Guest,
    until: Instant,
    facts: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let path = path_of(guest)?;
    let mut last = "It had none when the wait ended.".to_owned();
    loop {
        match addresses_of(guest.kind, context.pve.get(&context.call.cancel, &path, &Params::new())) {
            Ok(list) if has_reachable(&list) => {
                facts.insert(ADDRESSES.into(), list);
                return Ok(());
            }
            Ok(list) if list.as_object().is_some_and(|list| !list.is_empty()) => {
                last = format!("It had only link-local addresses when the wait ended: {list}.");
            }
            Ok(_) => {}
            Err(Unknown { why, for_good }) => {
                last = why;
                if for_good {
                    break;
                }
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || context.call.cancel.sleep(PAUSE.min(left)) {
            break;
        }
        context.call.progress(
            context.started.elapsed().as_secs_f64(),
            None,
            "It runs; waiting for its address.",
        );
    }
    facts.insert(UNKNOWN.into(), last.into());
    Ok(())
}

/// Why no addresses are known.
#[derive(Debug, PartialEq, Eq)]
struct Unknown {
    why: String,
    /// Whether asking again cannot help.
    for_good: bool,
}

/// Addresses by interface, loopback left out.
fn addresses_of(kind: Kind, reply: Result<Reply, Error>) -> Result<Value, Unknown> {
    let value = match reply {
        Ok(reply) => reply.value(),
        Err(error) => {
            let why = error.message().map_or_else(|| error.to_string(), str::to_owned);
            // Without an agent, waiting does not help.
            let for_good = why.contains("No QEMU guest agent configured") || is_refusal(&why);
            return Err(Unknown { why, for_good });
        }
    };
    by_interface(kind, &value)
}

/// Whether an agent's error says that it does not support or allow the command.
fn is_refusal(words: &str) -> bool {
    ["has been disabled", "CommandDisabled", "CommandNotFound", "unsupported", "not been found"]
        .iter()
        .any(|part| words.contains(part))
}

/// A VM's agent returns the list, or an error of its own, in `result`; a container's node returns the list
/// itself (API paths `…/agent/network-get-interfaces` and `…/interfaces`).
fn by_interface(kind: Kind, value: &Value) -> Result<Value, Unknown> {
    let list = match kind {
        Kind::Vm if value.is_object() => &value["result"],
        _ => value,
    };
    let Some(interfaces) = list.as_array() else {
        let error = &list["error"];
        let words = ["desc", "class"].iter().find_map(|name| error[*name].as_str());
        let why = match (words.or(error.as_str()), kind) {
            (Some(words), _) => format!("The guest agent answered: {words}"),
            (None, Kind::Vm) => format!("The guest agent answered {list} instead of its network interfaces."),
            (None, Kind::Container) => format!("The node answered {list} instead of the network interfaces."),
        };
        let class = error["class"].as_str().unwrap_or_default();
        return Err(Unknown { for_good: is_refusal(&why) || is_refusal(class), why });
    };
    let mut found = Map::new();
    for interface in interfaces {
        let addresses: Vec<String> = told(interface)
            .into_iter()
            .filter(|text| !address(text).is_some_and(|ip| ip.is_loopback()))
            .collect();
        if !addresses.is_empty() {
            found.insert(name_among(&found, interfaces, interface), json!(addresses));
        }
    }
    Ok(found.into())
}

/// The interface's name, followed by its MAC address if another interface has the same name, as on Windows.
fn name_among(found: &Map<String, Value>, all: &[Value], interface: &Value) -> String {
    let name = interface["name"].as_str().unwrap_or("unnamed");
    let is_alone = all.iter().filter(|other| other["name"] == interface["name"]).count() < 2;
    if is_alone {
        return name.to_owned();
    }
    let hardware = ["hardware-address", "hwaddr"].iter().find_map(|key| interface[*key].as_str());
    let first = hardware.map_or_else(|| name.to_owned(), |hardware| format!("{name} ({hardware})"));
    let numbered = (2..).map(|number| format!("{name} #{number}"));
    std::iter::once(first).chain(numbered).find(|name| !found.contains_key(name)).unwrap_or_default()
}

/// The addresses of one interface. Before 8.4 those of a container were `inet` and `inet6`, with prefix lengths.
fn told(interface: &Value) -> Vec<String> {
    if let Some(list) = interface["ip-addresses"].as_array() {
        return list.iter().filter_map(|one| one["ip-address"].as_str()).map(str::to_owned).collect();
    }
    let old = ["inet", "inet6"].iter().flat_map(|family| match &interface[*family] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    old.flat_map(|text| text.split([',', ' ']))
        .filter(|text| !text.is_empty())
        .map(|text| text.split('/').next().unwrap_or_default().to_owned())
        .collect()
}

/// Parses an address, without its zone or prefix length.
fn address(text: &str) -> Option<IpAddr> {
    text.split(['%', '/']).next()?.parse().ok()
}

/// Whether there is an address other than loopback, link-local and unspecified ones.
fn has_reachable(addresses: &Value) -> bool {
    let own = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    let lists = addresses.as_object().into_iter().flat_map(Map::values);
    let texts = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    texts.filter_map(address).any(|address| !address.is_loopback() && !own(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str, hardware: &str, addresses: &[&str]) -> Value {
        let addresses: Vec<Value> = addresses.iter().map(|one| json!({"ip-address": one})).collect();
        json!({"name": name, "hardware-address": hardware, "ip-addresses": addresses})
    }

    #[test]
    fn addresses_are_read_from_every_form() {
        for (kind, answer, expected) in [
            (
                Kind::Vm,
                json!({"result": [card("lo", "", &["127.0.0.1", "::1"]), card("eth0", "", &["192.0.2.1"])]}),
                json!({"eth0": ["192.0.2.1"]}),
            ),
            (
                Kind::Vm,
                json!({"result": [
                    card("Ethernet", "bc:01", &["fe80::1%3", "169.254.1.1"]), card("Ethernet", "bc:02", &["192.0.2.2"]),
                    card("Loopback Pseudo-Interface 1", "", &["::1", "127.0.0.1"]), json!({"name": "docker0"}),
                ]}),
                json!({"Ethernet (bc:01)": ["fe80::1%3", "169.254.1.1"], "Ethernet (bc:02)": ["192.0.2.2"]}),
            ),
            (
                Kind::Vm,
                json!({"result": [card("a", "bc:01", &["192.0.2.1"]), card("a", "bc:01", &["192.0.2.2"])]}),
                json!({"a (bc:01)": ["192.0.2.1"], "a #2": ["192.0.2.2"]}),
            ),
            // A routable address on the loopback interface, as routers have.
            (
                Kind::Vm,
                json!({"result": [card("lo", "", &["127.0.0.1", "192.0.2.9"])]}),
                json!({"lo": ["192.0.2.9"]}),
            ),
            (Kind::Vm, json!({"result": []}), json!({})),
            (
                Kind::Container,
                json!([{"name": "lo", "inet": "127.0.0.1/8", "inet6": "::1/128"},
                    {"name": "eth0", "hwaddr": "bc:01", "inet": "192.0.2.95/24", "inet6": "fe80::2/64"}]),
                json!({"eth0": ["192.0.2.95", "fe80::2"]}),
            ),
            (
                Kind::Container,
                json!([{"name": "eth0", "inet": "192.0.2.95/24", "ip-addresses": [{"ip-address": "192.0.2.96"}]}]),
                json!({"eth0": ["192.0.2.96"]}),
            ),
        ] {
            assert_eq!(by_interface(kind, &answer), Ok(expected), "{answer}");
        }
    }

    #[test]
    fn an_answer_that_is_no_list_says_why() {
        for (kind, answer, words, for_good) in [
            (
                Kind::Vm,
                json!({"result": {"error": {"class": "CommandDisabled", "desc": "No way"}}}),
                "No way",
                true,
            ),
            (Kind::Vm, json!({"result": {"error": {"class": "CommandNotFound"}}}), "CommandNotFound", true),
            (
                Kind::Vm,
                json!({"result": {"error": {"class": "GenericError", "desc": "Later"}}}),
                "Later",
                false,
            ),
            (
                Kind::Vm,
                json!({"result": {"error": "this feature or command is not currently supported"}}),
                "not currently",
                false,
            ),
            (Kind::Vm, json!({"result": null}), "answered null", false),
            (Kind::Vm, json!(null), "answered null", false),
            (Kind::Container, json!(null), "The node answered null", false),
        ] {
            let Unknown { why, for_good: end } = by_interface(kind, &answer).unwrap_err();
            assert!(why.contains(words), "{answer}: {why}");
            assert_eq!(end, for_good, "{answer}: {why}");
        }
    }

    #[test]
    fn only_some_addresses_can_be_reached() {
        for (address, expected) in [
            ("192.0.2.1", true),
            ("2001:db8::1", true),
            ("fd00::1%eth0", true),
            ("169.254.9.1", false),
            ("fe80::1%3", false),
            ("FEBF::1", false),
            ("127.0.1.1", false),
            ("::1", false),
            ("0.0.0.0", false),
            ("no address", false),
        ] {
            assert_eq!(has_reachable(&json!({"eth0": [address]})), expected, "{address}");
        }
    }
}
