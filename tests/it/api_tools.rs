//! The four API tools on the sample cluster: their answers, which calls need confirmation, and which are forbidden.

use crate::cluster::{Sample, column};
use proxmox_mcp::{
    config::{Access, Config},
    demo,
};
use serde_json::{Value, json};

fn with(change: impl FnOnce(&mut Config)) -> Sample {
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, change)
}

#[test]
fn a_search_answers_with_a_few_methods() {
    let sample = Sample::start();
    let answer = sample.ok("proxmox_search_api", json!({"query": "pci passthrough"}));
    assert!(answer.to_string().len() < 1500, "{answer}");
    assert!(column(&answer, "path").contains(&json!("/nodes/{node}/hardware/pci")));
    let answer = sample
        .ok("proxmox_search_api", json!({"query": "replication", "limit": 2, "fields": "path,name,since"}));
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2);
    assert_eq!(answer["columns"], json!(["path", "name", "since"]));
    sample.fails("proxmox_search_api", json!({"query": "xyzzy"}), &["No API method matches `xyzzy`"]);
    assert!(sample.wire().is_empty(), "no request is needed");
}

/// The row of a table whose first value is that name, as an object.
#[track_caller]
fn row(answer: &Value, name: &str) -> Value {
    let columns = answer["columns"].as_array().unwrap();
    let rows = answer["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("no {name}: {answer}"));
    columns
        .iter()
        .zip(row.as_array().unwrap())
        .map(|(key, value)| (key.as_str().unwrap().to_owned(), value.clone()))
        .collect()
}

#[test]
fn a_description_tells_parameters_privileges_and_age() {
    let sample = Sample::start();
    let describe = |arguments: Value| sample.ok("proxmox_describe_api", arguments);
    let resize = describe(json!({"path": "/nodes/{node}/qemu/{vmid}/resize", "method": "put"}));
    assert_eq!(resize["name"], "resize_vm");
    assert!(resize["privileges"].as_str().unwrap().contains("VM.Config.Disk"), "{resize}");
    assert_eq!(resize["token"], true);
    assert_eq!(row(&resize, "vmid")["required"], "path");
    assert_eq!(row(&resize, "size")["required"], true);
    // A path with values works too, and a path with only one method does not need the method.
    assert_eq!(describe(json!({"path": "/nodes/pve1/qemu/100/resize"})), resize);
    let choice = describe(json!({"path": "/nodes/pve1/qemu/100/config"}));
    assert_eq!(column(&choice, "method"), [json!("GET"), json!("POST"), json!("PUT")]);
    let config = describe(json!({"path": "/nodes/pve1/qemu/100/config", "method": "PUT"}));
    assert!(row(&config, "net[n]")["values"].as_str().unwrap().contains("bridge"), "{config}");
    assert!(
        config["effects"].to_string().contains("destroy when `delete` names an unused volume"),
        "{config}"
    );
    assert!(config.to_string().len() < 32_768);
    for (path, param, key) in [
        ("/nodes/pve1/qemu/100/config", "net0", "bridge"),
        ("/nodes/pve1/qemu/100/config", "scsi0", "iothread"),
        ("/nodes/pve1/qemu/100/config", "ipconfig0", "gw"),
        ("/nodes/pve1/qemu/100/config", "hostpci0", "mapping"),
        ("/nodes/pve1/vzdump", "prune-backups", "keep-daily"),
    ] {
        let method = if path.ends_with("vzdump") { "POST" } else { "PUT" };
        let keys = describe(json!({"path": path, "method": method, "param": param}));
        assert!(!row(&keys, key).is_null(), "{keys}");
    }
    let token = describe(json!({"path": "/access/users/{u}/token/{t}", "method": "PUT"}));
    assert_eq!(row(&token, "regenerate")["since"], "9.2");
    let password = describe(json!({"path": "/access/password"}));
    assert_eq!(password["token"], false);
    assert!(describe(json!({"path": "/nodes/pve1/vncwebsocket"}))["refused"].is_string());
    for (arguments, words) in [
        (json!({"path": "/nodes/pve1/qmeu"}), &["Did you mean `/nodes/pve1/qemu`?"][..]),
        (json!({"path": "/version", "method": "PUT"}), &["it has GET"]),
        (json!({"path": "/version", "method": "PUSH"}), &["one of"]),
        (json!({"path": "/access/password", "param": "pasword"}), &["Did you mean `password`?"]),
    ] {
        sample.fails("proxmox_describe_api", arguments, words);
    }
    assert!(sample.wire().is_empty(), "no request is needed");
}

#[test]
fn a_description_is_cut_at_a_whole_row_and_goes_on() {
    let sample = with(|config| config.max_answer_bytes = 2048);
    let mut names = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let path = "/nodes/{node}/qemu/{vmid}/config";
        let page =
            sample.ok("proxmox_describe_api", json!({"path": path, "method": "PUT", "offset": offset}));
        // One row may exceed the limit; two never do.
        assert!(page.to_string().len() < 2048 || page["rows"].as_array().unwrap().len() == 1, "{page}");
        names.extend(column(&page, "name"));
        offset = page["next"].clone();
    }
    assert!(80 < names.len(), "{}", names.len());
}

