//! Every tool of the predecessors of this server still works, with the arguments that it had there.

use crate::cluster::Sample;
use proxmox_mcp::mcp::{Order, Toolbox};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names, parameters and types of the predecessors' tools, by predecessor.
const PREDECESSORS: &str = include_str!("../data/predecessors.json");

fn value(tool: &str, param: &str, kind: &str) -> Value {
    let container = ["lxc", "container", "ct_"].iter().any(|word| tool.contains(word));
    match param {
        "vmid" | "source_vmid"
            if tool.contains("create") && !tool.contains("snapshot") && !tool.contains("backup") =>
        {
            json!(950)
        }
        "vmid" | "source_vmid" if tool.contains("restore") => json!(951),
        "vmid" | "source_vmid" if kind == "string" => json!(if container { "200" } else { "100" }),
        "vmid" | "source_vmid" => json!(if container { 200 } else { 100 }),
        "new_vmid" => json!(952),
        "node" | "node_name" => json!("pve1"),
        "target_node" => json!("pve2"),
        "storage" | "storage_id" | "target_storage" => json!("shared"),
        "backup_file" => json!("vzdump-qemu-100-2026_11_20-01_00_00.vma.zst"),
        "upid" => json!("UPID:pve1:00000001:00000001:69000000:qmstart:100:root@pam:"),
        "action" => json!("start"),
        "config_changes" => json!({"description": "changed"}),
        "ostemplate" => json!("shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst"),
        "disk_size" => json!("8G"),
        "cores" => json!("2"),
        "memory" => json!("512"),
        "mode" => json!("snapshot"),
        "compress" => json!("zstd"),
        "bridge" => json!("vmbr0"),
        "vm_type" => json!("qemu"),
        "snapname" | "name" | "new_name" => json!("old-name"),
        "resource_pool" => json!("dev"),
        "pid" => json!(1),
        "since" => json!("yesterday"),
        _ => match kind {
            "integer" => json!(5),
            "boolean" => json!(true),
            "object" => json!({}),
            _ => json!("text"),
        },
    }
}

/// The calls for every old name.
pub fn every_call() -> impl Iterator<Item = (String, Value)> {
    calls().into_iter().map(|(name, arguments)| (name, Value::Object(arguments)))
}

/// Every tool with each set of arguments that one of the predecessors used.
fn calls() -> Vec<(String, Map<String, Value>)> {
    let systems: BTreeMap<String, Vec<Value>> = serde_json::from_str(PREDECESSORS).unwrap();
    let mut calls = Vec::new();
    for tool in systems.values().flatten() {
        let name = tool["name"].as_str().unwrap();
        let params = tool["params"].as_array().unwrap();
        let arguments = params.iter().map(|param| {
            let (param, kind) = (param["name"].as_str().unwrap(), param["type"].as_str().unwrap());
            (param.to_owned(), value(name, param, kind))
        });
        calls.push((name.to_owned(), arguments.collect()));
    }
    calls
}

#[test]
fn old_names_and_arguments_are_understood() {
    let calls = calls();
    let mut names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 139);
    let mut problems = Vec::new();
    for (name, arguments) in &calls {
        let sample = Sample::start();
        if let Err(problem) = sample.tools.order(name, arguments) {
            problems.push(format!("{name}: {problem}"));
            continue;
        }
        if let Err(sentences) = sample.call(name, arguments.clone().into()) {
            let misread =
                ["There is no argument", "is missing; it must be", "but it must be", "There is no tool"];
            if misread.iter().any(|words| sentences.contains(words)) {
                problems.push(format!("{name} {arguments:?}: {sentences}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn old_names_take_their_turn_and_their_meaning_from_what_they_do() {
    let sample = Sample::start();
    let order = |name: &str, arguments: Value| sample.tools.order(name, arguments.as_object().unwrap());
    assert_eq!(order("get_vms", json!({})), Ok(Order::Read));
    assert_eq!(order("manage_vm", json!({"action": "stop"})), Ok(Order::Change));
    assert_eq!(order("manage_vm", json!({"action": "status"})), Ok(Order::Read));
    assert!(order("no_such_name", json!({})).is_err());
    let users = sample.ok("list_users", json!({}));
    assert_eq!(users["columns"][0], "userid");
    let started = sample.ok("manage_lxc", json!({"node_name": "pve1", "vmid": 200, "action": "START"}));
    assert_eq!(started["exitstatus"], "OK");
    let plan = sample.ok("delete_vm", json!({"node_name": "pve1", "vmid": 100}));
    assert!(plan["confirm"].is_string(), "an old name is no way around confirmation: {plan}");
}
