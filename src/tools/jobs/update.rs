//! Updates the packages in virtual machines: takes a snapshot of each first, and rolls back to it if the update fails
//! or the machine does not respond afterwards.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome},
        jobs::{
            chosen, engine,
            job::Job,
            read::{self, ClusterGuest},
            step::{Act, Back, Order, Place, Step},
        },
        param::{Kind, Param},
        run::{Args, Context},
    },
};
use serde_json::Value;

/// Parameters of an update.
pub const PARAMS: &[Param] = &[
    chosen::VMID,
    chosen::POOL,
    chosen::TAG,
    Param::flag("reboot").optional(),
    Param::flag("keep_snapshot").unlisted(),
    Param::int("limit", 1, 20).unlisted(),
    Param::int("timeout", 1, 3600).about("Seconds for a guest to answer.").unlisted(),
];

/// The snapshot's name: always the same, so that a leftover one is found.
const SNAPSHOT: &str = "before-update";
/// Seconds that a guest may take to answer, by default.
const TIMEOUT: usize = 300;
/// Seconds that an update may take, for an estimate.
const UPDATE: u64 = 180;

/// The commands that update the packages of known systems, by the ID in their os-release.
const SYSTEMS: [(&[&str], &str); 3] = [
    (
        &["debian", "ubuntu", "raspbian", "linuxmint", "devuan"],
        "apt-get -q update && env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold upgrade",
    ),
    (&["fedora", "rhel", "centos", "rocky", "almalinux", "ol"], "dnf -q -y upgrade"),
    (&["alpine"], "apk -q update && apk upgrade"),
];

/// Plans the updates, one guest after another, and carries them out.
///
/// # Errors
/// Fails if no guest can be updated, with the reasons, or if a step fails.
pub fn update(context: &Context<'_>, args: &Args) -> Outcome {
    let cluster = read::cluster(context)?;
    let (residents, left) = chosen::guests(args, &cluster)?;
    let mut job = Job::new("proxmox_update_guests", "update");
    job.notes.extend(left);
    let read = read_guests(context, &residents)?;
    let mut refused = Vec::new();
    for (resident, told) in residents.iter().zip(read) {
        match told.and_then(|told| line(&told)) {
            Ok(line) => {
                let guest = &resident.guest;
                job.identity.push_str(&format!("{} {} {line};", guest.vmid, guest.node));
                add(&mut job, args, resident, line)?;
            }
            Err(why) => refused.push(format!("{}: {why}", resident.guest.title())),
        }
    }
    if job.steps.is_empty() {
        return Err(Failure::new(format!(
            "No guest can be updated, and nothing was done.\n{}",
            refused.join("\n")
        )));
    }
    if !refused.is_empty() {
        job.ending = format!("Not updated: {}", refused.join(" "));
        job.notes.push(job.ending.clone());
    }
    job.word = match job.parts.as_slice() {
        [_] => residents[0].guest.vmid.to_string(),
        _ => job.word,
    };
    job.sentence = format!("Update the packages in {}, one after another.", job.parts.join(", "));
    engine::begin(context, args, job)
}

/// What is read of a guest.
struct Told {
    system: Value,
    snapshots: Value,
    feature: Value,
}

/// Reads all guests in parallel: their systems, their snapshots, and whether a snapshot is possible.
fn read_guests(
    context: &Context<'_>,
    residents: &[&ClusterGuest],
) -> Result<Vec<Result<Told, String>>, Failure> {
    let asked: Vec<&&ClusterGuest> = residents.iter().filter(|one| obstacle(one).is_none()).collect();
    let mut paths = Vec::new();
    for resident in &asked {
        let path = resident.guest.path()?;
        paths.push((format!("{path}/agent/get-osinfo"), Params::new()));
        paths.push((format!("{path}/snapshot"), Params::new()));
        paths.push((format!("{path}/feature"), Params::new().with("feature", "snapshot")));
    }
    let replies = crate::sync::at_once(&paths, |(path, params)| context.get(path, params));
    let mut replies = replies.into_iter().map(|reply| reply.map(|reply| reply.value()));
    let mut told = Vec::new();
    for resident in residents {
        if let Some(why) = obstacle(resident) {
            told.push(Err(why));
            continue;
        }
        let mut next = || replies.next().unwrap_or_else(|| Err(Failure::new("It was not read.")));
        let (system, snapshots, feature) = (next(), next(), next());
        told.push(match (system, snapshots, feature) {
            (Ok(system), Ok(snapshots), Ok(feature)) => Ok(Told { system, snapshots, feature }),
            (Err(Failure(why)), ..) => Err(format!("its guest agent does not answer ({}).", why.trim_end())),
            (_, Err(Failure(why)), _) | (.., Err(Failure(why))) => Err(why),
        });
    }
    Ok(told)
}

