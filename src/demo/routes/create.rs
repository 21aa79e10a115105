//! Creating guests: new ones, and from backups (pve.md section 7).

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        random::uuid,
        routes::{
            backup, config,
            route::{Pairs, Request, Route, route},
        },
        state::{
            access::Identity,
            clock::whole,
            cluster::Cluster,
            digest::sha1_hex,
            guest::{Guest, Kind},
            guest_disks::{Disk, Wanted, allocate, config_size, disks, free, is_disk, shown},
            task_run::{Step, Work},
        },
    },
    pve::Method::Post,
};
use serde_json::{Map, Value, json};

pub(crate) const ROUTES: [Route; 1] = [route(Post, "/nodes/{node}/{kind}", "", create)];

/// Parameters that control how a guest is created and do not go into its configuration.
const CONTROL: [&str; 16] = [
    "archive",
    "bwlimit",
    "force",
    "ha-managed",
    "ignore-unpack-errors",
    "import-working-storage",
    "live-restore",
    "ostemplate",
    "password",
    "pool",
    "restore",
    "ssh-public-keys",
    "start",
    "storage",
    "unique",
    "vmid",
];

/// The guest to be created.
struct Plan {
    kind: Kind,
    node: String,
    vmid: u32,
    /// The backup that it is restored from.
    archive: Option<String>,
    template: Option<String>,
    storage: Option<String>,
    unique: bool,
    pool: Option<String>,
    settings: Pairs,
}

fn create(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (kind, node) = (request.kind(), request.node().to_owned());
    let vmid = request.number("vmid").and_then(|vmid| u32::try_from(vmid).ok()).unwrap_or(0);
    let archive = match kind {
        Kind::Qemu => request.param("archive"),
        Kind::Lxc => request.param("ostemplate").filter(|_| request.flag("restore")),
    };
    let pool = request.param("pool");
    may_make(cluster, request, vmid, archive.is_some())?;
    let locked = Guest::new(vmid, kind, &node, Map::new());
    let plan = Plan {
        kind,
        node: node.clone(),
        vmid,
        archive: archive.map(str::to_owned),
        template: request.param("ostemplate").map(str::to_owned),
        storage: request.param("storage").map(str::to_owned),
        unique: request.flag("unique"),
        pool: pool.map(str::to_owned),
        settings: request
            .params
            .iter()
            .filter(|(key, _)| !CONTROL.contains(&key.as_str()))
            .cloned()
            .collect(),
    };
    let word = match (kind, archive.is_some()) {
        (Kind::Qemu, false) => "qmcreate",
        (Kind::Qemu, true) => "qmrestore",
        (Kind::Lxc, false) => "vzcreate",
        (Kind::Lxc, true) => "vzrestore",
    };
    let restored = archive.is_some();
    let begin: Step = Box::new(move |cluster, log| {
        let (old, volumes) = (cluster.guests.remove(&plan.vmid), cluster.volumes.clone());
        let result = build(cluster, &plan, old.as_ref(), log);
        if result.is_err() {
            // Restores the previous state, including the guest that was to be overwritten.
            cluster.guests.remove(&plan.vmid);
            cluster.guests.extend(old.map(|old| (old.vmid, old)));
            cluster.volumes = volumes;
        }
        result
    });
    let start = request.flag("start");
    let at = node.clone();
    let finish: Step = Box::new(move |cluster, log| {
        let now = cluster.clock.now();
        let guest = cluster.guest_mut(kind, &at, vmid).map_err(|error| error.message)?;
        guest.config.remove("lock");
        if restored && kind == Kind::Qemu {
            log.push(format!("progress 100% (read {} bytes, duration 1 sec)", guest.disk()));
        }
        guest.set_started(start.then_some(now), now);
        Ok(())
    });
    let seconds = if restored { 3.0 } else { 1.0 };
    let work =
        Work { kind: word, id: vmid.to_string(), lock: Some(locked.lock_file()), seconds, begin, finish };
    Ok(json!(cluster.start_task(&node, &request.who.owner(), work)).into())
}

/// Checks whether the guest may be created, in the order of the API: privilege, VMID, options for root only, pool.
fn may_make(cluster: &Cluster, request: &Request, vmid: u32, restore: bool) -> Result<(), ApiError> {
    let (pool, path) = (request.param("pool"), format!("/vms/{vmid}"));
    let existing = cluster.guests.get(&vmid);
    let own = existing.is_some() && restore && cluster.access.allows(&request.who, &path, None, "VM.Backup");
    if !own && !cluster.access.allows(&request.who, &path, pool, "VM.Allocate") {
        return Err(ApiError::forbidden(&format!("{path}, VM.Allocate")));
    }
    let label = request.kind().label();
    if let Some(old) = existing {
        let verb = if restore { "restore" } else { "create" };
        let own = old.node == request.node() && old.kind == request.kind();
        if !(restore && own && request.flag("force")) {
            return Err(ApiError::failed(format!(
                "unable to {verb} {label} {vmid} - {} {vmid} already exists on node '{}'",
                old.kind.label(),
                old.node
            )));
        }
        if old.started.is_some() {
            let word = if old.kind == Kind::Qemu { "vm" } else { "container" };
            return Err(ApiError::failed(format!("unable to restore {label} {vmid} - {word} is running")));
        }
        old.check_lock().map_err(|problem| format!("unable to restore {label} {vmid} - {problem}"))?;
    }
    let root = request.who.user == "root@pam" && request.who.token.is_none();
    if request.param("args").is_some() && !root {
        return Err(ApiError::failed("only root can set 'args' config"));
    }
    match pool {
        Some(pool) if !cluster.pools.iter().any(|known| known.name == pool) => {
            Err(ApiError::failed(format!("pool '{pool}' does not exist")))
        }
        _ => Ok(()),
    }
}

