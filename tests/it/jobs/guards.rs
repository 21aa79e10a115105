//! The guards' rules apply to every step of every job: what is protected or out of scope, what needs confirmation, and
//! by whom.

use super::{changes, guests, quick, with};
use crate::cluster::Sample;
use proxmox_mcp::{
    approvals::{Store, Verdict},
    config::{Access, Config, Confirm, Selection},
};
use serde_json::{Value, json};

/// A job, and settings that forbid one of its steps.
struct Row {
    tool: &'static str,
    arguments: Value,
    /// The guest that `protected` has to name to forbid it; `None` if no step interrupts or loses anything.
    protected: Option<i64>,
    /// The guest that `only` has to name so that one step is out of scope.
    outside: i64,
    /// A change of one of its targets that makes it a different job.
    meddle: (&'static str, Value),
    /// Prepares the cluster.
    ready: fn(&Sample),
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            tool: "proxmox_provision_vm",
            arguments: json!({"template": 111, "name": "web", "cores": 4, "vmid": 900, "wait": 600}),
            protected: None,
            outside: 901,
            meddle: ("proxmox_create_vm", json!({"node": "pve3", "vmid": 900})),
            ready: |_| {},
        },
        Row {
            tool: "proxmox_drain_node",
            arguments: json!({"node": "pve3", "with-local-disks": true, "wait": 600}),
            protected: Some(204),
            outside: 204,
            meddle: ("proxmox_stop_vm", json!({"vmid": 107})),
            ready: |_| {},
        },
        Row {
            tool: "proxmox_test_restore",
            arguments: json!({"vmid": 105, "wait": 600}),
            protected: None,
            outside: 901,
            meddle: ("proxmox_create_vm", json!({"node": "pve3", "vmid": 112})),
            ready: |_| {},
        },
        Row {
            tool: "proxmox_update_guests",
            arguments: json!({"vmid": 105, "keep_snapshot": true, "wait": 600}),
            protected: Some(105),
            outside: 204,
            meddle: ("proxmox_stop_vm", json!({"vmid": 105})),
            ready: runs_debian,
        },
        Row {
            tool: "proxmox_rightsize",
            arguments: json!({"vmid": 105, "apply": true, "wait": 600}),
            protected: None,
            outside: 901,
            meddle: ("proxmox_update_vm_config", json!({"vmid": 105, "config": {"description": "x"}})),
            ready: |sample| {
                let idle = super::rightsize::history(0.05, 300, 100);
                sample.server.faults().add("/105/rrddata", 100, idle);
            },
        },
        Row {
            tool: "proxmox_run_plan",
            arguments: json!({"calls": [
                {"tool": "proxmox_create_snapshot", "arguments": {"vmid": 106, "snapname": "mine"}},
                {"tool": "proxmox_delete_vm", "arguments": {"vmid": 101}},
            ], "wait": 600}),
            protected: Some(101),
            outside: 106,
            meddle: ("proxmox_update_vm_config", json!({"vmid": 101, "config": {"cores": 3}})),
            ready: |_| {},
        },
    ]
}

/// The VM to be updated runs a known operating system, and has its package manager.
fn runs_debian(sample: &Sample) {
    super::update::is_debian(sample);
    let answer = json!({"success": 1, "data": {"exited": 1, "exitcode": 0, "out-data": "0 upgraded\n"}});
    sample.server.faults().add("/105/agent/exec-status", 100, super::update::raw(&answer));
}

fn vmid(vmid: i64) -> Selection {
    Selection { vmids: vec![(vmid, vmid)], ..Selection::default() }
}

/// Settings under which every job needs confirmation.
fn asks(config: &mut Config) {
    config.ask = vec!["change".into()];
}

