//! A person's confirmation outside the model: valid for exactly one request, once, for whichever process makes it, as
//! long as the target is as the person saw it.

use crate::cluster::Sample;
use proxmox_mcp::{
    approvals::{Store, Verdict},
    cancel::Cancel,
    mcp::{Answer, Asking, Call, Reaction, Toolbox},
    tools::Tools,
};
use serde_json::{Value, json};
use std::thread;

/// A server whose clients have no elicitation, and that does not wait.
fn person() -> Sample {
    Sample::configured(&json!({"confirm": "person", "wait": 0}))
}

/// Another process over the same cluster.
fn another(sample: &Sample) -> Tools {
    sample.tools_under(&json!({"confirm": "person", "wait": 0}))
}

fn store(sample: &Sample) -> Store {
    Store::open(&sample.folder.join("approvals")).unwrap()
}

/// What a person does in a terminal: reads the current plan, and decides.
fn say(sample: &Sample, name: &str, verdict: Verdict) -> Result<(), String> {
    let waiting =
        store(sample).waiting()?.into_iter().find(|one| one.name == name).ok_or("it does not wait")?;
    let shown = another(sample).shown(&waiting.details)?;
    assert!(shown.stale.is_none() && shown.told.contains("Delete"), "{shown:?}");
    store(sample).answer(name, verdict, &shown.identity)
}

#[track_caller]
fn name_of(answer: &Value) -> String {
    assert!(answer["note"].as_str().unwrap().contains("proxmox-mcp approve"), "{answer}");
    assert!(answer["confirm"].is_null(), "no token, for the model could send it back: {answer}");
    answer["approve"].as_str().unwrap().to_owned()
}

const DELETE: &str = "proxmox_delete_vm";

#[test]
fn what_is_approved_is_done_once_by_whichever_process_asks_again() {
    let sample = person();
    let name = name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    assert_eq!(name_of(&sample.ok(DELETE, json!({"vmid": 101}))), name, "it waits already");
    assert_eq!(sample.changes(), Vec::<String>::new());
    // A token that the model invented does not count as confirmation.
    let lied = sample.ok(DELETE, json!({"vmid": 101, "confirm": "00".repeat(24)}));
    assert_eq!(name_of(&lied), name);
    say(&sample, &name, Verdict::Approved).unwrap();
    // A request with another target or other arguments is not confirmed by it.
    name_of(&sample.ok(DELETE, json!({"vmid": 103})));
    name_of(&sample.ok(DELETE, json!({"vmid": 101, "purge": true})));
    assert_eq!(sample.changes(), Vec::<String>::new());
    let process = another(&sample);
    crate::cluster::call(&process, DELETE, json!({"vmid": 101, "wait": 30})).unwrap();
    assert_eq!(sample.changes(), ["DELETE /nodes/pve1/qemu/101"]);
    sample.ok("proxmox_create_vm", json!({"node": "pve1", "vmid": 101, "name": "db01", "wait": 30}));
    name_of(&sample.ok(DELETE, json!({"vmid": 101})));
}

#[test]
fn a_target_that_changed_after_the_word_is_left_alone() {
    let sample = person();
    let name = name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    say(&sample, &name, Verdict::Approved).unwrap();
    sample.ok("proxmox_update_vm_config", json!({"vmid": 101, "config": {"cores": 3}}));
    sample.fails(DELETE, json!({"vmid": 101}), &["changed after a person approved it", "Nothing was done"]);
    name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    assert!(!sample.changes().iter().any(|line| line.starts_with("DELETE")));
}

#[test]
fn a_no_is_told_once_and_of_two_people_the_first_counts() {
    let sample = person();
    let name = name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    say(&sample, &name, Verdict::Denied).unwrap();
    assert!(say(&sample, &name, Verdict::Approved).unwrap_err().contains("already been answered"));
    sample.fails(DELETE, json!({"vmid": 101}), &["denied", "Nothing was done"]);
    name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    assert_eq!(sample.changes(), Vec::<String>::new());
}

#[test]
fn a_call_waits_for_the_word_as_long_as_it_may() {
    let sample = person();
    thread::scope(|scope| {
        let call = scope.spawn(|| sample.ok(DELETE, json!({"vmid": 101, "wait": 600})));
        let name = loop {
            match store(&sample).waiting().unwrap().first() {
                Some(waiting) => break waiting.name.clone(),
                None => thread::yield_now(),
            }
        };
        say(&sample, &name, Verdict::Approved).unwrap();
        let done = call.join().unwrap();
        assert!(done["upid"].is_string(), "{done}");
    });
    assert_eq!(sample.changes(), ["DELETE /nodes/pve1/qemu/101"]);
}

#[test]
fn a_client_that_says_no_for_nobody_leads_to_a_person() {
    let sample = person();
    for reaction in [Reaction::Cancel, Reaction::Decline] {
        let ask = |_: &_| reaction.clone();
        let call = Call::detached(Cancel::new()).with_asking(Asking::Now(&ask));
        let arguments = json!({"vmid": 101});
        match sample.tools.call(&call, DELETE, arguments.as_object().unwrap().clone()) {
            Answer::Data(data) => {
                let answer: Value = serde_json::from_str(data.get()).unwrap();
                assert!(answer["note"].as_str().unwrap().contains("nobody can have read it"), "{answer}");
                name_of(&answer);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sample.changes(), Vec::<String>::new());
    let strict = Sample::configured(&json!({"confirm": "strict"}));
    strict.fails(DELETE, json!({"vmid": 101}), &["`confirm` is `strict`"]);
}

#[test]
fn nobody_approves_for_another_cluster_or_without_a_terminal() {
    let sample = person();
    name_of(&sample.ok(DELETE, json!({"vmid": 101})));
    let details = store(&sample).waiting().unwrap()[0].details.clone();
    let other = person();
    let problem = other.tools.shown(&details).unwrap_err();
    assert!(problem.contains("is for the cluster at"), "{problem}");
    assert!(!details.to_string().contains(sample.server.token().1.expose()));
}

/// The guards send no requests of their own if no rule requires a look-up, and at most one otherwise.
#[test]
fn guards_cost_at_most_one_request() {
    let stop = json!({"vmid": 105, "wait": 0});
    let set = json!({"vmid": 105, "config": {"description": "x"}, "wait": 0});
    let requests = |keys: Value, tool: &str, arguments: &Value| {
        let sample = Sample::configured(&keys);
        let _ = sample.call(tool, arguments.clone());
        sample.wire().len()
    };
    for (tool, arguments) in [("proxmox_stop_vm", &stop), ("proxmox_update_vm_config", &set)] {
        let none = requests(json!({}), tool, arguments);
        for (keys, more) in [
            (json!({"protected": [100, "node:pve2"]}), 0),
            (json!({"only": ["100-110"]}), 0),
            (json!({"exec_allow": ["df -h"], "deny_tools": ["proxmox_delete_*"]}), 0),
            (json!({"protected": ["tag:none"]}), 1),
            (json!({"only": ["tag:prod"], "protected": ["pool:none"]}), 1),
        ] {
            let cost = requests(keys.clone(), tool, arguments);
            assert!(cost <= none + more, "{tool} under {keys}: {cost} requests instead of {none}");
        }
    }
}
