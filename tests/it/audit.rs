//! The audit log as written by a complete server.

use crate::cluster::Sample;
use proxmox_mcp::{audit, config::Access};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-it-audit-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn each_change_has_a_line_before_and_a_line_after_and_no_secret_in_either() {
    let folder = folder("lines");
    let path = folder.join("audit.jsonl");
    let sample = Sample::with(Default::default(), |config| {
        config.access = Access::Full;
        config.audit = Some(crate::cluster::plain_log(path.as_ref()));
    });
    sample.ok("proxmox_list_vms", json!({}));
    sample.ok("proxmox_start_vm", json!({"vmid": 105, "dry_run": true}));
    assert!(!path.exists(), "reading and dry runs are not written down");

    sample.ok(
        "proxmox_update_vm_config",
        json!({"vmid": 105, "config": {"memory": 1024, "cipassword": "planted-secret"}}),
    );
    let _ = sample.call(
        "proxmox_set_vm_password",
        json!({"vmid": 105, "username": "root", "password": "planted-secret"}),
    );
    let _ = sample.call("proxmox_start_vm", json!({"vmid": 106}));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("planted-secret") && !text.contains(sample.server.token().1.expose()), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phases: Vec<_> =
        lines.iter().map(|line| (line["tool"].as_str().unwrap(), line["phase"].as_str().unwrap())).collect();
    assert_eq!(phases[..2], [("proxmox_update_vm_config", "before"), ("proxmox_update_vm_config", "after")]);
    assert_eq!(lines[0]["target"]["vmid"], json!([105]));
    assert_eq!(lines[0]["request"]["params"]["memory"], "1024");
    assert!(lines[1]["changed"]["rows"].to_string().contains("memory"), "old and new values: {}", lines[1]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["phase"], &last["outcome"]),
        (&json!("after"), &json!("failed")),
        "it runs already: {last}"
    );
    assert!(audit::verify(&path, None).unwrap().open.is_empty());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_written_down_is_not_done() {
    for path in ["/dev/full", "/nowhere/at/all/audit.jsonl"] {
        let sample = Sample::with(Default::default(), |config| {
            config.audit = Some(crate::cluster::plain_log(path.as_ref()));
        });
        sample.fails("proxmox_stop_vm", json!({"vmid": 105}), &["audit log", "was not done"]);
        sample.ok("proxmox_list_vms", json!({}));
        assert!(sample.wire().iter().all(|line| line.starts_with("GET")), "{path}");
    }
}

#[test]
fn what_is_refused_asked_and_agreed_to_has_a_line_too() {
    let folder = folder("words");
    let path = folder.join("audit.jsonl");
    let sample = Sample::with(Default::default(), |config| {
        config.audit = Some(crate::cluster::plain_log(path.as_ref()));
        config.deny_tools = vec!["proxmox_reset_*".into()];
        config.exec_allow = vec!["df -h".into()];
    });
    sample.fails("proxmox_reset_vm", json!({"vmid": 105}), &["deny_tools"]);
    sample.fails("proxmox_execute_vm_command", json!({"vmid": 105, "command": "id"}), &["exec_allow"]);
    sample.done("proxmox_delete_vm", json!({"vmid": 101}));
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phases: Vec<&str> = lines.iter().map(|line| line["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["refused", "refused", "asked", "approved", "before", "after"], "{text}");
    assert!(lines[0]["why"].as_str().unwrap().contains("deny_tools"), "{text}");
    assert_eq!(lines[1]["target"]["vmid"], json!([105]), "{text}");
    assert_eq!((&lines[2]["by"], &lines[3]["by"]), (&json!("a token"), &json!("a token")), "{text}");
    assert!(audit::verify(&path, None).unwrap().open.is_empty());
    fs::remove_dir_all(folder).unwrap();
}

/// The system log, as received by a program that reads its socket.
#[cfg(unix)]
#[test]
fn each_line_goes_to_the_systems_log_too_or_nothing_is_changed() {
    use std::os::unix::net::UnixDatagram;
    let folder = folder("syslog");
    let (path, socket) = (folder.join("audit.jsonl"), folder.join("log"));
    let log = UnixDatagram::bind(&socket).unwrap();
    let sample = Sample::with(Default::default(), |config| {
        config.access = Access::Full;
        let sockets = vec![folder.join("none"), socket.clone()];
        config.audit = Some(audit::Place { syslog: sockets, ..crate::cluster::plain_log(path.as_ref()) });
    });
    sample.ok("proxmox_update_vm_config", json!({"vmid": 105, "config": {"memory": 1024}}));
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written.lines().count(), 2, "{written}");
    for line in written.lines() {
        let mut sent = vec![0; 1 << 16];
        let length = log.recv(&mut sent).unwrap();
        let sent = std::str::from_utf8(&sent[..length]).unwrap();
        // Facility 10, severity 6.
        let (head, copy) = sent.split_once("]: ").unwrap();
        assert_eq!((head, copy), (format!("<86>proxmox-mcp[{}", std::process::id()).as_str(), line));
    }
    drop(log);
    fs::remove_file(&socket).unwrap();
    let before = sample.changes().len();
    sample.fails(
        "proxmox_update_vm_config",
        json!({"vmid": 105, "config": {"memory": 2048}}),
        &["system log", "was not done"],
    );
    assert_eq!(sample.changes().len(), before);
    fs::remove_dir_all(folder).unwrap();
}
