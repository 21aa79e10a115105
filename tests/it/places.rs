//! Guests whose node is cached: where requests are sent, what happens when a guest has moved, and how a lost answer is
//! reported. Nothing may be done twice, and nothing to a guest other than the one named.

use crate::cluster::{Sample, column};
use proxmox_mcp::{
    cancel::Cancel,
    config::Access,
    demo::{self, Fault},
    mcp::{Answer, Call, Toolbox},
    tools::Tools,
};
use serde_json::{Value, json};

/// A sample cluster whose guests have just been listed, and another user who changes it.
struct Known {
    sample: Sample,
    other: Tools,
    listed: usize,
}

impl Known {
    fn with(change: impl FnOnce(&mut proxmox_mcp::config::Config)) -> Known {
        let options = demo::Options { clock_speed: 1000.0, ..demo::Options::default() };
        let sample = Sample::with(options, change);
        let mut config = sample.tools.config().clone();
        (config.access, config.only, config.protected) =
            (Access::Full, Default::default(), Default::default());
        sample.ok("proxmox_list_vms", json!({}));
        let listed = sample.wire().len();
        Known { other: Tools::new(config), sample, listed }
    }

    fn new() -> Known {
        Known::with(|_| {})
    }

    /// The other user calls a tool.
    fn elsewhere(&mut self, name: &str, arguments: Value) {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let answer = self.other.call(&Call::detached(Cancel::new()), name, arguments);
        assert!(matches!(answer, Answer::Data(_)), "{name}: {answer:?}");
        self.listed = self.sample.wire().len();
    }

    fn moves(&mut self, vmid: u32, target: &str) {
        self.elsewhere(
            "proxmox_migrate_vm",
            json!({"vmid": vmid, "target": target, "with-local-disks": true}),
        );
    }

