//! Each job, broken at every step and in every way: afterwards the cluster is as before, or the answer reports what is
//! left.

use super::{guests, quick, requests, volumes, with};
use crate::cluster::Sample;
use proxmox_mcp::demo::Fault;
use serde_json::{Value, json};

/// The jobs, and the guests that belong to them.
fn jobs() -> [(&'static str, Value, Vec<i64>); 10] {
    [
        (
            "proxmox_provision_vm",
            json!({"template": 111, "name": "web{n}", "count": 2, "cores": 4, "disk_size": 20, "vmid": 900}),
            vec![900, 901],
        ),
        (
            "proxmox_provision_vm",
            json!({"image": "https://images.example/noble.img", "name": "web", "disk_size": 10, "vmid": 900,
                "node": "pve1"}),
            vec![900],
        ),
        (
            "proxmox_provision_vm",
            json!({"ostemplate": "shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst", "name": "ct", "vmid": 900}),
            vec![900],
        ),
        (
            "proxmox_drain_node",
            json!({"node": "pve3", "with-local-disks": true}),
            vec![103, 107, 109, 111, 201, 204, 206],
        ),
        (
            "proxmox_rightsize",
            json!({"apply": true, "tag": "prod"}),
            vec![105, 106, 107, 110, 202, 203, 204, 206],
        ),
        ("proxmox_run_plan", super::calls::plan(), vec![100, 106, 202, 900]),
        ("proxmox_test_restore", json!({"vmid": 105}), vec![112]),
        ("proxmox_test_restore", json!({"vmid": 203}), vec![112]),
        ("proxmox_update_guests", json!({"vmid": 105, "reboot": true}), vec![105]),
        ("proxmox_update_guests", json!({"vmid": 105, "keep_snapshot": true}), vec![105]),
    ]
}

/// A cluster in which the VM to be updated runs a known operating system.
fn ready() -> Sample {
    let sample = quick(|_| {});
    super::update::runs(&sample, 105, "debian");
    sample
}

/// A way to break a step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Its request is refused.
    Refused,
    /// Its request is accepted, but its task fails.
    Fails,
    /// Its request is carried out, but the answer is lost.
    Lost,
}

/// An answer with the status of a failed task.
fn failed_task() -> Fault {
    let body = r#"{"success":1,"data":{"status":"stopped","exitstatus":"it broke"}}"#;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    Fault::Raw(format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// The type of the task that a request starts; `None` if it starts none.
fn task_of(tool: &str, line: &str) -> Option<&'static str> {
    let vm = line.contains("/qemu");
    let end = line.rsplit('/').next().unwrap_or_default();
    if line.starts_with("PUT") {
        return None;
    }
    Some(match (end, vm) {
        ("clone", _) => "qmclone",
        // That tool lets Proxmox wait for the end, and receives no task.
        ("config", true) if tool == "proxmox_run_plan" => return None,
        ("config", true) => "qmconfig",
        ("snapshot", true) => "qmsnapshot",
        ("shutdown", false) => "vzshutdown",
        ("stop", true) => "qmstop",
        ("stop", false) => "vzstop",
        ("reboot", true) => "qmreboot",
        ("start", true) => "qmstart",
        ("start", false) => "vzstart",
        ("migrate", true) => "qmigrate",
        ("migrate", false) => "vzmigrate",
        ("qemu", _) if tool == "proxmox_test_restore" => "qmrestore",
        ("lxc", _) if tool == "proxmox_test_restore" => "vzrestore",
        ("qemu", _) => "qmcreate",
        ("lxc", _) => "vzcreate",
        ("download-url", _) => "download",
        _ if line.starts_with("DELETE") && line.contains("/snapshot/") => "qmdelsnapshot",
        _ if line.starts_with("DELETE") && vm => "qmdestroy",
        _ if line.starts_with("DELETE") => "vzdestroy",
        _ => return None,
    })
}

/// Breaks that step; returns whether it can be broken in that way.
fn broken(sample: &Sample, tool: &str, line: &str, way: Way) -> bool {
    let faults = sample.server.faults();
    match way {
        Way::Refused => faults.add(line, 1, Fault::Empty(500, "it was refused")),
        Way::Lost => faults.add(line, 1, Fault::DropAfterActing),
        Way::Fails => {
            let vmid = line.split('/').nth(4).filter(|part| part.parse::<i64>().is_ok());
            let Some(task) = task_of(tool, line) else { return false };
            let of = vmid.map_or_else(String::new, |vmid| format!("%3A{vmid}%3A"));
            let matching = if of.is_empty() { format!("%3A{task}%3A") } else { format!("%3A{task}{of}") };
            faults.add(&matching, 1, failed_task());
        }
    }
    true
}

