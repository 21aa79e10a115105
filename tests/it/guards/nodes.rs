//! Actions on a whole node or pool, under rules about guests that this account may not see completely.

use crate::cluster::{Sample, call, tools_as};
use proxmox_mcp::tools::Tools;
use serde_json::{Value, json};

/// Actions that stop, move or disconnect every guest of a node or a pool.
const ACTS: [(&str, &str, &str); 9] = [
    ("POST", "/nodes/pve1/stopall", "{}"),
    ("POST", "/nodes/pve1/suspendall", "{}"),
    ("POST", "/nodes/pve1/migrateall", r#"{"target": "pve2"}"#),
    ("POST", "/nodes/pve1/status", r#"{"command": "reboot"}"#),
    ("POST", "/nodes/pve1/status", r#"{"command": "shutdown"}"#),
    ("PUT", "/nodes/pve1/network", "{}"),
    ("POST", "/nodes/pve1/services/pve-cluster/stop", "{}"),
    ("POST", "/nodes/pve1/vzdump", r#"{"all": 1, "mode": "stop", "storage": "shared"}"#),
    ("POST", "/nodes/pve1/vzdump", r#"{"pool": "dev", "mode": "stop", "storage": "shared"}"#),
];

/// An API token with all privileges on nodes and pools, which sees only these guests; `rules` are paths and roles.
fn account(sample: &Sample, rules: &[(&str, &str)]) -> (String, String) {
    let api = |method: &str, path: &str, arguments: Value| {
        sample.done("proxmox_call_api", json!({"method": method, "path": path, "arguments": arguments}));
    };
    api("POST", "/access/users", json!({"userid": "op@pve"}));
    api("POST", "/access/users/op@pve/token/t", json!({"privsep": 0}));
    for (path, role) in rules {
        api("PUT", "/access/acl", json!({"path": path, "roles": role, "users": "op@pve"}));
    }
    let id = "op@pve!t".to_owned();
    let secret = sample.server.token_secret(&id).unwrap();
    (id, secret.expose().to_owned())
}

/// All privileges on nodes, pools and storages.
const AROUND: [(&str, &str); 3] =
    [("/nodes", "Administrator"), ("/storage", "Administrator"), ("/pool", "Administrator")];

/// Makes all calls with these tools; returns their results.
fn acts(tools: &Tools) -> Vec<Result<Value, String>> {
    let act = |(method, path, arguments): &(&str, &str, &str)| {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        call(
            tools,
            "proxmox_call_api",
            json!({"method": method, "path": path, "arguments": arguments, "wait": 0}),
        )
    };
    ACTS.iter().map(act).collect()
}

#[test]
fn what_cannot_all_be_seen_is_left_alone() {
    // Pool dev has VM 102, which is stopped and on another node.
    for (seen, whole) in [
        (&[("/vms/100", "PVEVMUser")][..], false),
        (&[], false),
        // It sees all of them except one.
        (&[("/vms", "PVEVMUser"), ("/vms/105", "PVEPoolUser")], false),
        (&[("/vms", "PVEVMUser"), ("/vms/105", "PVETemplateUser")], true),
        (&[("/vms", "PVEVMUser")], true),
    ] {
        for rule in [
            json!({"protected": ["tag:none"]}),
            json!({"protected": ["pool:none"]}),
            json!({"protected": ["900-999"]}),
        ] {
            let sample = Sample::configured(&json!({"access": "full"}));
            let (id, secret) = account(&sample, &[&AROUND[..], seen].concat());
            let mut keys = rule.clone();
            keys["access"] = "full".into();
            let before = sample.changes().len();
            let came = acts(&tools_as(&sample, &keys, &id, &secret));
            let sent = sample.changes().split_off(before);
            if whole {
                assert_eq!(sent.len(), ACTS.len(), "{seen:?} {rule}: {came:?}");
                continue;
            }
            assert_eq!(sent, Vec::<String>::new(), "{seen:?} {rule}");
            for answer in came {
                let why = answer.unwrap_err();
                assert!(
                    why.contains("Nothing was done") && why.contains("VM.Audit on /vms"),
                    "{seen:?} {rule}: {why}"
                );
            }
        }
    }
}

#[test]
fn a_single_guest_or_a_node_is_told_without_seeing_the_others() {
    let seen = [&AROUND[..], &[("/vms/105", "PVEVMUser")]].concat();
    for (rule, words) in [
        (json!({"protected": [105]}), Some("Guest 105 is named")),
        (json!({"protected": [100]}), Some("cannot see guest 100")),
        (json!({"protected": ["node:pve1"]}), Some("Node `pve1` is named")),
        (json!({"protected": ["node:pve3"]}), None),
        (json!({"only": ["node:pve1"]}), None),
        (json!({"only": ["node:pve2"]}), Some("outside the nodes")),
        (json!({"only": [105]}), Some("may not see all guests")),
    ] {
        let sample = Sample::configured(&json!({"access": "full"}));
        let (id, secret) = account(&sample, &seen);
        let mut keys = rule.clone();
        keys["access"] = "full".into();
        let before = sample.changes().len();
        let tools = tools_as(&sample, &keys, &id, &secret);
        let came = call(
            &tools,
            "proxmox_call_api",
            json!({"method": "POST", "path": "/nodes/pve1/stopall", "wait": 0}),
        );
        let sent = sample.changes().len() - before;
        match words {
            Some(words) => {
                let why = came.unwrap_err();
                assert!(why.contains(words) && sent == 0, "{rule}: {why}");
            }
            None => assert_eq!(sent, 1, "{rule}: {came:?}"),
        }
    }
}
