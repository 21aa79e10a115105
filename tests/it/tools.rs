//! The tools at both boundaries: arguments in, requests on the wire, answers out.

use crate::cluster::{Sample, column, session};
use proxmox_mcp::{
    config::{Access, ListFormat},
    demo,
    mcp::{Revision, Toolbox},
};
use serde_json::{Value, json};

#[test]
fn lists_are_tables_with_raw_numbers() {
    let sample = Sample::start();
    let vms = sample.done("proxmox_list_vms", json!({}));
    let columns: Vec<_> = vms["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        columns[..10],
        ["vmid", "name", "node", "status", "cpu", "maxcpu", "mem", "maxmem", "uptime", "tags"]
    );
    let vmids = column(&vms, "vmid");
    assert!(vmids.contains(&json!(100)) && vmids.iter().all(Value::is_u64), "{vmids:?}");
    assert!(vmids.is_sorted_by_key(|vmid| vmid.as_u64()));
    assert!(column(&vms, "maxmem").iter().all(Value::is_u64));
    assert_eq!(vms["total"], vmids.len());
    assert_eq!(
        sample.wire(),
        ["GET /cluster/resources type=vm"],
        "one request, whatever the number of guests"
    );

    let containers = column(&sample.done("proxmox_list_containers", json!({})), "vmid");
    assert!(containers.contains(&json!(200)) && containers.iter().all(|vmid| !vmids.contains(vmid)));
    let nodes = sample.done("proxmox_list_nodes", json!({}));
    assert_eq!(column(&nodes, "node"), ["pve1", "pve2", "pve3"]);
    let storages = sample.done("proxmox_list_storage", json!({}));
    let names = column(&storages, "storage");
    let shared = names.iter().position(|name| name == "shared").expect("a shared storage");
    assert_eq!(column(&storages, "node")[shared], "pve1,pve2,pve3");
    assert_eq!(names.iter().filter(|name| *name == "shared").count(), 1);
}

#[test]
fn lists_filter_choose_columns_and_page() {
    let sample = Sample::start();
    let all = sample.done("proxmox_list_vms", json!({}));
    let total = all["total"].as_u64().unwrap();
    for (arguments, column_name, expected) in [
        (json!({"status": "running"}), "status", "running"),
        (json!({"node": "pve2"}), "node", "pve2"),
        (json!({"pool": "dev", "fields": ["vmid", "pool"]}), "pool", "dev"),
    ] {
        let list = sample.done("proxmox_list_vms", arguments.clone());
        let values = column(&list, column_name);
        assert!(!values.is_empty() && (values.len() as u64) < total, "{arguments}: {list}");
        assert!(values.iter().all(|value| value == expected), "{arguments}: {list}");
    }
    let tagged = sample.done("proxmox_list_vms", json!({"tag": "PROD"}));
    assert!(column(&tagged, "tags").iter().all(|tags| tags.as_str().unwrap().contains("prod")));
    assert!(0 < tagged["total"].as_u64().unwrap());
    let named = sample.done("proxmox_list_vms", json!({"name": "WEB"}));
    assert!(column(&named, "name").iter().all(|name| name.as_str().unwrap().contains("web")));

    let fields = sample.done("proxmox_list_vms", json!({"fields": "name,diskread", "limit": 1}));
    assert_eq!(fields["columns"], json!(["name", "diskread"]));
    assert_eq!(fields["next"], 1);
    let mut walked = Vec::new();
    let mut offset = json!(0);
    while offset.is_number() {
        let page = sample.done("proxmox_list_vms", json!({"limit": 2, "offset": offset}));
        walked.extend(column(&page, "vmid"));
        offset = page["next"].clone();
    }
    assert_eq!(walked, column(&all, "vmid"));
}

