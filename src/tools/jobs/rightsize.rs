//! Finds over- and undersized guests by the metrics of a month, as a table with the change that each needs; on request,
//! applies the changes as one plan.

use crate::{
    counted::counted,
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome, rows},
        jobs::{
            chosen, engine,
            job::Job,
            read::{self, Cluster, ClusterGuest},
            step::{Back, Order, Place, Step},
        },
        param::{Kind, Param},
        run::{Args, Context},
    },
};
use serde_json::{Map, Value, json};

/// Parameters of rightsizing.
pub const PARAMS: &[Param] = &[
    chosen::VMID,
    chosen::POOL,
    chosen::TAG,
    Param::flag("apply").optional(),
    Param::int("limit", 1, 200).unlisted(),
];

/// How many guests are examined by default, at most.
const LIMIT: usize = 50;
/// The least number of data points for a result.
const FEWEST: usize = 24;
/// A guest that uses a smaller share than `IDLE` has too much, one that uses a larger share than [`BUSY`] too little;
/// [`GOOD`] is the share that it should use.
const IDLE: f64 = 0.35;
/// See [`IDLE`].
const BUSY: f64 = 0.85;
/// See [`IDLE`].
const GOOD: f64 = 0.6;
/// Memory is assigned in multiples of so many MiB.
const STEP: u64 = 256;

/// What a guest has used, and the size it should have.
struct Sized<'a> {
    resident: &'a ClusterGuest,
    /// The number of busy cores that was not exceeded for 95 % of the time.
    cores: f64,
    /// The most memory that it used, in MiB.
    peak: u64,
    wanted_cores: u64,
    wanted_memory: u64,
}

impl Sized<'_> {
    fn memory(&self) -> u64 {
        self.resident.memory >> 20
    }

    fn had_cores(&self) -> u64 {
        whole(self.resident.cpus)
    }

    fn changes(&self) -> bool {
        self.wanted_cores != self.had_cores() || self.wanted_memory != self.memory()
    }

    fn row(&self) -> Value {
        let guest = &self.resident.guest;
        let mut change = Vec::new();
        if self.wanted_cores != self.had_cores() {
            change.push(format!("cores {} to {}", self.had_cores(), self.wanted_cores));
        }
        if self.wanted_memory != self.memory() {
            change.push(format!("memory {} to {}", self.memory(), self.wanted_memory));
        }
        let busy = (self.cores * 100.0).round() / 100.0;
        json!([
            guest.vmid,
            guest.name,
            guest.node,
            self.had_cores(),
            busy,
            self.memory(),
            self.peak,
            change.join(", ")
        ])
    }
}

/// Returns the table, or plans and applies the changes.
///
/// # Errors
/// Fails if no guest matches or a step fails.
pub fn rightsize(context: &Context<'_>, args: &Args) -> Outcome {
    let cluster = read::cluster(context)?;
    let (residents, left) = guests(args, &cluster)?;
    let running: Vec<&ClusterGuest> =
        residents.iter().copied().filter(|one| one.guest.status == "running").collect();
    let (sized, silent) = measure(context, &running)?;
    let sized: Vec<Sized<'_>> = sized.into_iter().filter(Sized::changes).collect();
    let mut notes = Vec::new();
    notes.extend(left);
    let off = residents.len() - running.len();
    if 0 < off {
        notes.push(format!("Not examined because not running: {}.", counted(off, "guest")));
    }
    if !silent.is_empty() {
        notes.push(format!("Too few metrics for: {}.", silent.join(", ")));
    }
    if args.flag("apply") == Some(true) {
        return apply(context, args, &sized, notes);
    }
    let mut facts = Map::from_iter([
        (
            "columns".to_owned(),
            json!(["vmid", "name", "node", "cores", "cores_used", "memory", "memory_peak", "change"]),
        ),
        ("rows".to_owned(), sized.iter().map(Sized::row).collect()),
        ("total".to_owned(), sized.len().into()),
        ("looked_at".to_owned(), running.len().into()),
    ]);
    if !notes.is_empty() {
        facts.insert("notes".into(), json!(notes));
    }
    context.fit(facts)
}

/// The guests that the call names: all, if none are named.
fn guests<'a>(args: &Args, cluster: &'a Cluster) -> Result<(Vec<&'a ClusterGuest>, Option<String>), Failure> {
    if ["vmid", "pool", "tag"].iter().any(|name| args.get(name).is_some()) {
        return chosen::guests(args, cluster);
    }
    let mut all: Vec<&ClusterGuest> = cluster.guests.iter().filter(|one| !one.template).collect();
    all.sort_by_key(|one| (one.guest.status != "running", one.guest.vmid));
    let left = all.split_off(args.count("limit").unwrap_or(LIMIT).min(all.len()));
    let told = (!left.is_empty())
        .then(|| format!("{} more guests are left out; name a pool or tag, or raise `limit`.", left.len()));
    Ok((all, told))
}

