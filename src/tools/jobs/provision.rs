//! Creates new guests that are ready for login: with size, network, user and address, started, with a wait for the
//! address.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome},
        jobs::{
            engine,
            guest::{Login, Shape, addresses, names},
            job::Job,
            read::{self, Cluster, gib},
            source::{self, Ground, Source},
            step::{Act, Back, Order, Place, Step},
        },
        param::{Kind, Param},
        run::{Args, Context},
    },
};

/// Parameters of provisioning.
pub const PARAMS: &[Param] = &[
    Param::text("name"),
    Param::int("template", 100, 999_999_999).optional(),
    Param::text("image").about("URL or volume.").optional(),
    Param::text("iso").unlisted(),
    Param::text("ostemplate").optional(),
    Param::text("checksum").unlisted(),
    Param::int("count", 1, 20).optional(),
    Param::int("vmid", 100, 999_999_999).unlisted(),
    Param::text("node").unlisted(),
    Param::text("storage").unlisted(),
    Param::int("cores", 1, 8192).optional(),
    Param::int("memory", 16, 67_108_864).about("MiB.").optional(),
    Param::int("disk_size", 1, 1_048_576).about("GiB.").optional(),
    Param::text("bridge").unlisted(),
    Param::int("vlan", 1, 4094).unlisted(),
    Param::text("user").optional(),
    Param::text("sshkeys").optional(),
    Param::text("password").unlisted(),
    Param::text("address").about("CIDR or dhcp.").optional(),
    Param::text("gateway").optional(),
    Param::text("pool").unlisted(),
    Param::flag("full").unlisted(),
    Param::flag("start").unlisted(),
    Param::more("config").about("Further keys.").unlisted(),
];

/// Seconds that each step takes, for an estimate.
const CLONE: u64 = 30;
const LOAD: u64 = 60;
const CREATE: u64 = 20;
const START: u64 = 5;
const REACH: u64 = 60;

/// Plans the guests and creates them.
///
/// # Errors
/// Fails if an argument is missing, something does not exist, or a step fails.
pub fn provision(context: &Context<'_>, args: &Args) -> Outcome {
    let cluster = read::cluster(context)?;
    let (source, ground, load) = source::read(context, args, &cluster)?;
    let count = args.count("count").unwrap_or(1);
    let names = names(args.text("name").unwrap_or_default(), count)?;
    let addresses = addresses(args.text("address"), args.text("gateway"), count)?;
    let vmids = read::free_vmids(context, &cluster, args.int("vmid"), count)?;
    let mut job = Job::new("proxmox_provision_vm", names[0].clone());
    if let Some(load) = &load {
        let what = format!("download {} to {}", load.url, load.volume);
        let step = Step::send(0, what, load.order.clone(), LOAD).back(Back::Send(load.back.clone()));
        job.steps.push(step.costs(format!("{} connects to that server", ground.node)));
        if args.text("checksum").is_none() {
            job.notes.push("No checksum is given, so the file is not verified.".into());
        }
    }
    let shape = Shape::read(args, &source, &ground)?;
    let places: Vec<Place> =
        vmids.iter().map(|vmid| Place::new(&ground.node, source.kind(), *vmid)).collect();
    for ((place, name), address) in places.iter().zip(&names).zip(&addresses) {
        let wave = job.next_wave();
        let step = match &source {
            Source::Template(..) => clone(args, &source, &ground, place, name, wave)?,
            _ => create(&source, &ground, &shape, place, name, address, wave)?,
        };
        job.steps.push(step.back(Back::Remove(place.clone())));
    }
    let width = context.config.settings.workers.max(1);
    let starts = args.flag("start") != Some(false);
    for (places, addresses) in places.chunks(width).zip(addresses.chunks(width)) {
        let first = job.next_wave();
        for (place, address) in places.iter().zip(addresses) {
            finish(&mut job, &source, &shape, place, address, (first, starts))?;
        }
    }
    job.identity = vmids.iter().map(|vmid| format!("{vmid} is free on {};", ground.node)).collect();
    job.sentence = sentence(&source, &names, &vmids, &ground);
    room(&mut job, &cluster, &shape, &ground, count);
    let login = Login { user: shape.user.as_deref(), keys: args.text("sshkeys").is_some(), source: &source };
    job.ending = if starts { login.sentence() } else { String::new() };
    engine::begin(context, args, job)
}

