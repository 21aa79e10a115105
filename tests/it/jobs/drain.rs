//! Draining a node: where its guests go, what is refused and why, and their return after a reboot.

use super::{ANSWER, changes, guests, quick, with};
use crate::cluster::Sample;
use proxmox_mcp::{
    config::{Access, Selection},
    demo,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn pve3() -> Value {
    json!({"node": "pve3", "with-local-disks": true, "wait": 600})
}

#[test]
fn a_node_is_emptied() {
    let sample = quick(|_| {});
    let plan = sample.ok("proxmox_drain_node", with(&pve3(), json!({"dry_run": true})));
    assert!(plan["steps"].to_string().contains("interrupts it: a container restarts"), "{plan}");
    assert!(plan["notes"].to_string().contains("2 running containers restart"), "{plan}");
    assert!(changes(&sample).is_empty());
    let before = guests(&sample);
    let done = sample.done("proxmox_drain_node", pve3());
    assert_eq!(done["state"], "done", "{done}");
    assert!(done.to_string().len() <= ANSWER, "{done}");
    let after = guests(&sample);
    assert!(after.values().all(|guest| !guest.contains(r#""pve3""#)), "{after:?}");
    for (vmid, guest) in &before {
        let stays = !guest.contains(r#""pve3""#);
        assert!(!stays || after[vmid] == *guest, "{vmid} was touched");
    }
    sample.fails("proxmox_drain_node", pve3(), &["No guest is on pve3", "Nothing was done"]);
}

#[test]
fn what_is_under_high_availability_is_waited_for() {
    let sample = quick(|_| {});
    let call = json!({"node": "pve1", "with-local-disks": true, "wait": 600});
    let done = sample.done("proxmox_drain_node", call);
    assert_eq!(done["state"], "done", "{done}");
    assert!(guests(&sample).values().all(|guest| !guest.contains(r#""pve1""#)));
}

#[test]
fn as_many_guests_move_at_once_as_there_are_workers() {
    for workers in [1, 2, 3, 32] {
        let sample = quick(|config| config.settings_mut().workers = workers);
        sample.done("proxmox_drain_node", pve3());
        let (mut moving, mut moved, mut most) = (BTreeSet::new(), 0, 0);
        for request in sample.server.requests() {
            let parts: Vec<&str> = request.path.split('/').collect();
            if let [.., "pve3", _, vmid, "migrate"] = parts[..] {
                moving.insert(vmid.to_owned());
                moved += usize::from(request.method == "POST");
                most = most.max(moving.len());
            } else if let [.., "tasks", upid, "status"] = parts[..] {
                // UPID:node:pid:pstart:starttime:type:id:user:
                let upid = upid.replace("%3A", ":");
                moving.retain(|vmid| upid.split(':').nth(6) != Some(vmid));
            }
        }
        assert!(3 <= moved, "{moved} guests");
        assert_eq!(most, workers.min(moved));
    }
}

#[test]
fn after_a_reboot_everything_is_where_it_was() {
    let sample = quick(|_| {});
    let before = guests(&sample);
    let call = with(&pve3(), json!({"reboot": true, "return": true}));
    let plan = sample.ok("proxmox_drain_node", with(&call, json!({"dry_run": true})));
    assert!(plan["if_it_fails"].as_str().unwrap().contains("until \"reboot pve3\" is done"), "{plan}");
    let done = sample.done("proxmox_drain_node", call);
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(guests(&sample), before);
    assert_eq!(changes(&sample).iter().filter(|line| line.contains("command=reboot")).count(), 1);
}

#[test]
fn what_cannot_leave_is_refused_and_said() {
    let sample = quick(|_| {});
    sample.fails(
        "proxmox_drain_node",
        json!({"node": "pve3"}),
        &["VM 107 (monitor01)", "on local storages", "with-local-disks", "nothing was done"],
    );
    for (config, words) in [
        (json!({"hostpci0": "0000:01:00.0"}), "uses devices of its node (hostpci0)"),
        (json!({"ide2": "local:iso/x.iso,media=cdrom"}), "CD drive ide2"),
        (json!({"memory": 4_000_000}), "no room was found for VM 107"),
    ] {
        let sample = quick(|_| {});
        sample.ok("proxmox_update_vm_config", json!({"vmid": 107, "config": config}));
        sample.ok("proxmox_stop_vm", json!({"vmid": 107}));
        sample.ok("proxmox_start_vm", json!({"vmid": 107}));
        sample.server.skip(600.0);
        let sent = changes(&sample).len();
        sample.fails("proxmox_drain_node", pve3(), &["VM 107", words, "nothing was done"]);
        assert_eq!(changes(&sample).len(), sent);
    }
    sample.fails("proxmox_drain_node", json!({"node": "pve9"}), &["no node `pve9`"]);
    sample.server.set_offline("pve3");
    sample.server.skip(600.0);
    sample.fails("proxmox_drain_node", pve3(), &["does not respond"]);
}

#[test]
fn the_rules_of_high_availability_hold() {
    let sample = quick(|_| {});
    for (id, rule) in [
        ("near", json!({"type": "node-affinity", "resources": "vm:107", "nodes": "pve2", "strict": 1})),
        ("apart", json!({"type": "resource-affinity", "affinity": "negative", "resources": "vm:107,ct:206"})),
    ] {
        sample.ok("proxmox_create_ha", json!({"what": "rule", "id": id, "options": rule}));
    }
    let plan = sample.ok("proxmox_drain_node", with(&pve3(), json!({"dry_run": true})));
    let steps = plan["steps"].to_string();
    assert!(steps.contains("move VM 107 (monitor01) to pve2"), "{plan}");
    assert!(steps.contains("move container 206 (wiki01) to pve1"), "{plan}");
}

#[test]
fn the_settings_hold_for_every_step() {
    let vmid = |vmid| Selection { vmids: vec![(vmid, vmid)], ..Selection::default() };
    let sample = quick(|config| config.protected = vmid(204));
    sample.fails("proxmox_drain_node", pve3(), &["`protected`", "Nothing was done"]);
    assert!(changes(&sample).is_empty());
    let sample = quick(|config| config.only = vmid(107));
    sample.fails("proxmox_drain_node", pve3(), &["`only`", "Nothing was done"]);
    assert!(changes(&sample).is_empty());
    let nodes = Selection { nodes: vec!["pve2".into(), "pve3".into()], ..Selection::default() };
    let sample = quick(|config| config.only = nodes);
    let plan = sample.ok("proxmox_drain_node", with(&pve3(), json!({"dry_run": true})));
    assert!(!plan["steps"].to_string().contains("pve1"), "{plan}");
    let sample = quick(|config| config.access = Access::ReadOnly);
    sample.fails("proxmox_drain_node", pve3(), &["read-only"]);
    let sample = quick(|config| config.only = vmid(107));
    let plan = sample.ok("proxmox_drain_node", with(&pve3(), json!({"dry_run": true})));
    assert!(plan["would"] == "refuse" && plan["why"].as_str().unwrap().contains("`only`"), "{plan}");
}

#[test]
fn forty_guests_among_five_thousand_go_where_they_fit() {
    let options = demo::Options { nodes: 124, guests: 5000, clock_speed: 1e4, ..demo::Options::default() };
    let sample = Sample::with(options, |config| config.max_answer_bytes = 16 << 20);
    let call = json!({"node": "pve50", "with-local-disks": true, "dry_run": true});
    let plan = sample.ok("proxmox_drain_node", call);
    let steps = plan["steps"].as_array().unwrap();
    assert!((38..=42).contains(&steps.len()), "{}", steps.len());
    let reads = sample.wire().len();
    assert!(reads <= steps.len() + 8, "{reads} requests");
    // Checked against the cluster's own list: the running guests and the new ones together must fit.
    let mut coming: BTreeMap<String, u64> = BTreeMap::new();
    for step in steps {
        let target = step.as_str().unwrap().split(" to ").nth(1).unwrap().split(':').next().unwrap();
        *coming.entry(target.to_owned()).or_default() += 2048 << 20;
    }
    assert!(!coming.contains_key("pve50"));
    let fields = json!({"fields": "node,status,maxmem", "where": "status=running"});
    for tool in ["proxmox_list_vms", "proxmox_list_containers"] {
        for row in sample.ok(tool, fields.clone())["rows"].as_array().unwrap() {
            coming
                .entry(row[0].as_str().unwrap().to_owned())
                .and_modify(|sum| *sum += row[2].as_u64().unwrap());
        }
    }
    for (node, bytes) in coming {
        assert!(bytes <= 128 << 30, "{node}: {bytes}");
    }
}
