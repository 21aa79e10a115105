//! The tools on the odd sample cluster, which has the peculiarities of real clusters: what is shown, and what is sent.

use crate::cluster::{Sample, column};
use proxmox_mcp::{
    config::{Access, Config, Confirm},
    demo,
    mcp::Revision,
    mcp::Toolbox,
    tools::Tools,
};
use serde_json::{Value, json};

/// The odd cluster.
fn odd() -> Sample {
    let options = demo::Options { odd: true, clock_speed: 50.0, ..demo::Options::default() };
    Sample::with(options, |_| {})
}

/// The odd cluster, with no confirmation for logins and pool members.
fn unasked() -> Sample {
    let options = demo::Options { odd: true, clock_speed: 50.0, ..demo::Options::default() };
    Sample::with(options, |config| config.access = Access::Full)
}

/// The parameters of the last request that a dry run would send.
fn sent(sample: &Sample, tool: &str, mut arguments: Value) -> Value {
    arguments["dry_run"] = true.into();
    let answer = sample.ok(tool, arguments);
    answer["requests"].as_array().unwrap().last().unwrap()["params"].clone()
}

fn vmids(list: &Value) -> Vec<u64> {
    column(list, "vmid").iter().filter_map(Value::as_u64).collect()
}

#[test]
fn guests_are_listed_by_what_they_do() {
    let sample = odd();
    let list = |status: &str| vmids(&sample.ok("proxmox_list_vms", json!({"status": status})));
    for (status, expected) in
        [("paused", 702), ("io-error", 703), ("prelaunch", 704), ("Suspended", 705), ("unknown", 706)]
    {
        assert_eq!(list(status), [expected], "{status}");
    }
    // A VM that has a process counts as running.
    let running = list("running");
    assert!([702, 703, 704, 705, 712].iter().all(|vmid| running.contains(vmid)), "{running:?}");
    assert!(![706, 707].iter().any(|vmid| running.contains(vmid)), "{running:?}");
    sample.fails("proxmox_list_vms", json!({"status": "runing"}), &["Did you mean `running`?", "io-error"]);
}

#[test]
fn a_guest_that_is_new_does_not_make_its_node_silent() {
    let sample = odd();
    let all = sample.ok("proxmox_list_vms", json!({}));
    let missing = all["missing"].as_str().unwrap();
    assert!(missing.contains("706 on pve1") && !missing.contains("5 minutes"), "{missing}");
    // Even if it is the only one shown.
    let alone = sample.ok("proxmox_list_vms", json!({"status": "unknown"}));
    assert_eq!(alone["missing"], missing);
    assert_eq!(sample.ok("proxmox_list_vms", json!({"node": "pve3"})).get("missing"), None);
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": 706}));
    assert_eq!((&info["name"], &info["status"]["status"]), (&json!("odd-fresh"), &json!("running")));
    assert!(info["addresses"]["eth0"].is_array(), "{info}");
    let network = sample.ok("proxmox_get_guest_state", json!({"vmid": 706, "what": "network"}));
    assert_eq!(network["addresses"], info["addresses"]);
}

#[test]
fn what_has_a_process_is_changed_and_moved_as_what_runs() {
    let sample = odd();
    for vmid in [702, 703, 704, 705, 706] {
        let target = if [703, 704].contains(&vmid) { "pve1" } else { "pve2" };
        let params = sent(
            &sample,
            "proxmox_migrate_vm",
            json!({"vmid": vmid, "target": target, "with-local-disks": true}),
        );
        assert_eq!(params["online"], "1", "{vmid}: {params}");
        // Changes that wait for a restart are looked up.
        sample.ok("proxmox_update_vm_config", json!({"vmid": vmid, "cores": 4}));
        let looked = format!("/qemu/{vmid}/pending");
        assert!(sample.wire().iter().any(|line| line.ends_with(&looked)), "{vmid}");
    }
    let params = sent(&sample, "proxmox_migrate_vm", json!({"vmid": 707, "target": "pve2"}));
    assert_eq!(params.get("online"), None, "a hibernated VM has no process");
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": 702}));
    assert!(info["addresses_unknown"].as_str().unwrap().contains("is paused"), "{info}");
    let network = sample.ok("proxmox_get_guest_state", json!({"vmid": 703, "what": "network"}));
    assert!(network["addresses_unknown"].as_str().unwrap().contains("is io-error"), "{network}");
}

