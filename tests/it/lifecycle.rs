//! A guest's whole life cycle through the tools, each step checked by the cluster's state afterwards.

use crate::cluster::{Sample, column};
use serde_json::{Value, json};

/// Calls a destructive tool, and confirms its plan.
#[track_caller]
fn confirmed(sample: &Sample, tool: &str, mut arguments: Value) -> Value {
    let plan = sample.ok(tool, arguments.clone());
    arguments["confirm"] = plan["confirm"].clone();
    sample.ok(tool, arguments)
}

fn vmids(sample: &Sample) -> Vec<Value> {
    column(&sample.ok("proxmox_list_vms", json!({})), "vmid")
}

#[test]
fn a_vm_is_made_changed_saved_copied_and_deleted() {
    let sample = Sample::start();
    let arguments = json!({"node": "pve1", "name": "life", "cores": 2, "memory": 512, "storage": "local-lvm", "disk_size": 4});
    let made = sample.ok("proxmox_create_vm", arguments);
    let vmid = made["vmid"].clone();
    assert_eq!(made["exitstatus"], "OK", "{made}");
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": vmid}));
    assert_eq!((&info["name"], &info["config"]["cores"]), (&json!("life"), &json!(2)), "{info}");

    let changed = sample.ok("proxmox_update_vm_config", json!({"vmid": vmid, "config": {"cores": 3}}));
    assert_eq!(changed["changed"]["rows"], json!([["cores", 2, 3]]));
    sample.ok("proxmox_create_snapshot", json!({"vmid": vmid, "snapname": "before"}));
    sample.ok("proxmox_update_vm_config", json!({"vmid": vmid, "config": {"cores": 4}}));
    confirmed(&sample, "proxmox_rollback_snapshot", json!({"vmid": vmid, "snapname": "before"}));
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": vmid}));
    assert_eq!(info["config"]["cores"], 3, "the snapshot's value is back");
    let names = column(&sample.ok("proxmox_list_snapshots", json!({"vmid": vmid})), "name");
    assert!(names.contains(&json!("before")), "{names:?}");
    confirmed(&sample, "proxmox_delete_snapshot", json!({"vmid": vmid, "snapname": "before"}));

    let copy = sample.ok(
        "proxmox_clone_vm",
        json!({"vmid": vmid, "name": "copy", "full": true, "config": {"description": "a copy"}, "disk_size": 6, "start": true, "wait": 2}),
    );
    assert_eq!(copy["start"]["exitstatus"], "OK", "{copy}");
    assert!(copy["start"].get("addresses").or(copy["start"].get("addresses_unknown")).is_some(), "{copy}");
    let of_copy = sample.ok("proxmox_get_vm_info", json!({"vmid": copy["vmid"]}));
    assert!(of_copy["config"]["scsi0"].as_str().unwrap().contains("size=6G"), "{of_copy}");
    assert!(vmids(&sample).contains(&copy["vmid"]));

    sample.ok("proxmox_create_backup", json!({"vmid": vmid, "storage": "shared"}));
    let backups = sample.ok("proxmox_list_backups", json!({"vmid": vmid}));
    let archive = column(&backups, "volid")[0].clone();
    confirmed(&sample, "proxmox_delete_vm", json!({"vmid": vmid}));
    assert!(!vmids(&sample).contains(&vmid));
    let restored = sample.ok("proxmox_restore_backup", json!({"archive": archive}));
    assert_eq!(restored["vmid"], vmid, "the id that the backup was made of: {restored}");
    assert!(vmids(&sample).contains(&vmid));
    let arguments = json!({"archive": archive, "vmid": copy["vmid"]});
    sample.fails("proxmox_restore_backup", arguments.clone(), &["is taken by", "Nothing was done"]);
    sample.ok("proxmox_stop_vm", json!({"vmid": copy["vmid"]}));
    let mut over = arguments;
    over["force"] = true.into();
    let plan = sample.ok("proxmox_restore_backup", over.clone());
    assert!(plan["confirmation_needed"]["disks"].is_array(), "what would be overwritten: {plan}");
    confirmed(&sample, "proxmox_restore_backup", over);
}

#[test]
fn guests_move_between_nodes_and_say_why_they_cannot() {
    let sample = Sample::start();
    let moved = sample.ok("proxmox_migrate_vm", json!({"vmid": 100, "target": "pve2"}));
    assert_eq!(moved["exitstatus"], "OK", "{moved}");
    let info = sample.ok("proxmox_get_vm_info", json!({"vmid": 100}));
    assert_eq!(info["node"], "pve2");
    sample.fails(
        "proxmox_migrate_vm",
        json!({"vmid": 100, "target": "pve2"}),
        &["is on node `pve2` already"],
    );
    sample.fails("proxmox_migrate_vm", json!({"vmid": 100, "target": "pve7"}), &["no node `pve7`", "pve1"]);
}

#[test]
fn a_file_is_uploaded_with_its_size_and_progress() {
    let sample = Sample::start();
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-upload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tiny \"7\".iso");
    std::fs::write(&file, vec![7; 3_000_000]).unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let arguments = json!({
        "storage": "shared", "file": file, "content": "iso", "filename": "tiny.iso",
        "checksum": "0".repeat(64),
    });
    let sink = |done: f64, total: Option<f64>, _: &str| told.lock().unwrap().push((done, total));
    let call = proxmox_mcp::mcp::Call::detached(proxmox_mcp::cancel::Cancel::new()).with_progress(&sink);
    let proxmox_mcp::mcp::Answer::Data(done) = proxmox_mcp::mcp::Toolbox::call(
        &sample.tools,
        &call,
        "proxmox_upload_to_storage",
        arguments.as_object().unwrap().clone(),
    ) else {
        panic!("uploaded");
    };
    assert!(done.get().contains("\"exitstatus\":\"OK\""), "{done}");
    let listed =
        sample.ok("proxmox_list_storage_content", json!({"storage": "shared", "where": "volid~tiny.iso"}));
    assert_eq!(column(&listed, "size"), [3_000_000], "{listed}");
    let sent = sample.server.requests().into_iter().find(|seen| seen.path.ends_with("/upload")).unwrap();
    assert!(sent.pairs.contains(&("checksum-algorithm".into(), "sha256".into())), "{:?}", sent.pairs);
    let told = told.into_inner().unwrap();
    assert!(told.windows(2).all(|two| two[0].0 < two[1].0), "{told:?}");
    for (file, content, words) in [
        (folder.join("none.iso"), "iso", "cannot be uploaded"),
        (folder.clone(), "iso", "must end in"),
        ("/etc/passwd".into(), "iso", "must end in .iso"),
    ] {
        let arguments = json!({"storage": "shared", "file": file, "content": content});
        sample.fails("proxmox_upload_to_storage", arguments, &[words, "Nothing was sent"]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
