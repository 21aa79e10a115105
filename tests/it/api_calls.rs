//! Every method of the API through the two calling tools: valid calls reach the cluster unchanged, invalid ones are
//! never sent.

use crate::cluster::Sample;
use proxmox_mcp::{
    config::Access,
    demo,
    pve::{
        Method,
        api::{self, Param, Row},
    },
    tools::run::{replaced, risk},
};
use serde_json::{Map, Value, json};

/// A value that is valid for a parameter, as far as the table knows.
fn value(param: &Param) -> String {
    if let Some(mut choices) = param.choices() {
        return choices.next().unwrap().to_owned();
    }
    if let Some(keys) = param.keys() {
        let keys: Vec<Param> = keys.collect();
        let needed: Vec<&Param> = keys.iter().filter(|key| !key.is_optional()).collect();
        let chosen = if needed.is_empty() { vec![&keys[0]] } else { needed };
        return chosen
            .iter()
            .map(|key| format!("{}={}", key.name(), value(key)))
            .collect::<Vec<_>>()
            .join(",");
    }
    match param.format().unwrap_or_default().trim_end_matches("-list").trim_end_matches("-opt") {
        "pve-vmid" => return "100".into(),
        "pve-node" => return "pve1".into(),
        "ipv4" | "ip" | "address" => return "10.0.0.1".into(),
        "ipv6" => return "fd00::1".into(),
        "CIDR" | "CIDRv4" => return "10.0.0.0/8".into(),
        "CIDRv6" => return "fd00::/64".into(),
        "mac-addr" => return "BC:24:11:00:00:01".into(),
        "disk-size" => return "4G".into(),
        _ => {}
    }
    match param.kind() {
        "boolean" => "1".into(),
        "integer" | "number" => param.range().0.or(param.range().1).unwrap_or("7").into(),
        // Spaces and characters that end a parameter if they are not encoded; volumes contain slashes.
        _ if param.name() == "volume" => "local:iso/a b.iso".into(),
        _ if param.name() == "cidr" => "10.0.0.0/8".into(),
        _ => match param.length() {
            (Some(least), _) => "ab".repeat(least.div_ceil(2)),
            _ if param.format().is_none() && param.pattern().is_none() && param.length().1.is_none() => {
                "a;b=c&d é".into()
            }
            _ => "ab".into(),
        },
    }
}

fn in_path(row: &Row, param: &Param) -> bool {
    row.path().contains(&format!("{{{}}}", param.name()))
}

/// A value for every required parameter, under a name that it accepts.
fn needed(row: &Row) -> Vec<(Param, String, String)> {
    let params = row.params().into_iter().filter(|param| !param.is_optional() || in_path(row, param));
    params.map(|param| (param, param.name().replace("[n]", "0"), value(&param))).collect()
}

/// A call by template and arguments.
fn call(row: &Row, arguments: &Map<String, Value>) -> (&'static str, Value) {
    let mut call = json!({"path": row.path(), "arguments": arguments, "wait": 0});
    if row.method() == Method::Get {
        call.as_object_mut().unwrap().remove("wait");
        return ("proxmox_get_api", call);
    }
    call["method"] = row.method().word().into();
    ("proxmox_call_api", call)
}

fn full_access() -> Sample {
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
        config.access = Access::Full;
    })
}