/// Reads in parallel what the guests have used; and returns those with too few metrics.
fn measure<'a>(
    context: &Context<'_>,
    residents: &[&'a ClusterGuest],
) -> Result<(Vec<Sized<'a>>, Vec<String>), Failure> {
    let paths: Vec<String> = residents
        .iter()
        .map(|one| Ok(format!("{}/rrddata", one.guest.path()?)))
        .collect::<Result<_, Failure>>()?;
    let params = Params::new().with("timeframe", "month").with("cf", "AVERAGE");
    let (mut sized, mut silent) = (Vec::new(), Vec::new());
    for (resident, reply) in residents.iter().zip(context.get_each(&paths, &params)) {
        let reply = reply?;
        let records = rows(&reply)?;
        let points = |key: &str| -> Vec<f64> {
            records.iter().filter_map(|record| record.number(key)).filter(|value| value.is_finite()).collect()
        };
        let (mut cpu, memory) = (points("cpu"), points("mem"));
        if cpu.len() < FEWEST || memory.len() < FEWEST {
            silent.push(resident.guest.title());
            continue;
        }
        cpu.sort_by(f64::total_cmp);
        let cores = cpu[(cpu.len() - 1) * 95 / 100] * resident.cpus;
        let peak = whole(memory.iter().copied().fold(0.0, f64::max)) >> 20;
        sized.push(Sized {
            resident,
            cores,
            peak,
            wanted_cores: better_cores(resident.cpus, cores),
            wanted_memory: better_memory(resident.memory >> 20, peak, resident.guest.kind),
        });
    }
    Ok((sized, silent))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "neither is negative nor huge")]
fn whole(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

/// The number of cores that a guest should have if it keeps `busy` of them busy.
fn better_cores(has: f64, busy: f64) -> u64 {
    let share = if 0.0 < has { busy / has } else { GOOD };
    let better = whole((busy / GOOD).ceil()).max(1);
    match (share < IDLE, BUSY < share) {
        (true, _) => better.min(whole(has)),
        (_, true) => better.max(whole(has)),
        _ => whole(has),
    }
}

/// The memory that a guest should have if it has used at most `peak`, in MiB.
#[allow(clippy::cast_precision_loss, reason = "MiB")]
fn better_memory(has: u64, peak: u64, kind: Kind) -> u64 {
    let least = if kind == Kind::Vm { 2 * STEP } else { STEP / 2 };
    let share = peak as f64 / has.max(1) as f64;
    let better = whole(peak as f64 / GOOD).div_ceil(STEP).max(1) * STEP;
    match (share < IDLE, BUSY < share) {
        (true, _) => better.max(least).min(has),
        (_, true) => better.max(has),
        _ => has,
    }
}

/// Applies the changes, as one plan.
fn apply(context: &Context<'_>, args: &Args, sized: &[Sized<'_>], notes: Vec<String>) -> Outcome {
    if sized.is_empty() {
        return Err(Failure::new("No guest needs another size for what it has used. Nothing was done."));
    }
    let residents: Vec<&ClusterGuest> = sized.iter().map(|one| one.resident).collect();
    let configs = read::configs(context, &residents)?;
    let mut job = Job::new("proxmox_rightsize", "rightsize");
    job.notes = notes;
    let mut vms = 0;
    for (one, config) in sized.iter().zip(&configs) {
        let guest = &one.resident.guest;
        let place = Place::new(&guest.node, guest.kind, guest.vmid);
        vms += usize::from(guest.kind == Kind::Vm);
        let sockets = config.get("sockets").and_then(number).unwrap_or(1).max(1);
        let (mut params, mut before, mut gone) = (Params::new(), Params::new(), Vec::new());
        let mut set = |key: &'static str, value: u64| {
            params.push(key, value);
            match config.get(key).and_then(number) {
                Some(old) => before.push(key, old),
                None => gone.push(key),
            }
        };
        if one.wanted_cores != one.had_cores() {
            set("cores", one.wanted_cores.div_ceil(sockets));
        }
        if one.wanted_memory != one.memory() {
            set("memory", one.wanted_memory);
            // The balloon may not be larger than the memory.
            if config.get("balloon").and_then(number).is_some_and(|least| one.wanted_memory < least) {
                set("balloon", one.wanted_memory);
            }
        }
        if !gone.is_empty() {
            before.push("delete", gone.join(","));
        }
        let path = place.path("/config")?;
        let what = format!("set the size of {}", guest.title());
        let digest = config.get("digest").and_then(Value::as_str).unwrap_or_default();
        job.identity.push_str(&format!("{} {} {digest};", guest.vmid, guest.node));
        let step = Step::send(job.next_wave(), what, Order::new(Method::Put, path.clone(), &params), 2);
        job.steps.push(step.back(Back::Send(Order::new(Method::Put, path, &before))));
    }
    if 0 < vms {
        job.notes.push(format!("The new sizes of {} take effect at the next start.", counted(vms, "VM")));
    }
    job.sentence = format!("Fit the cores and memory of {} to past use.", counted(sized.len(), "guest"));
    job.ending = job.notes.join(" ");
    engine::begin(context, args, job)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_what_was_used() {
        for (has, busy, expected) in
            [(8.0, 0.5, 1), (8.0, 2.0, 4), (8.0, 4.0, 8), (2.0, 1.9, 4), (1.0, 0.1, 1)]
        {
            assert_eq!(better_cores(has, busy), expected, "{has} {busy}");
        }
        for (has, peak, kind, expected) in [
            (8192, 1000, Kind::Vm, 1792),
            (8192, 100, Kind::Vm, 512),
            (8192, 4000, Kind::Vm, 8192),
            (1024, 1000, Kind::Vm, 1792),
            (512, 20, Kind::Container, 256),
            (128, 20, Kind::Container, 128),
        ] {
            assert_eq!(better_memory(has, peak, kind), expected, "{has} {peak}");
        }
    }
}
