//! What the sample cluster has only with the `odd` option: states, agents, names, devices, pools.

use crate::demo::{ask, root, send};
use crate::wire::token_header;
use proxmox_mcp::demo::{Options, Server};
use serde_json::{Value, json};

/// The odd cluster, with a clock that almost stands still.
pub fn odd() -> Server {
    Server::start(Options { odd: true, clock_speed: 1e-6, ..Options::default() }).unwrap()
}

fn guest(server: &Server, vmid: u32) -> Value {
    let list = ask(server, "GET /cluster/resources", &[("type", "vm")]);
    list.as_array().unwrap().iter().find(|row| row["vmid"] == vmid).unwrap().clone()
}

#[test]
fn the_ordinary_sample_is_in_it_unchanged() {
    let (odd, usual) = (odd(), crate::demo::slow());
    let known = |server: &Server| {
        let list = ask(server, "GET /cluster/resources", &[("type", "vm")]);
        let rows = list.as_array().unwrap().iter().filter(|row| row["vmid"].as_u64() < Some(700));
        rows.map(|row| (row["vmid"].clone(), row["name"].clone(), row["status"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(known(&odd), known(&usual));
    assert_eq!(ask(&odd, "GET /cluster/nextid", &[]), ask(&usual, "GET /cluster/nextid", &[]));
}

#[test]
fn vms_are_told_with_the_states_they_are_in() {
    let server = odd();
    for (vmid, node, told, status, qmp) in [
        (702, "pve1", "paused", "running", "paused"),
        (703, "pve2", "io-error", "running", "io-error"),
        (704, "pve2", "prelaunch", "running", "prelaunch"),
        (705, "pve3", "suspended", "running", "suspended"),
        (706, "pve1", "unknown", "running", "running"),
        (707, "pve3", "stopped", "stopped", "stopped"),
    ] {
        let current = ask(&server, &format!("GET /nodes/{node}/qemu/{vmid}/status/current"), &[]);
        assert_eq!(guest(&server, vmid)["status"], told, "{vmid}");
        assert_eq!((&current["status"], &current["qmpstatus"]), (&json!(status), &json!(qmp)), "{vmid}");
    }
    server.skip(3600.0);
    assert_eq!(
        (guest(&server, 706)["status"].clone(), guest(&server, 706).get("name").cloned()),
        (json!("unknown"), None)
    );
    assert_eq!(guest(&server, 707)["lock"], "suspended");
    let snapshots = ask(&server, "GET /nodes/pve1/qemu/713/snapshot", &[]);
    assert_eq!((&snapshots[0]["name"], &snapshots[0]["snapstate"]), (&json!("pre"), &json!("delete")));
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/713/config", &[])["lock"], "snapshot-delete");
}

#[test]
fn agents_answer_what_they_like() {
    let server = odd();
    let net = |node: &str, vmid: u32| {
        ask(&server, &format!("GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces"), &[])["result"]
            .clone()
    };
    let names: Vec<Value> =
        net("pve3", 708).as_array().unwrap().iter().map(|card| card["name"].clone()).collect();
    assert_eq!(names, ["Ethernet", "Ethernet", "docker0", "Loopback Pseudo-Interface 1"]);
    assert_eq!(net("pve2", 709)["error"]["class"], "CommandDisabled");
    assert_eq!(net("pve2", 710), Value::Null);
    let old = ask(&server, "GET /nodes/pve1/lxc/731/interfaces", &[]);
    assert_eq!((&old[1]["inet"], old[1].get("ip-addresses")), (&json!("192.0.2.231/22"), None));
}

#[test]
fn windows_runs_its_own_programs() {
    let server = odd();
    let agent = "/nodes/pve3/qemu/708/agent";
    let words = [("command", "cmd.exe"), ("command", "/c"), ("command", "echo hello")];
    let pid = ask(&server, &format!("POST {agent}/exec"), &words)["pid"].to_string();
    let ended = ask(&server, &format!("GET {agent}/exec-status"), &[("pid", &pid)]);
    assert_eq!((&ended["exitcode"], &ended["out-data"]), (&json!(0), &json!("hello\r\n")));
    let unix = [("command", "/bin/sh"), ("command", "-c"), ("command", "echo hello")];
    let body = send(&server, &root(&server), &format!("POST {agent}/exec"), &unix).json();
    assert!(body["message"].as_str().unwrap().contains("Failed to execute child process"), "{body}");
    assert_eq!(ask(&server, &format!("GET {agent}/get-osinfo"), &[])["result"]["id"], "mswindows");
    // Process ids as strings, which nobody has reported yet but may occur.
    let exec = ask(&server, "POST /nodes/pve2/qemu/710/agent/exec", &[("command", "id")]);
    assert!(exec["pid"].is_string(), "{exec}");
    let upid = ask(&server, "POST /nodes/pve1/qemu/714/status/start", &[]).as_str().unwrap().to_owned();
    server.skip(5.0);
    let log = ask(&server, &format!("GET /nodes/pve1/tasks/{upid}/log"), &[]);
    assert_eq!(log[0]["n"], "1");
}

#[test]
fn names_and_devices_are_what_they_are() {
    let server = odd();
    let config = |vmid: u32| ask(&server, &format!("GET /nodes/pve1/qemu/{vmid}/config"), &[]);
    assert_eq!((&config(701)["boot"], &config(701)["bootdisk"]), (&json!("c"), &json!("virtio0")));
    assert_eq!(config(714)["scsi0"], "vm-storage:vm-714-disk-0,size=32G");
    for volid in ["vm-storage:vm-714-disk-0", "vm-1:iso/nixos-vm-24.iso"] {
        let (storage, _) = volid.split_once(':').unwrap();
        let path = volid.replace(':', "%3A").replace('/', "%2F");
        assert!(
            ask(&server, &format!("GET /nodes/pve1/storage/{storage}/content/{path}"), &[])["size"].is_u64()
        );
    }
    let may = |node: &str, vmid: u32| ask(&server, &format!("GET /nodes/{node}/qemu/{vmid}/migrate"), &[]);
    let mapped = may("pve1", 711);
    assert_eq!(
        (&mapped["local_resources"], &mapped["mapped-resources"]),
        (&json!(["hostpci0"]), &json!(["hostpci0"]))
    );
    assert_eq!(mapped["mapped-resource-info"]["hostpci0"]["name"], "gpu1");
    let bound = may("pve2", 712);
    assert_eq!((&bound["local_resources"], &bound["mapped-resources"]), (&json!(["hostpci0"]), &json!([])));
    let mounts = ask(&server, "GET /nodes/pve1/lxc/732/config", &[]);
    assert_eq!(mounts["mp0"], "/tank/media,mp=/media");
    let full = ask(&server, "GET /nodes/pve1/storage/vm-1/status", &[]);
    assert!(0.95 < full["used"].as_f64().unwrap() / full["total"].as_f64().unwrap());
}

#[test]
fn pools_lie_in_pools() {
    let server = odd();
    let members = |pool: &str| {
        let rows = ask(&server, "GET /pools", &[("poolid", pool)])[0]["members"].clone();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["vmid"].as_u64().unwrap())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(members("dev/sub"), [715, 732].into());
    assert_eq!(send(&server, &root(&server), "GET /pools/dev/sub", &[]).json()["status"], 501);
    for (pool, words) in [("dev", "is not empty"), ("dev/sub/deep", "(contains VM 714)")] {
        let body = send(&server, &root(&server), "DELETE /pools", &[("poolid", pool)]).json();
        assert!(body["message"].as_str().unwrap().contains(words), "{body}");
    }
    ask(&server, "PUT /pools", &[("poolid", "dev/sub/deep"), ("vms", "714"), ("delete", "1")]);
    ask(&server, "DELETE /pools", &[("poolid", "dev/sub/deep")]);
    // A user who sees one pool also sees the contents of its nested pools, but not the cluster's state.
    let pia = token_header("pia@pve!pool", server.token_secret("pia@pve!pool").unwrap().expose());
    let seen = send(&server, &pia, "GET /cluster/resources", &[("type", "vm")]).data();
    let seen: Vec<u64> = seen.as_array().unwrap().iter().map(|row| row["vmid"].as_u64().unwrap()).collect();
    assert_eq!(seen, [102, 201, 715, 732]);
    assert_eq!(send(&server, &pia, "GET /cluster/status", &[]).json()["status"], "403");
}
