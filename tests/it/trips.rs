//! How many requests each tool sends, and how many of them one after the other, which determines the waiting time over
//! a slow link. They are counted by the order in which requests arrive and answers leave, not by time.

use crate::{cluster::Sample, golden::golden, requests::every_call};
use proxmox_mcp::{
    config::Access,
    demo::{self, Fault},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt, fs, path::Path, sync::Mutex, thread, time::Duration};

const GOLDEN: &str = "tests/golden/trips.txt";
/// How long each answer is delayed, so that concurrent requests arrive while the others are pending. If the machine is
/// too busy even for that, requests appear sequential, and the call is measured again with a longer delay.
const HELD: [Duration; 3] =
    [Duration::from_millis(40), Duration::from_millis(300), Duration::from_millis(1500)];
/// Calls measured at the same time; they wait most of the time.
const SIDE_BY_SIDE: usize = 12;

/// The number of requests, and the longest chain of sequential ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    requests: usize,
    steps: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.requests, self.steps)
    }
}

/// Consecutive calls on one cluster; only the last `measured` of them count.
struct Row {
    name: String,
    access: Access,
    calls: Vec<(String, Value)>,
    measured: usize,
}

/// Makes the calls; `$name` in their arguments stands for the value of that name in an earlier answer.
fn count(row: &Row, held: Duration) -> Count {
    let options = demo::Options { clock_speed: 1000.0, ..demo::Options::default() };
    let sample = Sample::with(options, |config| config.access = row.access);
    let mut told = Map::new();
    let mut before = 0;
    for (index, (name, arguments)) in row.calls.iter().enumerate() {
        if index == row.calls.len() - row.measured {
            before = sample.server.requests().len();
            sample.server.faults().add("", usize::MAX, Fault::Delay(held));
        }
        let mut arguments = arguments.clone();
        for value in arguments.as_object_mut().unwrap().values_mut() {
            if let Some(key) = value.as_str().and_then(|text| text.strip_prefix('$')) {
                *value = told.get(key).cloned().unwrap_or_else(|| panic!("no answer had {key}"));
            }
        }
        if let Ok(Value::Object(answer)) = sample.call(name, arguments) {
            told.extend(answer);
        }
    }
    sample.server.faults().clear();
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let mut polled = false;
    for request in &sample.server.requests()[before..] {
        // How often a task is polled depends on the machine; the first poll does not.
        let poll = request.path.contains("/tasks/UPID") || request.path.ends_with("/tasks");
        if poll && std::mem::replace(&mut polled, true) {
            continue;
        }
        polled = poll;
        seen.push((request.arrived, request.answered.unwrap_or(u64::MAX)));
    }
    Count { requests: seen.len(), steps: longest_chain(seen.clone()) }
}

/// The length of the longest sequence in which each request starts after the previous one has ended.
fn longest_chain(mut seen: Vec<(u64, u64)>) -> usize {
    seen.sort_by_key(|(_, end)| *end);
    let (mut steps, mut last) = (0, None);
    for (begin, end) in seen {
        if last.is_none_or(|last| last < begin) {
            (steps, last) = (steps + 1, Some(end));
        }
    }
    steps
}

fn call(name: &str, arguments: Value) -> (String, Value) {
    (name.to_owned(), arguments)
}

/// Every tool, first on a cluster that has received no requests yet, then after a list of its guests.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, arguments) in every_call() {
        let what = arguments["what"].as_str().filter(|what| !what.is_empty());
        let what =
            what.or_else(|| arguments["group"].as_str()).map_or(String::new(), |what| format!(" {what}"));
        let measured = call(&name, arguments);
        for (when, before) in [("cold", None), ("known", Some(call("proxmox_list_vms", json!({}))))] {
            rows.push(Row {
                name: format!("{name}{what}, {when}"),
                access: Access::Full,
                calls: before.into_iter().chain([measured.clone()]).collect(),
                measured: 1,
            });
        }
    }
    let list = || call("proxmox_list_vms", json!({}));
    let update = |vmid: u32| call("proxmox_update_vm_config", json!({"vmid": vmid, "config": {"cores": 3}}));
    let row = |name: &str, calls: Vec<(String, Value)>, measured| Row {
        name: name.to_owned(),
        access: Access::Standard,
        calls,
        measured,
    };
    let delete = |more: Value| {
        let mut arguments = json!({"vmid": 101});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call("proxmox_delete_vm", arguments)
    };
    let confirmed = || delete(json!({"confirm": "$confirm"}));
    rows.push(row("delete a VM, both calls, cold", vec![delete(json!({})), confirmed()], 2));
    rows.push(row("delete a VM, both calls, known", vec![list(), delete(json!({})), confirmed()], 2));
    rows.push(row("update a running VM, known", vec![list(), update(105)], 1));
    rows.push(row("update a VM that was just changed, known", vec![list(), update(100), update(100)], 1));
    rows.push(row("list VMs after one change", vec![update(100), list()], 1));
    let changes = vec![update(100), update(101), update(105), list()];
    rows.push(row("list VMs after changes of three", changes, 1));
    let start = call("proxmox_start_vm", json!({"vmid": 100}));
    rows.push(row("start a VM after changes of others", vec![list(), update(101), update(105), start], 1));
    let undo = vec![list(), update(100), call("proxmox_undo", json!({"id": 1}))];
    rows.push(row("undo an update", undo, 1));
    rows
}

/// The numbers in the file for each row.
fn expected() -> BTreeMap<String, Count> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN)).unwrap_or_default();
    let read = |line: &str| {
        let (name, count) = line.split_once(": ")?;
        let (requests, steps) = count.split_once(" in ")?;
        Some((name.to_owned(), Count { requests: requests.parse().ok()?, steps: steps.parse().ok()? }))
    };
    text.lines().filter_map(read).collect()
}

#[test]
fn no_tool_sends_more_requests_or_waits_for_more_of_them_than_it_must() {
    let (rows, expected) = (rows(), expected());
    let work = Mutex::new(rows.iter().enumerate());
    let counts = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next();
                    let Some((index, row)) = next else { return };
                    let mut found = count(row, HELD[0]);
                    for held in &HELD[1..] {
                        if expected.get(&row.name) == Some(&found) {
                            break;
                        }
                        found = count(row, *held);
                    }
                    counts.lock().unwrap().insert(index, found);
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    let lines: Vec<String> =
        rows.iter().enumerate().map(|(index, row)| format!("{}: {}\n", row.name, counts[&index])).collect();
    golden(GOLDEN, &lines.concat());
}

#[test]
fn a_chain_is_what_follows_each_other() {
    for (seen, steps) in [
        (vec![], 0),
        (vec![(0, 1), (2, 3), (4, 5)], 3),
        (vec![(0, 3), (1, 2)], 1),
        (vec![(0, 2), (1, 4), (3, 6), (5, 7)], 2),
        (vec![(0, u64::MAX), (1, 2), (3, 4)], 2),
    ] {
        assert_eq!(longest_chain(seen.clone()), steps, "{seen:?}");
    }
}