#[test]
fn lists_objects_and_texts_are_answered_whole_or_cut_where_asking_on_is_possible() {
    let sample = Sample::start();
    let get = |arguments: Value| sample.ok("proxmox_get_api", arguments);
    let all = get(json!({"path": "/cluster/resources", "arguments": {"type": "vm"}}));
    let total = all["total"].as_u64().unwrap();
    assert!(3 < total && all["columns"].as_array().unwrap().contains(&json!("maxmem")), "{all}");
    let page = get(
        json!({"path": "/cluster/resources", "arguments": {"type": "vm"}, "fields": "vmid,name", "limit": 2, "offset": 1}),
    );
    assert_eq!(page["columns"], json!(["vmid", "name"]));
    assert_eq!((page["rows"].as_array().unwrap().len(), &page["next"]), (2, &json!(3)));
    let status = get(json!({"path": "/nodes/pve1/status", "at": "memory", "fields": "total"}));
    assert!(status["total"].is_u64() && status.as_object().unwrap().len() == 1, "{status}");
    assert!(get(json!({"path": "/nodes/pve1/status", "at": "memory.total"}))["data"].is_u64());
    // A guest's node is looked up.
    assert_eq!(
        get(json!({"path": "/nodes/{node}/qemu/{vmid}/config", "arguments": {"vmid": 100}}))["name"],
        "web01"
    );
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/nodes/{node}/lxc/{vmid}/config", "arguments": {"vmid": 100}}),
        &["is a VM"],
    );
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/nodes/{node}/qemu/{vmid}/config", "arguments": {"vmid": 9999}}),
        &["no VM 9999"],
    );
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/nodes/pve1/status", "at": "memroy"}),
        &["Did you mean `memory`?"],
    );
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/nodes/pve1/status", "fields": "memroy"}),
        &["Did you mean `memory`?"],
    );
    let small = with(|config| config.max_answer_bytes = 1024);
    let mut names = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let call = json!({"path": "/cluster/resources", "arguments": {"type": "vm"}, "offset": offset});
        let page = small.ok("proxmox_get_api", call);
        names.extend(column(&page, "vmid"));
        offset = page["next"].clone();
    }
    assert_eq!(names.len() as u64, total);
    let cut = small.ok("proxmox_get_api", json!({"path": "/access/permissions"}));
    assert!(cut.to_string().len() <= 1024 && cut["cut"].is_string() && cut["note"].is_string(), "{cut}");
}

#[test]
fn what_destroys_asks_first_by_what_the_call_is() {
    let sample = Sample::start();
    let changes = || sample.wire().into_iter().filter(|line| !line.starts_with("GET")).collect::<Vec<_>>();
    let guest = "/nodes/pve1/qemu/100";
    for (method, path, arguments, lost) in [
        ("DELETE", guest, json!({}), "deleted"),
        ("DELETE", "/cluster/firewall/rules/0", json!({}), "deleted"),
        ("DELETE", "/nodes/{node}/qemu/{vmid}", json!({"vmid": 100}), "deleted"),
        ("PUT", "/nodes/pve1/qemu/100/config", json!({"delete": "scsi0"}), "disk is taken"),
        ("PUT", "/nodes/pve1/qemu/100/config", json!({"delete": ["onboot", "unused0"]}), "volume"),
        ("PUT", "/nodes/pve1/qemu/100/unlink", json!({"idlist": "unused0", "force": true}), "deleted"),
        ("POST", "/nodes/pve1/qemu", json!({"vmid": 100, "archive": "a", "force": 1}), "overwritten"),
        ("POST", "/nodes/pve1/qemu", json!({"vmid": 900, "archive": "a", "force": 1}), "overwritten"),
        ("PUT", "/nodes/pve1/disks/wipedisk", json!({"disk": "/dev/sdb"}), "on the disk"),
        (
            "POST",
            "/nodes/pve1/disks/zfs",
            json!({"name": "tank", "devices": "/dev/sdb", "raidlevel": "single"}),
            "on the disk",
        ),
        ("POST", "/nodes/pve1/ceph/osd", json!({"dev": "/dev/sdb"}), "on the disk"),
    ] {
        let call = json!({"method": method, "path": path, "arguments": arguments});
        let plan = sample.ok("proxmox_call_api", call);
        let shown = &plan["confirmation_needed"];
        assert!(plan["confirm"].is_string(), "{plan}");
        assert!(shown["lost"].as_str().unwrap().contains(lost), "{plan}");
        assert!(shown["request"].as_str().unwrap().starts_with(method), "{plan}");
        assert_eq!(changes(), Vec::<String>::new(), "{path}");
    }
    let unknown = json!({"method": "POST", "path": "/new/thing", "unchecked": true});
    assert!(sample.ok("proxmox_call_api", unknown)["confirm"].is_string());
    for (path, arguments) in [
        ("/nodes/pve1/qemu/100/config", json!({"delete": "onboot"})),
        ("/nodes/pve1/qemu/100/config", json!({"description": "delete scsi0"})),
    ] {
        let before = changes().len();
        let call = json!({"method": "PUT", "path": path, "arguments": arguments});
        assert!(sample.ok("proxmox_call_api", call)["confirm"].is_null());
        assert_eq!(changes().len(), before + 1);
    }
    // A guest that does not exist is reported before anybody is asked.
    let call = json!({"method": "DELETE", "path": "/nodes/pve1/qemu/9999"});
    sample.fails("proxmox_call_api", call, &["no VM 9999"]);
}

