//! Undoing changes, also when another user has changed the target since.

use crate::cluster::Sample;
use serde_json::{Value, json};

fn config(sample: &Sample, key: &str) -> Value {
    sample.done("proxmox_get_vm_info", json!({"vmid": 105}))["config"][key].clone()
}

#[test]
fn a_change_of_configuration_is_taken_back_and_again() {
    let sample = Sample::start();
    let before = (config(&sample, "memory"), config(&sample, "description"));
    let change =
        json!({"vmid": 105, "config": {"memory": 1024, "description": "new", "cipassword": "planted"}});
    let changed = sample.done("proxmox_update_vm_config", change);
    let id = changed["undo"][0].clone();
    assert_eq!(config(&sample, "description"), "new");
    let listed = sample.done("proxmox_undo", json!({}));
    assert_eq!(listed["rows"][0][0], id, "{listed}");
    assert!(!listed.to_string().contains("planted"), "{listed}");
    let undone = sample.done("proxmox_undo", json!({"id": id}));
    assert_eq!((config(&sample, "memory"), config(&sample, "description")), before, "{undone}");
    let again = undone["undo"][0].clone();
    sample.done("proxmox_undo", json!({"id": again}));
    assert_eq!(config(&sample, "description"), "new", "taking back can be taken back");
    sample.fails("proxmox_undo", json!({"id": id}), &["There is no change"]);
}

#[test]
fn what_somebody_else_changed_since_is_left_alone() {
    let sample = Sample::start();
    let change = |text: &str| {
        sample.done("proxmox_update_vm_config", json!({"vmid": 105, "config": {"description": text}}))
    };
    let first = change("first")["undo"][0].clone();
    let second = change("second")["undo"][0].clone();
    sample.fails("proxmox_undo", json!({"id": first}), &["changed again", "description", "Nothing was done"]);
    sample.done("proxmox_undo", json!({"id": second}));
    assert_eq!(config(&sample, "description"), "first");
}

#[test]
fn what_is_configured_elsewhere_is_taken_back_too() {
    let sample = Sample::start();
    for (tool, arguments) in [
        (
            "proxmox_update_storage",
            json!({"storage": "shared", "options": {"content": "iso,backup,vztmpl,images,rootdir,import"}}),
        ),
        ("proxmox_update_container_config", json!({"vmid": 200, "config": {"memory": 1024}})),
        (
            "proxmox_update_network",
            json!({"node": "pve1", "iface": "vmbr0", "type": "bridge", "options": {"comments": "x"}}),
        ),
        ("proxmox_update_firewall", json!({"vmid": 105, "options": {"policy_in": "DROP"}})),
        ("proxmox_update_cluster_options", json!({"options": {"console": "html5"}})),
        ("proxmox_update_node_dns", json!({"node": "pve1", "search": "example.org", "dns1": "192.0.2.9"})),
    ] {
        let changed = sample.done(tool, arguments);
        let id = changed["undo"][0].clone();
        assert!(id.is_i64(), "{tool}: {changed}");
        let undone = sample.done("proxmox_undo", json!({"id": id}));
        assert!(undone["changed"]["rows"].is_array(), "{tool}: {undone}");
    }
}
