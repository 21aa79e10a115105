//! Bypasses of the guards that were found by testing, each with the settings that it bypassed.

use crate::cluster::Sample;
use serde_json::{Value, json};

/// The expected result of a call.
#[derive(Clone, Copy, Debug)]
enum Must {
    /// It is refused, with these words in the error.
    Refuse(&'static str),
    /// It needs confirmation.
    Ask,
    /// It is sent.
    Run,
}

use Must::{Ask, Refuse, Run};

/// A call of any method.
fn api(method: &str, path: &str, arguments: Value) -> (&'static str, Value) {
    ("proxmox_call_api", json!({"method": method, "path": path, "arguments": arguments, "wait": 0}))
}

/// Makes calls under one configuration and checks the result of each; only calls that may run are sent.
#[track_caller]
fn check(keys: Value, calls: Vec<((&str, Value), Must)>) {
    let sample = Sample::configured(&keys);
    for ((tool, arguments), must) in calls {
        let before = sample.changes().len();
        let answer = sample.call(tool, arguments.clone());
        let sent = sample.changes().split_off(before);
        let fits = match (&answer, must) {
            (Err(words), Refuse(part)) => {
                words.contains(part) && words.contains("Nothing was done") && sent.is_empty()
            }
            (Ok(answer), Ask) => answer["confirmation_needed"].is_object() && sent.is_empty(),
            (_, Run) => sent.len() == 1,
            _ => false,
        };
        assert!(fits, "{keys}: {tool} {arguments} must {must:?}: sent {sent:?}, answered {answer:?}");
    }
}

const NAMED: &str = "`protected`";
const OUTSIDE: &str = "`only`";

#[test]
fn a_list_of_commands_binds_every_way_to_run_or_write_anything() {
    let agent = "/nodes/pve1/qemu/105/agent";
    let exec = |command: Value| api("POST", &format!("{agent}/exec"), json!({"command": command}));
    let only = Refuse("`exec_allow`");
    check(
        json!({"exec_allow": ["df -h", "systemctl status *", "cat /var/log/*.log"], "access": "full"}),
        vec![
            (exec(json!(["id"])), only),
            (exec(json!(["/bin/sh", "-c", "df -h; id"])), only),
            (exec(json!(["df", "-h"])), Run),
            (("proxmox_execute_vm_command", json!({"vmid": 105, "command": "df -h"})), Run),
            (
                (
                    "proxmox_execute_vm_command",
                    json!({"vmid": 105, "command": "systemctl status -H root@evil x"}),
                ),
                only,
            ),
            (
                (
                    "proxmox_execute_vm_command",
                    json!({"vmid": 105, "command": "cat /var/log/../../etc/shadow /var/log/x.log"}),
                ),
                only,
            ),
            (("proxmox_write_vm_file", json!({"vmid": 105, "file": "/etc/cron.d/x", "content": "x"})), only),
            (
                (
                    "proxmox_set_vm_password",
                    json!({"vmid": 105, "username": "root", "password": "secret123"}),
                ),
                only,
            ),
            (("proxmox_send_keys", json!({"vmid": 105, "key": "ret"})), only),
            (api("POST", "/nodes/pve1/qemu/105/monitor", json!({"command": "info block"})), only),
            (api("PUT", "/nodes/pve1/qemu/105/config", json!({"hookscript": "local:snippets/x.pl"})), only),
        ],
    );
    let mut own = json!({"exec_allow": ["df -h"], "access": "full", "tools": [
        {"name": "proxmox_run", "about": "Runs.", "post": "/nodes/{node}/qemu/{vmid}/agent/exec"},
    ]});
    check(own.clone(), vec![(("proxmox_run", json!({"vmid": 105, "command": ["id"]})), only)]);
    own["deny_tools"] = json!(["proxmox_execute_*"]);
    check(own, vec![(exec(json!(["df", "-h"])), Refuse("`deny_tools`"))]);
}

#[test]
fn what_is_protected_is_interrupted_by_nothing() {
    let held = Refuse(NAMED);
    check(
        json!({"protected": [105], "access": "full", "tools": [
            {"name": "proxmox_halt", "about": "Stops.", "post": "/nodes/{node}/qemu/{vmid}/status/stop"},
        ]}),
        vec![
            (("proxmox_shutdown_vm", json!({"vmid": 105, "forceStop": true, "timeout": 1})), held),
            (("proxmox_reboot_vm", json!({"vmid": 105})), held),
            (("proxmox_suspend_guest", json!({"vmid": 105})), held),
            (("proxmox_send_keys", json!({"vmid": 105, "key": "ctrl-alt-delete"})), held),
            (
                (
                    "proxmox_create_backup",
                    json!({"vmid": 105, "storage": "shared", "options": {"mode": "stop"}}),
                ),
                held,
            ),
            (("proxmox_update_vm_config", json!({"vmid": 105, "delete": "net0"})), held),
            (
                (
                    "proxmox_update_vm_config",
                    json!({"vmid": 105, "config": {"net0": "virtio,bridge=vmbr0,link_down=1"}}),
                ),
                held,
            ),
            (
                ("proxmox_update_vm_config", json!({"vmid": 105, "config": {"net0": "virtio,bridge=vmbr9"}})),
                held,
            ),
            (
                ("proxmox_update_vm_config", json!({"vmid": 105, "config": {"net7": "virtio,bridge=vmbr0"}})),
                Run,
            ),
            (("proxmox_power_node", json!({"node": "pve1", "command": "reboot"})), held),
            (
                (
                    "proxmox_update_ha",
                    json!({"what": "resource", "id": "vm:105", "options": {"state": "stopped"}}),
                ),
                held,
            ),
            (("proxmox_halt", json!({"vmid": 105})), held),
            (api("POST", "/nodes/pve1/stopall", json!({"vms": "105;100,110"})), held),
            (api("POST", "/nodes/pve1/stopall", json!({"vms": "100 105"})), held),
            (api("POST", "/nodes/pve1/suspendall", json!({})), held),
            (api("POST", "/cluster/bulk-action/guest/shutdown", json!({})), held),
            // A disk is reached by the name of its volume.
            (
                (
                    "proxmox_update_vm_config",
                    json!({"vmid": 110, "config": {"scsi5": "local-lvm:vm-105-disk-0"}}),
                ),
                held,
            ),
            (("proxmox_stop_vm", json!({"vmid": 106, "wait": 0})), Run),
        ],
    );
    check(
        json!({"protected": ["node:pve1"], "access": "full"}),
        vec![
            (api("POST", "/nodes/localhost/status", json!({"command": "reboot"})), Refuse("`localhost`")),
            (api("POST", "/nodes/PVE1/status", json!({"command": "reboot"})), held),
            (api("POST", "/nodes/pve2/status", json!({"command": "reboot"})), Run),
        ],
    );
}

#[test]
fn nobody_sheds_the_protection_first() {
    let held = Refuse(NAMED);
    check(
        json!({"protected": ["tag:prod"], "access": "full"}),
        vec![
            (("proxmox_update_vm_config", json!({"vmid": 105, "config": {"tags": "db"}})), held),
            (("proxmox_update_vm_config", json!({"vmid": 105, "delete": "tags"})), held),
            (api("PUT", "/cluster/options", json!({"user-tag-access": "user-allow=free"})), held),
            (("proxmox_update_vm_config", json!({"vmid": 105, "config": {"tags": "prod;more"}})), Run),
        ],
    );
    // VM 102 is in the pool dev.
    check(
        json!({"protected": ["pool:dev"], "access": "full"}),
        vec![
            (("proxmox_update_pool", json!({"poolid": "dev", "vms": "102", "delete": true})), held),
            (("proxmox_create_pool", json!({"poolid": "other"})), Run),
            (api("PUT", "/pools/other", json!({"vms": "102", "allow-move": 1})), held),
            (("proxmox_delete_pool", json!({"poolid": "dev"})), held),
        ],
    );
}

#[test]
fn only_is_about_the_true_target() {
    let outside = Refuse(OUTSIDE);
    check(
        json!({"only": [100], "access": "full"}),
        vec![
            (api("POST", "/nodes/pve1/stopall", json!({"vms": "106;105,100"})), outside),
            (api("PUT", "/nodes/pve1/qemu/100/config", json!({"scsi5": "local-lvm:vm-105-disk-0"})), outside),
            (
                (
                    "proxmox_update_backup_job",
                    json!({"id": "nightly", "options": {"vmid": "100", "enabled": 0}}),
                ),
                outside,
            ),
            (
                (
                    "proxmox_call_api",
                    json!({"method": "POST", "path": "/new/thing", "arguments": {"vmid": 100}, "unchecked": true}),
                ),
                outside,
            ),
            (("proxmox_update_vm_config", json!({"vmid": 100, "config": {"description": "x"}})), Run),
        ],
    );
    check(
        json!({"only": ["pool:dev"], "access": "full"}),
        vec![
            (api("PUT", "/pools/dev", json!({"vms": "105;106", "allow-move": 1})), outside),
            (api("PUT", "/storage/shared", json!({"disable": 1})), outside),
            (api("POST", "/nodes/pve1/qemu", json!({"vmid": 900, "pool": "prod"})), outside),
        ],
    );
}

#[test]
fn rights_and_other_hosts_are_asked_for() {
    check(
        json!({}),
        vec![
            (("proxmox_update_acl", json!({"path": "/", "roles": "Administrator", "users": "bob@pve"})), Ask),
            (
                (
                    "proxmox_create_access",
                    json!({"what": "token", "id": "otto@pve!t", "options": {"privsep": 0}}),
                ),
                Ask,
            ),
            (api("PUT", "/access/password", json!({"userid": "bob@pve", "password": "secret123"})), Ask),
            (("proxmox_update_cluster_options", json!({"options": {"http_proxy": "http://evil:1"}})), Ask),
            (
                api(
                    "POST",
                    "/cluster/metrics/server/evil",
                    json!({"server": "evil", "port": 1, "type": "graphite"}),
                ),
                Ask,
            ),
            (api("POST", "/nodes/pve1/stopall", json!({"vms": "100,105"})), Ask),
            (("proxmox_power_node", json!({"node": "pve1", "command": "reboot"})), Ask),
            (("proxmox_scan_storage", json!({"node": "pve1", "type": "nfs", "server": "evil"})), Ask),
            (("proxmox_stop_vm", json!({"vmid": 105, "wait": 0})), Run),
        ],
    );
    check(
        json!({"ask": ["destroy"]}),
        vec![
            (("proxmox_power_node", json!({"node": "pve3", "command": "reboot"})), Run),
            (("proxmox_delete_vm", json!({"vmid": 100})), Ask),
        ],
    );
}

/// The logins of a guest that is being created take nothing away from anybody, but attaching a disk of the node does.
#[test]
fn the_first_logins_of_a_guest_are_not_asked_for() {
    let clone = json!({"vmid": 100, "newid": 901, "name": "c", "config": {"ciuser": "jana", "cipassword": "secret123"}, "wait": 60});
    let sample = Sample::configured(&json!({}));
    let made = sample.ok("proxmox_clone_vm", clone);
    assert!(made["confirmation_needed"].is_null(), "{made}");
    assert!(sample.changes().iter().any(|line| line.contains("ciuser=jana")), "{:?}", sample.changes());
    check(
        json!({}),
        vec![
            (api("POST", "/nodes/pve1/qemu", json!({"vmid": 902, "ciuser": "jana"})), Run),
            (api("POST", "/nodes/pve1/qemu", json!({"vmid": 903, "scsi0": "/dev/sda"})), Ask),
            (api("PUT", "/nodes/pve1/qemu/100/config", json!({"cipassword": "secret123"})), Ask),
        ],
    );
}

/// Methods that lose data and formerly did not ask.
#[test]
fn what_loses_data_asks_whatever_method_it_is() {
    let content = "/nodes/pve1/storage/shared/content/{volume}";
    let backup = "shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst";
    check(
        json!({}),
        vec![
            (api("PUT", "/nodes/pve1/qemu/100/unlink", json!({"idlist": "unused0"})), Ask),
            (api("POST", "/nodes/pve1/vzdump", json!({"vmid": "100", "prune-backups": "keep-last=1"})), Ask),
            (api("POST", "/nodes/pve1/vzdump", json!({"vmid": "100", "remove": 1})), Ask),
            (api("PUT", "/cluster/backup/nightly", json!({"enabled": 0})), Ask),
            (api("PUT", "/storage/shared", json!({"prune-backups": "keep-last=1"})), Ask),
            (api("PUT", "/storage/shared", json!({"disable": 1})), Ask),
            (api("PUT", content, json!({"protected": 0, "volume": backup})), Ask),
            (
                api("POST", "/nodes/pve1/qemu/105/agent/file-write", json!({"file": "/x", "content": "x"})),
                Ask,
            ),
            (api("POST", "/nodes/pve1/hosts", json!({"data": "127.0.0.1 x"})), Ask),
            (api("PUT", "/nodes/pve1/qemu/100/config", json!({"protection": 0})), Ask),
            (api("PUT", "/nodes/pve1/qemu/100/config", json!({"delete": "description scsi0"})), Ask),
            (api("PUT", "/nodes/pve1/qemu/100/config", json!({"delete": "description;scsi0"})), Ask),
            (
                api("PUT", "/nodes/pve1/qemu/100/config", json!({"delete": "description\u{0}scsi0"})),
                Refuse("control character"),
            ),
        ],
    );
}

#[test]
fn methods_are_denied_with_the_tools_that_send_them() {
    let denied = Refuse("`deny_tools`");
    check(
        json!({"deny_tools": ["proxmox_stop_*", "proxmox_read_vm_file"], "access": "full"}),
        vec![
            (api("POST", "/nodes/pve1/qemu/105/status/stop", json!({})), denied),
            (
                (
                    "proxmox_get_api",
                    json!({"path": "/nodes/pve1/qemu/105/agent/file-read", "arguments": {"file": "/etc/shadow"}}),
                ),
                denied,
            ),
            (api("POST", "/nodes/pve1/qemu/105/status/shutdown", json!({})), Run),
        ],
    );
}

#[test]
fn a_dry_run_says_what_would_become_of_it() {
    let sample = Sample::configured(&json!({"protected": [105], "deny_tools": ["proxmox_reset_vm"]}));
    for (tool, arguments, would, why) in [
        ("proxmox_stop_vm", json!({"vmid": 106}), "run", ""),
        ("proxmox_delete_vm", json!({"vmid": 106}), "ask", "deleted"),
        ("proxmox_delete_vm", json!({"vmid": 105}), "refuse", NAMED),
        ("proxmox_reset_vm", json!({"vmid": 106}), "refuse", "deny_tools"),
    ] {
        let mut arguments = arguments;
        arguments["dry_run"] = true.into();
        let told = sample.ok(tool, arguments);
        assert_eq!(told["would"], would, "{told}");
        assert!(told["why"].as_str().unwrap_or_default().contains(why), "{told}");
    }
    assert_eq!(sample.changes(), Vec::<String>::new());
}

/// A confirmation token is for a model that sends it back, a request state for a client with a person.
#[test]
fn what_a_client_carries_is_no_token_for_a_model() {
    use proxmox_mcp::{
        cancel::Cancel,
        mcp::{Answer, Asking, Call, Toolbox},
    };
    let sample = Sample::configured(&json!({}));
    let arguments = json!({"vmid": 101});
    let call = Call::detached(Cancel::new()).with_asking(Asking::Again(None));
    let asked = sample.tools.call(&call, "proxmox_delete_vm", arguments.as_object().unwrap().clone());
    let Answer::Ask { state, .. } = asked else { panic!("{asked:?}") };
    sample.fails("proxmox_delete_vm", json!({"vmid": 101, "confirm": state}), &["not accepted"]);
    assert_eq!(sample.changes(), Vec::<String>::new());
}

/// Text from inside a guest is marked as such, in answers and in questions.
#[test]
fn text_of_others_hides_nothing() {
    let sample = Sample::configured(&json!({"access": "full"}));
    let hostile = "ok \u{202e}gpj\u{200b}\u{e0041}";
    sample.ok("proxmox_update_vm_config", json!({"vmid": 105, "config": {"description": hostile}}));
    let told = sample.ok("proxmox_get_vm_info", json!({"vmid": 105})).to_string();
    assert!(told.contains(r"ok \\u{202e}gpj\\u{200b}\\u{e0041}"), "{told}");
}

#[cfg(unix)]
#[test]
fn only_files_of_their_own_leave_and_only_from_the_folders_that_are_named() {
    use std::{fs, os::unix::fs::symlink};
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-guards-upload-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (from, other) = (folder.join("iso"), folder.join("other"));
    fs::create_dir_all(from.join("sub")).unwrap();
    fs::create_dir_all(&other).unwrap();
    for file in
        [from.join("a.iso"), from.join("sub/b.iso"), from.join("debian-13-netinst.iso"), other.join("x.iso")]
    {
        fs::write(file, "image").unwrap();
    }
    fs::write(other.join("secret"), "secret").unwrap();
    symlink(other.join("secret"), from.join("link.iso")).unwrap();
    symlink(&other, from.join("out")).unwrap();
    fs::hard_link(other.join("secret"), from.join("hard.iso")).unwrap();
    let upload = |file: &std::path::Path| {
        ("proxmox_upload_to_storage", json!({"storage": "shared", "content": "iso", "file": file, "wait": 0}))
    };
    let sample = Sample::configured(&json!({"upload_from": [from]}));
    for (file, words) in [
        (other.join("x.iso"), "\"upload_from\": ["),
        (from.join("link.iso"), "link"),
        (from.join("out/x.iso"), "link"),
        (from.join("hard.iso"), "hard link"),
        (from.join("sub/../../other/x.iso"), "`..`"),
        (from.join("sub"), "must end in"),
        (std::path::PathBuf::from("a.iso"), "absolute path"),
    ] {
        let (tool, arguments) = upload(&file);
        sample.fails(tool, arguments, &[words, "Nothing was sent"]);
    }
    assert_eq!(sample.changes(), Vec::<String>::new());
    let none = Sample::configured(&json!({}));
    none.fails(
        "proxmox_upload_to_storage",
        upload(&from.join("a.iso")).1,
        &["`upload_from`", "Nothing was sent"],
    );
    check(
        json!({"upload_from": [from]}),
        vec![
            (upload(&from.join("a.iso")), Run),
            (upload(&from.join("sub/b.iso")), Run),
            // An object with that name already exists.
            (upload(&from.join("debian-13-netinst.iso")), Ask),
        ],
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_sample_cluster_obeys_the_configuration_and_the_environment() {
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-guards-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.json");
    std::fs::write(&file, json!({"host": "pve.example.com", "protected": [105]}).to_string()).unwrap();
    let run = |arguments: &[&str], access: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proxmox-mcp"));
        command.env_clear().env("HOME", &folder).env("PROXMOX_ACCESS", access);
        let output = command.arg("demo").args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = run(&["call", "proxmox_start_vm", "vmid=100"], "read-only");
    assert!(said.contains("`read-only`"), "{said}");
    let file = file.to_str().unwrap();
    let said = run(&["call", "proxmox_stop_vm", "vmid=105", "--config", file], "");
    assert!(said.contains("`protected`"), "{said}");
    // No program can confirm in place of a person.
    let said = run(&["approve"], "");
    assert!(said.contains("needs a terminal"), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}
