//! Tests that backups can be restored: each is restored to a new guest without network, which is started, checked and
//! deleted.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome},
        jobs::{
            backups::{self, Backup},
            chosen, engine,
            job::Job,
            read::{self, Cluster, ClusterGuest, gib, volumes},
            step::{Act, Back, Order, Place, Step},
        },
        param::{Kind, Param},
        run::{Args, Context},
    },
};
use serde_json::{Map, Value};

/// Parameters of a restore test.
pub const PARAMS: &[Param] = &[
    chosen::VMID,
    chosen::POOL,
    chosen::TAG,
    Param::text("storage").optional(),
    Param::text("node").unlisted(),
    Param::int("limit", 1, 20).unlisted(),
    Param::int("timeout", 1, 3600).about("Seconds for a guest to come up.").unlisted(),
];

/// Bytes that a restore writes per second, for an estimate.
const SPEED: u64 = 100 << 20;
/// Seconds that a guest may take to come up, by default.
const TIMEOUT: usize = 300;

/// A backup, with the guest and storage to which it is restored.
struct Trial<'a> {
    backup: &'a Backup,
    config: Map<String, Value>,
    place: Place,
    storage: String,
    size: u64,
}

/// Plans the trials, one after another, and carries them out.
///
/// # Errors
/// Fails if there is no backup or no room to restore one, or if a step fails.
pub fn test(context: &Context<'_>, args: &Args) -> Outcome {
    let cluster = read::cluster(context)?;
    let mut job = Job::new("proxmox_test_restore", "restore");
    let (residents, left) = chosen_guests(args, &cluster)?;
    job.notes.extend(left);
    let wanted: Vec<i64> = residents.clone();
    let (backups, silent) = backups::newest(context, &cluster, &wanted);
    job.notes.extend(silent);
    let without: Vec<String> = wanted
        .iter()
        .filter(|vmid| !backups.iter().any(|backup| backup.vmid == **vmid))
        .map(i64::to_string)
        .collect();
    if backups.is_empty() {
        return Err(Failure::new(format!(
            "No backup was found of guest {}. {}Nothing was done.",
            without.join(", "),
            job.notes.iter().map(|note| format!("{note} ")).collect::<String>()
        )));
    }
    if !without.is_empty() {
        job.ending = format!("No backup was found of guest {}.", without.join(", "));
        job.notes.push(job.ending.clone());
    }
    let vmids = read::free_vmids(context, &cluster, None, backups.len())?;
    let seconds = args.count("timeout").unwrap_or(TIMEOUT) as u64;
    for (backup, vmid) in backups.iter().zip(vmids) {
        let trial = trial(context, args, &cluster, backup, vmid)?;
        job.identity.push_str(&format!("{} to {vmid} on {};", backup.volid, trial.place.node));
        add(&mut job, &trial, seconds)?;
    }
    job.sentence = format!(
        "Restore the newest backup of {} to new guests without network, start each, check that it comes up, and delete it again, one after another.",
        job.parts.join(", ")
    );
    engine::begin(context, args, job)
}

/// The VMIDs that the call names; a single one may have only a backup left.
fn chosen_guests(args: &Args, cluster: &Cluster) -> Result<(Vec<i64>, Option<String>), Failure> {
    if let (Some(vmid), None, None) = (args.int("vmid"), args.text("pool"), args.text("tag")) {
        return Ok((vec![vmid], None));
    }
    let (residents, left) = chosen::guests(args, cluster)?;
    Ok((residents.iter().map(|one| one.guest.vmid).collect(), left))
}

