//! What people have reported from their own clusters and the ordinary sample lacks. It is added on request; the names
//! and numbers of the ordinary sample do not change.

use crate::{
    demo::state::{
        access::{Rule, Token, User},
        clock::whole,
        cluster::{Cluster, Pool, Storage, Volume},
        digest::size_in_bytes,
        guest::{Guest, Kind, Oddity, Snapshot},
        guest_disks::disks,
    },
    secret::Secret,
};
use serde_json::{Map, Value, json};

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const GIB: u64 = 1 << 30;

/// Adds everything.
pub(super) fn add(cluster: &mut Cluster, now: f64, secret: String) {
    cluster.log_numbers_as_text = true;
    storages(cluster);
    states(cluster, now);
    agents(cluster, now);
    hardware(cluster, now);
    containers(cluster, now);
    pools(cluster, secret);
    volumes(cluster, now);
}

fn map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// Storages whose names look like the start of a volume's name, one that is disabled, one restricted to two nodes, one
/// that is nearly full.
fn storages(cluster: &mut Cluster) {
    let mut storage = |name: &str, kind: &str, content: &str, used: u64, more: Value| {
        let shared = kind == "nfs";
        let (name, kind, content) = (name.into(), kind.into(), content.into());
        cluster.storages.push(Storage {
            name,
            kind,
            content,
            shared,
            total: 1000 * GIB,
            used,
            more: map(more),
        });
    };
    storage("vm-storage", "lvm", "images,rootdir", 300 * GIB, json!({"vgname": "vm"}));
    storage(
        "vm-1",
        "dir",
        "backup,images,iso,vztmpl",
        968 * GIB,
        json!({"path": "/mnt/vm-1", "prune-backups": "keep-last=2"}),
    );
    storage(
        "old-nfs",
        "nfs",
        "backup,iso",
        0,
        json!({"path": "/mnt/pve/old-nfs", "server": "10.99.0.9",
        "export": "/old", "disable": 1}),
    );
    storage(
        "two-nodes",
        "nfs",
        "images,iso",
        20 * GIB,
        json!({"path": "/mnt/pve/two-nodes", "server": "10.99.0.8",
        "export": "/two", "nodes": "pve1,pve2"}),
    );
}

fn running(mut guest: Guest, now: f64, hours: f64) -> Guest {
    guest.started = Some(now - hours * HOUR);
    guest
}

/// A VM with a disk on `local-lvm` and further configuration.
fn vm(vmid: u32, node: &str, name: &str, more: Value) -> Guest {
    let mut config = map(json!({"name": name, "cores": 2, "memory": "2048", "ostype": "l26",
        "scsihw": "virtio-scsi-single", "scsi0": format!("local-lvm:vm-{vmid}-disk-0,size=32G"),
        "net0": format!("virtio=BC:24:11:00:{:02X}:{:02X},bridge=vmbr0", vmid / 256, vmid % 256),
        "boot": "order=scsi0;net0", "agent": "1"}));
    for (key, value) in map(more) {
        match value {
            Value::Null => drop(config.remove(&key)),
            value => drop(config.insert(key, value)),
        }
    }
    Guest::new(vmid, Kind::Qemu, node, config)
}

fn container(vmid: u32, node: &str, name: &str, more: Value) -> Guest {
    let mut config =
        map(json!({"hostname": name, "cores": 1, "memory": 1024, "swap": 512, "ostype": "debian",
        "arch": "amd64", "rootfs": format!("local-lvm:vm-{vmid}-disk-0,size=8G"),
        "net0": format!("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:{:02X}:{:02X},ip=192.0.2.{}/22,type=veth",
            vmid / 256, vmid % 256, vmid % 250)}));
    config.extend(map(more));
    Guest::new(vmid, Kind::Lxc, node, config)
}

fn insert(cluster: &mut Cluster, guest: Guest) {
    cluster.guests.insert(guest.vmid, guest);
}

