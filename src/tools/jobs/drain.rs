//! Drains a node: migrates each of its guests to a node where it fits, and back after a reboot if requested.

use crate::{
    counted::counted,
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome},
        jobs::{
            engine,
            job::Job,
            place::{self, AffinityRules, MovingGuest, Room},
            read::{self, Cluster, ClusterGuest, Node, Rules, Volume, gib},
            step::{Act, Back, Order, Place, Step, StepState, Wanted},
        },
        param::{Kind, Param},
        run::{Args, Context},
    },
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Parameters of draining.
pub const PARAMS: &[Param] = &[
    Param::text("node"),
    Param::flag("with-local-disks").optional(),
    Param::flag("reboot").optional(),
    Param::flag("return").about("Then move all back.").optional(),
    Param::flag("stopped").about("false: leave stopped guests.").unlisted(),
    Param::words("targets").unlisted(),
    Param::flag("update").about("Run apt update on it.").unlisted(),
    Param::one_of("on_failure", &["back", "stop"]).unlisted(),
];

/// Bytes that a migration or a copy moves per second, for an estimate.
const SPEED: u64 = 100 << 20;
/// Seconds that a reboot may take.
const REBOOT: u64 = 300;
/// How many reasons are listed.
const MOST: usize = 20;

/// A guest that is moved away, with what its configuration says.
struct Leaver<'a> {
    resident: &'a ClusterGuest,
    /// Local volumes: they are copied.
    local: Vec<Volume>,
    /// The storages of all its volumes: it can run only where they are available.
    storages: BTreeSet<String>,
}

impl Leaver<'_> {
    fn runs(&self) -> bool {
        self.resident.guest.status == "running"
    }

    fn place(&self, node: &str) -> Place {
        Place::new(node, self.resident.guest.kind, self.resident.guest.vmid)
    }

    fn seconds(&self) -> u64 {
        let disks: u64 = self.local.iter().map(|volume| volume.size).sum();
        let memory =
            if self.runs() && self.resident.guest.kind == Kind::Vm { self.resident.memory } else { 0 };
        5 + (disks + memory) / SPEED
    }
}

