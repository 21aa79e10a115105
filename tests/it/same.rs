//! Two calls without a change between them return the same bytes, on a cluster that never answers twice in the same
//! order; and parameters that control a call never reach the cluster.

use crate::{cluster::Sample, requests::every_call};
use proxmox_mcp::{
    cancel::Cancel,
    demo,
    mcp::{Answer, Call, Toolbox},
    pve::Trust,
    tools::{Effect, catalog::index::named},
};
use serde_json::{Value, json};

/// How often each call is made.
const TIMES: usize = 5;

/// A cluster whose clock almost stands still.
fn still() -> Sample {
    let options = demo::Options { clock_speed: 1e-6, gzip: false, ..demo::Options::default() };
    Sample::with(options, |config| config.settings_mut().trust = Trust::Anything)
}

/// The answer to a call, byte for byte, without values that are new each time: a token, the age of a backup by this
/// clock.
fn answer(sample: &Sample, tool: &str, arguments: &Value) -> String {
    let given = arguments.as_object().unwrap().clone();
    let text = match sample.tools.call(&Call::detached(Cancel::new()), tool, given) {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            data.get().to_owned()
        }
        Answer::Failure(sentences) => sentences,
        Answer::Ask { question, .. } => question.message,
        Answer::Task(task) => task.message,
    };
    let Ok(mut answer) = serde_json::from_str::<Value>(&text) else { return text };
    if tool == "proxmox_get_vm_screen" {
        // When the image was made, and how long that took.
        let facts = answer.as_object_mut().unwrap();
        facts.retain(|name, _| !matches!(name.as_str(), "time" | "seconds"));
        return answer.to_string();
    }
    let Some(plan) = answer.get("confirmation_needed").cloned() else { return text };
    answer.as_object_mut().unwrap().shift_remove("confirm");
    answer["confirmation_needed"] = plan;
    if let Some(backup) = answer["confirmation_needed"]["newest_backup"].as_object_mut() {
        backup.shift_remove("age");
    }
    answer.to_string()
}

