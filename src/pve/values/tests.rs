//! Every spelling that Proxmox accepts for lists, guests, nodes, pools and volumes, and texts that must not be
//! accepted.

use super::*;

#[test]
fn lists_are_cut_where_proxmox_cuts_them() {
    for (text, expected) in [
        ("", &[][..]),
        (",; \0\n", &[]),
        ("100", &["100"]),
        ("100,101", &["100", "101"]),
        ("100;101", &["100", "101"]),
        ("100 101", &["100", "101"]),
        ("description\0scsi3", &["description", "scsi3"]),
        ("106;105,\t100", &["106", "105", "100"]),
        (" ,a,,b ", &["a", "b"]),
    ] {
        assert_eq!(split_list(text).collect::<Vec<_>>(), expected, "{text:?}");
    }
}

#[test]
fn guests_are_read_in_every_spelling_and_nothing_else_is() {
    for (text, expected) in [
        ("100", Ok(100)),
        ("999999999", Ok(999_999_999)),
        ("0100", Err(Unreadable)),
        ("99", Err(Unreadable)),
        ("1000000000", Err(Unreadable)),
        ("", Err(Unreadable)),
        ("+100", Err(Unreadable)),
        ("100.0", Err(Unreadable)),
        ("1e2", Err(Unreadable)),
        (" 100", Err(Unreadable)),
        ("١٠٠", Err(Unreadable)),
    ] {
        assert_eq!(vmid(text), expected, "{text:?}");
    }
    assert_eq!(vmids("105;100,110"), Ok(vec![105, 100, 110]));
    assert_eq!(vmids(""), Ok(vec![]));
    assert_eq!(vmids("100,x"), Err(Unreadable));
    for (text, expected) in [
        ("vm:100", Ok(100)),
        ("ct:100", Ok(100)),
        ("100", Ok(100)),
        ("vm:vm:100", Err(Unreadable)),
        ("VM:100", Err(Unreadable)),
        ("service:100", Err(Unreadable)),
        ("vm:0100", Err(Unreadable)),
    ] {
        assert_eq!(ha_guest(text), expected, "{text}");
    }
    for (text, expected) in
        [("100-0", Ok(100)), ("100", Err(Unreadable)), ("100-", Err(Unreadable)), ("100-x", Err(Unreadable))]
    {
        assert_eq!(replicated_guest(text), expected, "{text}");
    }
}

#[test]
fn tasks_tell_their_guest_and_their_node() {
    let upid = |kind: &str, id: &str| format!("UPID:pve1:0000ABCD:00000001:69000000:{kind}:{id}:root@pam!t:");
    for (kind, id, guest, many) in [
        ("qmstart", "100", Some(100), false),
        ("imgdel", "105@local-lvm", Some(105), false),
        ("vzdump", "100", Some(100), false),
        ("vzdump", "", None, true),
        ("stopall", "", None, true),
        ("bulkstart", "", None, true),
        ("aptupdate", "", None, false),
        ("srvrestart", "pveproxy", None, false),
    ] {
        let task = Task::read(&upid(kind, id)).unwrap();
        assert_eq!((task.guest, task.may_concern_many()), (guest, many), "{kind} {id}");
        assert_eq!(task.node, Node::Named("pve1".into()));
    }
    for text in [
        "",
        "UPID:pve1",
        "UPID:pve1:x:1:1:qmstart:100:root@pam:",
        "UPID:pve1:1:1:1:qmstart:100:root@pam:more:",
    ] {
        assert_eq!(Task::read(text), Err(Unreadable), "{text}");
    }
}