#[test]
fn what_is_protected_or_outside_stops_the_whole_job_before_its_first_step() {
    for Row { tool, arguments, protected, outside, ready, .. } in rows() {
        for access in [Access::Standard, Access::Full] {
            let sample = quick(|config| (config.access, config.only) = (access, vmid(outside)));
            ready(&sample);
            sample.fails(tool, arguments.clone(), &["`only`", "Nothing was done"]);
            let plan = sample.ok(tool, with(&arguments, json!({"dry_run": true})));
            assert!(plan["would"] == "refuse" && plan["why"].as_str().unwrap().contains("`only`"), "{plan}");
            assert!(changes(&sample).is_empty(), "{tool}");
            let Some(guest) = protected else { continue };
            let sample = quick(|config| (config.access, config.protected) = (access, vmid(guest)));
            ready(&sample);
            sample.fails(tool, arguments.clone(), &["`protected`", "Nothing was done"]);
            assert!(changes(&sample).is_empty(), "{tool}");
        }
        let sample = quick(|config| config.access = Access::ReadOnly);
        ready(&sample);
        sample.fails(tool, arguments.clone(), &["`read-only`", "Nothing was done"]);
        let sample = quick(|config| config.deny_tools = vec![tool.to_owned()]);
        ready(&sample);
        sample.fails(tool, arguments, &["`deny_tools`", "Nothing was done"]);
    }
}

#[test]
fn a_step_is_denied_with_the_tools_that_send_it() {
    let denied: [(&str, &[&str]); 6] = [
        ("proxmox_provision_vm", &["proxmox_clone_vm"]),
        ("proxmox_drain_node", &["proxmox_migrate_vm", "proxmox_migrate_container"]),
        ("proxmox_test_restore", &["proxmox_restore_backup", "proxmox_create_vm"]),
        ("proxmox_update_guests", &["proxmox_create_snapshot"]),
        ("proxmox_rightsize", &["proxmox_update_vm_config", "proxmox_clone_vm"]),
        ("proxmox_run_plan", &["proxmox_delete_vm"]),
    ];
    for Row { tool, arguments, ready, .. } in rows() {
        let (_, tools) = denied.iter().find(|(job, _)| *job == tool).unwrap();
        let sample =
            quick(|config| config.deny_tools = tools.iter().map(|tool| (*tool).to_owned()).collect());
        ready(&sample);
        sample.fails(tool, arguments, &["`deny_tools`", "Nothing was done"]);
        assert!(changes(&sample).is_empty(), "{tool}");
    }
}

#[test]
fn the_strictest_step_decides_and_one_agreement_is_for_the_whole() {
    for Row { tool, arguments, ready, .. } in rows() {
        let sample = quick(asks);
        ready(&sample);
        let plan = sample.ok(tool, with(&arguments, json!({"dry_run": true})));
        assert_eq!(plan["would"], "ask", "{plan}");
        let asked = sample.ok(tool, arguments.clone());
        assert!(asked["confirm"].is_string() && asked["confirmation_needed"]["steps"] == plan["steps"]);
        assert!(changes(&sample).is_empty(), "{tool}: {asked}");
        let done = sample.ok(tool, with(&arguments, json!({"confirm": asked["confirm"]})));
        assert_eq!(done["state"], "done", "{tool}: {done}");
        let strict = quick(|config| {
            asks(config);
            config.confirm = Confirm::Strict;
        });
        ready(&strict);
        strict.fails(tool, arguments.clone(), &["`strict`", "Nothing was done"]);
        assert!(changes(&strict).is_empty(), "{tool}");
        let full = quick(|config| {
            asks(config);
            config.access = Access::Full;
        });
        ready(&full);
        assert_eq!(full.ok(tool, arguments)["state"], "done", "{tool}");
    }
}

#[test]
fn an_agreement_does_not_hold_for_targets_that_have_changed() {
    for Row { tool, arguments, meddle: (other, change), ready, .. } in rows() {
        let sample = quick(asks);
        ready(&sample);
        let asked = sample.ok(tool, arguments.clone());
        sample.done(other, change);
        sample.server.skip(60.0);
        let sent = changes(&sample).len();
        let said = sample.call(tool, with(&arguments, json!({"confirm": asked["confirm"]}))).unwrap_err();
        assert!(said.to_lowercase().contains("nothing was done"), "{tool}: {said}");
        assert_eq!(changes(&sample).len(), sent, "{tool}: {said}");
    }
}

fn store(sample: &Sample) -> Store {
    Store::open(&sample.folder.join("approvals")).unwrap()
}

