//! The sample: the nodes, guests, storages and users that exist at the start. It is always the same, except for token
//! secrets and for times, which are relative to the present.

use crate::{
    demo::{
        random::uuid,
        state::{
            access::{Access, Rule, Token, User},
            clock::{Clock, civil, whole},
            cluster::{Cluster, Firewall, Node, Pool, Storage, Volume},
            console::Proxies,
            digest::size_in_bytes,
            guest::{Guest, Kind, Snapshot},
            sample_odd,
            task::Tasks,
        },
    },
    secret::Secret,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const GIB: u64 = 1 << 30;

/// One VM of the sample: VMID, node, name, tags, cores, MiB of memory, disk, hours since its start (0: stopped).
type Row = (u32, &'static str, &'static str, &'static str, u64, u64, &'static str, f64);

const VMS: [Row; 12] = [
    (100, "pve1", "web01", "prod;web", 1, 160, "shared:100/vm-100-disk-0.qcow2,size=1G", 0.0),
    (101, "pve1", "db01", "db;prod", 1, 160, "shared:101/vm-101-disk-0.qcow2,size=1G", 0.0),
    (102, "pve2", "app01", "staging", 1, 160, "shared:102/vm-102-disk-0.qcow2,size=1G", 0.0),
    (103, "pve3", "win-sim", "windows", 1, 160, "shared:103/vm-103-disk-0.qcow2,size=1G", 0.0),
    (104, "pve2", "template01", "template", 1, 160, "shared:104/base-104-disk-0.qcow2,size=1G", 0.0),
    (105, "pve1", "mail01", "mail;prod", 2, 4096, "local-lvm:vm-105-disk-0,size=80G", 900.0),
    (106, "pve2", "git01", "prod", 4, 8192, "local-lvm:vm-106-disk-0,size=200G", 410.0),
    (107, "pve3", "monitor01", "prod", 2, 4096, "local-lvm:vm-107-disk-0,size=64G", 1200.0),
    (108, "pve2", "build01", "ci", 8, 16384, "local-lvm:vm-108-disk-0,size=120G", 26.0),
    (109, "pve3", "desktop-anna", "windows", 4, 8192, "local-lvm:vm-109-disk-0,size=100G", 0.0),
    (110, "pve1", "files01", "prod", 2, 2048, "shared:110/vm-110-disk-0.qcow2,size=32G", 71.0),
    (111, "pve3", "debian13-cloud", "template", 2, 2048, "shared:111/base-111-disk-0.qcow2,size=3G", 0.0),
];

const CONTAINERS: [Row; 8] = [
    (200, "pve1", "ct200", "", 1, 128, "shared:200/vm-200-disk-0.raw,size=102M", 0.0),
    (201, "pve3", "ct201", "", 1, 128, "shared:201/vm-201-disk-0.raw,size=102M", 0.0),
    (202, "pve1", "proxy01", "prod;web", 2, 1024, "local-lvm:vm-202-disk-0,size=8G", 800.0),
    (203, "pve2", "dns01", "infra;prod", 1, 512, "local-lvm:vm-203-disk-0,size=4G", 2100.0),
    (204, "pve3", "dns02", "infra;prod", 1, 512, "local-lvm:vm-204-disk-0,size=4G", 2090.0),
    (205, "pve2", "cache01", "staging", 2, 2048, "local-lvm:vm-205-disk-0,size=8G", 130.0),
    (206, "pve3", "wiki01", "prod", 2, 2048, "local-lvm:vm-206-disk-0,size=16G", 333.0),
    (207, "pve1", "alpine-base", "template", 1, 256, "local-lvm:base-207-disk-0,size=1G", 0.0),
];

/// How large the sample is, and how fast its clock runs.
pub(crate) struct Sample {
    pub(crate) nodes: usize,
    pub(crate) guests: usize,
    pub(crate) clock_speed: f64,
    /// The certificate of the cluster's CA in PEM form.
    pub(crate) ca: String,
    /// Whether to include what is found on clusters of other versions or with faults.
    pub(crate) odd: bool,
}

/// Creates the cluster.
pub(crate) fn cluster(sample: &Sample) -> Cluster {
    let clock = Clock::new(sample.clock_speed);
    let now = clock.base();
    let nodes: Vec<Node> = (1..=sample.nodes.max(3)).map(|number| node(number, now)).collect();
    let mut cluster = Cluster {
        clock,
        nodes,
        ca: sample.ca.clone(),
        guests: BTreeMap::new(),
        storages: storages(),
        volumes: Vec::new(),
        pools: vec![Pool { name: "dev".into(), ..Pool::default() }],
        access: access(),
        tasks: Tasks::default(),
        agents: BTreeMap::new(),
        kept: BTreeMap::new(),
        firewalls: BTreeMap::new(),
        ha: vec![map(json!({"sid": "vm:105", "type": "vm", "state": "started",
            "digest": "40d4676ec9af1cc138dedb45705c3020fdd90aa9"}))],
        backup_jobs: vec![map(json!({"id": "backup-nightly", "type": "vzdump", "schedule": "02:30",
            "storage": "shared", "vmid": "105,106,110,203", "mode": "snapshot", "compress": "zstd", "enabled": 1,
            "next-run": whole(now) / 86_400 * 86_400 + 95_400}))],
        replication: vec![map(
            json!({"id": "106-0", "type": "local", "guest": 106, "jobnum": 0, "source": "pve2",
            "target": "pve3", "schedule": "*/15"}),
        )],
        options: map(json!({"mac_prefix": "BC:24:11", "description": ""})),
        quorate: true,
        log: VecDeque::new(),
        log_count: 0,
        proxies: Proxies::default(),
        log_numbers_as_text: false,
    };
    for (row, kind) in
        VMS.iter().map(|row| (row, Kind::Qemu)).chain(CONTAINERS.iter().map(|row| (row, Kind::Lxc)))
    {
        let guest = guest(kind, row, now);
        cluster.guests.insert(guest.vmid, guest);
    }
    finishing_touches(&mut cluster, now);
    more_guests(&mut cluster, sample.guests, now);
    volumes(&mut cluster, now);
    history(&mut cluster, now);
    if sample.odd {
        sample_odd::add(&mut cluster, now, uuid());
    }
    cluster
}

fn map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn node(number: usize, now: f64) -> Node {
    #[allow(clippy::cast_precision_loss, reason = "a handful of nodes")]
    let booted = now - 95.0 * DAY - number as f64 * 177.0;
    let ip = format!("10.99.{}.{}", number / 250, number % 250);
    Node { name: format!("pve{number}"), ip, lost: None, cpus: 32, memory: 128 * GIB, disk: 94 * GIB, booted }
}

fn storages() -> Vec<Storage> {
    let storage = |name: &str, kind: &str, content: &str, shared, total, used, more| Storage {
        name: name.into(),
        kind: kind.into(),
        content: content.into(),
        shared,
        total,
        used,
        more: map(more),
    };
    vec![
        storage(
            "local",
            "dir",
            "backup,iso,vztmpl,snippets",
            false,
            94 * GIB,
            9 * GIB,
            json!({"path": "/var/lib/vz", "prune-backups": "keep-all=1"}),
        ),
        storage(
            "local-lvm",
            "lvmthin",
            "images,rootdir",
            false,
            1700 * GIB,
            412 * GIB,
            json!({"thinpool": "data", "vgname": "pve"}),
        ),
        storage(
            "shared",
            "nfs",
            "backup,import,images,iso,rootdir,snippets,vztmpl",
            true,
            8192 * GIB,
            2210 * GIB,
            json!({"path": "/mnt/pve/shared", "server": "10.99.0.250", "export": "/srv/pve"}),
        ),
    ]
}

fn access() -> Access {
    let mut access = Access::new();
    let token = |separated| Token { secret: Secret::new(uuid()), separated, expire: 0, comment: None };
    let mut root = User::new(Some(Secret::new("demo")));
    root.tokens.insert("demo".into(), token(false));
    access.users.insert("root@pam".into(), root);
    let mut alice = User::new(Some(Secret::new("demo")));
    alice.tokens.insert("ro".into(), token(true));
    access.users.insert("alice@pve".into(), alice);
    let mut otto = User::new(Some(Secret::new("demo")));
    otto.totp = Some(b"sample-totp-key-0001".to_vec());
    access.users.insert("otto@pve".into(), otto);
    let rule = |path: &str, who: &str, role: &str| Rule {
        path: path.into(),
        who: who.into(),
        role: role.into(),
        propagate: true,
    };
    access.rules.push(rule("/vms/102", "alice@pve", "PVEVMUser"));
    access.rules.push(rule("/", "otto@pve", "PVEAuditor"));
    access
}

fn guest(kind: Kind, row: &Row, now: f64) -> Guest {
    let (vmid, node, name, tags, cores, memory, disk, hours) = *row;
    let mac = format!("BC:24:11:{:02X}:{:02X}:{:02X}", vmid % 251, vmid / 3 % 256, vmid * 7 % 256);
    let mut config = if kind == Kind::Qemu {
        let serial = vmid < 105;
        let mut config = map(json!({
            "name": name, "cores": cores, "memory": memory.to_string(), "ostype": "l26", "scsihw":
            "virtio-scsi-single", "scsi0": disk, "net0": format!("virtio={mac},bridge=vmbr0,firewall=0"),
            "boot": "order=scsi0;net0", "agent": "1", "meta": "creation-qemu=10.2.2,ctime=1795221736",
            "smbios1": format!("uuid=5123a8ae-c6ae-4fa2-999c-892a11c4{vmid:04x}"),
            "vmgenid": format!("94eb6fe5-85dc-4c9b-b88e-b55fa1b5{vmid:04x}"),
        }));
        if serial {
            let args = format!(
                "-kernel /opt/guest/vmlinuz -initrd /opt/guest/initrd.gz -append 'ip=10.99.0.{vmid}'"
            );
            config.extend(map(json!({"kvm": 0, "vga": "serial0", "serial0": "socket", "args": args})));
        }
        config
    } else {
        map(
            json!({"hostname": name, "cores": cores, "memory": memory, "swap": 512, "ostype": "alpine", "arch": "amd64",
            "rootfs": disk, "net0": format!("name=eth0,bridge=vmbr0,hwaddr={mac},ip=10.99.0.{}/24,type=veth", vmid % 250)}),
        )
    };
    if !tags.is_empty() {
        config.insert("tags".into(), json!(tags));
    }
    if disk.contains("base-") {
        config.insert("template".into(), json!(1));
    }
    let started = (0.0 < hours).then_some(now - hours * HOUR);
    if started.is_some() {
        config.insert("onboot".into(), json!(1));
    }
    Guest { started, ..Guest::new(vmid, kind, node, config) }
}

/// Sets what the rows have no column for.
fn finishing_touches(cluster: &mut Cluster, now: f64) {
    for vmid in [102, 201] {
        if let Some(guest) = cluster.guests.get_mut(&vmid) {
            guest.pool = Some("dev".into());
        }
    }
    for vmid in [103, 109] {
        if let Some(guest) = cluster.guests.get_mut(&vmid) {
            guest.config.insert("ostype".into(), json!("win11"));
        }
    }
    if let Some(mail) = cluster.guests.get_mut(&105) {
        mail.config.insert("description".into(), json!("Postfix and Dovecot. Ask Jana before a restart.\n"));
        mail.config.insert("protection".into(), json!(1));
    }
    // One VM for each problem with the guest agent: not enabled, not answering, not allowed to run programs.
    if let Some(monitor) = cluster.guests.get_mut(&107) {
        monitor.config.remove("agent");
    }
    cluster.agents.entry(108).or_default().silent = true;
    cluster.agents.entry(110).or_default().no_exec = true;
    for (vmid, name, description, days) in [
        (106, "before-upgrade", "before the upgrade to 19.2", 12.0),
        (206, "clean", "freshly installed", 40.0),
    ] {
        let Some(guest) = cluster.guests.get_mut(&vmid) else { continue };
        guest.snapshots.push(Snapshot {
            name: name.into(),
            description: description.into(),
            time: whole(now - days * DAY),
            parent: None,
            vmstate: false,
            config: guest.config.clone(),
            state: None,
        });
        guest.config.insert("parent".into(), json!(name));
    }
    let rule = |port: &str, comment: &str| {
        map(
            json!({"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": port, "enable": 1, "comment": comment}),
        )
    };
    let mail = Firewall {
        options: map(json!({"enable": 1})),
        rules: vec![rule("25", "smtp"), rule("993", "imaps")],
        ..Firewall::default()
    };
    cluster.firewalls.insert("guests/105".into(), mail);
}

/// The names of generated guests, with a number appended. Proxmox allows other scripts only in notes and tags, so
/// letters beyond ASCII are in punycode, as in Proxmox.
const ROLES: &[&str] = &["web", "db", "app", "cache", "mail", "git", "ci", "proxy", "dns", "xn--bro-hoa"];

/// Generates guests beyond the sample, spread over the nodes; two of three are running.
fn more_guests(cluster: &mut Cluster, wanted: usize, now: f64) {
    let mut vmid = 300;
    while cluster.guests.len() < wanted {
        let kind = if vmid % 3 == 0 { Kind::Lxc } else { Kind::Qemu };
        let at = usize::try_from(vmid).unwrap_or(0) % cluster.nodes.len();
        let hours = if vmid % 3 == 1 { 0.0 } else { f64::from(vmid % 700 + 1) };
        let row = (vmid, "", "", "bulk", 2, 2048, "", hours);
        let mut guest = guest(kind, &row, now);
        guest.node.clone_from(&cluster.nodes[at].name);
        let (name, disk) = if kind == Kind::Qemu { ("name", "scsi0") } else { ("hostname", "rootfs") };
        guest.config.insert(
            name.into(),
            json!(format!(
                "{}{:02}",
                ROLES[usize::try_from(vmid).unwrap_or(0) / 7 % ROLES.len()],
                vmid % 100
            )),
        );
        guest.config.insert(disk.into(), json!(format!("local-lvm:vm-{vmid}-disk-0,size=20G")));
        cluster.guests.insert(vmid, guest);
        vmid += 1;
    }
}

fn volumes(cluster: &mut Cluster, now: f64) {
    let mut volumes = Vec::new();
    for guest in cluster.guests.values() {
        let (key, content) =
            if guest.kind == Kind::Qemu { ("scsi0", "images") } else { ("rootfs", "rootdir") };
        let disk = guest.config.get(key).and_then(Value::as_str).unwrap_or_default();
        let volid = disk.split(',').next().unwrap_or_default();
        let size = disk.split_once("size=").map_or(0, |(_, size)| size_in_bytes(size));
        volumes.push(Volume {
            volid: volid.into(),
            node: (!volid.starts_with("shared:")).then(|| guest.node.clone()),
            content,
            format: if volid.ends_with(".qcow2") { "qcow2" } else { "raw" }.into(),
            size,
            used: size / 3,
            ctime: whole(now - 200.0 * DAY),
            vmid: Some(guest.vmid),
            notes: None,
            protected: false,
        });
    }
    let mut file =
        |volid: String, content: &'static str, format: &str, size: u64, days: f64, vmid: Option<u32>| {
            volumes.push(Volume {
                volid,
                node: None,
                content,
                format: format.into(),
                size,
                used: size,
                ctime: whole(now - days * DAY),
                vmid,
                notes: None,
                protected: false,
            });
        };
    file("shared:iso/debian-13-netinst.iso".into(), "iso", "iso", 789_577_728, 60.0, None);
    file("shared:iso/virtio-win-0.1.271.iso".into(), "iso", "iso", 726_568_960, 90.0, None);
    file("shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst".into(), "vztmpl", "tzst", 1_112_132, 60.0, None);
    file(
        "shared:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst".into(),
        "vztmpl",
        "tzst",
        129_853_440,
        30.0,
        None,
    );
    for (vmid, kind, ending, size, days) in [
        (105, "qemu", "vma.zst", 21 * GIB, 1.0),
        (105, "qemu", "vma.zst", 20 * GIB, 2.0),
        (106, "qemu", "vma.zst", 63 * GIB, 1.0),
        (203, "lxc", "tar.zst", GIB / 2, 1.0),
    ] {
        let (year, month, day, ..) = civil(whole(now - days * DAY));
        let volid =
            format!("shared:backup/vzdump-{kind}-{vmid}-{year}_{month:02}_{day:02}-02_30_05.{ending}");
        file(volid, "backup", ending, size, days, Some(vmid));
    }
    for volume in volumes.iter_mut().filter(|volume| volume.content == "backup") {
        let guest = volume.vmid.and_then(|vmid| cluster.guests.get(&vmid));
        volume.notes = guest.map(Guest::name);
    }
    cluster.volumes = volumes;
}