/// Objects created first, so that the lists have more than one row.
const MADE: [(&str, &str); 17] = [
    ("proxmox_create_access", r#"{"what":"group","id":"g1"}"#),
    ("proxmox_create_access", r#"{"what":"group","id":"g2"}"#),
    ("proxmox_create_access", r#"{"what":"user","id":"bob@pve","groups":"g1,g2","email":"bob@example.com"}"#),
    ("proxmox_create_access", r#"{"what":"user","id":"eve@pve","groups":"g2,g1"}"#),
    ("proxmox_create_access", r#"{"what":"token","id":"bob@pve!t"}"#),
    ("proxmox_create_access", r#"{"what":"token","id":"bob@pve!u"}"#),
    ("proxmox_create_access", r#"{"what":"role","id":"r1","privs":"VM.Audit,Sys.Audit,VM.Config.Disk"}"#),
    ("proxmox_create_firewall_object", r#"{"what":"alias","name":"a1","cidr":"192.0.2.1"}"#),
    ("proxmox_create_firewall_object", r#"{"what":"alias","name":"a2","cidr":"192.0.2.2","comment":"x"}"#),
    ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"s1"}"#),
    ("proxmox_create_firewall_object", r#"{"what":"ipset","name":"s2"}"#),
    (
        "proxmox_create_firewall_rule",
        r#"{"type":"in","action":"ACCEPT","source":"+s1","dport":"22","proto":"tcp"}"#,
    ),
    ("proxmox_create_firewall_rule", r#"{"type":"in","action":"DROP","source":"a1"}"#),
    (
        "proxmox_create_storage",
        r#"{"storage":"nightly","type":"dir","path":"/mnt/n","content":"iso,backup,images"}"#,
    ),
    (
        "proxmox_create_storage",
        r#"{"storage":"off","type":"dir","path":"/mnt/o","content":"iso,backup","disable":1}"#,
    ),
    ("proxmox_create_network", r#"{"node":"pve1","iface":"vmbr1","type":"bridge","cidr":"192.0.2.1/24"}"#),
    (
        "proxmox_create_ha",
        r#"{"what":"rule","id":"nightly","type":"node-affinity","resources":"vm:100,vm:105","nodes":"pve1,pve2"}"#,
    ),
];

/// Paths of the API whose answers are passed through, in addition to those that tools read.
const PATHS: [&str; 26] = [
    "/access/domains",
    "/access/groups",
    "/access/permissions",
    "/access/roles",
    "/access/users",
    "/access/roles/r1",
    "/access/users/bob@pve",
    "/cluster/firewall/refs",
    "/cluster/backup-info/not-backed-up",
    "/cluster/firewall/macros",
    "/cluster/ha/resources",
    "/cluster/options",
    "/cluster/resources",
    "/cluster/status",
    "/nodes",
    "/nodes/pve1/lxc",
    "/nodes/pve1/network",
    "/nodes/pve1/qemu",
    "/nodes/pve1/qemu/100/config",
    "/nodes/pve1/qemu/100/migrate",
    "/nodes/pve1/qemu/100/pending",
    "/nodes/pve1/status",
    "/nodes/pve1/storage",
    "/pools",
    "/pools/dev",
    "/storage",
];

#[test]
fn what_is_called_again_answers_the_same_bytes() {
    let sample = still();
    for (tool, arguments) in MADE {
        sample.done(tool, serde_json::from_str(arguments).unwrap());
    }
    let mut calls: Vec<(String, Value)> = every_call()
        .map(|(name, mut arguments)| {
            if named(&name).unwrap().tool.effect != Effect::Read {
                arguments["dry_run"] = true.into();
            }
            (name, arguments)
        })
        .collect();
    // Also the plans of destructive calls; `proxmox_call_api` sends those that lose nothing.
    let destroys = |name: &str| named(name).unwrap().tool.effect == Effect::Ask && name != "proxmox_call_api";
    let plans: Vec<(String, Value)> = calls
        .iter()
        .filter(|(name, _)| destroys(name))
        .cloned()
        .map(|(name, mut arguments)| {
            arguments.as_object_mut().unwrap().shift_remove("dry_run");
            (name, arguments)
        })
        .collect();
    calls.extend(plans);
    for (name, arguments) in [
        ("proxmox_list_vms", json!({})),
        ("proxmox_list_containers", json!({})),
        ("proxmox_list_storage", json!({})),
        ("proxmox_list_backups", json!({})),
        ("proxmox_list_network", json!({})),
        ("proxmox_list_tasks", json!({})),
        ("proxmox_list_pools", json!({"poolid": "dev"})),
        ("proxmox_list_vms", json!({"fields": "nothing"})),
        ("proxmox_list_firewall_objects", json!({"what": "aliases"})),
        ("proxmox_list_access", json!({"what": "tokens", "userid": "bob@pve"})),
        ("proxmox_get_guest_state", json!({"vmid": 100, "what": "pending"})),
        ("proxmox_delete_storage", json!({"storage": "local"})),
        ("proxmox_delete_network", json!({"node": "pve1", "iface": "vmbr0"})),
    ] {
        calls.push((name.to_owned(), arguments));
    }
    calls.extend(PATHS.map(|path| ("proxmox_get_api".to_owned(), json!({"path": path}))));
    let mut different = Vec::new();
    for (name, arguments) in &calls {
        let first = answer(&sample, name, arguments);
        if let Some(other) =
            (1..TIMES).map(|_| answer(&sample, name, arguments)).find(|other| *other != first)
        {
            different.push(format!("{name} {arguments}:\n  {first}\n  {other}"));
        }
    }
    assert!(150 < calls.len(), "{}", calls.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Parameters that control a call and are not parameters of the API.
const STEERING: [&str; 4] = ["dry_run", "confirm", "unchecked", "fields"];

#[test]
fn what_steers_a_call_never_reaches_the_cluster() {
    let options = demo::Options { clock_speed: 1e4, gzip: false, ..demo::Options::default() };
    let sample = Sample::with(options, |config| config.access = proxmox_mcp::config::Access::Full);
    for (name, mut arguments) in every_call() {
        let takes = |wanted: &str| named(&name).unwrap().params().any(|param| param.name == wanted);
        for (steering, value) in [
            ("dry_run", json!(false)),
            ("confirm", json!("x")),
            ("unchecked", json!(false)),
            ("wait", json!(0)),
        ] {
            if takes(steering) {
                arguments[steering] = value;
            }
        }
        let _ = sample.call(&name, arguments);
        for seen in sample.server.requests() {
            let found =
                seen.pairs.iter().find(|(name, _)| STEERING.contains(&name.as_str()) || name == "wait");
            assert!(found.is_none(), "{name}: {} {} {found:?}", seen.method, seen.path);
        }
    }
}

#[test]
fn what_the_method_takes_may_stand_beside_its_object_and_in_it() {
    let sample = still();
    let sent = |tool: &str, mut arguments: Value| {
        arguments["dry_run"] = true.into();
        let answer = sample.done(tool, arguments);
        let requests = answer["requests"].as_array().unwrap();
        requests.last().unwrap()["params"].clone()
    };
    for (tool, beside, inside) in [
        (
            "proxmox_create_firewall_rule",
            json!({"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22"}),
            json!({"options": {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22"}}),
        ),
        (
            "proxmox_create_backup_job",
            json!({"schedule": "sun 01:00", "storage": "shared", "all": 1}),
            json!({"options": "{\"schedule\":\"sun 01:00\",\"storage\":\"shared\",\"all\":1}"}),
        ),
        (
            "proxmox_update_vm_config",
            json!({"vmid": 100, "cores": "2", "net1": "virtio,bridge=vmbr0"}),
            json!({"config": {"vmid": 100, "cores": 2, "net1": "virtio,bridge=vmbr0"}}),
        ),
        (
            "proxmox_update_container_config",
            json!({"vmid": 200, "memory": 512, "delete": "[\"net1\"]"}),
            json!({"vmid": 200, "config": "{\"memory\":\"512\"}", "delete": "net1"}),
        ),
        (
            "proxmox_create_vm",
            json!({"node": "pve1", "vmid": 900, "scsi0": "local-lvm:8", "cores": 2}),
            json!({"vmid": 900, "config": {"node": "pve1", "scsi0": "local-lvm:8"}, "cores": 2}),
        ),
        (
            "proxmox_create_ha",
            json!({"what": "rule", "id": "r", "type": "node-affinity", "resources": "vm:100", "nodes": "pve1"}),
            json!({"options": {"what": "rule", "id": "r", "type": "node-affinity", "resources": "vm:100", "nodes": "pve1"}}),
        ),
        (
            "proxmox_create_access",
            json!({"what": "user", "id": "u@pve", "email": "a@example.com", "comment": ""}),
            json!({"what": "user", "id": "u@pve", "options": {"email": "a@example.com", "comment": ""}}),
        ),
        (
            "proxmox_create_storage",
            json!({"storage": "s", "type": "dir", "path": "/mnt/s"}),
            json!({"options": {"storage": "s", "type": "dir", "path": "/mnt/s"}}),
        ),
        (
            "proxmox_call_api",
            json!({"method": "PUT", "path": "/nodes/{node}/qemu/{vmid}/config", "vmid": 100, "onboot": true}),
            json!({"method": "PUT", "path": "/nodes/{node}/qemu/{vmid}/config", "arguments": "{\"vmid\":100,\"onboot\":1}"}),
        ),
    ] {
        let sorted = |value: &Value| proxmox_mcp::tools::answer::canonical::meaning(value);
        let (one, other) = (sent(tool, beside), sent(tool, inside));
        assert_eq!(sorted(&one), sorted(&other), "{tool}");
    }
    for (tool, arguments, words) in [
        (
            "proxmox_update_vm_config",
            json!({"vmid": 100, "cores": 2, "config": {"cores": 4}}),
            "`cores` is given twice",
        ),
        ("proxmox_update_vm_config", json!({"vmid": 100, "coers": 2}), "There is no argument `coers`"),
        ("proxmox_start_vm", json!({"vmid": 100, "cores": 2}), "There is no argument `cores`"),
        ("proxmox_create_firewall_rule", json!({"options": {"type": "sideways"}}), "`type` is \"sideways\""),
    ] {
        sample.fails(tool, arguments, &[words]);
    }
}

#[test]
fn an_empty_text_is_as_good_as_none() {
    let sample = still();
    let all = sample.done("proxmox_list_vms", json!({}));
    assert_eq!(
        sample.done("proxmox_list_vms", json!({"tag": "", "pool": "", "status": "", "node": ""})),
        all
    );
    let requests = sample.done("proxmox_create_backup", json!({"vmid": 105, "storage": "", "dry_run": true}));
    assert_eq!(requests["requests"][0]["params"], json!({"vmid": "105"}));
}