#[test]
fn the_overview_points_at_what_is_in_trouble() {
    let sample = odd();
    let overview = sample.ok("proxmox_get_cluster_status", json!({}));
    let attention = overview["attention"].to_string();
    for words in
        ["VM 703 (odd-io-error) was halted by an I/O error", "Storage vm-1 on pve1 is over 90 % full."]
    {
        assert!(attention.contains(words), "{attention}");
    }
    for (state, count) in [("paused", 1), ("io-error", 1), ("unknown", 1)] {
        assert_eq!(overview["vms"][state], count, "{overview}");
    }
    assert_eq!((&overview["quorate"], overview.get("missing")), (&json!(true), None));
}

#[test]
fn an_account_of_one_pool_has_an_overview_too() {
    let sample = odd();
    let secret = sample.server.token_secret("pia@pve!pool").unwrap();
    let config = Config::for_demo(sample.server.address(), "pia@pve!pool", secret.expose());
    let limited = Tools::new(config);
    let overview = crate::cluster::call(&limited, "proxmox_get_cluster_status", json!({})).unwrap();
    assert_eq!((&overview["quorate"], column(&overview["nodes"], "node").len()), (&json!(null), 3));
    let missing = overview["missing"].as_str().unwrap();
    assert!(missing.contains("quorum is not known") && missing.contains("Sys.Audit"), "{missing}");
    assert!(overview["vms"]["running"].is_u64(), "{overview}");
}

#[test]
fn a_clone_grows_the_disk_that_it_boots_from() {
    let sample = odd();
    let arguments = json!({"vmid": 701, "newid": 790, "name": "copy", "full": true, "disk_size": 40});
    sample.ok("proxmox_clone_vm", arguments);
    let resized =
        sample.wire().into_iter().find(|line| line.starts_with("PUT") && line.contains("/790/resize"));
    assert!(resized.as_ref().unwrap().contains("disk=virtio0&size=40G"), "{resized:?}");
}