/// Past tasks and log lines.
fn history(cluster: &mut Cluster, now: f64) {
    let root = "root@pam";
    for (node, kind, id, hours, seconds, status) in [
        ("pve1", "startall", "", 2280.0, 8.0, "OK"),
        ("pve2", "startall", "", 2280.0, 8.0, "OK"),
        ("pve3", "startall", "", 2280.0, 8.0, "OK"),
        ("pve2", "qmsnapshot", "106", 288.0, 3.0, "OK"),
        ("pve1", "vzdump", "", 48.0, 640.0, "OK"),
        ("pve2", "aptupdate", "", 30.0, 12.0, "OK"),
        ("pve2", "qmstart", "108", 26.0, 2.0, "OK"),
        ("pve1", "vzdump", "", 24.0, 655.0, "OK"),
        ("pve3", "qmstart", "109", 20.0, 1.0, "VM is locked (backup)"),
        ("pve1", "qmshutdown", "101", 9.0, 11.0, "OK"),
        ("pve1", "vzshutdown", "200", 8.0, 4.0, "OK"),
    ] {
        cluster.tasks.add_past_task((node, kind, id, root), now - hours * HOUR, seconds, status);
    }
    for number in 0..6_u32 {
        let node = ["pve1", "pve2", "pve3"][usize::try_from(number).unwrap_or(0) % 3];
        let time = now - 2280.0 * HOUR + f64::from(number);
        cluster.note(node, "root", "cluster", "starting cluster log", time);
    }
    cluster.note("pve1", root, "pvedaemon", "successful auth for user 'root@pam'", now - 300.0);
}
