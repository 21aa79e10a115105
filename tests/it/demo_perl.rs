//! The sample cluster where it behaves like Perl and like reported clusters: hashes without order, lists split at
//! several separators, an inventory that lags, objects that a change replaces.

use crate::demo::{ask, root, send, slow};
use crate::wire::{raw, request};
use proxmox_mcp::{
    demo::{Options, Server},
    pve::Params,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The bodies of several answers to the same request.
fn bodies(server: &Server, path: &str, times: usize) -> Vec<String> {
    let auth = root(server);
    let one = |_| {
        let bytes = request("GET", &format!("/api2/json{path}"), &auth, &Params::new());
        String::from_utf8(raw(server.address(), &bytes).unwrap().body).unwrap()
    };
    (0..times).map(one).collect()
}

#[track_caller]
fn refused(server: &Server, line: &str, pairs: &[(&str, &str)], words: &str) {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 0, "{line}: {body}");
    assert!(format!("{}{}", body["message"], body["errors"]).contains(words), "{line}: {body}");
}

/// The row of a list that has this value under this key.
#[track_caller]
fn row(list: &Value, key: &str, value: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|row| row[key] == value);
    found.unwrap_or_else(|| panic!("{value} is not in {list}")).clone()
}

fn guest(server: &Server, vmid: u32) -> Value {
    let list = ask(server, "GET /cluster/resources", &[("type", "vm")]);
    list.as_array().unwrap().iter().find(|row| row["vmid"] == vmid).unwrap().clone()
}

#[test]
fn every_answer_has_its_own_order() {
    let server = slow();
    for path in [
        "/version",
        "/storage/shared",
        "/nodes",
        "/nodes/pve1/status",
        "/nodes/pve1/qemu/105/config",
        "/nodes/pve1/qemu/105/pending",
        "/cluster/resources",
        "/access/roles",
        "/cluster/firewall/rules",
        "/nope",
    ] {
        let bodies = bodies(&server, path, 6);
        // The empty list and the error have at most three keys, so two of six answers may well be equal.
        let least = if bodies[0].len() < 100 { 2 } else { 5 };
        let different: BTreeSet<&String> = bodies.iter().collect();
        assert!(least <= different.len() || bodies[0].len() < 30, "{path}: {different:?}");
    }
}

#[test]
fn a_seed_brings_the_same_orders_back() {
    let start = |seed| Server::start(Options { seed, clock_speed: 1e-6, ..Options::default() }).unwrap();
    let path = "/storage/shared";
    let (one, again, other) = (start(5), start(5), start(6));
    assert_eq!((one.seed(), other.seed()), (5, 6));
    assert_eq!(bodies(&one, path, 4), bodies(&again, path, 4));
    assert_ne!(bodies(&one, path, 4), bodies(&other, path, 4));
    assert_ne!(slow().seed(), slow().seed());
}

#[test]
fn lists_made_from_a_hash_move_and_mean_the_same() {
    let server = slow();
    let content: Vec<String> = (0..8)
        .map(|_| ask(&server, "GET /storage/shared", &[])["content"].as_str().unwrap().to_owned())
        .collect();
    let sets: BTreeSet<BTreeSet<&str>> = content.iter().map(|text| text.split(',').collect()).collect();
    assert_eq!(sets.len(), 1);
    assert!(1 < content.iter().collect::<BTreeSet<_>>().len(), "{content:?}");
    let guests: Vec<u64> = ask(&server, "GET /cluster/resources", &[("type", "vm")])
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["vmid"].as_u64().unwrap())
        .collect();
    assert!(guests.is_sorted(), "Proxmox sorts the guests of its inventory: {guests:?}");
}

#[test]
fn the_inventory_knows_what_is_new_some_seconds_later() {
    let server = slow();
    ask(&server, "POST /nodes/pve1/qemu", &[("vmid", "190"), ("name", "new")]);
    server.skip(2.0);
    let fresh = guest(&server, 190);
    assert_eq!(
        (&fresh["status"], &fresh["name"], &fresh["maxmem"]),
        (&json!("unknown"), &Value::Null, &Value::Null)
    );
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/190/status/current", &[])["name"], "new");
    server.skip(10.0);
    assert_eq!(
        (guest(&server, 190)["status"].clone(), guest(&server, 190)["name"].clone()),
        (json!("stopped"), json!("new"))
    );
    ask(&server, "PUT /nodes/pve1/qemu/101/config", &[("name", "renamed"), ("tags", "x")]);
    ask(&server, "POST /nodes/pve1/qemu/101/template", &[]);
    server.skip(1.0);
    let before = guest(&server, 101);
    assert_eq!(
        (&before["name"], &before["template"], &before["tags"]),
        (&json!("db01"), &json!(0), &json!("x"))
    );
    server.skip(10.0);
    let after = guest(&server, 101);
    assert_eq!((&after["name"], &after["template"]), (&json!("renamed"), &json!(1)));
}