#[test]
fn nodes_and_pools_are_compared_as_proxmox_means_them() {
    for (text, name, expected) in [
        ("pve1", "pve1", true),
        ("PVE1", "pve1", true),
        ("pve1", "pve2", false),
        ("localhost", "pve1", true),
        ("LocalHost", "pve2", true),
    ] {
        assert_eq!(Node::read(text).unwrap().may_be(name), expected, "{text} {name}");
    }
    for text in ["", "127.0.0.1", "pve1.example.com", "pve 1", "-pve1", "::1"] {
        assert_eq!(Node::read(text), Err(Unreadable), "{text}");
    }
    assert_eq!(nodes("pve1:2,localhost"), Ok(vec![Node::Named("pve1".into()), Node::Localhost]));
    for (pool, outer, expected) in [
        ("dev", "dev", true),
        ("dev/sub", "dev", true),
        ("dev/sub/more", "dev/sub", true),
        ("dev", "dev/sub", false),
        ("dev2", "dev", false),
        ("dev/subway", "dev/sub", false),
    ] {
        assert_eq!(pool_is_inside(pool, outer), expected, "{pool} in {outer}");
    }
    for text in ["", "dev/", "/dev", "dev//sub", "a/b/c/d", "dev sub"] {
        assert_eq!(pool(text), Err(Unreadable), "{text}");
    }
    for (text, expected) in [
        ("1", Ok(vec![])),
        ("local-lvm", Ok(vec!["local-lvm"])),
        ("local:nfs,ceph:zfs", Ok(vec!["nfs", "zfs"])),
        ("local:", Err(Unreadable)),
    ] {
        assert_eq!(storage_map(text), expected, "{text}");
    }
}

#[test]
fn volumes_tell_to_whom_they_belong() {
    for (text, owner, others) in [
        ("local-lvm:vm-105-disk-0", Some(105), &[][..]),
        ("local-lvm:vm-105-cloudinit", Some(105), &[]),
        ("local-lvm:vm-105-state-before", Some(105), &[]),
        ("local:105/vm-105-disk-0.qcow2", Some(105), &[]),
        ("local:105/any.qcow2", Some(105), &[]),
        ("local:105/vm-106-disk-0.qcow2", Some(105), &[106]),
        ("zfs:base-100-disk-0/vm-200-disk-1", Some(200), &[100]),
        ("zfs:basevol-100-disk-0/subvol-200-disk-0", Some(200), &[100]),
        ("local:100/base-100-disk-0.qcow2/200/vm-200-disk-0.qcow2", Some(200), &[100]),
        ("zfs:base-100-disk-0", Some(100), &[]),
        ("zfs:subvol-200-disk-0", Some(200), &[]),
        ("local:backup/vzdump-qemu-105-2026_01_01-00_00_00.vma.zst", Some(105), &[]),
        ("local:backup/vzdump-lxc-200-2026_01_01-00_00_00.tar.zst", Some(200), &[]),
        ("local:backup/vzdump-openvz-200-2026_01_01-00_00_00.tar", Some(200), &[]),
        ("pbs:backup/vm/105/2026-01-01T00:00:00Z", Some(105), &[]),
        ("pbs:backup/ct/200/2026-01-01T00:00:00Z", Some(200), &[]),
        ("pbs:backup/host/web/2026-01-01T00:00:00Z", None, &[]),
        ("local:iso/vm-24-tools.iso", None, &[]),
        ("local:iso/vm-105-disk-0", None, &[]),
        ("local:vztmpl/vm-24.tar.zst", None, &[]),
        ("local:snippets/vm-100-hook.pl", None, &[]),
        ("esxi:import/vm-100.vmdk", None, &[]),
        ("esxi:ha-datacenter/ds1/vm-100/vm-100.vmx", None, &[]),
        ("vm-storage:iso/debian.iso", None, &[]),
        ("vm-1:vm-105-disk-0", Some(105), &[]),
        ("vm-106:iso/x.iso", None, &[]),
        ("base-100-x:vm-105-disk-0", Some(105), &[]),
    ] {
        let volume = Volume::read(text).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!((volume.owner, volume.others.as_slice()), (owner, others), "{text}");
    }
    for text in [
        "",
        "local",
        "local:",
        "vm-105-disk-0",
        "local:vm-0105-disk-0",
        "local:vm-105",
        "local:backup/home-backup.tar.gz",
        "local:backup/vm/x/2026-01-01T00:00:00Z",
        "iscsi:0.0.1.scsi-36001405",
        "local:../105/vm-105-disk-0.qcow2",
        "local:iso/../images/105/vm-105-disk-0.qcow2",
        "l:vm-105-disk-0",
        "local:vm-105-disk-0\0",
    ] {
        assert_eq!(Volume::read(text), Err(Unreadable), "{text:?}");
    }
    for (name, owner) in [
        ("vm-105-disk-0", 105),
        ("lvm:vm-105-disk-0", 105),
        ("backup/vzdump-qemu-105-x.vma", 105),
        ("backup/vm/105/2026-01-01T00:00:00Z", 105),
    ] {
        assert_eq!(Volume::read_on("lvm", name).unwrap().owner, Some(owner), "{name}");
    }
}

