//! Long-running work: order, failures with their reasons, many calls.

use crate::cluster::{Sample, column, session};
use proxmox_mcp::demo;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::Write,
    process::{Child, Command, Stdio},
};

pub fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
}

pub fn call(id: usize, name: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

fn answer(answers: &[Value], id: usize) -> &Value {
    answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("no answer to {id}"))
}

#[test]
fn lists_show_the_changes_piped_before_them_in_every_run() {
    let sample = Sample::with(demo::Options { clock_speed: 500.0, ..demo::Options::default() }, |_| {});
    for run in 0..25 {
        let answers = session(
            &sample,
            &[
                initialize(),
                call(1, "proxmox_start_vm", json!({"vmid": 100})),
                call(2, "proxmox_list_vms", json!({"where": "vmid=100"})),
                call(3, "proxmox_stop_vm", json!({"vmid": 100})),
                call(4, "proxmox_list_vms", json!({"where": "vmid=100"})),
            ],
        );
        for (id, expected) in [(2, "running"), (4, "stopped")] {
            let list = &answer(&answers, id)["result"]["structuredContent"];
            assert_eq!(column(list, "status"), [expected], "run {run}, call {id}: {answers:?}");
        }
    }
}

#[test]
fn a_failed_task_tells_its_reason() {
    let sample = Sample::start();
    for (tool, arguments, reason) in [
        ("proxmox_start_vm", json!({"vmid": 106}), "already running"),
        ("proxmox_stop_container", json!({"vmid": 200}), "not running"),
        ("proxmox_delete_vm", json!({"vmid": 106}), "running"),
        ("proxmox_create_vm", json!({"node": "pve1", "iso": "shared:iso/none.iso"}), "none.iso"),
        ("proxmox_create_vm", json!({"node": "pve1", "storage": "nowhere", "disk_size": 4}), "nowhere"),
    ] {
        let mut arguments = arguments;
        if tool.contains("delete") {
            arguments["confirm"] = sample.ok(tool, arguments.clone())["confirm"].clone();
        }
        sample.fails(tool, arguments, &[reason]);
    }
}

#[test]
fn ten_thousand_piped_requests_are_answered_once_each() {
    let sample = Sample::start();
    let mut messages = vec![initialize()];
    for id in 1..=10_000 {
        messages.push(match id % 10 {
            0 => call(id, "proxmox_get_version", json!({})),
            5 => json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}),
            _ => json!({"jsonrpc": "2.0", "id": id, "method": "ping"}),
        });
    }
    let answers = session(&sample, &messages);
    let ids: BTreeSet<u64> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!((answers.len(), ids.len()), (10_001, 10_001));
    assert!(answers.iter().all(|answer| answer.get("error").is_none()));
}

/// The binary with a sample cluster of its own.
pub fn demo() -> Child {
    crate::setup_box::bare(Command::new(env!("CARGO_BIN_EXE_proxmox-mcp")).arg("demo"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_piped_script_does_what_it_says_every_time() {
    let script: Vec<String> = [
        initialize(),
        call(1, "proxmox_start_vm", json!({"vmid": 100})),
        call(2, "proxmox_list_vms", json!({"where": "vmid=100"})),
        call(3, "proxmox_stop_vm", json!({"vmid": 100})),
        call(4, "proxmox_list_vms", json!({"where": "vmid=100"})),
    ]
    .iter()
    .map(|message| format!("{message}\n"))
    .collect();
    // All at the same time: they spend it waiting for tasks of their clusters.
    let servers: Vec<Child> = (0..20)
        .map(|_| {
            let mut server = demo();
            server.stdin.take().unwrap().write_all(script.concat().as_bytes()).unwrap();
            server
        })
        .collect();
    for (run, server) in servers.into_iter().enumerate() {
        let ended = server.wait_with_output().unwrap();
        let answers = lines(&String::from_utf8(ended.stdout).unwrap());
        assert_eq!(ended.status.code(), Some(0), "run {run}: {answers:?}");
        assert_eq!(answers.len(), 5, "run {run}: {answers:?}");
        for id in [1, 3] {
            let task = &answer(&answers, id)["result"]["structuredContent"];
            assert_eq!(task["exitstatus"], "OK", "run {run}, call {id}: {answers:?}");
        }
        for (id, expected) in [(2, "running"), (4, "stopped")] {
            let list = &answer(&answers, id)["result"]["structuredContent"];
            assert_eq!(column(list, "status"), [expected], "run {run}, call {id}: {answers:?}");
        }
    }
}
