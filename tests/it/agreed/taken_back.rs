//! Every undoable change, undone: afterwards its path returns what it returned before.

use super::{over_seeds, quick};
use crate::cluster::Sample;
use proxmox_mcp::tools::{answer::canonical::meaning, catalog::index::entries};
use serde_json::{Value, json};

/// A change: the calls that prepare it, the change itself, and the path that shows its effect.
struct Change {
    before: &'static [(&'static str, &'static str)],
    tool: &'static str,
    arguments: &'static str,
    path: &'static str,
}

const fn change(tool: &'static str, arguments: &'static str, path: &'static str) -> Change {
    Change { before: &[], tool, arguments, path }
}

const RULE: (&str, &str) = (
    "proxmox_create_firewall_rule",
    r#"{"type":"in","action":"ACCEPT","proto":"tcp","dport":"22","comment":"x"}"#,
);
const ALIAS: (&str, &str) =
    ("proxmox_create_firewall_object", r#"{"what":"alias","name":"a1","cidr":"192.0.2.1","comment":"x"}"#);
const SET: (&str, &str) = ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"s1"}"#);
const ENTRY: (&str, &str) =
    ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"s1","cidr":"192.0.2.1","comment":"x"}"#);
const GROUPS: [(&str, &str); 3] = [
    ("proxmox_create_access", r#"{"what":"group","id":"g1"}"#),
    ("proxmox_create_access", r#"{"what":"group","id":"g2"}"#),
    ("proxmox_create_access", r#"{"what":"group","id":"g3"}"#),
];
const USER: (&str, &str) = (
    "proxmox_create_access",
    r#"{"what":"user","id":"u@pve","groups":"g1,g2","comment":"x","email":"x@example.com"}"#,
);
const ROLE: (&str, &str) =
    ("proxmox_create_access", r#"{"what":"role","id":"r1","privs":"VM.Audit,VM.Config.Disk,Sys.Audit"}"#);
const TOKEN: (&str, &str) = ("proxmox_create_access", r#"{"what":"token","id":"u@pve!t","comment":"x"}"#);
const JOB: (&str, &str) = (
    "proxmox_create_backup_job",
    r#"{"schedule":"sun 01:00","storage":"shared","id":"j1","vmid":"100,101","comment":"x"}"#,
);
const SERVERS: (&str, &str) = (
    "proxmox_update_node_dns",
    r#"{"node":"pve1","search":"test","dns1":"192.0.2.1","dns2":"192.0.2.2","dns3":"192.0.2.3"}"#,
);
const BRIDGE: (&str, &str) = (
    "proxmox_create_network",
    r#"{"node":"pve1","iface":"vmbr7","type":"bridge","cidr":"192.0.2.10/24","comments":"x"}"#,
);
const RESOURCE: (&str, &str) = ("proxmox_create_ha", r#"{"what":"resource","id":"vm:106","max_restart":2}"#);
const HA_RULE: (&str, &str) = (
    "proxmox_create_ha",
    r#"{"what":"rule","id":"r1","type":"node-affinity","resources":"vm:100","nodes":"pve1,pve2"}"#,
);
const SNAPSHOT: (&str, &str) =
    ("proxmox_create_snapshot", r#"{"vmid":105,"snapname":"s1","description":"x","wait":0}"#);

/// Every undoable change; the paths are read with `proxmox_get_api`.
const CHANGES: &[Change] = &[
    change(
        "proxmox_update_storage",
        r#"{"storage":"shared","content":"images,backup,iso,snippets,vztmpl"}"#,
        "/storage/shared",
    ),
    change("proxmox_update_storage", r#"{"storage":"shared","disable":1}"#, "/storage/shared"),
    change(
        "proxmox_update_vm_config",
        r#"{"vmid":105,"cores":3,"description":"y"}"#,
        "/nodes/pve1/qemu/105/config",
    ),
    change(
        "proxmox_update_container_config",
        r#"{"vmid":200,"memory":1024}"#,
        "/nodes/{node}/lxc/200/config",
    ),
    change("proxmox_update_cluster_options", r#"{"console":"html5","keyboard":"de"}"#, "/cluster/options"),
    change("proxmox_update_firewall", r#"{"policy_in":"DROP"}"#, "/cluster/firewall/options"),
    change(
        "proxmox_update_firewall",
        r#"{"node":"pve1","log_level_in":"info"}"#,
        "/nodes/pve1/firewall/options",
    ),
    change(
        "proxmox_update_firewall",
        r#"{"vmid":105,"policy_in":"DROP"}"#,
        "/nodes/pve1/qemu/105/firewall/options",
    ),
    Change {
        before: &[SERVERS],
        ..change("proxmox_update_node_dns", r#"{"node":"pve1","search":"foo.test"}"#, "/nodes/pve1/dns")
    },
    Change {
        before: &[SERVERS],
        ..change("proxmox_update_node_dns", r#"{"node":"pve1","delete":"dns2,dns3"}"#, "/nodes/pve1/dns")
    },
    change("proxmox_update_node_dns", r#"{"node":"pve1","dns2":"192.0.2.9"}"#, "/nodes/pve1/dns"),
    Change {
        before: &[SERVERS],
        ..change(
            "proxmox_call_api",
            r#"{"method":"PUT","path":"/nodes/pve1/dns","arguments":{"search":"foo.test","dns3":null}}"#,
            "/nodes/pve1/dns",
        )
    },
    Change {
        before: &[BRIDGE],
        ..change(
            "proxmox_update_network",
            r#"{"node":"pve1","iface":"vmbr7","type":"bridge","comments":"y"}"#,
            "/nodes/pve1/network/vmbr7",
        )
    },
    Change {
        before: &[BRIDGE],
        ..change(
            "proxmox_update_network",
            r#"{"node":"pve1","iface":"vmbr7","type":"bridge","cidr":"192.0.2.11/24","mtu":1400}"#,
            "/nodes/pve1/network/vmbr7",
        )
    },
    Change {
        before: &[RULE],
        ..change(
            "proxmox_update_firewall_rule",
            r#"{"pos":0,"dport":"80","sport":"1:100"}"#,
            "/cluster/firewall/rules/0",
        )
    },
    Change {
        before: &[ALIAS],
        ..change(
            "proxmox_call_api",
            r#"{"method":"PUT","path":"/cluster/firewall/aliases/a1","cidr":"192.0.2.2"}"#,
            "/cluster/firewall/aliases/a1",
        )
    },
    Change {
        before: &[SET, ENTRY],
        ..change(
            "proxmox_call_api",
            r#"{"method":"PUT","path":"/cluster/firewall/ipset/s1/192.0.2.1","nomatch":true}"#,
            "/cluster/firewall/ipset/s1/192.0.2.1",
        )
    },
    Change {
        before: &[GROUPS[0], GROUPS[1], GROUPS[2], USER],
        ..change(
            "proxmox_update_access",
            r#"{"what":"user","id":"u@pve","groups":"g3","firstname":"U"}"#,
            "/access/users/u@pve",
        )
    },
    Change {
        before: &[GROUPS[0]],
        ..change("proxmox_update_access", r#"{"what":"group","id":"g1","comment":"y"}"#, "/access/groups/g1")
    },
    Change {
        before: &[ROLE],
        ..change(
            "proxmox_update_access",
            r#"{"what":"role","id":"r1","privs":"VM.Audit"}"#,
            "/access/roles/r1",
        )
    },
    Change {
        before: &[GROUPS[0], GROUPS[1], USER, TOKEN],
        ..change(
            "proxmox_update_access",
            r#"{"what":"token","id":"u@pve!t","comment":"y","expire":1900000000}"#,
            "/access/users/u@pve/token/t",
        )
    },
    Change {
        before: &[JOB],
        ..change(
            "proxmox_update_backup_job",
            r#"{"id":"j1","all":1,"schedule":"mon 02:00"}"#,
            "/cluster/backup/j1",
        )
    },
    Change {
        before: &[JOB],
        ..change("proxmox_update_backup_job", r#"{"id":"j1","delete":"comment"}"#, "/cluster/backup/j1")
    },
    Change {
        before: &[RESOURCE],
        ..change(
            "proxmox_update_ha",
            r#"{"what":"resource","id":"vm:106","max_restart":3,"comment":"y"}"#,
            "/cluster/ha/resources/vm:106",
        )
    },
    Change {
        before: &[HA_RULE],
        ..change(
            "proxmox_update_ha",
            r#"{"what":"rule","id":"r1","type":"node-affinity","nodes":"pve3"}"#,
            "/cluster/ha/rules/r1",
        )
    },
    Change {
        before: &[SNAPSHOT],
        ..change(
            "proxmox_update_snapshot",
            r#"{"vmid":105,"snapname":"s1","description":"y"}"#,
            "/nodes/pve1/qemu/105/snapshot/s1/config",
        )
    },
    change(
        "proxmox_update_volume",
        r#"{"volume":"{backup}","notes":"y","protected":true}"#,
        "/nodes/pve1/storage/shared/content/{volume}",
    ),
];

/// Changes of this kind for which no path returns an object of settings: ACLs, members of a pool.
const NOT_OFFERED: [&str; 2] = ["proxmox_update_acl", "proxmox_update_pool"];

fn arguments(sample: &Sample, text: &str) -> Value {
    let mut text = text.to_owned();
    if text.contains("{backup}") {
        // Its name contains a date.
        let backups = sample.done("proxmox_list_backups", json!({"vmid": 105}));
        text = text.replace("{backup}", backups["rows"][0][0].as_str().unwrap());
    }
    serde_json::from_str(&text).unwrap()
}

/// The answer of a path, normalized: Proxmox's files store no empty strings, and an unprotected volume may or may not
/// say so.
fn state(sample: &Sample, change: &Change) -> String {
    let holes = if change.path.contains("{volume}") { r#"{"volume":"{backup}"}"# } else { "{}" };
    let call = json!({"path": change.path, "arguments": arguments(sample, holes)});
    let mut state = sample.done("proxmox_get_api", call);
    state.as_object_mut().unwrap().retain(|key, value| {
        let nothing = value == "" || key == "protected" && *value == 0;
        key != "digest" && !nothing
    });
    meaning(&state)
}

#[test]
fn what_can_be_taken_back_is_as_it_was() {
    let problems = over_seeds(|seed| {
        let mut problems = Vec::new();
        for change in CHANGES {
            let sample = quick(seed);
            let name = format!("{} {}", change.tool, change.arguments);
            for (tool, given) in change.before {
                sample.done(tool, arguments(&sample, given));
                sample.server.skip(600.0);
            }
            let before = state(&sample, change);
            let changed = match sample.agreed(change.tool, arguments(&sample, change.arguments)) {
                Ok(changed) => changed,
                Err(said) => {
                    problems.push(format!("{name}: {said}"));
                    continue;
                }
            };
            if state(&sample, change) == before {
                problems.push(format!("{name}: nothing was changed: {changed}"));
            }
            match sample.agreed("proxmox_undo", json!({"id": changed["undo"][0]})) {
                Ok(_) if changed["undo"][0].is_i64() => {}
                said => problems.push(format!("{name}: {changed}: {said:?}")),
            }
            let after = state(&sample, change);
            if after != before {
                problems.push(format!("{name}: it was {before} and is {after}"));
            }
        }
        problems
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_tool_that_updates_something_is_among_them() {
    // A job undoes its own changes.
    let updates = entries().filter(|entry| entry.name.contains("_update_") && entry.toolset != "jobs");
    for entry in updates.filter(|entry| !NOT_OFFERED.contains(&entry.name)) {
        assert!(CHANGES.iter().any(|change| change.tool == entry.name), "{} is missing", entry.name);
    }
}