/// Plans the moves and carries them out.
///
/// # Errors
/// Fails if guests cannot be moved, with the reasons, or if a step fails.
pub fn drain(context: &Context<'_>, args: &Args) -> Outcome {
    let name = args.text("node").unwrap_or_default();
    let cluster = read::cluster(context)?;
    let node = cluster.node(name)?;
    if !node.online {
        return Err(Failure::new(format!(
            "Node {name} does not respond, so nothing can be moved away from it. Nothing was done."
        )));
    }
    let mut job = Job::new("proxmox_drain_node", name);
    job.takes_back = args.text("on_failure") != Some("stop");
    let with_stopped = args.flag("stopped") != Some(false);
    let here =
        |one: &&ClusterGuest| one.guest.node == name && (with_stopped || one.guest.status != "stopped");
    let residents: Vec<&ClusterGuest> = cluster.guests.iter().filter(here).collect();
    let rooms = rooms(context, args, &cluster, node)?;
    let rules = read::rules(context);
    let leavers = leavers(context, args, &cluster, &residents)?;
    let chosen = choose(&cluster, &leavers, &rooms, &rules)?;
    let moves: Vec<(&Leaver<'_>, &str)> =
        leavers.iter().zip(&chosen).map(|(leaver, at)| (leaver, rooms[*at].name.as_str())).collect();
    for (leaver, target) in &moves {
        let guest = &leaver.resident.guest;
        job.identity.push_str(&format!("{} {} {} {target};", guest.vmid, guest.node, guest.status));
    }
    notes(&mut job, &cluster, &moves, &rules, node);
    let width = context.config.settings.workers.max(1);
    for wave in moves.chunks(width) {
        let number = job.next_wave();
        for (leaver, target) in wave {
            job.steps.push(away(leaver, name, target, number)?);
        }
    }
    finish(args, &mut job, node, &moves, width)?;
    if job.steps.is_empty() {
        return Err(Failure::new(format!("No guest is on {name} that could be moved. Nothing was done.")));
    }
    let targets: BTreeSet<&str> = moves.iter().map(|(_, target)| *target).collect();
    job.sentence = format!(
        "Move {} from {name} to {}{}.",
        counted(moves.len(), "guest"),
        targets.into_iter().collect::<Vec<_>>().join(", "),
        if args.flag("reboot") == Some(true) { ", then reboot it" } else { "" }
    );
    job.ending = format!("Moved {} away from {name}.", counted(moves.len(), "guest"));
    engine::begin(context, args, job)
}

/// The nodes to which guests may be moved, with their free capacity.
fn rooms(context: &Context<'_>, args: &Args, cluster: &Cluster, node: &Node) -> Result<Vec<Room>, Failure> {
    let wanted: BTreeSet<&str> = args.texts("targets").collect();
    for name in &wanted {
        cluster.node(name)?;
    }
    let only = &context.config.only.nodes;
    let fits = |other: &&Node| {
        other.online
            && other.name != node.name
            && (wanted.is_empty() || wanted.contains(other.name.as_str()))
            && (only.is_empty() || only.contains(&other.name))
    };
    let room = |other: &Node| Room {
        name: other.name.clone(),
        memory: other.memory,
        free: cluster.free(other),
        cpus: other.cpus,
        busy: cluster.busy(other),
        disks: cluster
            .storages
            .iter()
            .filter(|store| store.node == other.name && store.available)
            .map(|store| (store.name.clone(), store.free))
            .collect(),
    };
    let rooms: Vec<Room> = cluster.nodes.iter().filter(fits).map(room).collect();
    if rooms.is_empty() {
        return Err(Failure::new(format!(
            "No node is online to which the guests of {} may be moved. Nothing was done.",
            node.name
        )));
    }
    Ok(rooms)
}

/// The guests with their local volumes.
///
/// # Errors
/// Fails if any cannot be moved at all, with the reasons.
fn leavers<'a>(
    context: &Context<'_>,
    args: &Args,
    cluster: &Cluster,
    residents: &[&'a ClusterGuest],
) -> Result<Vec<Leaver<'a>>, Failure> {
    let configs = read::configs(context, residents)?;
    let copies = args.flag("with-local-disks") == Some(true);
    let (mut leavers, mut stuck) = (Vec::new(), Vec::new());
    for (resident, config) in residents.iter().zip(&configs) {
        let is_local = |volume: &Volume| {
            let store = cluster.store(&volume.storage, &resident.guest.node);
            !store.is_some_and(|store| store.shared)
        };
        let volumes = read::volumes(config);
        let storages = volumes.iter().map(|volume| volume.storage.clone()).collect();
        let local: Vec<Volume> = volumes.into_iter().filter(is_local).collect();
        if let Some(why) = obstacle(config, &local, copies) {
            stuck.push(format!("{}: {why}", resident.guest.title()));
        }
        leavers.push(Leaver { resident, local, storages });
    }
    if stuck.is_empty() {
        return Ok(leavers);
    }
    let more = stuck.len().saturating_sub(MOST);
    stuck.truncate(MOST);
    if 0 < more {
        stuck.push(format!("and {more} more"));
    }
    Err(Failure::new(format!(
        "The node cannot be drained, and nothing was done. These guests cannot leave it:\n{}",
        stuck.join("\n")
    )))
}

/// Why a guest cannot be moved.
fn obstacle(config: &Map<String, Value>, local: &[Volume], copies: bool) -> Option<String> {
    if let Some(lock) = config.get("lock").and_then(Value::as_str) {
        return Some(format!("it is locked ({lock}); wait until that has ended."));
    }
    let device = |(key, value): &(&String, &Value)| {
        let text = value.as_str().unwrap_or_default();
        let usb = key.starts_with("usb") && (text.contains("host=") || text.contains("mapping="));
        key.starts_with("hostpci") || usb || key.starts_with("dev")
    };
    let devices: Vec<&str> = config.iter().filter(device).map(|(key, _)| key.as_str()).collect();
    if !devices.is_empty() {
        return Some(format!("it uses devices of its node ({}).", devices.join(", ")));
    }
    let named = |wanted: &dyn Fn(&&Volume) -> bool| -> Vec<String> {
        local.iter().filter(wanted).map(|volume| volume.key.clone()).collect()
    };
    let paths = named(&|volume| volume.storage.is_empty());
    if !paths.is_empty() {
        return Some(format!("{} is a path of its node, not a volume.", paths.join(", ")));
    }
    let discs = named(&|volume| volume.cd);
    if !discs.is_empty() {
        return Some(format!(
            "its CD drive {} contains an image on a local storage; eject it.",
            discs.join(", ")
        ));
    }
    let disks = named(&|volume| !volume.cd);
    if !disks.is_empty() && !copies {
        let size: u64 = local.iter().map(|volume| volume.size).sum();
        return Some(format!(
            "its disks {} ({}) are on local storages; set with-local-disks to copy them along.",
            disks.join(", "),
            gib(size)
        ));
    }
    None
}

