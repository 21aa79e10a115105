//! Destructive calls need confirmation, and only the confirmed request is carried out.

use crate::cluster::{Sample, column};
use proxmox_mcp::{
    config::Access,
    demo,
    tools::{Effect, catalog::index::entries},
};
use serde_json::{Value, json};

fn deletions(sample: &Sample) -> usize {
    sample.wire().iter().filter(|line| !line.starts_with("GET")).count()
}

/// The token of a plan, after checking that the answer is one.
#[track_caller]
fn plan(sample: &Sample, tool: &str, arguments: &Value) -> String {
    let answer = sample.ok(tool, arguments.clone());
    assert!(answer["confirmation_needed"].is_object(), "{answer}");
    assert!(answer["note"].as_str().unwrap().contains("Nothing was done"), "{answer}");
    answer["confirm"].as_str().unwrap().to_owned()
}

fn with(arguments: &Value, token: &str) -> Value {
    let mut arguments = arguments.clone();
    arguments["confirm"] = token.into();
    arguments
}

#[test]
fn a_deletion_shows_what_is_lost_and_happens_once_when_confirmed() {
    let sample = Sample::start();
    let arguments = json!({"vmid": 100});
    let answer = sample.ok("proxmox_delete_vm", arguments.clone());
    let lost = &answer["confirmation_needed"];
    assert_eq!(lost["guest"], "VM 100 (web01)");
    assert!(lost["disks"][0].as_str().unwrap().contains("vm-100-disk-0"), "{lost}");
    assert_eq!(deletions(&sample), 0, "nothing is sent before it is confirmed");
    let token = answer["confirm"].as_str().unwrap();
    let done = sample.ok("proxmox_delete_vm", with(&arguments, token));
    assert_eq!(done["exitstatus"], "OK", "{done}");
    assert_eq!(deletions(&sample), 1);
    assert!(!column(&sample.ok("proxmox_list_vms", json!({})), "vmid").contains(&json!(100)));
}

#[test]
fn a_token_fits_one_call_of_one_tool_on_an_unchanged_target() {
    let sample = Sample::start();
    let delete = json!({"vmid": 101});
    let token = plan(&sample, "proxmox_delete_vm", &delete);
    let mut altered = token.clone();
    altered.replace_range(0..1, if token.starts_with('0') { "1" } else { "0" });
    for (tool, arguments, words) in [
        ("proxmox_delete_vm", with(&json!({"vmid": 103}), &token), "not accepted"),
        ("proxmox_delete_vm", with(&json!({"vmid": 101, "purge": true}), &token), "not accepted"),
        ("proxmox_delete_container", with(&json!({"vmid": 200}), &token), "not accepted"),
        ("proxmox_delete_vm", with(&delete, &altered), "not accepted"),
        ("proxmox_delete_vm", with(&delete, "yes"), "not accepted"),
    ] {
        sample.fails(tool, arguments, &["Nothing was done", words]);
    }
    assert_eq!(deletions(&sample), 0);
    sample
        .ok("proxmox_update_vm_config", json!({"vmid": 101, "config": {"description": "changed meanwhile"}}));
    let changes = deletions(&sample);
    sample.fails("proxmox_delete_vm", with(&delete, &token), &["another state of the target"]);
    assert_eq!(deletions(&sample), changes);
    let other = Sample::start();
    other.fails("proxmox_delete_vm", with(&delete, &token), &["by another process"]);
}

#[test]
fn every_destructive_tool_asks_unless_access_is_full() {
    let sample = Sample::start();
    let mut asked = 0;
    for entry in entries().filter(|entry| entry.tool.effect == Effect::Ask) {
        let values = entry.params().filter(|param| param.required).map(|param| {
            let value = match param.name {
                "method" => json!("DELETE"),
                "path" if entry.toolset == "api" => json!("/nodes/pve1/qemu/100"),
                "vmid" if entry.name.contains("container") => json!(200),
                "vmid" => json!(100),
                "node" => json!("pve1"),
                "pos" => json!(0),
                "volume" => json!("shared:iso/debian-13-netinst.iso"),
                "archive" => json!("shared:backup/vzdump-qemu-100-2026_11_20-01_00_00.vma.zst"),
                "snapname" => json!("nope"),
                "content" => json!("iso"),
                "filename" => json!("new.iso"),
                "url" => json!("https://example.com/new.iso"),
                "storage" => json!("shared"),
                "type" => json!("nfs"),
                "service" => json!("pveproxy"),
                "what" if entry.name.contains("firewall") => json!("alias"),
                "what" if entry.name.contains("_ha") => json!("resource"),
                "what" => json!("user"),
                name => json!(name),
            };
            (param.name.to_owned(), value)
        });
        let mut arguments: serde_json::Map<String, Value> = values.collect();
        if entry.name == "proxmox_restore_backup" {
            arguments.insert("force".into(), true.into());
        }
        let answer = sample.call(entry.name, Value::Object(arguments));
        let asks = matches!(&answer, Ok(answer) if answer["confirm"].is_string());
        // A snapshot that does not exist is reported before anybody is asked.
        let told = matches!(&answer, Err(sentences) if sentences.contains("has no snapshot `nope`"));
        assert!(asks || told, "{}: {answer:?}", entry.name);
        asked += 1;
    }
    assert!(10 <= asked);
    assert_eq!(deletions(&sample), 0);
    let full = Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
        config.access = Access::Full;
    });
    assert_eq!(full.ok("proxmox_delete_vm", json!({"vmid": 100}))["exitstatus"], "OK");
}
