//! `ssh`: how the nodes are reached for commands in containers.

use super::place::{Place, Wrong, path, type_of};
use crate::{ssh::Ssh, suggest::did_you_mean};
use serde_json::{Map, Value};

const KEYS: [&str; 5] = ["user", "port", "identity", "known_hosts", "addresses"];

/// Reads the object; an empty one means the user root, port 22 and ssh's default keys.
///
/// # Errors
/// The first problem.
pub(super) fn read(value: &Value, place: Place<'_>) -> Result<Ssh, Wrong> {
    let Value::Object(object) = value else {
        return Err(Wrong::at(
            "",
            format!(" is {}, but must be an object with {}.", type_of(value), KEYS.join(", ")),
        ));
    };
    let strange = object.keys().find(|key| !KEYS.contains(&key.as_str()) && !key.starts_with(['_', '/']));
    if let Some(strange) = strange {
        let hint = did_you_mean(strange, KEYS);
        return Err(Wrong::at(
            format!(".{}", strange.escape_debug()),
            format!(" is not a known key.{hint} The keys are {}.", KEYS.join(", ")),
        ));
    }
    let file = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => path(text, place)
            .map(Some)
            .map_err(|problem| Wrong::at(format!(".{key}"), format!(" is a path, {problem}."))),
        Some(other) => Err(Wrong::at(
            format!(".{key}"),
            format!(" is {}, but must be the path of a file.", type_of(other)),
        )),
    };
    let user = match object.get("user") {
        None | Some(Value::Null) => "root".to_owned(),
        Some(Value::String(user)) if is_name(user) => user.clone(),
        Some(other) => {
            return Err(Wrong::at(".user", format!(" is {other}, but must be the name of a user.")));
        }
    };
    let port = match object.get("port") {
        None | Some(Value::Null) => 22,
        Some(other) => {
            other.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0).ok_or_else(
                || Wrong::at(".port", format!(" is {other}, but must be a port from 1 to 65535.")),
            )?
        }
    };
    let addresses = object.get("addresses").map(|value| value.as_object().ok_or(value));
    let none = Map::new();
    let addresses = match addresses {
        None => &none,
        Some(Ok(addresses)) => addresses,
        Some(Err(other)) => {
            return Err(Wrong::at(
                ".addresses",
                format!(" is {}, but must be an object that maps nodes to addresses.", type_of(other)),
            ));
        }
    };
    let mut known = std::collections::BTreeMap::new();
    for (node, address) in addresses {
        match address.as_str().filter(|address| is_name(address)) {
            Some(address) => known.insert(node.clone(), address.to_owned()),
            None => {
                return Err(Wrong::at(
                    format!(".addresses.{}", node.escape_debug()),
                    format!(" is {address}, but must be a host's name or address."),
                ));
            }
        };
    }
    Ok(Ssh {
        user,
        port,
        identity: file("identity")?,
        known_hosts: file("known_hosts")?,
        addresses: known,
        program: "ssh".into(),
    })
}

/// Whether a name contains nothing that ssh could take for an option or a second word.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{super::place::At, *};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn an_object_is_read_and_what_is_wrong_in_it_is_named() {
        let place = Place { at: At::File(Path::new("/etc/x/config.json")), env: &|_| None };
        let ssh = read(
            &json!({"user": "ops", "port": 2222, "identity": "key", "addresses": {"pve1": "192.0.2.1"}}),
            place,
        );
        let ssh = ssh.ok().unwrap();
        assert_eq!((ssh.user.as_str(), ssh.port, ssh.addresses["pve1"].as_str()), ("ops", 2222, "192.0.2.1"));
        assert_eq!(ssh.identity.unwrap(), Path::new("/etc/x/key"));
        for (value, below) in [
            (json!(true), ""),
            (json!({"usr": "x"}), ".usr"),
            (json!({"user": "-oProxyCommand=x"}), ".user"),
            (json!({"port": 0}), ".port"),
            (json!({"identity": 7}), ".identity"),
            (json!({"addresses": {"pve1": "-x"}}), ".addresses.pve1"),
        ] {
            assert_eq!(read(&value, place).err().unwrap().below, below, "{value}");
        }
    }
}