/// Creates the guest and locks it.
fn build(
    cluster: &mut Cluster,
    plan: &Plan,
    old: Option<&Guest>,
    log: &mut Vec<String>,
) -> Result<(), String> {
    let mut config = match &plan.archive {
        Some(archive) => backup::stored(cluster, archive, old)?,
        None => defaults(cluster, plan)?,
    };
    for key in ["lock", "parent", "template"] {
        config.remove(key);
    }
    let pool = plan.pool.clone().or_else(|| old.and_then(|old| old.pool.clone()));
    let (kind, vmid) = (plan.kind, plan.vmid);
    let mut guest = Guest::new(vmid, kind, &plan.node, config);
    guest.pool = pool;
    let now = cluster.clock.now();
    guest.before = Some((now, old.and_then(|old| old.told(now))));
    let stored = disks(&guest);
    cluster.guests.insert(vmid, guest);
    if let Some(archive) = &plan.archive {
        unpack(cluster, plan, archive, stored, old, log)?;
    }
    let mut settings = Pairs::new();
    for (key, value) in &plan.settings {
        let value = match key.starts_with("net") {
            true => with_address(kind, vmid, key, value),
            false if is_disk(kind, key) => new_disk(cluster, plan, key, value, log)?,
            false => value.clone(),
        };
        settings.push((key.clone(), value));
    }
    if kind == Kind::Lxc && plan.archive.is_none() {
        if !settings.iter().any(|(key, _)| key == "rootfs") {
            let place = format!("{}:4", plan.storage.as_deref().unwrap_or("local"));
            settings.push(("rootfs".into(), new_disk(cluster, plan, "rootfs", &place, log)?));
        }
        log.push(format!("extracting archive '{}'", plan.template.as_deref().unwrap_or_default()));
        log.push("Detected container architecture: amd64".into());
    }
    configure(cluster, plan, settings)?;
    let guest = cluster.guest_mut(kind, &plan.node, vmid).map_err(|error| error.message)?;
    if kind == Kind::Qemu && !guest.config.contains_key("boot") {
        let keys = disks(guest).into_iter().map(|disk| disk.key);
        let nets = guest.config.keys().filter(|key| key.starts_with("net")).cloned();
        let order: Vec<String> = keys.chain(nets).collect();
        if !order.is_empty() {
            guest.config.insert("boot".into(), json!(format!("order={}", order.join(";"))));
        }
    }
    guest.config.insert("lock".into(), json!("create"));
    Ok(())
}

/// The initial configuration of a new guest.
fn defaults(cluster: &Cluster, plan: &Plan) -> Result<Map<String, Value>, String> {
    let now = whole(cluster.clock.now());
    let data = match plan.kind {
        Kind::Qemu => json!({"meta": format!("creation-qemu=10.2.2,ctime={now}"),
            "smbios1": format!("uuid={}", uuid()), "vmgenid": uuid()}),
        Kind::Lxc => {
            let template = plan.template.as_deref().unwrap_or_default();
            if !cluster.volumes.iter().any(|volume| volume.volid == template) {
                return Err(format!("volume '{template}' does not exist"));
            }
            let name = template.rsplit('/').next().unwrap_or_default();
            let system = name.split('-').next().unwrap_or_default();
            json!({"arch": "amd64", "hostname": format!("CT{}", plan.vmid), "memory": 512, "swap": 512,
                "ostype": system})
        }
    };
    Ok(if let Value::Object(map) = data { map } else { Map::new() })
}

/// Allocates the disks contained in a backup; those of the overwritten guest are removed.
fn unpack(
    cluster: &mut Cluster,
    plan: &Plan,
    archive: &str,
    stored: Vec<Disk>,
    old: Option<&Guest>,
    log: &mut Vec<String>,
) -> Result<(), String> {
    if plan.kind == Kind::Qemu {
        log.push(format!(
            "restore vma archive: zstd -q -d -c {archive} | vma extract -v -r /var/tmp/vzdumptmp.fifo"
        ));
    }
    let before = old.map(disks).unwrap_or_default();
    let mut made = Vec::new();
    for disk in stored {
        let place = plan.storage.clone().unwrap_or_else(|| disk.storage().to_owned());
        let wanted = Wanted {
            node: &plan.node,
            storage: &place,
            vmid: plan.vmid,
            kind: plan.kind,
            format: Some(disk.format()),
            size: disk.size,
        };
        let volid = allocate(cluster, &wanted, log)?;
        match plan.kind {
            Kind::Qemu => {
                log.push(format!("new volume ID is '{volid}'"));
                log.push(format!("progress 1% (read {} bytes, duration 0 sec)", disk.size / 100));
            }
            Kind::Lxc => log.push(format!("restoring '{archive}' now.. ({})", shown(disk.size))),
        }
        made.push(Disk { volid, ..disk });
    }
    for disk in before {
        free(cluster, &disk.volid);
    }
    let guest = cluster.guest_mut(plan.kind, &plan.node, plan.vmid).map_err(|error| error.message)?;
    for disk in made {
        guest.config.insert(disk.key.clone(), json!(disk.text()));
    }
    if plan.unique {
        renew(guest);
    }
    Ok(())
}

