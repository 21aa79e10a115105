//! What a configuration allows, tested by the requests that reach the API: every tool and every old name, at every
//! access level, against protected guests, outside of `only`, and as a dry run.

use crate::cluster::Sample;
use proxmox_mcp::{
    config::{Access, Config, Selection},
    demo,
    tools::{Effect, catalog::index::named},
};
use serde_json::{Value, json};

fn changes(sample: &Sample) -> Vec<String> {
    sample.wire().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

fn sample(change: impl FnOnce(&mut Config)) -> Sample {
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, change)
}

#[test]
fn reading_only_nothing_but_get_reaches_the_api() {
    let sample = sample(|config| config.access = Access::ReadOnly);
    let mut refused = 0;
    for (name, arguments) in crate::requests::every_call().chain(crate::aliases::every_call()) {
        let answer = sample.call(&name, arguments);
        refused += usize::from(answer.is_err_and(|words| words.contains("`read-only`")));
    }
    assert_eq!(changes(&sample), Vec::<String>::new());
    assert!(100 <= refused, "{refused}");
}

#[test]
fn in_standard_nothing_is_lost_without_confirmation() {
    let sample = sample(|_| {});
    for (name, mut arguments) in crate::requests::every_call().chain(crate::aliases::every_call()) {
        if arguments.get("wait").is_some() {
            arguments["wait"] = 0.into();
        }
        let _ = sample.call(&name, arguments);
        for line in changes(&sample) {
            let harmless = line.contains("/tasks/") || line.trim_end().ends_with("/network");
            assert!(harmless || !line.starts_with("DELETE"), "{name}: {line}");
            assert!(!line.contains("/rollback") && !line.contains("force=1"), "{name}: {line}");
        }
    }
}

#[test]
fn a_dry_run_sends_nothing_and_tells_every_request() {
    let sample = sample(|_| {});
    let mut told = 0;
    for (name, mut arguments) in crate::requests::every_call() {
        let entry = named(&name).unwrap();
        if entry.tool.effect == Effect::Read {
            continue;
        }
        arguments["dry_run"] = true.into();
        let answer = sample.call(&name, arguments);
        if let Ok(answer) = answer {
            assert_eq!(answer["dry_run"], true, "{name}: {answer}");
            // A job describes each of its requests next to its purpose.
            let requests = answer.get("requests").or(answer.get("steps")).expect("requests");
            assert!(!requests.as_array().unwrap().is_empty(), "{name}");
            assert!(!answer.to_string().contains("planted-password"), "{name}: {answer}");
            told += 1;
        }
    }
    assert!(60 <= told, "{told}");
    assert_eq!(changes(&sample), Vec::<String>::new());
    let clone = json!({"vmid": 105, "name": "c", "config": {"cores": 2}, "disk_size": 40, "start": true, "dry_run": true});
    let requests = sample.ok("proxmox_clone_vm", clone)["requests"].clone();
    let paths: Vec<&str> =
        requests.as_array().unwrap().iter().map(|request| request["path"].as_str().unwrap()).collect();
    let ends: Vec<&str> = paths.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(ends, ["clone", "config", "resize", "start"], "{requests}");
}

fn selection(entries: Value) -> Selection {
    let dir = std::env::temp_dir().join(format!("proxmox-mcp-policy-{}-{:p}", std::process::id(), &entries));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("config.json");
    std::fs::write(&file, json!({"protected": entries}).to_string()).unwrap();
    let config = Config::load(Some(&file), &|_| None, None);
    std::fs::remove_dir_all(&dir).unwrap();
    config.unwrap().protected
}

#[test]
fn protected_guests_are_touched_by_nothing_destructive_whatever_the_access() {
    for (entries, free) in [
        (json!([105]), ("proxmox_stop_vm", 106)),
        (json!(["100-110"]), ("proxmox_stop_container", 200)),
        (json!(["tag:prod"]), ("proxmox_stop_vm", 108)),
    ] {
        let sample = sample(|config| {
            config.access = Access::Full;
            config.protected = selection(entries.clone());
        });
        for (tool, arguments) in [
            ("proxmox_delete_vm", json!({"vmid": 105})),
            ("proxmox_stop_vm", json!({"vmid": 105})),
            ("proxmox_reset_vm", json!({"vmid": 105})),
            ("stop_vm", json!({"node": "pve1", "vmid": "105"})),
            ("proxmox_update_vm_config", json!({"vmid": 105, "delete": "unused0"})),
            (
                "proxmox_restore_backup",
                json!({"archive": "shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst", "vmid": 105, "force": true}),
            ),
            ("proxmox_execute_vm_command", json!({"vmid": 105, "command": "id"})),
        ] {
            sample.fails(tool, arguments, &["`protected`", "Nothing was done"]);
        }
        assert_eq!(changes(&sample), Vec::<String>::new(), "{entries}");
        sample.ok("proxmox_update_vm_config", json!({"vmid": 105, "config": {"description": "x"}}));
        let _ = sample.call(free.0, json!({"vmid": free.1, "wait": 0}));
        let sent = changes(&sample);
        assert!(sent.iter().any(|line| line.ends_with(&format!("{}/status/stop", free.1))), "{sent:?}");
    }
}

#[test]
fn outside_of_only_nothing_is_changed() {
    for (entries, inside, outside) in [
        (json!(["105-109"]), json!({"vmid": 105}), json!({"vmid": 110})),
        (json!(["node:pve1"]), json!({"vmid": 105}), json!({"vmid": 106})),
        (json!(["tag:mail"]), json!({"vmid": 105}), json!({"vmid": 106})),
        (json!(["node:pve1", "105"]), json!({"vmid": 105}), json!({"vmid": 110})),
    ] {
        let sample = sample(|config| config.only = selection(entries.clone()));
        let with = |mut arguments: Value| {
            arguments["config"] = json!({"description": "x"});
            arguments
        };
        sample.fails("proxmox_update_vm_config", with(outside.clone()), &["`only`", "Nothing was done"]);
        sample.fails("proxmox_update_cluster_options", json!({"options": {"console": "html5"}}), &["`only`"]);
        sample.fails(
            "proxmox_update_acl",
            json!({"path": "/", "roles": "Administrator", "users": "x@pve"}),
            &["`only`"],
        );
        sample.fails("proxmox_create_vm", json!({"node": "pve2", "name": "x"}), &["`only`"]);
        assert_eq!(changes(&sample), Vec::<String>::new(), "{entries}");
        sample.ok("proxmox_update_vm_config", with(inside));
        sample.ok("proxmox_get_vm_info", outside);
    }
}
