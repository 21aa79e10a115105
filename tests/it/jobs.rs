//! Jobs on the sample cluster: planned, carried out, broken at every step, interrupted and resumed.

mod broken;
mod calls;
mod cut;
mod drain;
mod guards;
mod provision;
mod restore;
mod rightsize;
mod update;

use crate::cluster::{Sample, column};
use proxmox_mcp::{config::Config, demo, pve::Trust};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Limit in bytes of a plan of ten steps, and of the answer of a finished job: a token is about four bytes.
const PLAN: usize = 2400;
const ANSWER: usize = 1200;

/// A cluster on which every task ends at once.
fn quick(change: impl FnOnce(&mut Config)) -> Sample {
    at_speed(1e4, change)
}

/// A cluster on which tasks take their normal time, unless its clock is moved.
fn slow(change: impl FnOnce(&mut Config)) -> Sample {
    at_speed(1.0, change)
}

fn at_speed(clock_speed: f64, change: impl FnOnce(&mut Config)) -> Sample {
    let options = demo::Options { clock_speed, gzip: false, ..demo::Options::default() };
    Sample::with(options, |config| {
        config.settings_mut().trust = Trust::Anything;
        change(config);
    })
}

/// Every guest: its name, node and state, and its configuration without the values that every change alters.
fn guests(sample: &Sample) -> BTreeMap<i64, String> {
    sample.server.skip(600.0);
    let mut all = BTreeMap::new();
    for (tool, kind) in [("proxmox_list_vms", "qemu"), ("proxmox_list_containers", "lxc")] {
        let list = sample.ok(tool, json!({"fields": "vmid,name,node,status"}));
        for row in list["rows"].as_array().unwrap() {
            let (vmid, node) = (row[0].as_i64().unwrap(), row[2].as_str().unwrap());
            let path = format!("/nodes/{node}/{kind}/{vmid}/config");
            let mut config = sample.ok("proxmox_get_api", json!({"path": path}));
            config.as_object_mut().unwrap().remove("digest");
            all.insert(vmid, format!("{row} {config}"));
        }
    }
    all
}

/// The volumes on the storage that all nodes share.
fn volumes(sample: &Sample) -> Vec<Value> {
    let list = sample.ok("proxmox_list_storage_content", json!({"storage": "shared", "limit": 1000}));
    let mut volumes = column(&list, "volid");
    volumes.sort_by_key(Value::to_string);
    volumes
}

/// `METHOD /path` of each step of a plan; `None` for a step that only waits.
fn requests(plan: &Value) -> Vec<Option<String>> {
    let line = |step: &Value| {
        let step = step.as_str().unwrap();
        ["POST", "PUT", "DELETE"].iter().find_map(|method| {
            let (_, after) = step.split_once(&format!(": {method} "))?;
            Some(format!("{method} {}", after.split([' ', ';']).next()?))
        })
    };
    plan["steps"].as_array().unwrap().iter().map(line).collect()
}

/// The requests that change something, in order.
fn changes(sample: &Sample) -> Vec<String> {
    sample.wire().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

fn with(arguments: &Value, more: Value) -> Value {
    let mut arguments = arguments.clone();
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    arguments
}