/// Gives a guest new MAC addresses and ids.
pub(crate) fn renew(guest: &mut Guest) {
    let (kind, vmid) = (guest.kind, guest.vmid);
    for (key, value) in guest.config.iter_mut().filter(|(key, _)| key.starts_with("net")) {
        let parts: Vec<String> = value
            .as_str()
            .unwrap_or_default()
            .split(',')
            .filter(|part| !part.starts_with("hwaddr="))
            .enumerate()
            .map(|(at, part)| match (kind, at) {
                (Kind::Qemu, 0) => part.split('=').next().unwrap_or_default().to_owned(),
                _ => part.to_owned(),
            })
            .collect();
        *value = json!(with_address(kind, vmid, key, &parts.join(",")));
    }
    if kind == Kind::Qemu {
        guest.config.insert("vmgenid".into(), json!(uuid()));
        guest.config.insert("smbios1".into(), json!(format!("uuid={}", uuid())));
    }
}

/// A network device with a MAC address, as stored in the configuration; an existing address is kept.
fn with_address(kind: Kind, vmid: u32, key: &str, text: &str) -> String {
    let hash = sha1_hex(format!("{vmid}{key}{}", uuid()).as_bytes()).to_uppercase();
    let mac = format!("BC:24:11:{}:{}:{}", &hash[..2], &hash[2..4], &hash[4..6]);
    match kind {
        Kind::Qemu => match text.split_once(',') {
            Some((model, rest)) if !model.contains('=') => format!("{model}={mac},{rest}"),
            None if !text.contains('=') => format!("{text}={mac}"),
            _ => text.to_owned(),
        },
        Kind::Lxc if text.contains("hwaddr=") => text.to_owned(),
        Kind::Lxc if text.contains("type=") => format!("{text},hwaddr={mac}"),
        Kind::Lxc => format!("{text},hwaddr={mac},type=veth"),
    }
}

/// Resolves a parameter such as `shared:32,format=qcow2` to a new volume; an existing volume stays as given.
fn new_disk(
    cluster: &mut Cluster,
    plan: &Plan,
    key: &str,
    text: &str,
    log: &mut Vec<String>,
) -> Result<String, String> {
    let mut parts = text.split(',');
    let first = parts.next().unwrap_or_default();
    let volid = first.trim_start_matches("file=").trim_start_matches("volume=");
    let Some((storage, what)) = volid.split_once(':') else { return Ok(text.to_owned()) };
    let (mut options, mut format, mut source) = (Vec::new(), None, None);
    for part in parts {
        match part.split_once('=') {
            Some(("format", value)) => format = Some(value),
            Some(("import-from", value)) => source = Some(value),
            _ => options.push(part.to_owned()),
        }
    }
    if what == "cloudinit" {
        return Ok(format!("{storage}:{0}/vm-{0}-cloudinit.qcow2,media=cdrom", plan.vmid));
    }
    let Ok(gigabytes) = what.parse::<u64>() else {
        return match cluster.volumes.iter().any(|volume| volume.volid == volid) {
            true => Ok(text.to_owned()),
            false => Err(format!("volume '{volid}' does not exist")),
        };
    };
    let size = match source {
        None => gigabytes.saturating_mul(1 << 30),
        Some(source) => cluster
            .volumes
            .iter()
            .find(|volume| volume.volid == source)
            .map(|volume| volume.size)
            .ok_or_else(|| format!("volume '{source}' does not exist"))?,
    };
    let wanted = Wanted { node: &plan.node, storage, vmid: plan.vmid, kind: plan.kind, format, size };
    let disk = Disk { key: key.into(), volid: allocate(cluster, &wanted, log)?, options, size };
    if plan.kind == Kind::Qemu {
        log.push(format!("{key}: successfully created disk '{},size={}'", disk.volid, config_size(size)));
    }
    Ok(disk.text())
}

/// Sets a new guest's options in the same way as any change of a configuration.
fn configure(cluster: &mut Cluster, plan: &Plan, params: Pairs) -> Result<(), String> {
    let holes = vec![
        ("node", plan.node.clone()),
        ("kind", plan.kind.word().to_owned()),
        ("vmid", plan.vmid.to_string()),
    ];
    let who = Identity { user: "root@pam".into(), token: None };
    config::change(cluster, &Request { holes, params, who, file_bytes: None })
        .map(drop)
        .map_err(|error| error.message)
}