#[test]
fn an_answer_stays_under_its_bound_and_says_how_to_go_on() {
    let options = demo::Options { guests: 400, ..demo::Options::default() };
    let sample = Sample::with(options, |config| config.max_answer_bytes = 4096);
    let mut offset = json!(0);
    let (mut rows, mut pages) = (0, 0);
    while offset.is_number() {
        let page = sample.done("proxmox_list_vms", json!({"offset": offset}));
        assert!(page.to_string().len() <= 4096, "{}", page.to_string().len());
        assert_eq!(page.get("note").is_some(), page.get("next").is_some(), "a cut answer says so");
        rows += page["rows"].as_array().unwrap().len() as u64;
        assert_eq!(page["total"].as_u64().unwrap() == rows, page["next"].is_null());
        offset = page["next"].clone();
        pages += 1;
    }
    assert!(3 < pages && 100 < rows);
    let sample = Sample::with(demo::Options::default(), |config| config.list_format = ListFormat::Objects);
    let list = sample.done("proxmox_list_vms", json!({"limit": 1}));
    assert!(list["items"][0]["vmid"].is_u64(), "{list}");
}

#[test]
fn info_gathers_configuration_state_snapshots_and_addresses() {
    let sample = Sample::start();
    let info = sample.done("proxmox_get_vm_info", json!({"vmid": 100}));
    assert_eq!((&info["vmid"], &info["type"]), (&json!(100), &json!("qemu")));
    assert!(info["config"]["memory"].is_string() && info["config"].get("digest").is_none(), "{info}");
    assert!(info["status"]["status"].is_string());
    assert!(info["snapshots"]["columns"].is_array());
    sample.done("proxmox_get_container_info", json!({"vmid": 200}));
}

#[test]
fn a_change_is_sent_once_waited_for_and_seen_by_the_next_call() {
    let sample = Sample::start();
    let stopped = sample.done("proxmox_list_vms", json!({"status": "stopped"}));
    let vmid = column(&stopped, "vmid")[0].clone();
    let node = column(&stopped, "node")[0].as_str().unwrap().to_owned();
    let before = sample.wire().len();
    let started = sample.done("proxmox_start_vm", json!({"vmid": vmid}));
    assert_eq!((&started["vmid"], &started["exitstatus"]), (&vmid, &json!("OK")));
    assert!(started["upid"].as_str().unwrap().contains(":qmstart:"));
    assert!(started["duration"].is_number(), "{started}");
    let wire = sample.wire();
    let post = format!("POST /nodes/{node}/qemu/{vmid}/status/start");
    // The list returned the guest's node.
    assert_eq!(wire[before..], [post]);
    assert!(column(&sample.done("proxmox_list_vms", json!({"status": "running"})), "vmid").contains(&vmid));
    sample.fails("proxmox_start_vm", json!({"vmid": vmid}), &["task failed", "already running", "UPID:"]);
    // At real-time speed, so that the task is still running when the call does not wait for it.
    let sample = Sample::with(demo::Options::default(), |_| {});
    sample.done("proxmox_start_vm", json!({"vmid": vmid}));
    let stopped = sample.done("proxmox_stop_vm", json!({"vmid": vmid, "wait": 0}));
    assert_eq!(stopped["task"], "running", "not waited for: {stopped}");
    let ended = sample.done("proxmox_wait_task", json!({"upid": stopped["upid"]}));
    assert_eq!(ended["exitstatus"], "OK");
}

#[test]
fn changes_and_reads_piped_in_one_go_keep_their_order() {
    for _ in 0..20 {
        let sample = Sample::start();
        let call = |id: u64, name: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
        let running = json!({"status": "running", "limit": 100});
        let lines = [
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}),
            call(1, "proxmox_start_vm", json!({"vmid": 101})),
            call(2, "proxmox_list_vms", running.clone()),
            call(3, "proxmox_stop_vm", json!({"vmid": 101})),
            call(4, "proxmox_list_vms", running),
        ];
        let answers = session(&sample, &lines);
        let list = |id: u64| {
            let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
            column(&answer["result"]["structuredContent"], "vmid").contains(&json!(101))
        };
        assert_eq!((list(2), list(4)), (true, false), "{answers:?}");
    }
}