/// Why a guest is not queried at all.
fn obstacle(resident: &ClusterGuest) -> Option<String> {
    match (resident.guest.kind, resident.guest.status.as_str()) {
        (Kind::Container, _) => {
            Some("it is a container, and the API of Proxmox runs no programs in containers.".into())
        }
        (_, "running") => None,
        (_, status) => Some(format!("it is {status}, so its agent cannot be queried.")),
    }
}

/// The command line that updates a guest's packages.
///
/// # Errors
/// Fails with the reason why it is not updated.
fn line(told: &Told) -> Result<&'static str, String> {
    let system = told.system.get("result").unwrap_or(&told.system);
    let id = system["id"].as_str().unwrap_or_default();
    let name = system["pretty-name"].as_str().or(system["name"].as_str()).unwrap_or(id);
    if id == "mswindows" {
        return Err(format!("it runs {name}; Windows is not updated in this way."));
    }
    let Some((_, line)) = SYSTEMS.iter().find(|(ids, _)| ids.contains(&id)) else {
        return Err(format!(
            "it runs {}; only Debian, Fedora, Alpine and their derivatives are updated in this way.",
            name.escape_debug()
        ));
    };
    let mut snapshots = told.snapshots.as_array().into_iter().flatten();
    if snapshots.any(|snapshot| snapshot["name"] == SNAPSHOT) {
        return Err(format!(
            "it has a snapshot `{SNAPSHOT}` already, of an earlier update; delete it or roll back to it first."
        ));
    }
    match &told.feature["hasFeature"] {
        has if *has == 1 || *has == "1" || *has == true => Ok(line),
        _ => Err("no snapshot can be taken of it, because of one of its storages or devices.".into()),
    }
}

/// Adds the steps of one guest.
fn add(job: &mut Job, args: &Args, resident: &ClusterGuest, line: &str) -> Result<(), Failure> {
    let guest = &resident.guest;
    let place = Place::new(&guest.node, guest.kind, guest.vmid);
    let (part, title) = (job.parts.len(), guest.title());
    let seconds = args.count("timeout").unwrap_or(TIMEOUT) as u64;
    job.parts.push(title.clone());
    let mut add = |step: Step| {
        let wave = job.next_wave();
        job.steps.push(Step { wave, ..step.part(part) });
    };
    let params = Params::new().with("snapname", SNAPSHOT);
    let order = Order::new(Method::Post, place.path("/snapshot")?, &params);
    let back = Back::Rollback(place.clone(), SNAPSHOT.into(), true);
    add(Step::send(0, format!("take a snapshot of {title}"), order, 10).back(back));
    let params = Params::new().with("command", "/bin/sh").with("command", "-c").with("command", line);
    let order = Order::new(Method::Post, place.path("/agent/exec")?, &params);
    let run = Act::Exec(order, place.clone());
    let step = Step::wait(0, format!("update the packages of {title}"), run, UPDATE);
    add(step.costs("its services may restart"));
    if args.flag("reboot") == Some(true) {
        let order = Order::new(Method::Post, place.path("/status/reboot")?, &Params::new());
        add(Step::send(0, format!("reboot {title}"), order, 60).costs("interrupts it"));
    }
    let answer = Act::Answer(place.clone(), seconds);
    add(Step::wait(0, format!("check that {title} answers"), answer, 30.min(seconds)));
    if args.flag("keep_snapshot") != Some(true) {
        let order = Order::new(Method::Delete, place.path(&format!("/snapshot/{SNAPSHOT}"))?, &Params::new());
        add(Step::send(0, format!("delete the snapshot of {title}"), order, 10).own());
    }
    Ok(())
}