/// VMs that have a process but do not run, one whose state is not known yet, one that is suspended to disk.
fn states(cluster: &mut Cluster, now: f64) {
    for (vmid, node, name, state) in [
        (702, "pve1", "odd-paused", "paused"),
        (703, "pve2", "odd-io-error", "io-error"),
        (704, "pve2", "odd-prelaunch", "prelaunch"),
        (705, "pve3", "odd-suspended", "suspended"),
    ] {
        let mut guest = running(vm(vmid, node, name, json!({})), now, 50.0);
        guest.qmp = Some(state);
        insert(cluster, guest);
    }
    // The inventory never catches up with it, so it stays unknown.
    let mut fresh = running(vm(706, "pve1", "odd-fresh", json!({})), now, 0.0);
    fresh.before = Some((f64::INFINITY, None));
    insert(cluster, fresh);
    let state = "local-lvm:vm-707-state-suspend";
    insert(cluster, vm(707, "pve3", "odd-hibernated", json!({"lock": "suspended", "vmstate": state})));
    let mut stuck = running(
        vm(713, "pve1", "odd-snapshot", json!({"lock": "snapshot-delete", "parent": "pre"})),
        now,
        9.0,
    );
    let config = stuck.config.clone();
    stuck.snapshots.push(Snapshot {
        name: "pre".into(),
        description: "before the update".into(),
        time: whole(now - 3.0 * DAY),
        parent: None,
        vmstate: false,
        config,
        state: Some("delete"),
    });
    insert(cluster, stuck);
}

/// Windows guest agents, and agents that answer something other than what was asked.
fn agents(cluster: &mut Cluster, now: f64) {
    let windows = json!({"ostype": "win11"});
    insert(cluster, running(vm(708, "pve3", "odd-windows", windows), now, 30.0));
    let address = |ip: &str, kind: &str, prefix: u8| json!({"ip-address": ip, "ip-address-type": kind, "prefix": prefix});
    cluster.agents.entry(708).or_default().interfaces = Some(json!([
        {"name": "Ethernet", "hardware-address": "bc:24:11:00:02:c4", "ip-addresses": [
            address("fe80::b51b:d3df:15df:19eb%3", "ipv6", 64), address("169.254.17.4", "ipv4", 16)]},
        {"name": "Ethernet", "hardware-address": "bc:24:11:00:02:c5", "ip-addresses": [
            address("192.0.2.45", "ipv4", 24)]},
        {"name": "docker0", "hardware-address": "02:42:00:00:00:02"},
        {"name": "Loopback Pseudo-Interface 1", "ip-addresses": [
            address("::1", "ipv6", 128), address("127.0.0.1", "ipv4", 8)]},
    ]));
    insert(cluster, running(vm(709, "pve2", "odd-disabled", json!({"ostype": "win8"})), now, 31.0));
    let problem = "The command guest-network-get-interfaces has been disabled for this instance";
    cluster.agents.entry(709).or_default().interfaces =
        Some(json!({"error": {"class": "CommandDisabled", "desc": problem}}));
    let mut null = running(vm(710, "pve2", "odd-null", json!({})), now, 32.0);
    null.oddities.push(Oddity::NumbersAreTexts);
    insert(cluster, null);
    cluster.agents.entry(710).or_default().interfaces = Some(Value::Null);
}

/// Disks and devices that are local to a node, and the older form of the boot order.
fn hardware(cluster: &mut Cluster, now: f64) {
    let legacy = json!({"boot": "c", "bootdisk": "virtio0", "virtio0": "local-lvm:base-701-disk-0,size=3G",
        "scsi0": "local-lvm:base-701-disk-1,size=100G", "template": 1});
    insert(cluster, vm(701, "pve1", "odd-legacy-boot", legacy));
    let mapped = json!({"hostpci0": "mapping=gpu1,pcie=1", "scsi0": "shared:711/vm-711-disk-0.qcow2,size=32G",
        "ide2": "shared:iso/debian-13-netinst.iso,media=cdrom,size=753M"});
    let mut guest = vm(711, "pve1", "odd-mapped", mapped);
    guest.oddities.push(Oddity::MappedIsLocal);
    insert(cluster, guest);
    let passed = json!({"hostpci0": "0000:41:00.0", "scsi1": "/dev/disk/by-id/ata-WDC_WD80EFAX-1,size=8T"});
    insert(cluster, running(vm(712, "pve2", "odd-passthrough", passed), now, 400.0));
    let named = json!({"scsi0": "vm-storage:vm-714-disk-0,size=32G", "scsi1": "vm-1:714/vm-714-disk-0.qcow2,size=8G",
        "ide2": "vm-1:iso/nixos-vm-24.iso,media=cdrom,size=900M"});
    insert(cluster, vm(714, "pve1", "odd-names", named));
    let cloud = json!({"ide2": "shared:715/vm-715-cloudinit.qcow2,media=cdrom", "ciuser": "debian",
        "scsi0": "shared:715/vm-715-disk-0.qcow2,size=32G",
        "sshkeys": "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIA%2Bc1%2Fx%20jana%40desk"});
    insert(cluster, vm(715, "pve2", "odd-cloud", cloud));
}

