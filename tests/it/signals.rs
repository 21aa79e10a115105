//! The end of input, SIGTERM and SIGINT while a call is under way.

use crate::long::{call, initialize};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

/// The binary over the sample cluster, a backup of some minutes under way in it.
#[test]
fn the_end_of_input_and_signals_answer_what_is_under_way() {
    for (signal, code) in [(None, 0), (Some(Signal::TERM), 143), (Some(Signal::INT), 130)] {
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
                kill_process(Pid::from_child(&server), signal).unwrap();
            }
        }
        let cut = line();
        assert_eq!(cut["id"], 1, "{cut}");
        assert_eq!(cut["result"]["structuredContent"]["status"], "running", "{cut}");
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
