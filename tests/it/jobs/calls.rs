//! Custom plans: calls that refer to one another, shown as a whole, confirmed once, undone as a whole.

use super::{ANSWER, PLAN, changes, guests, quick, requests, with};
use serde_json::{Value, json};

/// A plan with every kind of undoable call, on guests that it creates and on existing ones.
pub fn plan() -> Value {
    json!({"calls": [
        {"tool": "proxmox_list_nodes", "arguments": {"where": "node=pve1"}},
        {"tool": "proxmox_create_vm", "arguments": {"node": "$1.rows.0.0", "vmid": 900, "name": "web"}},
        {"tool": "proxmox_update_vm_config", "arguments": {"vmid": "$2.vmid", "config": {"cores": 4}}},
        {"tool": "proxmox_start_vm", "arguments": {"vmid": "$2.vmid"}},
        {"tool": "proxmox_update_vm_config", "arguments": {"vmid": 100, "config": {"memory": 512, "tags": "x"}}},
        {"tool": "proxmox_create_snapshot", "arguments": {"vmid": 106, "snapname": "mine"}},
        {"tool": "proxmox_shutdown_container", "arguments": {"vmid": 202}},
    ]})
}

#[test]
fn calls_are_shown_as_one_plan_and_run_as_they_were_shown() {
    let sample = quick(|_| {});
    let shown = sample.ok("proxmox_run_plan", with(&plan(), json!({"dry_run": true})));
    assert_eq!(shown["would"], "run", "{shown}");
    assert!(shown.to_string().len() <= PLAN, "{shown}");
    assert!(changes(&sample).is_empty());
    let told: Vec<String> = requests(&shown).into_iter().flatten().collect();
    assert_eq!(told.len(), 6, "{shown}");
    let done = sample.ok("proxmox_run_plan", with(&plan(), json!({"wait": 600})));
    assert_eq!(done["state"], "done", "{done}");
    assert!(done.to_string().len() <= ANSWER, "{done}");
    let sent: Vec<String> =
        changes(&sample).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(sent, told, "what was shown is what was sent");
    let all = guests(&sample);
    for (vmid, words) in [
        (900, ["web", "pve1", "running", r#""cores":4"#]),
        (100, ["web01", "stopped", r#""memory":"512""#, r#""tags":"x""#]),
        (202, ["proxy01", "pve1", "stopped", ""]),
    ] {
        for word in words {
            assert!(all[&vmid].contains(word), "{vmid} lacks {word}: {}", all[&vmid]);
        }
    }
}

#[test]
fn guests_without_a_given_id_get_different_ones() {
    let sample = quick(|_| {});
    let calls = json!({"calls": [
        {"tool": "proxmox_create_vm", "arguments": {"node": "pve1", "name": "one"}},
        {"tool": "proxmox_clone_vm", "arguments": {"vmid": 111, "name": "two"}},
        {"tool": "proxmox_start_vm", "arguments": {"vmid": "$1.vmid"}},
        {"tool": "proxmox_delete_vm", "arguments": {"vmid": "$2.vmid"}},
    ], "wait": 600});
    let done = sample.ok("proxmox_run_plan", calls);
    assert_eq!(done["state"], "done", "what it made it may delete without a question: {done}");
    let sent = changes(&sample);
    for (line, words) in sent.iter().zip(["vmid=112", "newid=113", "/112/status/start", "DELETE"]) {
        assert!(line.contains(words), "{line} lacks {words}");
    }
}

#[test]
fn the_strictest_call_decides_and_what_is_destroyed_must_be_as_it_was_seen() {
    let sample = quick(|_| {});
    let calls = json!({"calls": [
        {"tool": "proxmox_create_snapshot", "arguments": {"vmid": 105, "snapname": "mine"}},
        {"tool": "proxmox_delete_vm", "arguments": {"vmid": 101}},
    ], "wait": 600});
    let asked = sample.ok("proxmox_run_plan", calls.clone());
    assert!(asked["confirm"].is_string() && changes(&sample).is_empty(), "{asked}");
    let confirmed = with(&calls, json!({"confirm": asked["confirm"]}));
    // Another user changes the guest between the question and the answer.
    sample.ok("proxmox_update_vm_config", json!({"vmid": 101, "config": {"cores": 2}}));
    let said = sample.call("proxmox_run_plan", confirmed).unwrap_err();
    assert!(said.contains("Nothing was done"), "{said}");
    let done = sample.done("proxmox_run_plan", calls);
    assert_eq!(done["state"], "done", "{done}");
    assert!(!guests(&sample).contains_key(&101));
}

#[test]
fn what_cannot_be_planned_is_refused_with_the_call_that_is_wrong() {
    let many: Vec<Value> = (0..51).map(|_| json!({"tool": "proxmox_get_version"})).collect();
    let call = |tool: &str, arguments: Value| json!({"tool": tool, "arguments": arguments});
    let first = call("proxmox_get_version", json!({}));
    for (calls, words) in [
        (json!([]), "has 0 calls"),
        (json!(many), "has 51 calls"),
        (json!([first]), "would change anything"),
        (json!([call("proxmox_start_vmm", json!({}))]), "Call 1 cannot be planned: there is no tool"),
        (json!([first, call("proxmox_start_vm", json!({}))]), "Call 2 cannot be planned: `vmid`"),
        (json!([first, call("proxmox_start_vm", json!({"vmid": "$1.vmid"}))]), "not known before call 1"),
        (json!([call("proxmox_start_vm", json!({"vmid": "$2.vmid"}))]), "does not come before it"),
        (
            json!([call("proxmox_start_vm", json!({"vmid": 100, "confirm": "x"}))]),
            "`confirm` is for the plan",
        ),
        (json!([call("proxmox_drain_node", json!({"node": "pve1"}))]), "cannot be part of a plan"),
        (json!([call("proxmox_run_plan", json!({"calls": []}))]), "cannot be part of a plan"),
        (json!([call("proxmox_start_vm", json!({"vmid": 999}))]), "There is no VM 999"),
    ] {
        let sample = quick(|_| {});
        sample.fails("proxmox_run_plan", json!({"calls": calls}), &[words, "Nothing was done"]);
        assert!(changes(&sample).is_empty(), "{words}");
    }
    let denied = quick(|config| config.deny_tools = vec!["proxmox_start_*".into()]);
    let start = json!({"calls": [call("proxmox_start_vm", json!({"vmid": 100}))]});
    denied.fails("proxmox_run_plan", start, &["`deny_tools`", "Nothing was done"]);
}

#[test]
fn a_secret_of_a_call_is_shown_nowhere() {
    let log = std::env::temp_dir().join(format!("proxmox-mcp-plan-{}.jsonl", std::process::id()));
    let sample = quick(|config| config.audit = Some(crate::cluster::plain_log(&log)));
    let calls = json!({"calls": [{"tool": "proxmox_create_vm", "arguments":
        {"node": "pve1", "vmid": 900, "config": {"cipassword": "planted-password"}}}], "wait": 600});
    let plan = sample.ok("proxmox_run_plan", with(&calls, json!({"dry_run": true})));
    let done = sample.ok("proxmox_run_plan", calls);
    let written = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    assert!(written.contains("/nodes/pve1/qemu"), "{written}");
    for text in [plan.to_string(), done.to_string(), written] {
        assert!(!text.contains("planted-password"), "{text}");
    }
}
