//! The life cycle of the sample cluster's guests and storage: creating, cloning, migrating, backups, volumes, storages,
//! and the maintenance of nodes.

use crate::demo::{ask, root, send, slow};
use proxmox_mcp::demo::Server;
use serde_json::{Value, json};

/// Submits a change, skips a minute, and returns the task's type, exit status and log.
#[track_caller]
fn task(server: &Server, line: &str, pairs: &[(&str, &str)]) -> (String, String, Vec<String>) {
    let upid = ask(server, line, pairs).as_str().unwrap().to_owned();
    server.skip(60.0);
    let node = upid.split(':').nth(1).unwrap();
    let status = ask(server, &format!("GET /nodes/{node}/tasks/{upid}/status"), &[]);
    assert_eq!(status["status"], "stopped", "{line}: {status}");
    let log = ask(server, &format!("GET /nodes/{node}/tasks/{upid}/log"), &[("limit", "0")]);
    let lines = log.as_array().unwrap().iter().map(|line| line["t"].as_str().unwrap().to_owned());
    let word = |key: &str| status[key].as_str().unwrap().to_owned();
    (word("type"), word("exitstatus"), lines.collect())
}

/// Runs a task that must have this type and exit status, and these words in a line of its log.
#[track_caller]
fn done(server: &Server, line: &str, pairs: &[(&str, &str)], kind: &str, status: &str, words: &str) {
    let (found, end, log) = task(server, line, pairs);
    assert_eq!((found.as_str(), end.as_str()), (kind, status), "{line}: {log:?}");
    assert!(log.iter().any(|line| line.contains(words)), "{line}: {words:?} is not in {log:?}");
}

/// Sends a request that must be refused at once, with these words in its message or its errors.
#[track_caller]
fn refused(server: &Server, line: &str, pairs: &[(&str, &str)], words: &str) {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 0, "{line}: {body}");
    assert!(format!("{}{}", body["message"], body["errors"]).contains(words), "{line}: {body}");
}

