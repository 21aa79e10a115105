//! Calls compared with a bare client in the same process: what the server adds to the request that it sends.

use crate::{
    cluster::Cluster,
    inside::{Bare, Inside},
    stats::{Times, heading, row, shown},
};
use serde::Deserialize;
use std::{hint::black_box, io, thread};

/// The number of requests that the server sends at once.
const WORKERS: usize = 6;

/// A guest as a typed program would deserialize it: the fields that a list shows.
#[derive(Deserialize)]
#[allow(dead_code, reason = "read for the time that it takes")]
struct Guest {
    vmid: u32,
    r#type: String,
    node: String,
    status: String,
    name: Option<String>,
    cpu: Option<f64>,
    maxcpu: Option<f64>,
    mem: Option<u64>,
    maxmem: Option<u64>,
    uptime: Option<u64>,
    tags: Option<String>,
    template: Option<u8>,
    lock: Option<String>,
    pool: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Guest>,
}

/// Measures a call that makes one small request.
pub(crate) fn small() -> io::Result<()> {
    heading("A small call (proxmox_get_version), from line in to line out, minus the raw request");
    let cluster = Cluster::start(0, false, false)?;
    let (mut ours, mut bare) = (Inside::start(&cluster)?, Bare::start(&cluster)?);
    let (mut raw, mut with) = (Times::default(), Times::default());
    let mut body = Vec::new();
    for round in 0..3300 {
        let (mut one, mut other) = (Times::default(), Times::default());
        one.time(|| bare.get("/version", &mut body))?;
        other.time(|| ours.call("proxmox_get_version", "{}"))?;
        // The first calls open the connection and start the worker.
        if 300 <= round {
            raw.append(&one);
            with.append(&other);
        }
    }
    for share in [0.5, 0.99] {
        let over = with.quantile(share) - raw.quantile(share);
        let bound = if share < 0.9 { 0.15 } else { 0.5 };
        let ratio = format!("{} against {}", shown(with.quantile(share)), shown(raw.quantile(share)));
        row(
            &format!("overhead p{:.0}, in ms", share * 100.0),
            &format!("{:.3} ms", over * 1e3),
            &ratio,
            Some((over * 1e3, bound)),
        );
    }
    let mut parallel = Times::default();
    let lines: String =
        (10..26).map(|id| crate::child::call(id, "proxmox_get_version", "{}") + "\n").collect();
    for _ in 0..100 {
        parallel.time(|| ours.many(&lines, 16))?;
    }
    let ratio = format!("{:.1} × one call", parallel.median() / with.median());
    row("16 concurrent calls", &shown(parallel.median()), &ratio, None);
    Ok(())
}

/// Lists of guests: the time in excess of the raw request, compared with parsing the same bytes into typed rows.
pub(crate) fn lists() -> io::Result<()> {
    heading("A list of guests, minus the raw request, against serde_json parsing it into typed rows");
    for guests in [40, 500, 5000] {
        let cluster = Cluster::start(guests, false, false)?;
        let mut bare = Bare::start(&cluster)?;
        let mut usual = Inside::start(&cluster)?;
        let mut whole = Inside::whole(&cluster)?;
        let (mut raw, mut parse) = (Times::default(), Times::default());
        let (mut cut, mut all) = (Times::default(), Times::default());
        let mut body = Vec::new();
        for round in 0..65 {
            let mut times = [const { Times::new() }; 4];
            times[0].time(|| bare.get("/cluster/resources?type=vm", &mut body))?;
            times[1].time(|| usual.call("proxmox_list_vms", "{}"))?;
            times[2].time(|| whole.call("proxmox_list_vms", "{}"))?;
            times[3].time(|| {
                let answer: Answer = serde_json::from_slice(&body)?;
                Ok(black_box(answer).data.len())
            })?;
            if 5 <= round {
                for (all, one) in [&mut raw, &mut cut, &mut all, &mut parse].into_iter().zip(&times) {
                    all.append(one);
                }
            }
        }
        let (raw, parse) = (raw.median(), parse.median());
        for (name, times) in [("", cut), (", not truncated", all)] {
            let over = times.median() - raw;
            let bound = (guests == 5000 && name.is_empty()).then_some((over / parse, 1.5));
            let what = format!("{guests} guests ({} KiB){name}", body.len() / 1024);
            let ratio = format!("{:.2} × parsing ({})", over / parse, shown(parse));
            row(&what, &shown(over), &ratio, bound);
        }
        row(&format!("{guests} guests, the raw request"), &shown(raw), "", None);
    }
    Ok(())
}

/// The plan of a job that empties a node with 40 of 5,000 guests, compared with the requests that it is made of.
pub(crate) fn drain() -> io::Result<()> {
    heading("The plan for draining a node with 40 of 5,000 guests, minus the raw requests");
    let mut cluster = Cluster::wide(5000, 124)?;
    let mut ours = Inside::whole(&cluster)?;
    let plan = r#"{"node":"pve50","with-local-disks":true,"dry_run":true}"#;
    ours.call("proxmox_drain_node", plan)?;
    cluster.paths()?;
    ours.call("proxmox_drain_node", plan)?;
    let paths = cluster.paths()?;
    // As many at once as the server sends.
    let mut bare = (0..WORKERS).map(|_| Bare::start(&cluster)).collect::<io::Result<Vec<_>>>()?;
    let (mut raw, mut with) = (Times::default(), Times::default());
    for _ in 0..20 {
        with.time(|| ours.call("proxmox_drain_node", plan))?;
        raw.time(|| {
            thread::scope(|scope| {
                let share = |(place, bare): (usize, &mut Bare)| {
                    let mut body = Vec::new();
                    paths.iter().skip(place).step_by(WORKERS).try_for_each(|path| bare.get(path, &mut body))
                };
                let running: Vec<_> =
                    bare.iter_mut().enumerate().map(|one| scope.spawn(move || share(one))).collect();
                running.into_iter().try_for_each(|one| {
                    one.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
                })
            })
        })?;
    }
    let over = with.median() - raw.median();
    let ratio =
        format!("{} against {} for {} requests", shown(with.median()), shown(raw.median()), paths.len());
    row("a plan, in ms", &shown(over), &ratio, Some((over * 1e3, 300.0)));
    Ok(())
}
