//! Package updates inside virtual machines: with a snapshot before, and a rollback on failure.

use super::{ANSWER, PLAN, changes, guests, quick, with};
use crate::cluster::Sample;
use proxmox_mcp::demo::Fault;
use serde_json::{Value, json};

/// Makes a VM report that operating system.
pub fn runs(sample: &Sample, vmid: i64, system: &str) {
    let content = format!("NAME=X\nID={system}\nPRETTY_NAME=\"{system} 13\"\n");
    let file = json!({"vmid": vmid, "file": "/etc/os-release", "content": content});
    sample.done("proxmox_write_vm_file", file);
}

/// An answer with this body.
pub fn raw(body: &Value) -> Fault {
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    Fault::Raw(format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// Makes the agent of VM 105 report Debian, and able to update it.
pub fn is_debian(sample: &Sample) {
    let system = json!({"success": 1, "data": {"result": {"id": "debian"}}});
    sample.server.faults().add("/105/agent/get-osinfo", 100, raw(&system));
}

/// The requests sent since then, without those that prepared it.
fn sent(sample: &Sample) -> Vec<String> {
    changes(sample).into_iter().filter(|line| !line.contains("/file-write")).collect()
}

#[test]
fn packages_are_updated_between_a_snapshot_and_a_look() {
    for (system, program) in
        [("debian", "apt-get -q update"), ("fedora", "dnf -q -y upgrade"), ("alpine", "apk -q update")]
    {
        let sample = quick(|_| {});
        runs(&sample, 105, system);
        let before = guests(&sample);
        let call = json!({"vmid": 105, "wait": 600});
        let plan = sample.ok("proxmox_update_guests", with(&call, json!({"dry_run": true})));
        assert_eq!(plan["would"], "ask", "going back to a snapshot loses data: {plan}");
        assert!(plan.to_string().len() <= PLAN, "{plan}");
        let done = sample.done("proxmox_update_guests", call);
        assert_eq!(done["state"], "done", "{done}");
        assert!(done.to_string().len() <= ANSWER, "{done}");
        let report = done["results"][0].as_str().unwrap();
        assert!(report.contains("0 packages were upgraded.; its agent answers"), "{report}");
        let sent = sent(&sample);
        let ends: Vec<&str> =
            sent.iter().map(|line| line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap()).collect();
        assert_eq!(ends, ["snapshot", "exec", "before-update"], "{sent:?}");
        assert!(sent[1].contains(program), "{sent:?}");
        assert_eq!(guests(&sample), before, "the snapshot is gone again");
    }
}

#[test]
fn a_guest_whose_update_fails_or_that_does_not_answer_goes_back_to_its_snapshot() {
    let exit =
        json!({"success": 1, "data": {"exited": 1, "exitcode": 100, "err-data": "E: broken packages\n"}});
    let exit = raw(&exit);
    let silent = || Fault::Empty(500, "QEMU guest agent is not running");
    for (at, times, fault, words) in [
        ("/105/agent/exec-status", 1, exit, "ended with exit code 100: E: broken packages"),
        ("/105/agent/info", 100, silent(), "did not come up within 1 s"),
    ] {
        let sample = quick(|_| {});
        runs(&sample, 105, "debian");
        let before = guests(&sample);
        sample.server.faults().add(at, times, fault);
        let said = sample.agreed("proxmox_update_guests", json!({"vmid": 105, "timeout": 1, "wait": 600}));
        let said = said.unwrap_err();
        assert!(said.contains(words) && said.contains("What was done is taken back."), "{said}");
        let sent = sent(&sample);
        assert!(
            sent.iter().any(|line| line.contains("/snapshot/before-update/rollback start=1")),
            "{sent:?}"
        );
        assert_eq!(guests(&sample), before, "{said}");
    }
}

#[test]
fn one_that_fails_does_not_hold_up_the_others_and_what_is_no_linux_is_told() {
    let sample = quick(|_| {});
    runs(&sample, 105, "debian");
    runs(&sample, 106, "alpine");
    let before = guests(&sample);
    sample.server.faults().add("/105/agent/exec", 1, Fault::Empty(500, "it was refused"));
    let done = sample.done("proxmox_update_guests", json!({"tag": "prod", "limit": 20, "wait": 600}));
    assert_eq!(done["done"], "1 of 2", "{done}");
    let told = done["then"].as_str().unwrap();
    for words in ["runs no programs in containers", "VM 100 (web01): it is stopped", "agent does not answer"]
    {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(guests(&sample), before);
}

#[test]
fn what_cannot_be_updated_is_refused_before_anything_is_sent() {
    let sample = quick(|_| {});
    sample.done("proxmox_start_vm", json!({"vmid": 109, "wait": 600}));
    let start = changes(&sample).len();
    for (vmid, words) in [
        (105, "it runs Tiny Guest 1.0; only Debian, Fedora, Alpine"),
        (109, "Windows is not updated in this way"),
        (108, "its guest agent does not answer"),
        (100, "it is stopped"),
        (203, "the API of Proxmox runs no programs in containers"),
    ] {
        let said = sample.call("proxmox_update_guests", json!({"vmid": vmid})).unwrap_err();
        assert!(said.contains(words) && said.contains("nothing was done"), "{vmid}: {said}");
    }
    assert_eq!(changes(&sample).len(), start);
    runs(&sample, 105, "debian");
    sample.done("proxmox_create_snapshot", json!({"vmid": 105, "snapname": "before-update", "wait": 600}));
    sample.fails("proxmox_update_guests", json!({"vmid": 105}), &["has a snapshot `before-update` already"]);
}

#[test]
fn a_program_that_is_not_allowed_is_not_run() {
    let sample = quick(|config| config.exec_allow = vec!["systemctl *".into()]);
    is_debian(&sample);
    sample.fails("proxmox_update_guests", json!({"vmid": 105}), &["`exec_allow`", "Nothing was done"]);
    assert!(changes(&sample).is_empty());
}