#[test]
fn a_vm_that_does_not_run_is_told_with_its_own_word() {
    let server = slow();
    ask(&server, "POST /nodes/pve1/qemu/110/status/suspend", &[]);
    assert_eq!(guest(&server, 110)["status"], "running");
    server.skip(11.0);
    assert_eq!(guest(&server, 110)["status"], "paused");
    let current = ask(&server, "GET /nodes/pve1/qemu/110/status/current", &[]);
    assert_eq!((&current["status"], &current["qmpstatus"]), (&json!("running"), &json!("paused")));
    ask(&server, "POST /nodes/pve1/qemu/110/status/resume", &[]);
    server.skip(11.0);
    assert_eq!(guest(&server, 110)["status"], "running");
    // A guest suspended to disk is stopped and locked, and resuming removes the lock.
    ask(&server, "POST /nodes/pve1/qemu/110/status/suspend", &[("todisk", "1")]);
    server.skip(11.0);
    assert_eq!(
        (&guest(&server, 110)["status"], &guest(&server, 110)["lock"]),
        (&json!("stopped"), &json!("suspended"))
    );
    ask(&server, "POST /nodes/pve1/qemu/110/status/resume", &[]);
    server.skip(11.0);
    assert_eq!(
        (&guest(&server, 110)["status"], &guest(&server, 110)["lock"]),
        (&json!("running"), &Value::Null)
    );
}

#[test]
fn keys_have_to_be_encoded() {
    let server = slow();
    let line = "PUT /nodes/pve1/qemu/101/config";
    let key = "ssh-ed25519 AAAA+/x me@host";
    let body = send(&server, &root(&server), line, &[("sshkeys", key)]).json();
    assert_eq!(
        (&body["status"], &body["message"]),
        (&json!("400"), &json!("Parameter verification failed.\n"))
    );
    assert_eq!(body["errors"]["sshkeys"], format!("invalid format - invalid urlencoded string: {key}\n"));
    ask(&server, line, &[("sshkeys", "ssh-ed25519%20AAAA%2B%2Fx%20me%40host")]);
}

#[test]
fn lists_are_parted_at_every_mark() {
    let server = slow();
    ask(&server, "POST /pools", &[("poolid", "p")]);
    ask(&server, "PUT /pools/p", &[("vms", "100;101\t200,\n105")]);
    let members = ask(&server, "GET /pools", &[("poolid", "p")])[0]["members"].clone();
    let ids: BTreeSet<u64> =
        members.as_array().unwrap().iter().map(|row| row["vmid"].as_u64().unwrap()).collect();
    assert_eq!(ids, BTreeSet::from([100, 101, 105, 200]));
    ask(&server, "PUT /nodes/pve1/qemu/101/config", &[("delete", "tags;agent\tboot")]);
    let config = ask(&server, "GET /nodes/pve1/qemu/101/config", &[]);
    assert_eq!(["tags", "agent", "boot"].map(|key| config.get(key).is_some()), [false; 3]);
}

#[test]
fn what_is_not_given_again_is_gone() {
    let server = slow();
    ask(&server, "PUT /nodes/pve1/dns", &[("search", "test"), ("dns1", "10.0.0.1"), ("dns2", "10.0.0.2")]);
    ask(&server, "PUT /nodes/pve1/dns", &[("search", "foo.test")]);
    assert_eq!(ask(&server, "GET /nodes/pve1/dns", &[]), json!({"search": "foo.test"}));
    let iface = "/nodes/pve1/network/vmbr0";
    assert_eq!(ask(&server, &format!("GET {iface}"), &[])["method"], "static");
    ask(&server, &format!("PUT {iface}"), &[("type", "bridge"), ("comments", "uplink")]);
    let manual = ask(&server, &format!("GET {iface}"), &[]);
    assert_eq!((&manual["method"], &manual["bridge_ports"]), (&json!("manual"), &json!("eno1")));
    ask(
        &server,
        &format!("PUT {iface}"),
        &[("type", "bridge"), ("cidr", "10.99.0.1/24"), ("delete", "comments")],
    );
    let back = ask(&server, &format!("GET {iface}"), &[]);
    assert_eq!(
        (&back["method"], &back["address"], back.get("comments")),
        (&json!("static"), &json!("10.99.0.1"), None)
    );
    // The guests of a job can be selected in only one way.
    ask(
        &server,
        "PUT /cluster/backup/backup-nightly",
        &[("all", "1"), ("prune-backups", "keep-last=3,keep-daily=7")],
    );
    let job = ask(&server, "GET /cluster/backup/backup-nightly", &[]);
    assert_eq!(
        (job.get("vmid"), &job["prune-backups"]),
        (None, &json!({"keep-last": "3", "keep-daily": "7"}))
    );
    // The given groups replace those that a user was in.
    for group in ["ops", "dev"] {
        ask(&server, "POST /access/groups", &[("groupid", group)]);
    }
    ask(&server, "PUT /access/users/alice@pve", &[("groups", "ops;dev")]);
    assert_eq!(ask(&server, "GET /access/groups/dev", &[])["members"], json!(["alice@pve"]));
    ask(&server, "PUT /access/users/alice@pve", &[("groups", "dev")]);
    assert_eq!(ask(&server, "GET /access/groups/ops", &[])["members"], json!([]));
    let group = [("path", "/vms/101"), ("groups", "dev"), ("roles", "PVEVMUser")];
    ask(&server, "PUT /access/acl", &group);
    let rule = row(&ask(&server, "GET /access/acl", &[]), "path", "/vms/101");
    assert_eq!((&rule["type"], &rule["ugid"]), (&json!("group"), &json!("dev")));
    let alice = crate::wire::ticket_headers(&server, "alice@pve");
    let seen = send(&server, &alice, "GET /cluster/resources", &[("type", "vm")]).data();
    assert_eq!(seen.as_array().unwrap().iter().map(|row| &row["vmid"]).collect::<Vec<_>>(), [101, 102]);
}

