//! SIGTERM and SIGINT while calls are running.

use crate::long::{call, demo, initialize};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
};

/// A backup of some minutes is running, and a call waits behind it when the input has ended.
#[test]
fn signals_answer_what_is_under_way_before_and_after_the_end_of_the_input() {
    for (signal, code, ended) in
        [(Signal::TERM, 143, false), (Signal::INT, 130, false), (Signal::TERM, 143, true)]
    {
        let mut server = demo();
        let mut input = server.stdin.take().unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let mut line = || {
            let mut text = String::new();
            output.read_line(&mut text).unwrap();
            serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
        };
        let mut backup =
            call(1, "proxmox_create_backup", json!({"vmid": 106, "storage": "shared", "wait": 600}));
        backup["params"]["_meta"] = json!({"progressToken": "backup"});
        let mut script = format!("{}\n{backup}\n", initialize());
        if ended {
            script += &format!("{}\n", call(2, "proxmox_start_vm", json!({"vmid": 100})));
        }
        input.write_all(script.as_bytes()).unwrap();
        let input = Some(input).filter(|_| !ended);
        assert_eq!(line()["id"], 0);
        assert_eq!(line()["method"], "notifications/progress", "the wait has begun");
        kill_process(Pid::from_child(&server), signal).unwrap();
        let mut answers = BTreeMap::new();
        loop {
            match line() {
                Value::Null => break,
                message if message.get("method").is_some() => {}
                message => assert_eq!(answers.insert(message["id"].as_u64(), message), None),
            }
        }
        let cut = &answers[&Some(1)]["result"]["structuredContent"];
        assert_eq!(cut["task"], "running", "{answers:?}");
        assert!(cut["upid"].as_str().unwrap().contains(":vzdump:106:"), "{answers:?}");
        assert_eq!(answers.len(), 1 + usize::from(ended), "{answers:?}");
        if ended {
            let late = answers[&Some(2)]["error"]["message"].as_str().unwrap();
            assert!(late.contains("nothing was done"), "{late}");
        }
        assert_eq!(server.wait().unwrap().code(), Some(code), "{signal:?}");
        drop(input);
        let mut err = String::new();
        server.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(err, "");
    }
}
