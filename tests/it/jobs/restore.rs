//! Test restores of backups: the requests of the trial, its report, and what it leaves behind.

use super::{ANSWER, PLAN, changes, guests, quick, volumes, with};
use proxmox_mcp::demo::Fault;
use serde_json::json;

#[test]
fn a_backup_is_restored_unplugged_started_and_deleted_again() {
    for (vmid, kind, looks) in [(105, "qemu", "its agent answers"), (203, "lxc", "it runs")] {
        let sample = quick(|_| {});
        let (before, volumes_before) = (guests(&sample), volumes(&sample));
        let call = json!({"vmid": vmid, "wait": 600});
        let plan = sample.ok("proxmox_test_restore", with(&call, json!({"dry_run": true})));
        assert_eq!(plan["would"], "run", "it is about nothing but what it makes: {plan}");
        assert!(plan.to_string().len() <= PLAN, "{plan}");
        assert!(changes(&sample).is_empty());
        let done = sample.ok("proxmox_test_restore", call);
        assert_eq!(done["state"], "done", "{done}");
        assert!(done.to_string().len() <= ANSWER, "{done}");
        let report = done["results"][0].as_str().unwrap();
        assert!(report.contains(&format!("{vmid} (shared:backup/vzdump-")), "{report}");
        assert!(report.contains(looks), "{report}");
        let sent = changes(&sample);
        let ends: Vec<&str> =
            sent.iter().map(|line| line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap()).collect();
        assert_eq!(ends, [kind, "config", "start", "stop", "112"], "{sent:?}");
        assert!(sent[0].contains("unique=1"), "{sent:?}");
        assert!(sent[1].contains("link_down=1") && !sent[1].contains("BC:24:11"), "{sent:?}");
        assert_eq!((guests(&sample), volumes(&sample)), (before, volumes_before));
    }
}

#[test]
fn the_newest_backup_is_the_one_that_is_tried() {
    let sample = quick(|_| {});
    let plan = sample.ok("proxmox_test_restore", json!({"vmid": 105, "dry_run": true}));
    let newest = sample.ok("proxmox_list_backups", json!({"vmid": 105, "limit": 1}))["rows"][0][0].clone();
    assert!(plan["steps"][0].as_str().unwrap().contains(newest.as_str().unwrap()), "{plan}");
}

#[test]
fn one_that_does_not_restore_is_reported_and_the_others_are_tried() {
    let sample = quick(|_| {});
    let before = guests(&sample);
    // The first of the two new guests does not start.
    sample.server.faults().add("/112/status/start", 1, Fault::Empty(500, "it was refused"));
    let done = sample.ok("proxmox_test_restore", json!({"tag": "prod", "limit": 20, "wait": 600}));
    assert_eq!((&done["state"], &done["done"]), (&json!("done"), &json!("2 of 3")), "{done}");
    let report = done["results"].as_array().unwrap();
    assert!(report[0].as_str().unwrap().contains("failed to start VM 112: "), "{done}");
    assert!(report[0].as_str().unwrap().contains("What was done is taken back."), "{done}");
    assert!(report[1..].iter().all(|line| line.as_str().unwrap().contains(": done")), "{done}");
    assert!(done["then"].as_str().unwrap().contains("No backup was found of guest 100"), "{done}");
    assert_eq!(guests(&sample), before);
}

#[test]
fn one_that_does_not_come_up_is_a_failure_and_a_screen_will_do_where_there_is_no_agent() {
    let sample = quick(|_| {});
    let before = guests(&sample);
    let silent = Fault::Empty(500, "QEMU guest agent is not running");
    sample.server.faults().add("/112/agent/info", 100, silent);
    sample.fails(
        "proxmox_test_restore",
        json!({"vmid": 105, "timeout": 1, "wait": 600}),
        &["failed to check that VM 112 comes up", "did not come up within 1 s", "taken back"],
    );
    assert_eq!(guests(&sample), before);
    sample.server.faults().clear();
    sample.ok("proxmox_update_vm_config", json!({"vmid": 105, "delete": "agent"}));
    let done = sample.ok("proxmox_test_restore", json!({"vmid": 105, "wait": 600}));
    assert!(done["results"][0].as_str().unwrap().contains("its screen shows something"), "{done}");
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_is_sent() {
    let sample = quick(|_| {});
    for (arguments, words) in [
        (json!({}), "none is given"),
        (json!({"vmid": 105, "tag": "prod"}), "vmid and tag are given"),
        (json!({"vmid": 101}), "No backup was found of guest 101"),
        (json!({"tag": "nope"}), "No guest matches `tag` nope"),
        (json!({"vmid": 105, "storage": "nope"}), "no such storage"),
        (json!({"vmid": 105, "node": "pve9"}), "no node `pve9`"),
    ] {
        sample.fails("proxmox_test_restore", arguments, &[words, "Nothing was done"]);
    }
    assert!(changes(&sample).is_empty());
}