#[test]
fn a_disabled_storage_is_defined_and_not_used() {
    let server = slow();
    let list = ask(&server, "GET /nodes/pve1/storage", &[]);
    assert_eq!(row(&list, "storage", "local")["active"], 1);
    ask(&server, "PUT /storage/local", &[("disable", "1")]);
    assert_eq!(row(&ask(&server, "GET /storage", &[]), "storage", "local")["disable"], 1);
    let off = row(&ask(&server, "GET /nodes/pve1/storage", &[]), "storage", "local");
    assert_eq!((&off["active"], &off["enabled"], &off["total"]), (&json!(0), &json!(0), &json!(0)));
    let resources = ask(&server, "GET /cluster/resources", &[("type", "storage")]);
    assert!(resources.as_array().unwrap().iter().all(|row| row["storage"] != "local"), "{resources}");
    for pairs in [&[("enabled", "1")][..], &[("content", "iso")]] {
        let rows = ask(&server, "GET /nodes/pve1/storage", pairs);
        assert!(rows.as_array().unwrap().iter().all(|row| row["storage"] != "local"), "{rows}");
    }
    refused(&server, "GET /nodes/pve1/storage/local/content", &[], "storage 'local' is disabled");
    ask(&server, "PUT /storage/local", &[("disable", "0"), ("nodes", "pve2,pve3")]);
    refused(
        &server,
        "GET /nodes/pve1/storage/local/content",
        &[],
        "storage 'local' is not available on node 'pve1'",
    );
    ask(&server, "GET /nodes/pve2/storage/local/content", &[]);
    let digest = ask(&server, "GET /storage/local", &[])["digest"].as_str().unwrap().to_owned();
    ask(&server, "PUT /storage/local", &[("content", "iso"), ("digest", &digest)]);
    refused(
        &server,
        "PUT /storage/local",
        &[("content", "iso"), ("digest", &digest)],
        "detected modified configuration",
    );
}

#[test]
fn old_backups_go_when_that_is_asked_for() {
    let server = slow();
    let backups = || {
        let own = [("content", "backup"), ("vmid", "105")];
        ask(&server, "GET /nodes/pve1/storage/shared/content", &own).as_array().unwrap().clone()
    };
    let prune = "/nodes/pve1/storage/shared/prunebackups";
    assert_eq!(backups().len(), 2);
    let keep = [("prune-backups", "keep-last=1"), ("vmid", "105")];
    let marks = ask(&server, &format!("GET {prune}"), &keep);
    let words: Vec<&str> =
        marks.as_array().unwrap().iter().map(|row| row["mark"].as_str().unwrap()).collect();
    assert_eq!((words, backups().len()), (vec!["keep", "remove"], 2));
    // Protected backups stay, and do not count.
    let oldest = backups().into_iter().min_by_key(|row| row["ctime"].as_u64()).unwrap();
    let path = oldest["volid"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
    ask(&server, &format!("PUT /nodes/pve1/storage/shared/content/{path}"), &[("protected", "1")]);
    ask(
        &server,
        "POST /nodes/pve1/vzdump",
        &[("vmid", "105"), ("storage", "shared"), ("prune-backups", "keep-last=1")],
    );
    server.skip(60.0);
    let left = backups();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        left.contains(&json!({"protected": 1})) || left.iter().any(|row| row["volid"] == oldest["volid"])
    );
    let log =
        ask(&server, "GET /nodes/pve1/tasks", &[("limit", "1")])[0]["upid"].as_str().unwrap().to_owned();
    let log = ask(&server, &format!("GET /nodes/pve1/tasks/{log}/log"), &[("limit", "0")]).to_string();
    assert!(log.contains("INFO: pruned 1 backup(s) not covered by keep-retention policy"), "{log}");
    // Without the option nothing is removed; and the option needs more privileges than creating a backup.
    ask(&server, "POST /nodes/pve1/vzdump", &[("vmid", "105"), ("storage", "shared")]);
    server.skip(60.0);
    assert_eq!(backups().len(), 3);
    ask(&server, &format!("DELETE {prune}"), &[("prune-backups", "keep-last=1"), ("vmid", "105")]);
    server.skip(60.0);
    assert_eq!(backups().len(), 2);
    refused(&server, &format!("DELETE {prune}"), &[("prune-backups", "keep-last=x")], "prune-backups");
}