/// Containers with addresses in the old form, and with mount points that are not volumes.
fn containers(cluster: &mut Cluster, now: f64) {
    let mut old = running(container(731, "pve1", "odd-inet", json!({})), now, 70.0);
    old.oddities.push(Oddity::OldInterfaces);
    insert(cluster, old);
    let media = json!({"mp0": "/tank/media,mp=/media", "mp1": "/dev/sdb1,mp=/usb",
        "mp2": "local-lvm:vm-732-disk-1,mp=/srv,backup=0,size=100G",
        "mp3": "local-lvm:vm-732-disk-2,mp=/var/lib/db,backup=1,size=20G"});
    insert(cluster, container(732, "pve1", "odd-mounts", media));
}

/// Nested pools, and a user who sees only one of them.
fn pools(cluster: &mut Cluster, secret: String) {
    for (name, comment) in [("dev/sub", Some("nested")), ("dev/sub/deep", None)] {
        let comment = comment.map(str::to_owned);
        cluster.pools.push(Pool { name: name.into(), comment, storages: Vec::new() });
    }
    for (vmid, pool) in [(715, "dev/sub"), (714, "dev/sub/deep"), (732, "dev/sub")] {
        if let Some(guest) = cluster.guests.get_mut(&vmid) {
            guest.pool = Some(pool.into());
        }
    }
    let mut pia = User::new(Some(Secret::new("demo")));
    let token = Token { secret: Secret::new(secret), separated: false, expire: 0, comment: None };
    pia.tokens.insert("pool".into(), token);
    cluster.access.users.insert("pia@pve".into(), pia);
    for role in ["PVEVMUser", "PVEPoolUser"] {
        let (path, who) = ("/pool/dev".into(), "pia@pve".into());
        cluster.access.rules.push(Rule { path, who, role: role.into(), propagate: true });
    }
}

/// The volumes of those guests, an image, and backups to prune, one of them protected.
fn volumes(cluster: &mut Cluster, now: f64) {
    let known: Vec<String> = cluster.volumes.iter().map(|volume| volume.volid.clone()).collect();
    let mut made = Vec::new();
    let volume = |volid: String, node: Option<String>, content, format: &str, size, days: f64, vmid| Volume {
        volid,
        node,
        content,
        format: format.into(),
        size,
        used: size / 3,
        ctime: whole(now - days * DAY),
        vmid,
        notes: None,
        protected: false,
    };
    for guest in cluster.guests.values().filter(|guest| (701..=732).contains(&guest.vmid)) {
        let content = if guest.kind == Kind::Qemu { "images" } else { "rootdir" };
        for disk in disks(guest).into_iter().filter(|disk| !known.contains(&disk.volid)) {
            let shared = disk.storage() == "shared";
            let node = (!shared).then(|| guest.node.clone());
            let format = disk.format();
            made.push(volume(disk.volid, node, content, format, disk.size, 100.0, Some(guest.vmid)));
        }
    }
    let pve1 = || Some("pve1".to_owned());
    made.push(volume(
        "vm-1:iso/nixos-vm-24.iso".into(),
        pve1(),
        "iso",
        "iso",
        size_in_bytes("900M"),
        30.0,
        None,
    ));
    for (days, protected) in [(1.0, false), (2.0, false), (3.0, false), (30.0, true)] {
        let day = 28 - whole(days) % 28;
        let volid =
            format!("vm-1:backup/vzdump-lxc-732-2026_10_{day:02}-01_00_0{}.tar.zst", whole(days) % 10);
        let mut backup = volume(volid, pve1(), "backup", "tar.zst", 2 * GIB, days, Some(732));
        backup.protected = protected;
        made.push(backup);
    }
    cluster.volumes.extend(made);
}