#[test]
fn wrong_names_are_answered_with_the_right_ones() {
    let sample = Sample::start();
    for (name, arguments, words) in [
        ("proxmox_list_vms", json!({"node": "pve9"}), &["no node `pve9`", "pve1, pve2, pve3"][..]),
        ("proxmox_list_vms", json!({"fields": ["statsu"]}), &["`statsu`", "Did you mean `status`?"]),
        ("proxmox_list_vms", json!({"status": "runing"}), &["Did you mean `running`?"]),
        ("proxmox_list_vms", json!({"nod": "pve1"}), &["no argument `nod`", "`node`"]),
        ("proxmox_list_storage", json!({"storage": "shard"}), &["no storage `shard`", "`shared`"]),
        ("proxmox_get_vm_info", json!({"vmid": 9999}), &["There is no VM 9999", "Nearest: VM"]),
        ("proxmox_get_vm_info", json!({}), &["`vmid` is missing"]),
        ("proxmox_get_vm_info", json!({"vmid": 100, "node": "pve3"}), &["is on node `pve1`"]),
        ("proxmox_start_vm", json!({"vmid": 200}), &["is a container, not a VM"]),
        ("proxmox_start_container", json!({"vmid": 100}), &["is a VM, not a container"]),
        ("proxmox_wait_task", json!({"upid": "nonsense"}), &["nonsense"]),
    ] {
        sample.fails(name, arguments, words);
    }
    let order = sample.tools.order("proxmox_list_vm", &serde_json::Map::new());
    assert!(order.unwrap_err().contains("Did you mean `proxmox_list_vms`?"));
}

#[test]
fn a_tool_for_vms_sends_nothing_for_a_container() {
    let sample = Sample::start();
    sample.fails("proxmox_reset_vm", json!({"vmid": 200}), &["is a container, not a VM"]);
    assert!(sample.wire().iter().all(|line| line.starts_with("GET ")));
    sample.done("proxmox_start_vm", json!({"vmid": 100}));
    assert_eq!(sample.done("proxmox_reset_vm", json!({"vmid": 100}))["exitstatus"], "OK");
}

#[test]
fn what_is_forbidden_is_neither_listed_nor_run() {
    let read_only = Sample::with(demo::Options::default(), |config| config.access = Access::ReadOnly);
    let list = read_only.tools.list(Revision::NEWEST_HANDSHAKE).get().to_owned();
    assert!(!list.contains("proxmox_start_vm") && list.contains("proxmox_list_vms"));
    read_only.fails(
        "proxmox_start_vm",
        json!({"vmid": 101}),
        &["`access` is `read-only`", "Nothing was done"],
    );
    let denied =
        Sample::with(demo::Options::default(), |config| config.deny_tools = vec!["proxmox_st*_vm".into()]);
    assert!(!denied.tools.list(Revision::NEWEST_HANDSHAKE).get().contains("proxmox_stop_vm"));
    denied.fails("proxmox_stop_vm", json!({"vmid": 100}), &["`proxmox_st*_vm`", "`deny_tools`"]);
    assert!(read_only.wire().is_empty() && denied.wire().is_empty());
}

#[test]
fn the_connection_test_names_each_step() {
    let sample = Sample::start();
    let steps = sample.done("proxmox_test_connection", json!({}));
    assert_eq!(column(&steps, "step"), ["reach", "tls", "login", "version", "permissions"]);
    let closed = Sample::with(demo::Options::default(), |config| config.settings_mut().hosts[0].port = 1);
    closed.fails("proxmox_test_connection", json!({}), &["reach: FAILED", "127.0.0.1"]);
    let wrong = Sample::with(demo::Options::default(), |config| {
        let secret = proxmox_mcp::secret::Secret::new("wrong-secret");
        config.settings_mut().auth = proxmox_mcp::pve::Auth::Token {
            id: "root@pam!demo".into(),
            secret: proxmox_mcp::secret::SecretSource::Value(secret),
        };
    });
    wrong.fails("proxmox_test_connection", json!({}), &["reach: ok", "login: FAILED", "root@pam!demo"]);
    let sentences = wrong.call("proxmox_list_vms", json!({})).unwrap_err();
    assert!(!sentences.contains("wrong-secret"), "{sentences}");
}