/// The segments of a path as the cluster reads them: decoded, and split at the slashes of the template.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&pair, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_valid_call_of_every_method_reaches_the_cluster_as_it_was_meant() {
    let mut sample = full_access();
    let (mut reached, mut refused, mut known) = (0, 0, 0);
    for row in api::rows() {
        let mut given = needed(&row);
        // Everything that a PUT would lose: if all of it is given, nothing has to be read first.
        for name in replaced::lost_unless_sent(&row) {
            if !given.iter().any(|(_, known, _)| known == name) {
                let param = row.param(name).unwrap();
                given.push((param, (*name).to_owned(), value(&param)));
            }
        }
        let arguments: Map<String, Value> =
            given.iter().map(|(_, name, value)| (name.clone(), Value::from(value.clone()))).collect();
        let (tool, call) = call(&row, &arguments);
        let name = format!("{} {}", row.method(), row.path());
        let answer = sample.call(tool, call);
        let seen = sample.server.requests().split_off(known);
        known += seen.len();
        if risk::refusal(&row).is_some() {
            assert!(answer.is_err_and(|said| said.contains("is not called here")), "{name}");
            assert!(seen.is_empty(), "{name}: {seen:?}");
            refused += 1;
            continue;
        }
        let Some(seen) = seen.iter().find(|seen| {
            let poll = seen.path.contains("/tasks/UPID") && !row.path().contains("{upid}");
            // The previous state is read before a change, so that the change can be undone.
            !poll && seen.method == row.method().word()
        }) else {
            panic!("{name} did not reach the cluster: {answer:?}");
        };
        assert_eq!(seen.method, row.method().word(), "{name}");
        let mut path = format!("/api2/extjs{}", row.path());
        for (param, _, value) in &given {
            path = path.replace(&format!("{{{}}}", param.name()), value);
        }
        assert_eq!(decoded(&seen.path), path, "{name}");
        let mut body: Vec<(String, String)> = given
            .iter()
            .filter(|(param, _, _)| !in_path(&row, param))
            .map(|(_, name, value)| (name.clone(), value.clone()))
            .collect();
        let mut sent = seen.pairs.clone();
        body.sort();
        sent.sort();
        assert_eq!(sent, body, "{name}");
        reached += 1;
        // Some of these calls destroy the cluster.
        if row.method() != Method::Get && answer.is_ok() {
            (sample, known) = (full_access(), 0);
        }
    }
    assert_eq!((reached, refused), (662, 18));
}

#[test]
fn what_is_missing_or_unknown_is_caught_before_anything_is_sent() {
    let sample = full_access();
    let mut cases = 0;
    for row in api::rows().filter(|row| risk::refusal(row).is_none()) {
        let name = format!("{} {}", row.method(), row.path());
        let given = needed(&row);
        let all: Map<String, Value> =
            given.iter().map(|(_, name, value)| (name.clone(), Value::from(value.clone()))).collect();
        for (param, left_out, _) in &given {
            // A numbered family is never required; a guest's node is looked up.
            let guest = row.path().starts_with("/nodes/{node}/qemu/{vmid}")
                || row.path().starts_with("/nodes/{node}/lxc/{vmid}");
            if param.name().ends_with("[n]") || (guest && left_out == "node") {
                continue;
            }
            let mut arguments = all.clone();
            arguments.shift_remove(left_out);
            let (tool, call) = call(&row, &arguments);
            sample.fails(tool, call, &[&format!("`{left_out}` is missing"), "Nothing was sent"]);
            cases += 1;
        }
        if !row.open() {
            let mut arguments = all.clone();
            arguments.insert("no_such_thing".into(), "x".into());
            let (tool, call) = call(&row, &arguments);
            sample.fails(tool, call, &["has no parameter `no_such_thing`", "Nothing was sent"]);
            cases += 1;
        }
        let seen = sample.server.requests();
        assert!(seen.is_empty(), "{name}: {seen:?}");
    }
    assert!(1500 <= cases, "{cases}");
}