/// Chooses where to restore a backup: a node that can read it, and a storage with enough free space.
///
/// # Errors
/// Fails if no node or storage has room for it.
fn trial<'a>(
    context: &Context<'_>,
    args: &Args,
    cluster: &Cluster,
    backup: &'a Backup,
    vmid: i64,
) -> Result<Trial<'a>, Failure> {
    let config = backups::config(context, backup)?;
    let number = |key: &str| config.get(key)?.as_str()?.parse::<u64>().ok();
    let memory = number("memory").unwrap_or(512) << 20;
    let size: u64 = volumes(&config).iter().filter(|volume| !volume.cd).map(|volume| volume.size).sum();
    let content = if backup.kind == Kind::Vm { "images" } else { "rootdir" };
    let reaches = |node: &str| cluster.store(&backup.storage, node).is_some_and(|store| store.available);
    let mut nodes: Vec<_> = match args.text("node") {
        Some(name) => vec![cluster.node(name)?],
        None => cluster.nodes.iter().filter(|node| node.online).collect(),
    };
    nodes.retain(|node| reaches(&node.name));
    // The guest's own node comes first, because it has its storages and bridges; then the others, by free memory.
    let home = cluster.guests.iter().find(|one| one.guest.vmid == backup.vmid);
    let home = home.map(|one: &ClusterGuest| one.guest.node.as_str());
    nodes.sort_by_key(|node| (Some(node.name.as_str()) != home, std::cmp::Reverse(cluster.free(node))));
    let mut lacks = Vec::new();
    for node in nodes {
        let store = match args.text("storage") {
            Some(name) => cluster.store(name, &node.name).filter(|store| store.available),
            None => cluster.storage_with_most_space(&node.name, content),
        };
        match store {
            _ if cluster.free(node) < memory => {
                lacks.push(format!("{} has {} of memory free", node.name, gib(cluster.free(node))));
            }
            Some(store) if store.free < size => {
                lacks.push(format!("{} of {} has {} free", store.name, node.name, gib(store.free)));
            }
            None => lacks.push(format!("{} has no such storage", node.name)),
            Some(store) => {
                let place = Place::new(&node.name, backup.kind, vmid);
                return Ok(Trial { backup, config, place, storage: store.name.clone(), size });
            }
        }
    }
    if lacks.is_empty() {
        lacks.push(format!("no node that is online has {}", backup.storage));
    }
    Err(Failure::new(format!(
        "The backup {} needs {} of memory and {} of disk, and there is no room to restore it: {}. Nothing was done.",
        backup.volid,
        gib(memory),
        gib(size),
        lacks.join("; ")
    )))
}

/// Adds the steps of one trial.
fn add(job: &mut Job, trial: &Trial<'_>, seconds: u64) -> Result<(), Failure> {
    let Trial { backup, config, place, storage, size } = trial;
    let (part, title, vmid) = (job.parts.len(), place.title(), place.vmid);
    job.parts.push(format!("{} {} ({})", backup.kind.word(), backup.vmid, backup.volid));
    let mut params = Params::new().with("vmid", vmid);
    match backup.kind {
        Kind::Vm => params.push("archive", &backup.volid),
        Kind::Container => {
            params.push("ostemplate", &backup.volid);
            params.push("restore", 1);
        }
    }
    let params = params.with("storage", storage).with("unique", 1);
    let path = place.path("")?;
    let folder = path.rsplit_once('/').map_or(path.as_str(), |(folder, _)| folder);
    let order = Order::new(Method::Post, folder, &params);
    let mut add = |step: Step| {
        let wave = job.next_wave();
        job.steps.push(Step { wave, ..step.part(part) });
    };
    let what = format!("restore {} to {vmid}", backup.vmid);
    add(Step::send(0, what, order, 10 + size / SPEED).back(Back::Remove(place.clone())));
    // It must not start with its node during the test, either.
    let pulled = backups::interfaces_with_link_down(config);
    let mut params = Params::new().with("onboot", 0);
    if config.get("protection").is_some_and(|value| value == "1") {
        // The backup contains the protection of the original, which keeps its own.
        params.push("protection", 0);
    }
    pulled.iter().for_each(|(key, value)| params.push(key, value));
    let method = if backup.kind == Kind::Vm { Method::Post } else { Method::Put };
    let order = Order::new(method, place.path("/config")?, &params);
    add(Step::send(0, format!("unplug the network of {title}"), order, 2));
    let order = |rest: &str| Ok::<_, Failure>(Order::new(Method::Post, place.path(rest)?, &Params::new()));
    add(Step::send(0, format!("start {title}"), order("/status/start")?, 5));
    let agent = config.get("agent").and_then(Value::as_str).unwrap_or_default();
    let has_agent = agent.split(',').any(|word| matches!(word, "1" | "enabled=1"));
    let act = match has_agent && backup.kind == Kind::Vm {
        true => Act::Answer(place.clone(), seconds),
        false => Act::Look(place.clone(), seconds),
    };
    add(Step::wait(0, format!("check that {title} comes up"), act, 60.min(seconds)));
    add(Step::send(0, format!("stop {title}"), order("/status/stop")?, 5).own());
    let order = Order::new(Method::Delete, place.path("")?, &Params::new().with("purge", 1));
    add(Step::send(0, format!("delete {title}"), order, 5).own());
    Ok(())
}
