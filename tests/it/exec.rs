//! Commands in guests: what is disabled, what is not allowed, what a dry run shows. `tests/ssh` tests them over a real
//! SSH server.

use crate::cluster::{Sample, column};
use proxmox_mcp::{demo, ssh::Ssh};
use serde_json::{Value, json};

fn running(sample: &Sample) -> Value {
    column(&sample.ok("proxmox_list_containers", json!({"status": "running"})), "vmid")[0].clone()
}

#[test]
fn without_ssh_configured_or_allowed_nothing_runs() {
    let sample = Sample::start();
    let vmid = running(&sample);
    let run = |sample: &Sample, words: &[&str]| {
        sample.fails("proxmox_execute_container_command", json!({"vmid": vmid, "command": "id"}), words);
    };
    run(&sample, &["Configure `ssh`", "Nothing was done"]);
    let ssh = Ssh {
        user: "root".into(),
        port: 1,
        identity: None,
        known_hosts: None,
        addresses: [("pve1".to_owned(), "127.0.0.1".to_owned())].into(),
        program: "/nonexistent/ssh".into(),
    };
    let off = Sample::with(demo::Options::default(), |config| {
        config.ssh = Some(ssh.clone());
        config.exec_allow = vec!["uptime".into()];
    });
    run(&off, &["`exec_allow`", "uptime"]);
    off.fails("proxmox_execute_vm_command", json!({"vmid": 105, "command": "id"}), &["`exec_allow`"]);
    let missing = Sample::with(demo::Options::default(), |config| config.ssh = Some(ssh));
    run(&missing, &["cannot be started", "install an SSH client"]);
    let dry = missing
        .ok("proxmox_execute_container_command", json!({"vmid": vmid, "command": "id", "dry_run": true}));
    assert_eq!(dry["requests"][0]["params"]["command"], json!(["/bin/sh", "-c", "id"]), "{dry}");
}