#[test]
fn a_person_sees_every_step_in_a_terminal_and_their_word_is_for_the_whole_once() {
    for Row { tool, arguments, meddle: (other, change), ready, .. } in rows() {
        let person = |config: &mut Config| {
            asks(config);
            config.confirm = Confirm::Person;
            // As if the cluster outlived the process that asks.
            config.sample = false;
        };
        let sample = quick(person);
        ready(&sample);
        let arguments = with(&arguments, json!({"wait": 0}));
        let asked = sample.ok(tool, arguments.clone());
        assert!(asked["confirm"].is_null() && changes(&sample).is_empty(), "{tool}: {asked}");
        let waiting = store(&sample).waiting().unwrap().remove(0);
        let shown = sample.tools.shown(&waiting.details).unwrap();
        assert_eq!(shown.stale, None, "{tool}: {shown:?}");
        for step in asked["confirmation_needed"]["steps"].as_array().unwrap() {
            let step = step.as_str().unwrap();
            let beginning: String = step.chars().take(200).collect();
            assert!(shown.told.contains(&beginning), "{tool}: {step} is not in {}", shown.told);
        }
        store(&sample).answer(&waiting.name, Verdict::Approved, &shown.identity).unwrap();
        let waits = with(&arguments, json!({"wait": 600}));
        assert_eq!(sample.ok(tool, waits.clone())["state"], "done", "{tool}");

        let sample = quick(person);
        ready(&sample);
        sample.ok(tool, arguments);
        let waiting = store(&sample).waiting().unwrap().remove(0);
        let shown = sample.tools.shown(&waiting.details).unwrap();
        store(&sample).answer(&waiting.name, Verdict::Approved, &shown.identity).unwrap();
        // By a server that asks nobody, because otherwise this would wait for a person too.
        let stranger = sample.tools_under(&json!({"access": "full"}));
        crate::cluster::call(&stranger, other, change).unwrap_or_else(|why| panic!("{other}: {why}"));
        sample.server.skip(60.0);
        let sent = changes(&sample).len();
        let answer = sample.call(tool, with(&waits, json!({"wait": 0})));
        assert_eq!(changes(&sample).len(), sent, "{tool}: {answer:?}");
    }
}

#[test]
fn what_a_job_made_is_left_where_a_rule_forbids_to_delete_it_and_that_is_told() {
    let sample = quick(|config| config.protected = vmid(900));
    let before = guests(&sample);
    let faults = sample.server.faults();
    let refused = proxmox_mcp::demo::Fault::Empty(500, "it was refused");
    faults.add("POST /nodes/pve3/qemu/900/status/start", 1, refused);
    let arguments = json!({"template": 111, "name": "web", "vmid": 900, "wait": 600});
    let said = sample.call("proxmox_provision_vm", arguments).unwrap_err();
    assert!(said.contains("Left as it is: clone 111 to 900") && said.contains("`protected`"), "{said}");
    assert_eq!(guests(&sample).len(), before.len() + 1);
}

#[test]
fn a_job_that_a_person_agreed_to_goes_on_without_being_asked_again_in_the_same_process() {
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-jobs-agreed-{}", std::process::id()));
    let mut config = None;
    let sample = super::slow(|own| {
        asks(own);
        own.state = Some(folder.clone());
        config = Some(own.clone());
    });
    let arguments = json!({"template": 111, "name": "web", "vmid": 900, "wait": 0});
    let begun = sample.done("proxmox_provision_vm", arguments);
    assert_eq!(begun["state"], "not finished", "{begun}");
    let other = proxmox_mcp::tools::Tools::new(config.unwrap());
    let go_on = json!({"id": begun["job"], "wait": 600});
    let asked = crate::cluster::call(&other, "proxmox_continue_job", go_on.clone()).unwrap();
    assert!(asked["confirm"].is_string(), "another process has nobody's word: {asked}");
    sample.server.skip(60.0);
    assert_eq!(sample.ok("proxmox_continue_job", go_on)["state"], "done");
    std::fs::remove_dir_all(folder).unwrap();
}