fn volids(server: &Server, node: &str, storage: &str, vmid: &str) -> Vec<String> {
    let rows = ask(server, &format!("GET /nodes/{node}/storage/{storage}/content"), &[("vmid", vmid)]);
    rows.as_array().unwrap().iter().map(|row| row["volid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn guests_are_created_and_go() {
    let server = slow();
    assert_eq!(ask(&server, "GET /cluster/nextid", &[]), json!("112"));
    let vm = [
        ("vmid", "112"),
        ("name", "new01"),
        ("memory", "64"),
        ("cores", "2"),
        ("scsi0", "shared:1,format=qcow2"),
        ("net0", "virtio,bridge=vmbr0"),
    ];
    let upid = ask(&server, "POST /nodes/pve1/qemu", &vm);
    // The guest exists, and is locked, while the task runs.
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/112/config", &[])["lock"], "create", "{upid}");
    assert_eq!(ask(&server, "GET /cluster/nextid", &[]), json!("113"));
    server.skip(60.0);
    let config = ask(&server, "GET /nodes/pve1/qemu/112/config", &[]);
    assert_eq!(
        (&config["name"], &config["cores"], &config["memory"], &config["scsi0"], &config["lock"]),
        (
            &json!("new01"),
            &json!(2),
            &json!("64"),
            &json!("shared:112/vm-112-disk-0.qcow2,size=1G"),
            &Value::Null
        )
    );
    assert!(config["net0"].as_str().unwrap().starts_with("virtio=BC:24:11:"), "{config}");
    assert_eq!(config["boot"], "order=scsi0;net0");
    refused(
        &server,
        "POST /nodes/pve1/qemu",
        &[("vmid", "112")],
        "unable to create VM 112 - VM 112 already exists on node 'pve1'",
    );
    let made = "scsi0: successfully created disk 'shared:160/vm-160-disk-0.qcow2,size=1G'";
    let disk = [("vmid", "160"), ("scsi0", "shared:1,format=qcow2")];
    done(&server, "POST /nodes/pve1/qemu", &disk, "qmcreate", "OK", made);
    let bad = [("vmid", "161"), ("scsi0", "shared:1"), ("scsi1", "local:1")];
    let problem = "storage 'local' does not support content-type 'images'";
    done(&server, "POST /nodes/pve1/qemu", &bad, "qmcreate", problem, problem);
    // A failed task leaves nothing behind.
    assert_eq!(volids(&server, "pve1", "shared", "161"), Vec::<String>::new());
    refused(&server, "GET /nodes/pve1/qemu/161/config", &[], "does not exist");
    let template = "shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst";
    let ct = [("vmid", "250"), ("ostemplate", template), ("rootfs", "local-lvm:8"), ("start", "1")];
    done(&server, "POST /nodes/pve2/lxc", &ct, "vzcreate", "OK", "extracting archive");
    let config = ask(&server, "GET /nodes/pve2/lxc/250/config", &[]);
    assert_eq!(
        (&config["rootfs"], &config["ostype"]),
        (&json!("local-lvm:vm-250-disk-0,size=8G"), &json!("alpine"))
    );
    assert_eq!(ask(&server, "GET /nodes/pve2/lxc/250/status/current", &[])["status"], "running");
    let none = [("vmid", "251"), ("ostemplate", "shared:vztmpl/none.tar.zst")];
    done(
        &server,
        "POST /nodes/pve2/lxc",
        &none,
        "vzcreate",
        "volume 'shared:vztmpl/none.tar.zst' does not exist",
        "",
    );
    done(&server, "DELETE /nodes/pve1/qemu/160", &[], "qmdestroy", "OK", "TASK OK");
    assert_eq!(volids(&server, "pve1", "shared", "160"), Vec::<String>::new());
}

#[test]
fn clones_are_copies_or_lean_on_their_template() {
    let server = slow();
    let full = [("newid", "150"), ("name", "copy01"), ("full", "1")];
    let (kind, status, log) = task(&server, "POST /nodes/pve1/qemu/101/clone", &full);
    assert_eq!((kind.as_str(), status.as_str()), ("qmclone", "OK"));
    assert_eq!(log[0], "creating a clone of VM 101 with ID 150");
    assert_eq!(log[1], "create full clone of drive scsi0 (shared:101/vm-101-disk-0.qcow2)");
    assert_eq!(log[log.len() - 2..], ["transferred 1.0 GiB of 1.0 GiB (100.00%)", "TASK OK"]);
    let config = ask(&server, "GET /nodes/pve1/qemu/150/config", &[]);
    assert_eq!((&config["name"], &config["lock"]), (&json!("copy01"), &Value::Null));
    assert_ne!(config["net0"], ask(&server, "GET /nodes/pve1/qemu/101/config", &[])["net0"]);
    let words = "create linked clone of drive scsi0 (shared:104/base-104-disk-0.qcow2)";
    done(&server, "POST /nodes/pve2/qemu/104/clone", &[("newid", "151")], "qmclone", "OK", words);
    let config = ask(&server, "GET /nodes/pve2/qemu/151/config", &[]);
    assert_eq!(config["scsi0"], "shared:104/base-104-disk-0.qcow2/151/vm-151-disk-0.qcow2,size=1G");
    assert_eq!(config["template"], Value::Null);
    let there = [("newid", "152"), ("target", "pve3"), ("full", "1"), ("storage", "shared")];
    done(&server, "POST /nodes/pve1/qemu/101/clone", &there, "qmclone", "OK", "");
    assert_eq!(ask(&server, "GET /nodes/pve3/qemu/152/status/current", &[])["status"], "stopped");
    done(&server, "POST /nodes/pve1/lxc/200/clone", &[("newid", "153"), ("full", "1")], "vzclone", "OK", "");
    let check = |line: &str, pairs: &[(&str, &str)], words: &str| refused(&server, line, pairs, words);
    let clone = "POST /nodes/pve1/qemu/101/clone";
    check(clone, &[("newid", "100")], "unable to create VM 100: config file already exists");
    check(
        clone,
        &[("newid", "170"), ("full", "0")],
        "Linked clone feature is not supported for drive 'scsi0'",
    );
    check(clone, &[("newid", "170"), ("snapname", "no")], "snapshot 'no' does not exist");
    check(
        "POST /nodes/pve2/qemu/104/clone",
        &[("newid", "170"), ("storage", "shared")],
        "parameter 'storage' not allowed for linked clones",
    );
    check(
        "POST /nodes/pve1/qemu/105/clone",
        &[("newid", "170"), ("target", "pve2")],
        "can't clone VM to node 'pve2' (VM uses local storage)",
    );
    check("POST /nodes/pve1/lxc/202/clone", &[("newid", "170"), ("full", "1")], "running container");
    assert_eq!(ask(&server, "GET /cluster/nextid", &[]), json!("112"));
}

#[test]
fn disks_grow_and_move_and_guests_become_templates() {
    let server = slow();
    let resize = "PUT /nodes/pve1/qemu/101/resize";
    let grow = [("disk", "scsi0"), ("size", "+128M")];
    done(&server, resize, &grow, "resize", "OK", "Image resized.");
    let scsi0 = || ask(&server, "GET /nodes/pve1/qemu/101/config", &[])["scsi0"].clone();
    assert_eq!(scsi0(), "shared:101/vm-101-disk-0.qcow2,size=1152M");
    let problem = "shrinking disks is not supported";
    done(&server, resize, &[("disk", "scsi0"), ("size", "64M")], "resize", problem, problem);
    let problem = "disk 'scsi9' does not exist";
    done(&server, resize, &[("disk", "scsi9"), ("size", "64M")], "resize", problem, problem);
    let go = "POST /nodes/pve1/qemu/101/move_disk";
    done(&server, go, &[("disk", "scsi0"), ("storage", "local-lvm")], "qmmove", "OK", "(100.00%)");
    assert_eq!(scsi0(), "local-lvm:vm-101-disk-0,size=1152M");
    let config = ask(&server, "GET /nodes/pve1/qemu/101/config", &[]);
    assert_eq!(config["unused0"], "shared:101/vm-101-disk-0.qcow2");
    let back = [("disk", "scsi0"), ("storage", "shared"), ("delete", "1"), ("format", "qcow2")];
    done(&server, go, &back, "qmmove", "OK", "");
    assert_eq!(volids(&server, "pve1", "local-lvm", "101"), Vec::<String>::new());
    refused(&server, go, &[("disk", "scsi0"), ("storage", "shared")], "same storage with same format");
    let volume = [("volume", "rootfs"), ("storage", "local-lvm"), ("delete", "1")];
    done(&server, "POST /nodes/pve1/lxc/200/move_volume", &volume, "move_volume", "OK", "");
    let snap = [("disk", "scsi0"), ("storage", "shared"), ("delete", "1")];
    refused(&server, "POST /nodes/pve2/qemu/106/move_disk", &snap, "with snapshots and delete the source");
    done(&server, "POST /nodes/pve1/qemu/100/template", &[], "qmtemplate", "OK", "TASK OK");
    let config = ask(&server, "GET /nodes/pve1/qemu/100/config", &[]);
    assert_eq!(
        (&config["template"], &config["scsi0"]),
        (&json!(1), &json!("shared:100/base-100-disk-0.qcow2,size=1G"))
    );
    refused(&server, "POST /nodes/pve1/qemu/110/template", &[], "is running");
    refused(&server, "POST /nodes/pve2/qemu/106/template", &[], "contains snapshots");
}

#[test]
fn guests_move_at_the_end_of_their_task() {
    let server = slow();
    let (line, target) = ("POST /nodes/pve1/qemu/100/migrate", [("target", "pve2")]);
    ask(&server, line, &target);
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/100/config", &[])["lock"], "migrate");
    server.skip(60.0);
    assert_eq!(ask(&server, "GET /nodes/pve2/qemu/100/config", &[])["lock"], Value::Null);
    refused(&server, "GET /nodes/pve1/qemu/100/config", &[], "does not exist");
    let words = "starting migration of VM 101 to node 'pve3' (10.99.0.3)";
    done(&server, "POST /nodes/pve1/qemu/101/migrate", &[("target", "pve3")], "qmigrate", "OK", words);
    let live = [("target", "pve3"), ("online", "1")];
    done(
        &server,
        "POST /nodes/pve1/qemu/110/migrate",
        &live,
        "qmigrate",
        "OK",
        "migration finished successfully",
    );
    assert_eq!(ask(&server, "GET /nodes/pve3/qemu/110/status/current", &[])["status"], "running");
    let restart = [("target", "pve2"), ("restart", "1")];
    done(&server, "POST /nodes/pve1/lxc/202/migrate", &restart, "vzmigrate", "OK", "");
    assert_eq!(volids(&server, "pve2", "local-lvm", "202"), ["local-lvm:vm-202-disk-0"]);
    let check = |line: &str, pairs: &[(&str, &str)], words: &str| refused(&server, line, pairs, words);
    check(
        "POST /nodes/pve3/qemu/110/migrate",
        &[("target", "pve1")],
        "can't migrate running VM without --online",
    );
    check("POST /nodes/pve3/lxc/204/migrate", &[("target", "pve1")], "without --online or --restart");
    check("POST /nodes/pve3/qemu/110/migrate", &[("target", "pve3")], "target is local node.");
    check("POST /nodes/pve3/qemu/110/migrate", &[("target", "nope")], "no such cluster node 'nope'");
    let (_, status, _) = task(&server, "POST /nodes/pve2/qemu/108/migrate", &live);
    assert!(status.contains("without with-local-disks option"), "{status}");
    // HA moves the guests that it manages in its own cycle.
    let come = [("target", "pve2"), ("online", "1"), ("with-local-disks", "1")];
    done(&server, "POST /nodes/pve1/qemu/105/migrate", &come, "hamigrate", "OK", "Requesting HA migration");
    server.skip(60.0);
    assert_eq!(ask(&server, "GET /nodes/pve2/qemu/105/status/current", &[])["status"], "running");
}

#[test]
fn backups_are_made_marked_restored_and_deleted() {
    let server = slow();
    let backup =
        [("vmid", "101"), ("storage", "shared"), ("compress", "zstd"), ("notes-template", "{{guestname}}!")];
    let (kind, status, log) = task(&server, "POST /nodes/pve1/vzdump", &backup);
    assert_eq!((kind.as_str(), status.as_str()), ("vzdump", "OK"));
    for words in ["INFO: Starting Backup of VM 101 (qemu)", "INFO:   1% (", "INFO: 100% (1.0 GiB of 1.0 GiB)"]
    {
        assert!(log.iter().any(|line| line.contains(words)), "{words}: {log:?}");
    }
    let rows =
        ask(&server, "GET /nodes/pve1/storage/shared/content", &[("content", "backup"), ("vmid", "101")]);
    assert_eq!((&rows[0]["notes"], &rows[0]["format"]), (&json!("db01!"), &json!("vma.zst")));
    let volid = rows[0]["volid"].as_str().unwrap().to_owned();
    let path =
        format!("/nodes/pve1/storage/shared/content/{}", volid.replace(':', "%3A").replace('/', "%2F"));
    // The guest is gone, but its backup contains everything.
    done(&server, "DELETE /nodes/pve1/qemu/101", &[], "qmdestroy", "OK", "");
    let text = ask(&server, "GET /nodes/pve1/vzdump/extractconfig", &[("volume", &volid)]);
    assert!(text.as_str().unwrap().contains("name: db01\n"), "{text}");
    assert!(text.as_str().unwrap().ends_with("#qmdump#map:scsi0:drive-scsi0:shared:qcow2:\n"), "{text}");
    let restore = [("vmid", "151"), ("archive", volid.as_str()), ("storage", "shared"), ("unique", "1")];
    done(&server, "POST /nodes/pve1/qemu", &restore, "qmrestore", "OK", "progress 100%");
    let config = ask(&server, "GET /nodes/pve1/qemu/151/config", &[]);
    assert_eq!(
        (&config["name"], &config["scsi0"]),
        (&json!("db01"), &json!("shared:151/vm-151-disk-0.qcow2,size=1G"))
    );
    let over = [("vmid", "151"), ("archive", volid.as_str())];
    let taken = "unable to restore VM 151 - VM 151 already exists on node 'pve1'";
    refused(&server, "POST /nodes/pve1/qemu", &over, taken);
    let force = [("vmid", "151"), ("archive", volid.as_str()), ("force", "1")];
    done(&server, "POST /nodes/pve1/qemu", &force, "qmrestore", "OK", "");
    assert_eq!(volids(&server, "pve1", "shared", "151").len(), 1);
    // A failed restore leaves the guest that it was to overwrite unchanged.
    let broken = [("vmid", "151"), ("archive", volid.as_str()), ("force", "1"), ("storage", "local")];
    let problem = "storage 'local' does not support content-type 'images'";
    done(&server, "POST /nodes/pve1/qemu", &broken, "qmrestore", problem, problem);
    assert_eq!(volids(&server, "pve1", "shared", "151").len(), 1);
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/151/config", &[])["name"], "db01");
    let none = [("vmid", "152"), ("archive", "shared:backup/none.vma.zst")];
    let problem = "volume 'shared:backup/none.vma.zst' does not exist";
    done(&server, "POST /nodes/pve1/qemu", &none, "qmrestore", problem, problem);
    ask(&server, &format!("PUT {path}"), &[("protected", "1"), ("notes", "keep")]);
    let data = ask(&server, &format!("GET {path}"), &[]);
    assert_eq!((&data["protected"], &data["notes"]), (&json!(1), &json!("keep")));
    let (_, status, _) = task(&server, &format!("DELETE {path}"), &[]);
    assert!(status.starts_with("cannot remove protected volume"), "{status}");
    ask(&server, &format!("PUT {path}"), &[("protected", "0")]);
    let words = format!("Removed volume '{volid}'");
    done(&server, &format!("DELETE {path}"), &[], "imgdel", "OK", &words);
    refused(&server, &format!("GET {path}"), &[], "does not exist");
    let gone = [("vmid", "100,999"), ("storage", "shared")];
    let words = "ERROR: Backup of VM 999 failed - unable to find VM '999'";
    done(&server, "POST /nodes/pve1/vzdump", &gone, "vzdump", "job errors", words);
    let ct = [("vmid", "203"), ("storage", "shared"), ("compress", "zstd")];
    done(&server, "POST /nodes/pve2/vzdump", &ct, "vzdump", "OK", "Starting Backup of VM 203 (lxc)");
    let archive = volids(&server, "pve2", "shared", "203").pop().unwrap();
    let restore =
        [("vmid", "260"), ("ostemplate", archive.as_str()), ("restore", "1"), ("storage", "local-lvm")];
    done(&server, "POST /nodes/pve2/lxc", &restore, "vzrestore", "OK", "");
    assert_eq!(ask(&server, "GET /nodes/pve2/lxc/260/config", &[])["hostname"], "dns01");
    let image = "DELETE /nodes/pve1/storage/local-lvm/content/local-lvm%3Avm-105-disk-0";
    refused(&server, image, &[], "Cannot remove image, a guest with VMID '105' exists!");
}

#[test]
fn storages_are_defined_and_filled() {
    let server = slow();
    let new =
        [("storage", "nas"), ("type", "nfs"), ("server", "10.99.0.9"), ("export", "/x"), ("content", "iso")];
    assert_eq!(ask(&server, "POST /storage", &new), json!({"storage": "nas", "type": "nfs"}));
    refused(&server, "POST /storage", &new, "create storage failed: storage ID 'nas' already defined");
    refused(&server, "POST /storage", &[("storage", "extra"), ("type", "dir")], "property is missing");
    ask(&server, "PUT /storage/nas", &[("content", "iso,vztmpl"), ("disable", "1")]);
    let data = ask(&server, "GET /storage/nas", &[]);
    let mut content: Vec<&str> = data["content"].as_str().unwrap().split(',').collect();
    content.sort_unstable();
    assert_eq!((content, &data["disable"]), (vec!["iso", "vztmpl"], &json!(1)));
    refused(&server, "GET /nodes/pve1/storage/nas/content", &[], "storage 'nas' is disabled");
    ask(&server, "PUT /storage/nas", &[("delete", "disable")]);
    let url = [("url", "https://a.test/x.iso"), ("content", "iso"), ("filename", "x.iso")];
    done(&server, "POST /nodes/pve1/storage/nas/download-url", &url, "download", "OK", "100%");
    let lost = [("url", "https://a.invalid/y.iso"), ("content", "iso"), ("filename", "y.iso")];
    let problem = "download failed: exit code 4";
    done(&server, "POST /nodes/pve1/storage/nas/download-url", &lost, "download", problem, "");
    let name = "ubuntu-24.04-standard_24.04-2_amd64.tar.zst";
    done(
        &server,
        "POST /nodes/pve1/aplinfo",
        &[("storage", "nas"), ("template", name)],
        "download",
        "OK",
        "",
    );
    refused(
        &server,
        "POST /nodes/pve1/aplinfo",
        &[("storage", "nas"), ("template", "x")],
        "no such template",
    );
    let rows = ask(&server, "GET /nodes/pve1/storage/nas/content", &[]);
    let found: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["volid"].as_str().unwrap()).collect();
    assert_eq!(found, ["nas:iso/x.iso", &format!("nas:vztmpl/{name}")]);
    assert_eq!(ask(&server, "DELETE /storage/nas", &[]), Value::Null);
    refused(&server, "DELETE /storage/nas", &[], "delete storage failed: storage 'nas' does not exist");
    let scan = ask(&server, "GET /nodes/pve1/scan/nfs", &[("server", "10.99.0.9")]);
    assert_eq!(scan[0]["path"], "/srv/pve");
}

#[test]
fn nodes_are_looked_after() {
    let server = slow();
    done(&server, "POST /nodes/pve1/services/cron/stop", &[], "srvstop", "OK", "");
    refused(&server, "POST /nodes/pve1/services/nope/start", &[], "enumeration");
    done(&server, "POST /nodes/pve1/apt/update", &[], "aptupdate", "OK", "starting apt-get update");
    let check = |line: &str, pairs: &[(&str, &str)], key: &str, value: Value| {
        assert_eq!(ask(&server, line, pairs)[key], value, "{line}");
    };
    check("GET /nodes/pve1/disks/smart", &[("disk", "/dev/nvme0n1")], "health", json!("PASSED"));
    check("GET /nodes/pve1/subscription", &[], "status", json!("notfound"));
    check("GET /nodes/pve2/replication/106-0/status", &[], "target", json!("pve3"));
    refused(&server, "GET /nodes/pve1/disks/smart", &[("disk", "/dev/sdz")], "not a valid disk");
    ask(&server, "PUT /nodes/pve1/qemu/110/cloudinit", &[]);
    ask(&server, "PUT /nodes/pve1/qemu/110/sendkey", &[("key", "ctrl-alt-delete")]);
    refused(&server, "PUT /nodes/pve1/qemu/100/sendkey", &[("key", "ret")], "VM 100 not running");
    // A node that restarts is offline for a while, and then starts the guests with `onboot`.
    ask(&server, "POST /nodes/pve3/status", &[("command", "reboot")]);
    let online = || {
        let rows = ask(&server, "GET /cluster/status", &[]);
        rows.as_array().unwrap().iter().find(|row| row["name"] == "pve3").unwrap()["online"].clone()
    };
    assert_eq!(online(), 0);
    server.skip(120.0);
    assert_eq!(online(), 1);
    check("GET /nodes/pve3/qemu/107/status/current", &[], "status", json!("running"));
}
