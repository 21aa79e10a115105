//! Long work: order, failures with their reasons, the end of input and signals with calls under way, many calls.

use crate::cluster::{Sample, column, session};
use proxmox_mcp::demo;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
}

fn call(id: usize, name: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

fn answer(answers: &[Value], id: usize) -> &Value {
    answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("no answer to {id}"))
}

#[test]
fn lists_show_the_changes_piped_before_them_in_every_run() {
    let sample = Sample::with(demo::Options { clock_speed: 500.0, ..demo::Options::default() }, |_| {});
    for run in 0..200 {
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

/// The binary over the sample cluster, a backup of some minutes under way in it.
#[test]
fn the_end_of_input_and_signals_answer_what_is_under_way() {
    for (signal, code) in [(None, 0), (Some("-TERM"), 143), (Some("-INT"), 130)] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_proxmox-mcp"))
            .arg("demo")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = server.stdin.take().unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let mut line = || {
            let mut text = String::new();
            output.read_line(&mut text).unwrap();
            serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
        };
        writeln!(input, "{}", initialize()).unwrap();
        assert_eq!(line()["id"], 0);
        writeln!(
            input,
            "{}",
            call(1, "proxmox_create_backup", json!({"vmid": 106, "storage": "shared", "wait": 600}))
        )
        .unwrap();
        // A reading call comes after the backup was submitted: by its answer the wait has begun.
        writeln!(input, "{}", call(2, "proxmox_get_version", json!({}))).unwrap();
        assert_eq!(line()["id"], 2);
        match signal {
            None => drop(input),
            Some(signal) => {
                let sent = Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
                assert!(sent.success());
            }
        }
        let cut = line();
        assert_eq!(cut["id"], 1, "{cut}");
        assert_eq!(cut["result"]["structuredContent"]["task"], "running", "{cut}");
        assert!(
            cut["result"]["structuredContent"]["upid"].as_str().unwrap().contains(":vzdump:106:"),
            "{cut}"
        );
        assert_eq!(line(), Value::Null, "nothing after the last answer");
        assert_eq!(server.wait().unwrap().code(), Some(code), "{signal:?}");
        let mut err = String::new();
        server.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(err, "");
    }
}