/// Breaks each step of each of these jobs in each way.
fn breaks(job: &str) {
    let mut tried = 0;
    for (tool, arguments, own) in jobs().into_iter().filter(|(tool, ..)| *tool == job) {
        let sample = ready();
        let plan = sample.ok(tool, with(&arguments, json!({"dry_run": true})));
        let lines = requests(&plan);
        assert!(2 < lines.len(), "{plan}");
        for (place, line) in lines.iter().enumerate() {
            // Opening a display is tried repeatedly.
            let Some(line) = line.as_ref().filter(|line| !line.ends_with("/vncproxy")) else { continue };
            // Of two clones of one template the first is broken; the second has the same request line.
            let times = lines[..place].iter().flatten().filter(|earlier| *earlier == line).count();
            if times != 0 {
                continue;
            }
            for way in [Way::Refused, Way::Fails, Way::Lost] {
                let sample = ready();
                let (before, volumes_before) = (guests(&sample), volumes(&sample));
                if !broken(&sample, tool, line, way) {
                    continue;
                }
                tried += 1;
                let what = format!("{tool}, step {} ({line}), {way:?}", place + 1);
                let said = match sample.agreed(tool, with(&arguments, json!({"wait": 600}))) {
                    Err(said) => said,
                    Ok(done) => panic!("{what}: {done}"),
                };
                let step = plan["steps"][place].as_str().unwrap();
                let does = step.split(&format!(": {line}")).next().unwrap();
                let (_, does) = does.split_once(". ").unwrap();
                assert!(said.contains(&format!("to {does}: ")), "{what}: {said}");
                sample.server.faults().clear();
                let (mut after, mut before) = (guests(&sample), before);
                if way == Way::Lost {
                    assert!(said.contains("it may have been done; look at it"), "{what}: {said}");
                    // The state of the job's own guests is unknown; all others are as before.
                    after.retain(|vmid, _| !own.contains(vmid));
                    before.retain(|vmid, _| !own.contains(vmid));
                } else {
                    assert!(!said.contains("Left as it is"), "{what}: {said}");
                    assert_eq!(volumes(&sample), volumes_before, "{what}: {said}");
                }
                assert_eq!(after, before, "{what}: {said}");
            }
        }
    }
    assert!(4 < tried, "{job}: {tried}");
}

#[test]
fn guests_that_break_while_they_are_made_are_deleted() {
    breaks("proxmox_provision_vm");
}

#[test]
fn guests_of_a_node_that_breaks_while_it_is_emptied_go_home() {
    breaks("proxmox_drain_node");
}

#[test]
fn a_plan_that_breaks_is_taken_back() {
    breaks("proxmox_run_plan");
}

#[test]
fn sizes_that_break_while_they_are_set_are_set_back() {
    breaks("proxmox_rightsize");
}

#[test]
fn a_restore_that_breaks_leaves_no_guest() {
    breaks("proxmox_test_restore");
}

#[test]
fn an_update_that_breaks_leaves_the_guest_as_it_was() {
    breaks("proxmox_update_guests");
}

#[test]
fn what_cannot_be_taken_back_is_told() {
    let sample = quick(|_| {});
    let (_, arguments, _) = &jobs()[0];
    let faults = sample.server.faults();
    faults.add("POST /nodes/pve3/qemu/900/status/start", 1, Fault::Empty(500, "it was refused"));
    faults.add("DELETE /nodes/pve3/qemu/901", 9, Fault::Empty(500, "not now"));
    let said = sample.call("proxmox_provision_vm", arguments.clone()).unwrap_err();
    let left = said.lines().find(|line| line.starts_with("Left as it is: ")).expect("what is left");
    assert!(left.contains("clone 111 to 901") && left.contains("not now"), "{said}");
    assert!(said.contains("Taken back: clone 111 to 900"), "{said}");
    let all = guests(&sample);
    assert!(!all.contains_key(&900) && all.contains_key(&901));
}

#[test]
fn a_guest_of_somebody_else_that_has_the_vmid_by_then_is_left_alone() {
    let sample = quick(|_| {});
    let (_, arguments, _) = &jobs()[0];
    let taken = Fault::Raw(failed_with("unable to create VM 900: config file already exists"));
    sample.ok("proxmox_clone_vm", json!({"vmid": 111, "newid": 902, "name": "other"}));
    sample.server.faults().add("%3Aqmclone%3A111%3A", 1, taken);
    let before = guests(&sample);
    let said = sample.call("proxmox_provision_vm", arguments.clone()).unwrap_err();
    assert!(said.contains("already exists"), "{said}");
    let deleted = sample.wire().into_iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(deleted, 0, "{said}");
    assert!(before.iter().all(|(vmid, guest)| guests(&sample).get(vmid) == Some(guest)));
}

fn failed_with(status: &str) -> Vec<u8> {
    let body = json!({"success": 1, "data": {"status": "stopped", "exitstatus": status}}).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}