    /// The requests sent since then, in order, without their parameters.
    fn sent(&self) -> Vec<String> {
        let lines = self.sample.wire().split_off(self.listed);
        lines.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    fn changes(&self) -> Vec<String> {
        self.sent().into_iter().filter(|line| !line.starts_with("GET")).collect()
    }

    fn status(&self, vmid: u32) -> Value {
        let list = self.sample.ok("proxmox_list_vms", json!({"where": format!("vmid={vmid}")}));
        column(&list, "status").pop().unwrap_or_default()
    }
}

#[test]
fn a_remembered_place_is_where_the_request_goes_at_once() {
    let known = Known::new();
    let started = known.sample.ok("proxmox_start_vm", json!({"vmid": 100}));
    assert_eq!((&started["name"], &started["node"]), (&json!("web01"), &json!("pve1")));
    assert_eq!(known.sent(), ["POST /nodes/pve1/qemu/100/status/start"]);
}

#[test]
fn what_is_asked_of_a_guest_that_has_moved_is_asked_again_where_it_is() {
    for (name, arguments, refused, then) in [
        ("proxmox_get_vm_info", json!({"vmid": 101}), "GET", "GET /nodes/pve2/qemu/101/config"),
        ("proxmox_list_snapshots", json!({"vmid": 101}), "GET", "GET /nodes/pve2/qemu/101/snapshot"),
        ("proxmox_get_guest_state", json!({"vmid": 101}), "GET", "GET /nodes/pve2/qemu/101/status/current"),
        (
            "proxmox_update_vm_config",
            json!({"vmid": 101, "config": {"cores": 3}}),
            "GET",
            "POST /nodes/pve2/qemu/101/config",
        ),
        // The task is accepted, and finds that there is no such guest before it does anything.
        ("proxmox_start_vm", json!({"vmid": 101}), "POST", "POST /nodes/pve2/qemu/101/status/start"),
        (
            "proxmox_resize_disk",
            json!({"vmid": 101, "disk": "scsi0", "size": "+1G"}),
            "PUT",
            "PUT /nodes/pve2/qemu/101/resize",
        ),
    ] {
        let mut known = Known::new();
        known.moves(101, "pve2");
        let answer = known.sample.call(name, arguments).unwrap_or_else(|words| panic!("{name}: {words}"));
        let sent = known.sent();
        let place = sent.iter().position(|line| line == "GET /cluster/resources");
        let place = place.unwrap_or_else(|| panic!("{name}: {sent:?}"));
        let (before, after) = sent.split_at(place);
        assert!(before.iter().all(|line| line.starts_with(refused)), "{name}: {before:?}");
        assert!(before.iter().all(|line| line.contains("/nodes/pve1/qemu/101")), "{name}: {before:?}");
        assert!(after.iter().any(|line| line.starts_with(then)), "{name}: {after:?}");
        let done = after.iter().filter(|line| !line.starts_with("GET")).count();
        assert_eq!(done, usize::from(!then.starts_with("GET")), "{name}: {after:?}");
        if let Some(node) = answer.get("node") {
            assert_eq!(node, "pve2", "{name}: {answer}");
        }
    }
}

#[test]
fn a_guest_that_is_gone_is_said_to_be_gone() {
    for (name, more) in [
        ("proxmox_start_vm", json!({})),
        ("proxmox_get_vm_info", json!({})),
        ("proxmox_update_vm_config", json!({"config": {"cores": 3}})),
        ("proxmox_create_snapshot", json!({"snapname": "before"})),
    ] {
        let mut known = Known::new();
        known.elsewhere("proxmox_delete_vm", json!({"vmid": 100}));
        let mut arguments = json!({"vmid": 100});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let words = known.sample.call(name, arguments).unwrap_err();
        let says = words.contains("There is no VM 100") || words.contains("There is no guest 100");
        assert!(says, "{name}: {words}");
        assert!(known.changes().len() <= 1, "{name}: {:?}", known.changes());
    }
}

#[test]
fn another_kind_of_guest_under_the_same_id_is_left_alone() {
    let mut known = Known::new();
    known.elsewhere("proxmox_delete_vm", json!({"vmid": 100}));
    let template = "shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst";
    let made = json!({"vmid": 100, "node": "pve1", "ostemplate": template, "storage": "shared"});
    known.elsewhere("proxmox_create_container", made);
    let words = known.sample.call("proxmox_start_vm", json!({"vmid": 100})).unwrap_err();
    assert!(words.contains("is a container, not a VM"), "{words}");
    let current = known.sample.ok("proxmox_get_guest_state", json!({"vmid": 100}));
    assert_eq!(current["status"], "stopped");
}

#[test]
fn what_may_have_been_carried_out_at_a_remembered_place_is_sent_once() {
    for (fault, words, runs) in [
        (Fault::DropAfterReading, "may have been carried out", "stopped"),
        (Fault::DropAfterActing, "may have been carried out", "running"),
        (Fault::DropMidAnswer, "may have been carried out", "running"),
        (Fault::ResetAfterActing, "may have been carried out", "running"),
        (Fault::ActThenEmpty(596, "Connection timed out"), "may have been carried out", "running"),
        (Fault::BrokenJson, "may have been carried out", "stopped"),
        (Fault::Empty(595, "No route to host"), "(595)", "stopped"),
        (Fault::Empty(403, "Permission check failed"), "403", "stopped"),
        (Fault::Empty(500, "got timeout"), "got timeout", "stopped"),
    ] {
        let known = Known::new();
        known.sample.server.faults().add("POST /nodes/pve1/qemu/100/status/start", 1, fault.clone());
        let told = known.sample.call("proxmox_start_vm", json!({"vmid": 100})).unwrap_err();
        assert!(told.contains(words), "{fault:?}: {told}");
        assert_eq!(known.changes().len(), 1, "{fault:?}: {:?}", known.changes());
        assert_eq!(known.status(100), runs, "{fault:?}");
    }
}

#[test]
fn a_change_whose_answer_is_lost_is_not_repeated_because_the_guest_has_moved() {
    let mut known = Known::new();
    known.moves(101, "pve2");
    known.sample.server.faults().add("POST /nodes/pve1/qemu/101", 1, Fault::DropAfterActing);
    let told = known.sample.call("proxmox_start_vm", json!({"vmid": 101})).unwrap_err();
    assert!(told.contains("may have been carried out"), "{told}");
    assert_eq!(known.changes(), ["POST /nodes/pve1/qemu/101/status/start"]);
}

#[test]
fn a_task_that_fails_for_another_reason_is_not_started_again() {
    let mut known = Known::new();
    known.elsewhere("proxmox_start_vm", json!({"vmid": 100}));
    let told = known.sample.call("proxmox_start_vm", json!({"vmid": 100})).unwrap_err();
    assert!(told.contains("already running"), "{told}");
    assert_eq!(known.changes().len(), 1);
}

#[test]
fn a_name_that_may_have_changed_is_asked_for_beside_the_change() {
    let known = Known::new();
    known.sample.ok("proxmox_update_vm_config", json!({"vmid": 100, "config": {"name": "web99"}}));
    let started = known.sample.ok("proxmox_start_vm", json!({"vmid": 100}));
    assert_eq!(started["name"], "web99");
    assert!(!known.sent().contains(&"GET /cluster/resources".to_owned()), "{:?}", known.sent());
    let info = known.sample.ok("proxmox_get_vm_info", json!({"vmid": 100}));
    assert_eq!(info["name"], "web99");
}

#[test]
fn what_must_be_confirmed_is_shown_where_it_is_and_done_only_there() {
    let mut known = Known::new();
    known.moves(101, "pve2");
    let shown = known.sample.ok("proxmox_delete_vm", json!({"vmid": 101}));
    let confirm = shown["confirm"].clone();
    assert!(shown.to_string().contains("DELETE /nodes/pve2/qemu/101"), "{shown}");
    known.moves(101, "pve3");
    let told = known.sample.call("proxmox_delete_vm", json!({"vmid": 101, "confirm": confirm})).unwrap_err();
    assert!(told.contains("Nothing was done") || told.contains("not done"), "{told}");
    assert_eq!(known.changes(), Vec::<String>::new());
}

#[test]
fn a_rule_about_tags_is_kept_at_a_remembered_place() {
    let mut known = Known::with(|config| config.protected.tags = vec!["keep".into()]);
    let tags = json!({"vmid": 105, "config": {"tags": "keep"}});
    known.elsewhere("proxmox_update_vm_config", tags);
    let told = known.sample.call("proxmox_stop_vm", json!({"vmid": 105})).unwrap_err();
    assert!(told.contains("the setting `protected`"), "{told}");
    assert_eq!(known.changes(), Vec::<String>::new());
}

#[test]
fn the_states_of_several_changed_guests_come_by_one_request_at_once_with_the_list() {
    let known = Known::new();
    for vmid in [100, 101] {
        known.sample.ok("proxmox_start_vm", json!({"vmid": vmid}));
    }
    let before = known.sent().len();
    let list = known.sample.ok("proxmox_list_vms", json!({}));
    let mut sent = known.sent().split_off(before);
    sent.sort();
    assert_eq!(sent, ["GET /cluster/resources", "GET /nodes/pve1/qemu"]);
    let states = column(&list, "vmid").into_iter().zip(column(&list, "status"));
    let states: Vec<Value> =
        states.filter(|(vmid, _)| *vmid == 100 || *vmid == 101).map(|one| one.1).collect();
    assert_eq!(states, ["running", "running"]);
}
