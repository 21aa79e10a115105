//! Administration through the tools, each change checked in the list afterwards: access, firewall, HA, jobs, network.

use crate::cluster::{Sample, column};
use proxmox_mcp::{config::Access, demo};
use serde_json::{Value, json};

/// One round of create, list, change and delete; `seen` must appear in the list in between.
struct Round {
    create: (&'static str, Value),
    list: (&'static str, Value),
    seen: &'static str,
    change: Option<(&'static str, Value, &'static str)>,
    delete: (&'static str, Value),
}

fn rounds() -> Vec<Round> {
    let round = |create, list, seen, change, delete| Round { create, list, seen, change, delete };
    vec![
        round(
            (
                "proxmox_create_access",
                json!({"what": "user", "id": "bob@pve", "options": {"comment": "first"}}),
            ),
            ("proxmox_list_access", json!({"what": "users"})),
            "bob@pve",
            Some((
                "proxmox_update_access",
                json!({"what": "user", "id": "bob@pve", "options": {"comment": "second"}}),
                "second",
            )),
            ("proxmox_delete_access", json!({"what": "user", "id": "bob@pve"})),
        ),
        round(
            (
                "proxmox_create_access",
                json!({"what": "role", "id": "Starter", "options": {"privs": "VM.PowerMgmt"}}),
            ),
            ("proxmox_list_access", json!({"what": "roles"})),
            "Starter",
            Some((
                "proxmox_update_access",
                json!({"what": "role", "id": "Starter", "options": {"privs": "VM.Console"}}),
                "VM.Console",
            )),
            ("proxmox_delete_access", json!({"what": "role", "id": "Starter"})),
        ),
        round(
            ("proxmox_create_access", json!({"what": "group", "id": "ops"})),
            ("proxmox_list_access", json!({"what": "groups"})),
            "ops",
            Some((
                "proxmox_update_access",
                json!({"what": "group", "id": "ops", "options": {"comment": "on duty"}}),
                "on duty",
            )),
            ("proxmox_delete_access", json!({"what": "group", "id": "ops"})),
        ),
        round(
            (
                "proxmox_create_access",
                json!({"what": "token", "id": "otto@pve!ci", "options": {"comment": "builds"}}),
            ),
            ("proxmox_list_access", json!({"what": "tokens", "userid": "otto@pve"})),
            "builds",
            Some((
                "proxmox_update_access",
                json!({"what": "token", "id": "otto@pve!ci", "options": {"comment": "tests"}}),
                "tests",
            )),
            ("proxmox_delete_access", json!({"what": "token", "id": "otto@pve!ci"})),
        ),
        round(
            (
                "proxmox_create_firewall_rule",
                json!({"type": "in", "action": "ACCEPT", "vmid": 106, "options": {"proto": "tcp", "dport": "8443"}}),
            ),
            ("proxmox_list_firewall_rules", json!({"vmid": 106})),
            "8443",
            Some((
                "proxmox_update_firewall_rule",
                json!({"vmid": 106, "pos": 0, "options": {"comment": "changed"}}),
                "changed",
            )),
            ("proxmox_delete_firewall_rule", json!({"vmid": 106, "pos": 0})),
        ),
        round(
            (
                "proxmox_create_firewall_object",
                json!({"what": "alias", "name": "office", "cidr": "198.51.100.0/24"}),
            ),
            ("proxmox_list_firewall_objects", json!({"what": "aliases"})),
            "198.51.100.0/24",
            None,
            ("proxmox_delete_firewall_object", json!({"what": "alias", "name": "office"})),
        ),
        round(
            ("proxmox_create_firewall_object", json!({"what": "ipset", "name": "friends"})),
            ("proxmox_list_firewall_objects", json!({"what": "ipset"})),
            "friends",
            None,
            ("proxmox_delete_firewall_object", json!({"what": "ipset", "name": "friends"})),
        ),
        round(
            ("proxmox_create_ha", json!({"what": "resource", "id": "vm:106", "options": {"max_restart": 2}})),
            ("proxmox_list_ha", json!({"what": "resources"})),
            "vm:106",
            Some((
                "proxmox_update_ha",
                json!({"what": "resource", "id": "vm:106", "options": {"state": "ignored"}}),
                "ignored",
            )),
            ("proxmox_delete_ha", json!({"what": "resource", "id": "vm:106"})),
        ),
        round(
            (
                "proxmox_create_ha",
                json!({"what": "rule", "id": "near", "options": {"type": "node-affinity", "resources": "vm:105", "nodes": "pve1"}}),
            ),
            ("proxmox_list_ha", json!({"what": "rules"})),
            "near",
            Some((
                "proxmox_update_ha",
                json!({"what": "rule", "id": "near", "options": {"type": "node-affinity", "nodes": "pve2"}}),
                "pve2",
            )),
            ("proxmox_delete_ha", json!({"what": "rule", "id": "near"})),
        ),
        round(
            (
                "proxmox_create_backup_job",
                json!({"schedule": "sun 03:00", "storage": "shared", "vmid": "106", "options": {"id": "weekly"}}),
            ),
            ("proxmox_list_backup_jobs", json!({})),
            "weekly",
            Some((
                "proxmox_update_backup_job",
                json!({"id": "weekly", "options": {"schedule": "mon 04:00"}}),
                "mon 04:00",
            )),
            ("proxmox_delete_backup_job", json!({"id": "weekly"})),
        ),
        round(
            (
                "proxmox_create_network",
                json!({"node": "pve1", "iface": "vmbr7", "type": "bridge", "options": {"comments": "lab"}}),
            ),
            ("proxmox_list_network", json!({"node": "pve1"})),
            "vmbr7",
            Some((
                "proxmox_update_network",
                json!({"node": "pve1", "iface": "vmbr7", "type": "bridge", "options": {"cidr": "192.0.2.1/24"}}),
                "192.0.2.1/24",
            )),
            ("proxmox_delete_network", json!({"node": "pve1", "iface": "vmbr7"})),
        ),
        round(
            ("proxmox_create_pool", json!({"poolid": "lab"})),
            ("proxmox_list_pools", json!({})),
            "lab",
            None,
            ("proxmox_delete_pool", json!({"poolid": "lab"})),
        ),
    ]
}

#[test]
fn what_is_made_is_listed_changed_and_removed() {
    let sample = Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
        config.access = Access::Full;
    });
    let list = |round: &Round| sample.done(round.list.0, round.list.1.clone()).to_string();
    for round in rounds() {
        let name = round.create.0;
        assert!(!list(&round).contains(round.seen), "{name}: not there yet");
        sample.done(name, round.create.1.clone());
        assert!(list(&round).contains(round.seen), "{name}: {}", list(&round));
        if let Some((tool, arguments, seen)) = &round.change {
            sample.done(tool, arguments.clone());
            assert!(list(&round).contains(seen), "{tool}: {}", list(&round));
        }
        sample.done(round.delete.0, round.delete.1.clone());
        assert!(!list(&round).contains(round.seen), "{}: gone", round.delete.0);
        // The second time there is nothing to delete, and that is reported.
        assert!(sample.call(round.delete.0, round.delete.1.clone()).is_err(), "{}", round.delete.0);
    }
}

#[test]
fn a_new_tokens_secret_is_in_a_file_or_where_that_is_wanted_in_the_answer_once() {
    let sample = Sample::start();
    for (tool, arguments) in [
        ("proxmox_create_access", json!({"what": "token", "id": "otto@pve!kept"})),
        ("proxmox_call_api", json!({"method": "POST", "path": "/access/users/otto@pve/token/called"})),
    ] {
        let made = sample.done(tool, arguments);
        assert_eq!(made["value"], "***", "{made}");
        let file = std::path::PathBuf::from(made["secret_file"].as_str().unwrap());
        let secret = std::fs::read_to_string(&file).unwrap();
        assert_eq!(secret.trim().len(), 36);
        assert!(!made.to_string().contains(secret.trim()), "{made}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        }
    }
    let old = sample.server.token_secret("otto@pve!kept").unwrap();
    let renewed = sample.done(
        "proxmox_call_api",
        json!({"method": "PUT", "path": "/access/users/otto@pve/token/kept", "arguments": {"regenerate": 1}}),
    );
    let new = sample.server.token_secret("otto@pve!kept").unwrap();
    assert_ne!(new.expose(), old.expose());
    let file = std::path::PathBuf::from(renewed["secret_file"].as_str().unwrap());
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), new.expose());
    assert!(renewed["value"] == "***" && !renewed.to_string().contains(new.expose()), "{renewed}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::remove_file(file).unwrap();
    let kept = || std::fs::read_dir(sample.folder.join("secrets")).unwrap().count();
    sample.done(
        "proxmox_update_access",
        json!({"what": "token", "id": "otto@pve!kept", "options": {"comment": "x"}}),
    );
    assert_eq!(kept(), 2, "no secret came, so no file is left");
    let sample = Sample::with(Default::default(), |config| config.show_secrets = true);
    let made = sample.done("proxmox_create_access", json!({"what": "token", "id": "otto@pve!ci"}));
    let secret = made["value"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 36, "{made}");
    let listed = sample.done("proxmox_list_access", json!({"what": "tokens", "userid": "otto@pve"}));
    assert!(!listed.to_string().contains(&secret));
    sample.fails("proxmox_create_access", json!({"what": "token", "id": "otto"}), &["user@realm!name"]);
}

#[test]
fn rules_are_moved_and_sets_have_entries() {
    let sample = Sample::start();
    let ports = || column(&sample.done("proxmox_list_firewall_rules", json!({"vmid": 106})), "dport");
    for port in ["1", "2", "3"] {
        sample.done(
            "proxmox_create_firewall_rule",
            json!({"vmid": 106, "type": "in", "action": "ACCEPT", "options": {"proto": "tcp", "dport": port}}),
        );
    }
    assert_eq!(ports(), ["3", "2", "1"], "new rules go to the top");
    sample.done("proxmox_update_firewall_rule", json!({"vmid": 106, "pos": 0, "moveto": 3}));
    assert_eq!(ports(), ["2", "1", "3"]);
    let set = json!({"what": "ipset", "name": "block"});
    sample.done("proxmox_create_firewall_object", set);
    sample.done(
        "proxmox_create_firewall_object",
        json!({"what": "ipset", "name": "block", "cidr": "203.0.113.0/24"}),
    );
    let entries = sample.done("proxmox_list_firewall_objects", json!({"what": "ipset", "name": "block"}));
    assert_eq!(column(&entries, "cidr"), ["203.0.113.0/24"]);
    let of_node = json!({"what": "ipset", "node": "pve1"});
    sample.fails("proxmox_list_firewall_objects", of_node, &["A node has no aliases and no IP sets"]);
    sample.done("proxmox_create_firewall_object", json!({"what": "group", "name": "web"}));
    sample.done("proxmox_create_firewall_rule", json!({"group": "web", "type": "in", "action": "ACCEPT"}));
    let rules = sample.done("proxmox_list_firewall_rules", json!({"group": "web"}));
    assert_eq!(rules["total"], 1, "{rules}");
    sample.fails("proxmox_get_firewall_log", json!({}), &["Give `vmid` or `node`"]);
    assert!(sample.done("proxmox_get_firewall_log", json!({"vmid": 106}))["lines"].is_array());
}

#[test]
fn a_backup_job_runs_on_every_node_that_has_its_guests() {
    let sample = Sample::start();
    let job = sample.done("proxmox_list_backup_jobs", json!({}));
    let id = column(&job, "id")[0].clone();
    let ran = sample.done("proxmox_run_backup_job", json!({"id": id}));
    let tasks = ran["tasks"]["rows"].as_array().unwrap_or_else(|| panic!("{ran}"));
    assert!(!tasks.is_empty() && tasks.iter().all(|task| task[1] == "OK"), "{ran}");
    sample.fails("proxmox_run_backup_job", json!({"id": "nope"}), &["There is no id `nope`"]);
}

#[test]
fn changes_of_a_nodes_network_wait_until_they_are_applied_or_dropped() {
    let sample = Sample::start();
    let count = || sample.done("proxmox_list_network", json!({"node": "pve1"}))["total"].clone();
    let add = json!({"node": "pve1", "iface": "vmbr9", "type": "bridge"});
    sample.done("proxmox_create_network", add.clone());
    assert_eq!(count(), 3);
    sample.done("proxmox_apply_network", json!({"node": "pve1", "revert": true}));
    assert_eq!(count(), 2);
    sample.done("proxmox_create_network", add);
    assert_eq!(sample.done("proxmox_apply_network", json!({"node": "pve1"}))["exitstatus"], "OK");
    assert_eq!(count(), 3);
}
