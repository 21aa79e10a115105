//! A node that is offline, or fails midway: only its own rows are missing, and the answer names it.

use crate::cluster::{Sample, column};
use proxmox_mcp::demo::Fault;
use serde_json::json;

#[test]
fn lists_come_without_the_node_and_say_so() {
    let sample = Sample::start();
    let whole = sample.ok("proxmox_list_backups", json!({}));
    assert!(whole.get("missing").is_none(), "{whole}");
    sample.server.set_offline("pve2");
    let nodes = sample.ok("proxmox_list_nodes", json!({}));
    assert_eq!(column(&nodes, "status"), ["online", "offline", "online"]);
    let guests = sample.ok("proxmox_list_vms", json!({}));
    assert_eq!(guests["total"], 12);
    assert!(guests.get("missing").is_none(), "nobody knows yet: {guests}");
    sample.server.skip(400.0);
    let guests = sample.ok("proxmox_list_vms", json!({"status": "unknown"}));
    assert!(guests["missing"].as_str().unwrap().ends_with("unknown: pve2."), "{guests}");
    let backups = sample.ok("proxmox_list_backups", json!({}));
    let missing = backups["missing"].as_str().unwrap();
    assert!(missing.contains("Storage local on pve2 is unknown now"), "{missing}");
    assert!(!missing.contains("shared"), "others tell what is on it: {missing}");
    assert_eq!(backups["total"], whole["total"]);
    let status = sample.ok("proxmox_get_cluster_status", json!({})).to_string();
    assert!(status.contains("Node pve2 is offline"), "{status}");
    let gone = json!({"vmid": 106, "wait": 0});
    sample.fails("proxmox_stop_vm", gone, &["to node `pve2` (595)", "running for up to 5 minutes"]);
    sample.server.set_online("pve2");
    assert!(sample.ok("proxmox_list_backups", json!({})).get("missing").is_none());
}

#[test]
fn a_storage_that_does_not_answer_costs_its_own_rows() {
    let sample = Sample::start();
    let fault = Fault::Empty(596, "Connection timed out");
    sample.server.faults().add("GET /nodes/pve3/storage/local/content", 9, fault);
    let backups = sample.ok("proxmox_list_backups", json!({}));
    assert_eq!(backups["total"], 4);
    let missing = backups["missing"].as_str().unwrap();
    assert!(missing.contains("local on pve3") && missing.contains("(596)"), "{missing}");
}

#[test]
fn a_job_on_every_node_tells_the_tasks_begun_and_the_node_that_failed() {
    let sample = Sample::start();
    let id = column(&sample.ok("proxmox_list_backup_jobs", json!({})), "id")[0].clone();
    let fault = Fault::DropAfterActing;
    sample.server.faults().add("POST /nodes/pve2/vzdump", 1, fault);
    let arguments = json!({"id": id, "wait": 30});
    let words = ["UPID:pve1", "UPID:pve3", "Node pve2: ", "may have been carried out"];
    sample.fails("proxmox_run_backup_job", arguments, &words);
    let sent =
        sample.wire().iter().filter(|line| line.starts_with("POST") && line.contains("vzdump")).count();
    assert_eq!(sent, 3, "once to each node");
}