#[test]
fn disks_tell_what_they_are_on() {
    let volume = |volid: &str| Volume::read(volid).unwrap();
    let made = |storage: &str| Disk::Made { storage: storage.into() };
    for (value, expected) in [
        ("none,media=cdrom", vec![Disk::Nothing]),
        ("cdrom", vec![Disk::Nothing]),
        ("local-lvm:32", vec![made("local-lvm")]),
        ("local-lvm:0.5,ssd=1", vec![made("local-lvm")]),
        ("vm-105:8", vec![made("vm-105")]),
        ("local:cloudinit", vec![made("local")]),
        ("local-lvm:vm-105-disk-0", vec![Disk::Volume(volume("local-lvm:vm-105-disk-0"))]),
        ("file=local-lvm:vm-105-disk-0,size=8G", vec![Disk::Volume(volume("local-lvm:vm-105-disk-0"))]),
        ("size=8G,volume=zfs:subvol-200-disk-0,mp=/x", vec![Disk::Volume(volume("zfs:subvol-200-disk-0"))]),
        (
            "local:0,import-from=nfs:105/vm-105-disk-0.raw",
            vec![made("local"), Disk::Imported(volume("nfs:105/vm-105-disk-0.raw"))],
        ),
        ("local:0,import-from=/dev/sdb", vec![made("local"), Disk::Path("/dev/sdb".into())]),
        ("/dev/disk/by-id/x", vec![Disk::Path("/dev/disk/by-id/x".into())]),
        ("/srv/data,mp=/data", vec![Disk::Path("/srv/data".into())]),
        ("local:iso/vm-24.iso,media=cdrom", vec![Disk::Volume(volume("local:iso/vm-24.iso"))]),
        ("iscsi:0.0.1.scsi-36001405", vec![Disk::Unreadable("iscsi:0.0.1.scsi-36001405".into())]),
        ("vm-105-disk-0", vec![Disk::Unreadable("vm-105-disk-0".into())]),
        ("size=8G", vec![Disk::Unreadable("size=8G".into())]),
        ("", vec![Disk::Unreadable(String::new())]),
    ] {
        assert_eq!(Disk::read(value), expected, "{value}");
    }
}

#[test]
fn switches_that_are_neither_on_nor_off_count_as_both() {
    for (value, on, off) in [
        ("1", true, false),
        ("0", false, true),
        ("Yes", true, false),
        ("off", false, true),
        ("", false, true),
        ("2", true, true),
    ] {
        assert_eq!((may_be_on(value), may_be_off(value)), (on, off), "{value}");
    }
}

#[test]
fn control_characters_are_seen() {
    for (value, plain, free) in [
        ("web01", false, false),
        ("two\nlines\r\n\tend", true, false),
        ("a\0b", true, true),
        ("a\u{1b}[0m", true, true),
        ("a\u{7f}", true, true),
        ("a\u{9b}", true, true),
        ("Grüße", false, false),
    ] {
        assert_eq!((has_control(value, false), has_control(value, true)), (plain, free), "{value:?}");
    }
}
