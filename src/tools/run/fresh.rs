//! The state of guests that were changed a moment ago. The cluster's inventory is up to 10 s old (pve.md section 6),
//! so a list right after a start would still show the guest stopped: those few are looked at themselves.

use crate::{
    pve::Reply,
    sync::lock,
    tools::{
        answer::{Failure, record::Record, rows},
        run::{context::Context, find::is_guest},
    },
};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long after a change the inventory is not believed: one cycle of 10 s and some more for its way here.
const BEHIND: Duration = Duration::from_secs(15);
/// Guests that are looked at for one list; beyond it the list is as Proxmox gives it.
const MOST: usize = 32;
/// What the inventory calls it, and what a guest's own status calls it.
const COLUMNS: [(&str, &str); 9] = [
    ("status", "status"),
    ("cpu", "cpu"),
    ("maxcpu", "cpus"),
    ("mem", "mem"),
    ("maxmem", "maxmem"),
    ("disk", "disk"),
    ("maxdisk", "maxdisk"),
    ("uptime", "uptime"),
    ("lock", "lock"),
];

/// The guests that were changed a moment ago, by VMID, with the time of it.
#[derive(Debug, Default)]
pub struct Fresh(Mutex<HashMap<i64, Instant>>);

impl Fresh {
    /// These have just been changed.
    pub fn changed(&self, vmids: &[i64]) {
        if !vmids.is_empty() {
            let now = Instant::now();
            lock(&self.0).extend(vmids.iter().map(|vmid| (*vmid, now)));
        }
    }

    /// Whether the inventory may be wrong about it.
    fn has(&self, vmid: &str) -> bool {
        let Ok(vmid) = vmid.parse() else { return false };
        lock(&self.0).get(&vmid).is_some_and(|changed| changed.elapsed() < BEHIND)
    }

    /// Whether there is any such guest at all.
    fn any(&self) -> bool {
        let mut changed = lock(&self.0);
        changed.retain(|_, changed| changed.elapsed() < BEHIND);
        !changed.is_empty()
    }
}

/// The rows of `/cluster/resources`, those of guests changed a moment ago as the guests themselves say.
///
/// # Errors
/// The answer is no list.
pub fn inventory<'a>(context: &Context<'_>, reply: &'a Reply) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    if context.fresh.any() {
        correct(context, &mut records);
    }
    Ok(records)
}

fn correct(context: &Context<'_>, records: &mut [Record<'_>]) {
    let stale: Vec<&mut Record<'_>> = records
        .iter_mut()
        .filter(|record| is_guest(record) && context.fresh.has(&record.text("vmid")))
        .take(MOST)
        .collect();
    let value_of = |record: &Record<'_>, hole: &str| Some(record.text(hole).into_owned());
    let paths: Vec<String> = stale
        .iter()
        .filter_map(|record| {
            let template = "/nodes/{node}/{type}/{vmid}/status/current";
            crate::pve::path::fill(template, |hole| value_of(record, hole)).ok()
        })
        .collect();
    if paths.len() != stale.len() {
        return;
    }
    for (record, reply) in stale.into_iter().zip(context.get_each(&paths, &crate::pve::Params::new())) {
        // A guest that cannot be asked (it is moving, or gone) stays as the inventory has it.
        let Ok(Value::Object(status)) = reply.map(|reply| reply.value()) else { continue };
        apply(record, &status);
    }
}

fn apply(record: &mut Record<'_>, status: &Map<String, Value>) {
    for (name, own) in COLUMNS {
        match status.get(own) {
            Some(value) => record.set(name, value.to_string()),
            None if record.has(name) => record.set(name, "null"),
            None => {}
        }
    }
}