/// The size of a list of 40 guests: 1,300 o200k tokens are about 2,900 bytes of such rows (counted with the tokenizer
/// of `scripts/count_tokens.mjs`).
#[test]
fn forty_machines_cost_one_request_and_little() {
    let options = demo::Options { guests: 80, ..demo::Options::default() };
    let sample = Sample::with(options, |_| {});
    let list = sample.done("proxmox_list_vms", json!({"limit": 40}));
    assert!(list.to_string().len() <= 2_900, "{} bytes: {list}", list.to_string().len());
    assert_eq!(list["template"], json!([104, 111]));
    assert_eq!(list["rows"].as_array().unwrap().len(), 40);
    assert_eq!(sample.wire(), ["GET /cluster/resources type=vm"]);
}

#[test]
fn a_disabled_storage_is_told_as_such() {
    let sample = Sample::start();
    sample.done("proxmox_update_storage", json!({"storage": "shared", "options": {"disable": 1}}));
    sample.server.skip(60.0);
    let list = sample.done("proxmox_list_storage", json!({"storage": "shared"}));
    assert_eq!(column(&list, "status"), ["disabled"], "{list}");
    assert_eq!(sample.done("proxmox_get_storage", json!({"storage": "shared"}))["disable"], 1);
    for (tool, arguments) in [
        ("proxmox_list_storage_content", json!({"storage": "shared"})),
        ("proxmox_list_backups", json!({"storage": "shared"})),
        ("proxmox_delete_volume", json!({"volume": "shared:iso/debian-13-netinst.iso"})),
        ("proxmox_restore_backup", json!({"archive": "shared:backup/vzdump-qemu-900-x.vma", "vmid": 900})),
    ] {
        sample.fails(tool, arguments, &["Storage `shared` is disabled", "proxmox_update_storage"]);
    }
    sample.fails(
        "proxmox_list_storage_content",
        json!({"storage": "shred"}),
        &["no storage `shred`", "shared"],
    );
}

#[test]
fn what_was_made_a_moment_ago_has_its_name() {
    let sample = Sample::start();
    let name = |list: &Value, vmid: u64| {
        let place = column(list, "vmid").iter().position(|known| *known == vmid);
        place.map(|place| column(list, "name")[place].clone())
    };
    sample.done(
        "proxmox_create_vm",
        json!({"node": "pve1", "vmid": 900, "name": "fresh", "storage": "local-lvm"}),
    );
    sample.done("proxmox_clone_vm", json!({"vmid": 105, "newid": 901, "name": "copy", "full": true}));
    let list = sample.done("proxmox_list_vms", json!({}));
    assert_eq!((name(&list, 900), name(&list, 901)), (Some(json!("fresh")), Some(json!("copy"))), "{list}");
    let moved =
        sample.done("proxmox_migrate_vm", json!({"vmid": 900, "target": "pve2", "with-local-disks": true}));
    assert_eq!(moved["name"], "fresh", "{moved}");
    let made = sample.done("proxmox_convert_to_template", json!({"vmid": 900}));
    assert_eq!((&made["name"], &made["node"]), (&json!("fresh"), &json!("pve2")), "{made}");
    let templates = sample.done("proxmox_list_templates", json!({}));
    assert_eq!(name(&templates, 900), Some(json!("fresh")), "{templates}");
    // Another user's guest, of which the inventory has only the node.
    let other = Sample::start();
    let bytes = crate::wire::request(
        "POST",
        "/api2/extjs/nodes/pve1/qemu",
        &crate::demo::root(&other.server),
        &proxmox_mcp::pve::Params::new().with("vmid", 902).with("name", "theirs"),
    );
    crate::wire::raw(other.server.address(), &bytes).unwrap();
    other.server.skip(2.0);
    assert_eq!(other.ok("proxmox_start_vm", json!({"vmid": 902}))["name"], "theirs");
}