fn sentence(source: &Source, names: &[String], vmids: &[i64], ground: &Ground) -> String {
    let from = match source {
        Source::Template(guest, _) => format!("template {}", guest.title()),
        Source::Image(volume) | Source::Iso(volume) | Source::Container(volume) => volume.clone(),
    };
    let word = source.kind().word();
    match (names, vmids) {
        ([name], [vmid]) => format!("Create {word} {vmid} ({name}) on {} from {from}.", ground.node),
        (names, vmids) => format!(
            "Create {} {word}s on {} from {from}: {} to {} ({} to {}).",
            names.len(),
            ground.node,
            vmids[0],
            vmids[vmids.len() - 1],
            names[0],
            names[names.len() - 1]
        ),
    }
}

/// Adds a note if the node has less free memory than the guests may use.
fn room(job: &mut Job, cluster: &Cluster, shape: &Shape, ground: &Ground, count: usize) {
    let Some(node) = cluster.nodes.iter().find(|node| node.name == ground.node) else { return };
    let (free, needed) = (cluster.free(node), shape.memory * count as u64);
    if free < needed {
        job.notes.push(format!(
            "{} has {} of memory free, and the new guests may use {}.",
            ground.node,
            gib(free),
            gib(needed)
        ));
    }
}

fn clone(
    args: &Args,
    source: &Source,
    ground: &Ground,
    place: &Place,
    name: &str,
    wave: usize,
) -> Result<Step, Failure> {
    let Source::Template(template, _) = source else { return Err(Failure::new("There is no template.")) };
    let mut params = Params::new().with("newid", place.vmid);
    params.push(if template.kind == Kind::Vm { "name" } else { "hostname" }, name);
    // Only a full clone can put the disks on another storage.
    if args.flag("full").unwrap_or(ground.storage.is_some()) {
        params.push("full", 1);
    }
    if let Some(storage) = &ground.storage {
        params.push("storage", storage);
    }
    if ground.node != template.node {
        params.push("target", &ground.node);
    }
    if let Some(pool) = args.text("pool") {
        params.push("pool", pool);
    }
    let order = Order::new(Method::Post, format!("{}/clone", template.path()?), &params);
    Ok(Step::send(wave, format!("clone {} to {} ({name})", template.vmid, place.vmid), order, CLONE))
}

fn create(
    source: &Source,
    ground: &Ground,
    shape: &Shape,
    place: &Place,
    name: &str,
    address: &str,
    wave: usize,
) -> Result<Step, Failure> {
    let storage = ground.storage.as_deref().unwrap_or_default();
    let params = shape.creation(source, storage, place.vmid, name, address);
    let path = place.path("")?;
    let folder = path.rsplit_once('/').map_or(path.as_str(), |(folder, _)| folder);
    let order = Order::new(Method::Post, folder, &params);
    Ok(Step::send(wave, format!("create {} ({name})", place.title()), order, CREATE))
}

/// Adds the steps after a guest is created: configuration, disk, start, address.
fn finish(
    job: &mut Job,
    source: &Source,
    shape: &Shape,
    place: &Place,
    address: &str,
    (first, starts): (usize, bool),
) -> Result<(), Failure> {
    let title = place.title();
    if let Source::Template(..) = source {
        let params = shape.changes(place.kind(), address);
        if !params.is_empty() {
            let method = if place.kind() == Kind::Vm { Method::Post } else { Method::Put };
            let order = Order::new(method, place.path("/config")?, &params);
            job.steps.push(Step::send(first, format!("configure {title}"), order, 2));
        }
    }
    if let Some((disk, size)) = shape.grows(source) {
        let params = Params::new().with("disk", disk).with("size", format!("{size}G"));
        let order = Order::new(Method::Put, place.path("/resize")?, &params);
        job.steps.push(Step::send(first + 1, format!("grow {disk} of {title} to {size} GiB"), order, 2));
    }
    if starts {
        let order = Order::new(Method::Post, place.path("/status/start")?, &Params::new());
        job.steps.push(Step::send(first + 2, format!("start {title}"), order, START));
        // The guest has no address until its installation is finished.
        if !matches!(source, Source::Iso(_)) {
            let reach = Act::Reach(place.clone());
            job.steps.push(Step::wait(first + 3, format!("wait for the address of {title}"), reach, REACH));
        }
    }
    Ok(())
}