/// Chooses the node of each guest.
///
/// # Errors
/// Fails if a guest fits nowhere, and says what each node lacks.
fn choose(
    cluster: &Cluster,
    leavers: &[Leaver<'_>],
    rooms: &[Room],
    rules: &Rules,
) -> Result<Vec<usize>, Failure> {
    let movers: Vec<MovingGuest> = leavers.iter().map(|leaver| mover(leaver, rooms, rules)).collect();
    let at = |name: &str| rooms.iter().position(|room| room.name == name);
    let stays = |vmid: &i64| {
        let one = cluster.guests.iter().find(|one| one.guest.vmid == *vmid)?;
        Some((*vmid, at(&one.guest.node)?))
    };
    let named = rules.apart.iter().chain(&rules.together).flatten();
    let fixed = named.filter_map(stays).filter(|(vmid, _)| !movers.iter().any(|mover| mover.vmid == *vmid));
    let bonds = AffinityRules {
        apart: rules.apart.clone(),
        together: rules.together.clone(),
        fixed: fixed.collect(),
    };
    place::place(&movers, rooms, &bonds).map_err(|place| {
        let (leaver, mover) = (&leavers[place], &movers[place]);
        let lacks: Vec<String> = rooms.iter().enumerate().map(|(at, room)| lack(at, room, mover)).collect();
        Failure::new(format!(
            "The node cannot be drained, and nothing was done: no room was found for {} ({} of memory) beside the others that move. {}",
            leaver.resident.guest.title(),
            gib(mover.memory),
            lacks.join(" ")
        ))
    })
}

fn mover(leaver: &Leaver<'_>, rooms: &[Room], rules: &Rules) -> MovingGuest {
    let vmid = leaver.resident.guest.vmid;
    let mut disks: BTreeMap<String, u64> = BTreeMap::new();
    for volume in &leaver.local {
        *disks.entry(volume.storage.clone()).or_default() += volume.size;
    }
    let must = rules.only_on.get(&vmid);
    let allowed = rooms.iter().enumerate().filter(|(_, room)| {
        // Even a shared storage may be defined for some nodes only.
        let has = |storage: &String| room.disks.contains_key(storage);
        must.is_none_or(|nodes| nodes.contains(&room.name)) && leaver.storages.iter().all(has)
    });
    MovingGuest {
        vmid,
        memory: if leaver.runs() { leaver.resident.memory } else { 0 },
        cpus: if leaver.runs() { leaver.resident.cpus } else { 0.0 },
        disks,
        allowed: allowed.map(|(at, _)| at).collect(),
    }
}

/// What a node lacks for a guest.
fn lack(at: usize, room: &Room, mover: &MovingGuest) -> String {
    let missing =
        mover.disks.iter().find(|(storage, size)| room.disks.get(*storage).is_none_or(|free| free < size));
    if let Some((storage, size)) = missing {
        let free = room
            .disks
            .get(storage)
            .map_or_else(|| "does not have it".to_owned(), |free| format!("has {}", gib(*free)));
        return format!("{}: its disks need {} on {storage}, which {free}.", room.name, gib(*size));
    }
    if !mover.allowed.contains(&at) {
        return format!("{}: a rule of high availability or its storage does not allow it.", room.name);
    }
    format!("{}: {} of memory is free, and it has {} CPUs.", room.name, gib(room.free), room.cpus)
}

/// The step that moves a guest away.
fn away(leaver: &Leaver<'_>, from: &str, target: &str, wave: usize) -> Result<Step, Failure> {
    Ok(go(leaver, from, target, wave)?.back(Back::Home(leaver.place(target), from.to_owned())))
}

fn go(leaver: &Leaver<'_>, from: &str, target: &str, wave: usize) -> Result<Step, Failure> {
    let guest = &leaver.resident.guest;
    let mut params = Params::new().with("target", target);
    let mut costs = String::new();
    match (guest.kind, leaver.runs()) {
        (Kind::Vm, true) => params.push("online", 1),
        (Kind::Container, true) => {
            params.push("restart", 1);
            "interrupts it: a container restarts".clone_into(&mut costs);
        }
        _ => {}
    }
    if guest.kind == Kind::Vm && leaver.runs() && !leaver.local.is_empty() {
        params.push("with-local-disks", 1);
    }
    let order = Order::new(Method::Post, leaver.place(from).path("/migrate")?, &params);
    let mut step = Step::send(wave, format!("move {} to {target}", guest.title()), order, leaver.seconds());
    if let Act::Send(_, wanted) = &mut step.act {
        let running = leaver.runs().then_some(true);
        *wanted = Some(Wanted { place: leaver.place(target), running });
    }
    Ok(step.costs(costs))
}

/// Adds the steps after the moves: the package lists, the reboot, the moves back.
fn finish(
    args: &Args,
    job: &mut Job,
    node: &Node,
    moves: &[(&Leaver<'_>, &str)],
    width: usize,
) -> Result<(), Failure> {
    let name = &node.name;
    if args.flag("update") == Some(true) {
        let order = Order::new(Method::Post, format!("/nodes/{name}/apt/update"), &Params::new());
        let wave = job.next_wave();
        job.steps.push(Step::send(wave, format!("refresh the list of packages of {name}"), order, 30));
    }
    if args.flag("reboot") == Some(true) {
        let params = Params::new().with("command", "reboot");
        let order = Order::new(Method::Post, format!("/nodes/{name}/status"), &params);
        let left = args.flag("stopped") == Some(false);
        let costs = if left { "interrupts the node" } else { "interrupts the node, which is empty then" };
        let step = Step::send(job.next_wave(), format!("reboot {name}"), order, 5).costs(costs);
        job.steps.push(Step { firm: true, ..step });
        let wait = Act::Return(name.clone(), node.uptime);
        job.steps.push(Step::wait(job.next_wave(), format!("wait until {name} is back"), wait, REBOOT));
    }
    if args.flag("return") == Some(true) {
        for wave in moves.chunks(width) {
            let number = job.next_wave();
            for (leaver, from) in wave {
                job.steps.push(go(leaver, from, name, number)?);
            }
        }
    }
    debug_assert!(job.steps.iter().all(|step| step.stand == StepState::Waiting), "planning starts nothing");
    Ok(())
}

fn notes(job: &mut Job, cluster: &Cluster, moves: &[(&Leaver<'_>, &str)], rules: &Rules, node: &Node) {
    let containers = moves
        .iter()
        .filter(|(leaver, _)| leaver.runs() && leaver.resident.guest.kind == Kind::Container)
        .count();
    if 0 < containers {
        let restart = if containers == 1 { "restarts" } else { "restart" };
        let containers = counted(containers, "running container");
        job.notes.push(format!("{containers} {restart}; virtual machines move while they run."));
    }
    let pulled: Vec<String> = moves
        .iter()
        .filter(|(leaver, target)| {
            let prefers = rules.prefer.get(&leaver.resident.guest.vmid);
            prefers.is_some_and(|nodes| nodes.contains(&node.name) && !nodes.contains(*target))
        })
        .map(|(leaver, _)| leaver.resident.guest.title())
        .collect();
    if !pulled.is_empty() {
        job.notes.push(format!(
            "A rule of high availability prefers {} for {}: it may move them back by itself.",
            node.name,
            pulled.join(", ")
        ));
    }
    if cluster.guests.iter().any(|one| one.ha) {
        job.notes.push(format!(
            "High availability may place guests on {} again. Its maintenance mode, which prevents that, can be set on a node's command line only: ha-manager crm-command node-maintenance enable {}.",
            node.name, node.name
        ));
    }
}
