//! Values that Proxmox stores percent-encoded are encoded when sent, whichever way they were given, and decoded when
//! read, so that no other module has to care (see [`Encoded`]).

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, Row, urlencoded::Encoded},
    },
    tools::run::request::Request,
};
use serde_json::Value;

/// Encodes a request for Proxmox. A value that is given several times (such as SSH keys) becomes one value with a line
/// for each.
#[must_use]
pub fn encode(request: Request) -> Request {
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return request };
    let encoded = |name: &str| Encoded::of(&found.row.param(name)?);
    if !request.params.iter().any(|(name, _)| encoded(name).is_some()) {
        return request;
    }
    let mut params = Params::new();
    for (name, value) in request.params.iter() {
        match encoded(name) {
            None => params.push(name, value),
            Some(Encoded::Whole) if params.get(name).is_some() => {}
            Some(Encoded::Whole) => {
                let lines = request.params.iter().filter(|(other, _)| *other == name).map(|(_, line)| line);
                params.push(name, Encoded::Whole.encode(&lines.collect::<Vec<_>>().join("\n")));
            }
            Some(keys) => params.push(name, keys.encode(value)),
        }
    }
    Request { params, ..request }
}

/// Returns whether the answer of a path may have encoded values: a VM's configuration, or the one in a backup.
#[must_use]
pub fn may_be_in(path: &str) -> bool {
    path.contains("/qemu/") && (path.ends_with("/config") || path.ends_with("/pending")) || is_file(path)
}

/// Returns whether a path answers with the text of a configuration file.
fn is_file(path: &str) -> bool {
    path.ends_with("/vzdump/extractconfig")
}

/// Decodes the encoded values of a VM's configuration in an answer: an object of keys, a list with an entry for each
/// key, or the text of the file. Other answers are left as they are.
pub fn decode(path: &str, answer: &mut Value) {
    if !may_be_in(path) {
        return;
    }
    let Some(row) = api::find_template(Method::Put, "/nodes/{node}/qemu/{vmid}/config") else { return };
    match answer {
        Value::Object(config) => {
            config.iter_mut().for_each(|(name, value)| decode_one(&row, name, value));
        }
        Value::Array(entries) => {
            for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
                let Some(key) = entry.get("key").and_then(Value::as_str).map(str::to_owned) else { continue };
                for name in ["value", "pending"] {
                    if let Some(value) = entry.get_mut(name) {
                        decode_one(&row, &key, value);
                    }
                }
            }
        }
        Value::String(file) if is_file(path) => {
            let lines = file.split('\n').map(|line| {
                let plain = line
                    .split_once(": ")
                    .map(|(name, value)| format!("{name}: {}", decoded(&row, name, value)));
                // Several SSH keys stay encoded, because the file has one line for all of them.
                plain.filter(|plain| !plain.contains('\n')).unwrap_or_else(|| line.to_owned())
            });
            *file = lines.collect::<Vec<_>>().join("\n");
        }
        _ => {}
    }
}

fn decode_one(row: &Row, name: &str, value: &mut Value) {
    if let Value::String(text) = value {
        *text = decoded(row, name, text);
    }
}

fn decoded(row: &Row, name: &str, text: &str) -> String {
    let encoded = row.param(name).filter(|_| text.contains('%')).and_then(|param| Encoded::of(&param));
    encoded.map_or_else(|| text.to_owned(), |encoded| encoded.decode(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_sent_encoded() {
        let send = |method, path: &str, pairs: &[(&str, &str)]| {
            let params = pairs.iter().fold(Params::new(), |params, (name, value)| params.with(*name, *value));
            let sent = encode(Request { method, path: path.into(), params }).params;
            sent.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let keys = [("sshkeys", "ssh-rsa A+/ me@a"), ("cores", "2"), ("sshkeys", "ssh-rsa B")];
        for (method, path) in [
            (Method::Put, "/nodes/pve1/qemu/100/config"),
            (Method::Post, "/nodes/pve1/qemu/100/config"),
            (Method::Post, "/nodes/pve1/qemu"),
        ] {
            assert_eq!(
                send(method, path, &keys),
                "sshkeys=ssh-rsa%20A%2B%2F%20me%40a%0Assh-rsa%20B cores=2",
                "{path}"
            );
            assert_eq!(
                send(method, path, &[("scsi1", "a:8,serial=x y")]),
                "scsi1=a:8,serial=x%20y",
                "{path}"
            );
        }
        let plain = [("ssh-public-keys", "ssh-rsa A+/ me@a"), ("description", "a b%20c")];
        let shown = "ssh-public-keys=ssh-rsa A+/ me@a description=a b%20c";
        assert_eq!(send(Method::Post, "/nodes/pve1/lxc", &plain), shown);
    }

    #[test]
    fn an_answer_is_shown_decoded() {
        let keys = "ssh-rsa%20A%2B me%40a";
        for (path, answer, expected) in [
            (
                "/nodes/a/qemu/100/config",
                json!({"sshkeys": keys, "name": "a%20b"}),
                json!({"sshkeys": "ssh-rsa A+ me@a", "name": "a%20b"}),
            ),
            (
                "/nodes/a/qemu/100/snapshot/s/config",
                json!({"scsi0": "a:1,serial=x%20y"}),
                json!({"scsi0": "a:1,serial=x y"}),
            ),
            (
                "/nodes/a/qemu/100/pending",
                json!([{"key": "sshkeys", "value": "a%20b", "pending": "c%20d"}, {"key": "cores", "value": 2}]),
                json!([{"key": "sshkeys", "value": "a b", "pending": "c d"}, {"key": "cores", "value": 2}]),
            ),
            (
                "/nodes/a/vzdump/extractconfig",
                json!("cores: 2\nsshkeys: a%20b\n"),
                json!("cores: 2\nsshkeys: a b\n"),
            ),
            ("/nodes/a/lxc/200/config", json!({"description": "a%20b"}), json!({"description": "a%20b"})),
            (
                "/nodes/a/storage",
                json!([{"key": "sshkeys", "value": "a%20b"}]),
                json!([{"key": "sshkeys", "value": "a%20b"}]),
            ),
        ] {
            let mut shown = answer.clone();
            decode(path, &mut shown);
            assert_eq!(shown, expected, "{path}");
        }
    }
}