#[test]
fn what_is_wrong_is_told_with_what_is_right() {
    let sample = full_access();
    let config = "/nodes/pve1/qemu/100/config";
    for (method, path, arguments, words) in [
        ("PUT", config, json!({"memroy": 2048}), &["no parameter `memroy`", "Did you mean `memory`?"][..]),
        ("PUT", config, json!({"nett0": "virtio"}), &["Did you mean `net0`?"]),
        ("PUT", config, json!({"net0": "virtio,brige=vmbr0"}), &["no key `brige`", "Did you mean `bridge`?"]),
        ("PUT", config, json!({"net0": {"model": "virtoi"}}), &["`net0`", "`model`", "`virtio`"]),
        ("PUT", config, json!({"cores": "many"}), &["`cores` is \"many\"", "an integer"]),
        ("PUT", config, json!({"cores": 0}), &["`cores` is \"0\"", "(1..)"]),
        ("PUT", config, json!({"ostype": "wvist"}), &["one of", "Did you mean `wvista`?"]),
        ("PUT", config, json!({"onboot": "maybe"}), &["`onboot` is \"maybe\"", "true or false"]),
        ("POST", config, json!({"background_delay": 31}), &["1..30"]),
        ("PUT", "/nodes/pve1/qemu/1/config", json!({}), &["`vmid` is \"1\""]),
        ("PUT", config, json!({"node": "pve2"}), &["`pve1` in the path and `pve2` in `arguments`"]),
        (
            "PUT",
            "/nodes/{node}/qemu/{vmid}/config",
            json!({"cores": 2}),
            &["`vmid` is missing", "part of the path"],
        ),
        (
            "PUT",
            "/nodes/pve1/qmeu/100/config",
            json!({}),
            &["no path", "Did you mean `/nodes/pve1/qemu/100/config`?"],
        ),
        ("POST", "/version", json!({}), &["`/version` has no POST; it has GET"]),
        (
            "DELETE",
            "/nodes/pve1/storage/local/content/{volume}",
            json!({"volume": "local:iso/../x"}),
            &["not a path"],
        ),
        ("DELETE", "/access/users/{userid}", json!({"userid": "../groups"}), &["slash"]),
        ("PUT", "/access/password", json!({"userid": "a@pve", "password": "hush"}), &["`password`", "8..64"]),
        ("POST", "/nodes/pve1/storage/local/upload", json!({}), &["not called here", "download-url"]),
        ("POST", "/nodes/pve1/qemu/100/vncproxy", json!({}), &["not called here", "web interface"]),
        ("PUT", "/nodes/../access", json!({}), &["contains `.` or `..`"]),
        ("PUT", "/nodes/pve1/qemu/100%2f../config", json!({}), &["encoded slash"]),
        ("PUT", "/nodes/pve1/qemu/100/config?cores=2", json!({}), &["`arguments`"]),
        ("PUT", "https://pve/api2/json/nodes", json!({}), &["is a URL"]),
    ] {
        let call = json!({"method": method, "path": path, "arguments": arguments});
        sample.fails("proxmox_call_api", call.clone(), words);
        let said = sample.call("proxmox_call_api", call).unwrap_err();
        assert!(!said.contains("hush"), "{said}");
        assert!(sample.server.requests().is_empty(), "{path} {arguments}");
    }
    sample.fails("proxmox_get_api", json!({"path": "/nodes/pve1/qemu/100/vncwebsocket"}), &["WebSocket"]);
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/cluster/resources", "arguments": {"type": "vms"}}),
        &["Did you mean `vm`?"],
    );
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/version", "method": "DELETE"}),
        &["no argument `method`"],
    );
    sample.fails(
        "proxmox_call_api",
        json!({"path": "/version", "method": "GET"}),
        &["`POST`, `PUT`, `DELETE`"],
    );
    assert!(sample.server.requests().is_empty());
}

#[test]
fn unchecked_lets_through_what_the_table_does_not_know_and_nothing_that_leads_elsewhere() {
    let sample = full_access();
    let path = "/nodes/{node}/new-thing/{name}";
    let arguments = json!({"node": "pve1", "name": "a b", "x": [1, 2]});
    sample.fails("proxmox_get_api", json!({"path": path, "arguments": arguments}), &["`unchecked`: true"]);
    assert!(sample.wire().is_empty());
    sample.fails(
        "proxmox_get_api",
        json!({"path": path, "arguments": arguments, "unchecked": true}),
        &["501"],
    );
    assert_eq!(sample.wire(), ["GET /nodes/pve1/new-thing/a%20b x=1&x=2"]);
    let newer = json!({"path": "/cluster/resources", "arguments": {"new": 1}, "unchecked": true});
    sample.fails("proxmox_get_api", newer, &["400", "`new`"]);
    assert_eq!(sample.wire()[1..], ["GET /cluster/resources new=1"]);
    for path in ["/new/../x", "/new/%2e%2e", "/new?x=1", "/new/a%2fb", "//host/x"] {
        let call = json!({"method": "POST", "path": path, "unchecked": true});
        assert!(sample.call("proxmox_call_api", call).is_err(), "{path}");
    }
    for (path, arguments) in [
        ("/new/{name}", json!({"name": "a/b"})),
        ("/new/{name}", json!({"name": ".."})),
        ("/new/{name}", json!({})),
    ] {
        let call = json!({"path": path, "arguments": arguments, "unchecked": true});
        assert!(sample.call("proxmox_get_api", call).is_err(), "{path}");
    }
    assert_eq!(sample.wire().len(), 2, "nothing more was sent");
}