#[test]
fn keys_are_encoded_however_they_are_given_and_shown_as_they_are() {
    let sample = unasked();
    let (raw, encoded) = ("ssh-ed25519 AAAA+c1/x me@host", "ssh-ed25519%20AAAA%2Bc1%2Fx%20me%40host");
    let path = "/nodes/pve2/qemu/715/config";
    for given in [raw, encoded] {
        for (tool, arguments) in [
            ("proxmox_update_vm_config", json!({"vmid": 715, "config": {"sshkeys": given}})),
            ("proxmox_update_vm_config", json!({"vmid": 715, "sshkeys": given})),
            ("proxmox_create_vm", json!({"node": "pve1", "vmid": 900, "config": {"sshkeys": given}})),
            ("proxmox_call_api", json!({"method": "PUT", "path": path, "arguments": {"sshkeys": given}})),
        ] {
            assert_eq!(sent(&sample, tool, arguments)["sshkeys"], encoded, "{tool} {given}");
        }
    }
    let before = sample.ok("proxmox_get_vm_info", json!({"vmid": 715}))["config"]["sshkeys"].clone();
    assert_eq!(before, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+c1/x jana@desk");
    let changed = sample.ok(
        "proxmox_update_vm_config",
        json!({"vmid": 715, "config": {"sshkeys": [raw, "ssh-rsa B"], "scsi1": "shared:1,serial=a b"}}),
    );
    let row = |key: &str| {
        changed["changed"]["rows"].as_array().unwrap().iter().find(|row| row[0] == key).unwrap().clone()
    };
    assert_eq!((&row("sshkeys")[1], &row("sshkeys")[2]), (&before, &json!(format!("{raw}\nssh-rsa B"))));
    assert!(row("scsi1")[2].as_str().unwrap().contains("serial=a b"), "{changed}");
    let stored = crate::demo::ask(&sample.server, &format!("GET {path}"), &[]);
    assert_eq!(stored["sshkeys"], format!("{encoded}%0Assh-rsa%20B"));
    assert!(stored["scsi1"].as_str().unwrap().contains("serial=a%20b"), "{stored}");
    let shown = sample.ok("proxmox_get_api", json!({"path": path, "at": "sshkeys"})).to_string();
    assert!(!shown.contains('%'), "{shown}");
    // Undoing restores what was there before.
    sample.ok("proxmox_update_vm_config", json!({"vmid": 715, "sshkeys": "ssh-rsa C"}));
    let ids = column(&sample.ok("proxmox_undo", json!({})), "id");
    let id = ids.iter().filter_map(Value::as_i64).max().unwrap();
    sample.ok("proxmox_undo", json!({"id": id}));
    let stored = crate::demo::ask(&sample.server, &format!("GET {path}"), &[]);
    assert_eq!(stored["sshkeys"], format!("{encoded}%0Assh-rsa%20B"));
}

#[test]
fn addresses_are_told_or_why_there_are_none() {
    let sample = odd();
    let network = |vmid: u32| sample.ok("proxmox_get_guest_state", json!({"vmid": vmid, "what": "network"}));
    let windows = network(708)["addresses"].clone();
    let cards = windows.as_object().unwrap();
    assert_eq!(cards.len(), 2, "{windows}");
    for words in ["192.0.2.45", "169.254.17.4", "bc:24:11:00:02:c5"] {
        assert!(windows.to_string().contains(words), "{windows}");
    }
    assert!(!windows.to_string().contains("127.0.0.1"), "{windows}");
    for (vmid, words) in [(709, "has been disabled"), (710, "answered null")] {
        let info = sample.ok("proxmox_get_vm_info", json!({"vmid": vmid}));
        assert_eq!(info.get("addresses"), None);
        assert!(info["addresses_unknown"].as_str().unwrap().contains(words), "{info}");
        assert_eq!(network(vmid)["addresses_unknown"], info["addresses_unknown"]);
    }
    let old = sample.ok("proxmox_get_container_info", json!({"vmid": 731}));
    assert_eq!(old["addresses"]["eth0"][0], "192.0.2.231", "{old}");
}

#[test]
fn commands_in_windows_run_in_its_own_shells() {
    let sample = odd();
    let run = |arguments: Value| sample.ok("proxmox_execute_vm_command", arguments);
    let cmd = run(json!({"vmid": 708, "command": "ipconfig"}));
    assert_eq!((&cmd["exitcode"], &cmd["shell"]), (&json!(0), &json!("cmd.exe")));
    assert!(cmd["stdout"].as_str().unwrap().contains("192.0.2.45"), "{cmd}");
    let quoted = run(json!({"vmid": 708, "command": "echo \"a b\""}));
    assert_eq!(quoted["shell"], "cmd.exe");
    let power = run(json!({"vmid": 708, "command": "Write-Output 'x y'; exit 2"}));
    assert_eq!((&power["exitcode"], &power["stdout"]), (&json!(2), &json!("x y\r\n")));
    assert_eq!(power["shell"], "powershell.exe");
    let chosen = run(json!({"vmid": 708, "command": "hostname", "shell": "powershell"}));
    assert_eq!(chosen["shell"], "powershell.exe");
    for arguments in [
        json!({"vmid": 708, "command": "hostname", "shell": false}),
        json!({"vmid": 708, "command": "hostname.exe", "args": []}),
    ] {
        assert_eq!(run(arguments)["stdout"], "odd-windows\r\n");
    }
    let wrong = json!({"vmid": 708, "command": "ls -l", "shell": "sh"});
    sample.fails("proxmox_execute_vm_command", wrong, &["no such program", "`powershell`"]);
    // Otherwise the shell is not mentioned; a process id may be a string.
    let unix = run(json!({"vmid": 710, "command": "echo a"}));
    assert_eq!((&unix["exitcode"], &unix["stdout"], unix.get("shell")), (&json!(0), &json!("a\n"), None));
}

#[test]
fn logs_are_read_whose_numbers_are_text() {
    let sample = odd();
    let started = sample.ok("proxmox_start_vm", json!({"vmid": 715}));
    for arguments in [json!({"upid": started["upid"]}), json!({"upid": started["upid"], "start": 0})] {
        let log = sample.ok("proxmox_get_task_log", arguments);
        assert!(!log["lines"].as_array().unwrap().is_empty(), "{log}");
    }
}

#[test]
fn half_deleted_snapshots_are_seen() {
    let sample = odd();
    let list = sample.ok("proxmox_list_snapshots", json!({"vmid": 713}));
    let at = column(&list, "name").iter().position(|name| name == "pre").unwrap();
    assert_eq!(column(&list, "snapstate")[at], "delete", "{list}");
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": 713}));
    assert_eq!(column(&info["snapshots"], "snapstate"), ["delete"]);
    let whole = sample.ok("proxmox_get_vm_info", json!({"vmid": 100}));
    assert_eq!(whole["snapshots"]["columns"], json!(["name", "snaptime", "description"]));
}

#[test]
fn pools_in_pools_are_read_changed_and_deleted() {
    let sample = unasked();
    let members = |pool: &str| {
        let pool = sample.ok("proxmox_list_pools", json!({"poolid": pool}));
        let members = pool["members"].as_array().unwrap_or_else(|| panic!("{pool}")).clone();
        members.iter().filter_map(|member| member["vmid"].as_u64()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(members("dev/sub"), [715, 732].into());
    assert_eq!(members("dev/sub/deep"), [714].into());
    assert!(!members("dev").is_empty());
    sample.ok("proxmox_update_pool", json!({"poolid": "dev/sub", "vms": "713"}));
    assert!(members("dev/sub").contains(&713));
    sample.ok("proxmox_update_pool", json!({"poolid": "dev/sub/deep", "vms": "714", "delete": true}));
    sample.ok("proxmox_delete_pool", json!({"poolid": "dev/sub/deep"}));
    let left = sample.ok("proxmox_list_pools", json!({}));
    assert!(!column(&left, "poolid").contains(&json!("dev/sub/deep")), "{left}");
}

#[test]
fn mapped_devices_move_while_their_vm_is_off() {
    let sample = odd();
    let params = sent(&sample, "proxmox_migrate_vm", json!({"vmid": 711, "target": "pve2"}));
    assert_eq!(params, json!({"target": "pve2"}));
    let bound = json!({"vmid": 712, "target": "pve1", "with-local-disks": true});
    sample.fails("proxmox_migrate_vm", bound, &["uses devices of its node (hostpci0)", "Nothing was done."]);
}

#[test]
fn a_schema_has_properties_and_says_what_objects_hold() {
    let sample = Sample::with(demo::Options::default(), |config| config.toolsets = vec!["all".into()]);
    let list: Value = serde_json::from_str(sample.tools.list(Revision::NEWEST_HANDSHAKE).get()).unwrap();
    let tools = list.as_array().or(list["tools"].as_array()).unwrap();
    assert!(130 < tools.len());
    for tool in tools {
        let properties = tool["inputSchema"]["properties"].as_object();
        assert!(properties.is_some(), "{tool}");
        for (name, property) in
            properties.into_iter().flatten().filter(|(_, property)| property["type"] == "object")
        {
            assert!(property["description"].is_string(), "{}: {name}", tool["name"]);
        }
    }
}

#[test]
fn a_plan_says_what_stays_and_what_no_backup_holds() {
    let options = demo::Options { odd: true, clock_speed: 50.0, ..demo::Options::default() };
    let sample = Sample::with(options, |config| config.confirm = Confirm::Token);
    let plan = |tool: &str, arguments: Value| sample.ok(tool, arguments)["confirmation_needed"].clone();
    let deleted = plan("proxmox_delete_container", json!({"vmid": 732}));
    assert_eq!(deleted["stays"], json!(["mp0: /tank/media", "mp1: /dev/sdb1"]), "{deleted}");
    assert_eq!(deleted["not_in_backup"], json!(["mp2: local-lvm:vm-732-disk-1, 100G"]));
    let disks = deleted["disks"].to_string();
    assert!(disks.contains("mp2: ") && disks.contains("mp3: ") && !disks.contains("/tank"), "{disks}");
    let pool = plan("proxmox_delete_pool", json!({"poolid": "dev/sub/deep"}));
    let text = pool["is_now"].to_string();
    assert!(text.contains("714") && !text.contains("dev/sub\""), "{text}");
    let passed = plan("proxmox_delete_vm", json!({"vmid": 712}));
    assert_eq!(passed["stays"], json!(["scsi1: /dev/disk/by-id/ata-WDC_WD80EFAX-1, 8T"]), "{passed}");
    assert_eq!(passed.get("not_in_backup"), None);
    let backups = sample.ok("proxmox_list_backups", json!({"vmid": 732}));
    let archive = column(&backups, "volid")[0].clone();
    let over = plan("proxmox_restore_backup", json!({"archive": archive, "force": true}));
    assert_eq!(over["not_in_backup"], deleted["not_in_backup"], "{over}");
}