#[test]
fn a_confirmed_call_is_the_call_that_was_shown() {
    let sample = Sample::start();
    let call = json!({"method": "DELETE", "path": "/nodes/pve1/qemu/100", "arguments": {"purge": true, "destroy-unreferenced-disks": false}});
    let plan = sample.ok("proxmox_call_api", call.clone());
    let shown = &plan["confirmation_needed"];
    assert_eq!(shown["guest"], "VM 100 (web01)");
    assert!(shown["disks"].is_array() && shown["parameters"]["purge"] == "1", "{plan}");
    let with_token = |call: &Value| {
        let mut call = call.clone();
        call["confirm"] = plan["confirm"].clone();
        call
    };
    let other = json!({"method": "DELETE", "path": "/nodes/pve1/qemu/101", "arguments": {"purge": true}});
    sample.fails("proxmox_call_api", with_token(&other), &["not accepted"]);
    // The arguments in another order are the same arguments.
    let call = json!({"method": "DELETE", "path": "/nodes/pve1/qemu/100", "arguments": {"destroy-unreferenced-disks": false, "purge": true}});
    let done = sample.ok("proxmox_call_api", with_token(&call));
    assert_eq!(done["exitstatus"], "OK", "{done}");
    assert_eq!(sample.wire().iter().filter(|line| line.starts_with("DELETE")).count(), 1);
}

#[test]
fn secrets_are_neither_shown_nor_handed_out() {
    let sample = with(|config| config.access = Access::Full);
    let call = json!({"path": "/access/ticket", "method": "POST", "arguments": {"username": "root@pam", "password": "wrong-one"}});
    let said = sample.call("proxmox_call_api", call).unwrap_err();
    assert!(!said.contains("wrong-one"), "{said}");
    let sample = Sample::start();
    let call =
        json!({"path": "/new", "method": "POST", "arguments": {"password": "hush"}, "unchecked": true});
    let plan = sample.ok("proxmox_call_api", call);
    assert_eq!(plan["confirmation_needed"]["parameters"]["password"], "***");
}

#[test]
fn tasks_are_awaited_and_their_failures_told() {
    let sample = with(|config| config.access = Access::Full);
    let start = json!({"method": "POST", "path": "/nodes/{node}/qemu/{vmid}/status/start", "arguments": {"vmid": 101}});
    let done = sample.ok("proxmox_call_api", start.clone());
    assert_eq!(done["exitstatus"], "OK", "{done}");
    let running = sample.call("proxmox_call_api", start).unwrap_err();
    assert!(running.contains("already running"), "{running}");
    let mut stop = json!({"method": "POST", "path": "/nodes/pve1/stopall", "wait": 0});
    stop["arguments"] = json!({"vms": "101"});
    let answer = sample.call("proxmox_call_api", stop);
    assert!(answer.is_ok() || answer.is_err_and(|said| said.contains("501")));
}

#[test]
fn reading_only_means_reading_only() {
    let sample = with(|config| config.access = Access::ReadOnly);
    for call in [
        json!({"method": "DELETE", "path": "/nodes/pve1/qemu/100"}),
        json!({"method": "PUT", "path": "/nodes/pve1/qemu/100/config", "arguments": {"onboot": 1}}),
        json!({"method": "POST", "path": "/x", "unchecked": true}),
    ] {
        sample.fails("proxmox_call_api", call, &["`access` is `read-only`", "Nothing was done"]);
    }
    assert!(sample.wire().is_empty());
    assert!(sample.ok("proxmox_get_api", json!({"path": "/version"}))["version"].is_string());
}

#[test]
fn an_older_server_is_told_apart_from_a_wrong_call() {
    let sample = with(|config| config.access = Access::Full);
    // The sample cluster does not answer this path, as a server before 8.4 would not.
    sample.fails(
        "proxmox_get_api",
        json!({"path": "/cluster/notifications/matchers"}),
        &["501", "needs Proxmox VE 8.4"],
    );
}
