//! The binary itself: standard input and output, exit codes, the environment.

use crate::setup_box::bare;
use serde_json::Value;
use std::{
    io::{Read, Write},
    process::{Command, Output, Stdio},
};

/// The binary, without any of this machine's configuration.
fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxmox-mcp"));
    bare(command.args(arguments)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).expect("nothing but JSON on stdout")).collect()
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const LIST_VMS: &str =
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"proxmox_list_vms"}}"#;

#[test]
fn a_piped_session_against_the_sample_cluster_is_answered_whole() {
    let output = run(binary(&["demo"]), &format!("{INITIALIZE}\n{LIST_VMS}"));
    let answers = lines(&output);
    assert_eq!(answers.len(), 2, "{output:?}");
    assert_eq!(answers[0]["result"]["serverInfo"]["name"], "proxmox-mcp");
    assert!(10 <= answers[1]["result"]["structuredContent"]["total"].as_u64().unwrap());
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_file_says_what_tools_may_do_on_the_sample_cluster() {
    let file = std::env::temp_dir().join(format!("proxmox-mcp-demo-{}.json", std::process::id()));
    // This host cannot be reached.
    let text = r#"{"host": "pve.invalid", "token_id": "a@pve!b", "token_secret": "c", "toolsets": ["undo"], "access": "read-only"}"#;
    std::fs::write(&file, text).unwrap();
    let mut command = binary(&["demo"]);
    command.arg("--config").arg(&file);
    let list = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;
    let output = run(command, &format!("{INITIALIZE}\n{list}\n{LIST_VMS}\n"));
    std::fs::remove_file(&file).unwrap();
    let answers = lines(&output);
    let result = |id: u64| &answers.iter().find(|answer| answer["id"] == id).unwrap()["result"];
    assert!(result(1)["instructions"].as_str().unwrap().contains("read-only"), "{output:?}");
    assert_eq!(result(3)["tools"].as_array().unwrap().len(), 0, "undo changes something");
    assert!(result(2)["structuredContent"]["total"].is_u64(), "{output:?}");
}

#[test]
fn without_or_with_a_wrong_configuration_the_server_starts_and_says_what_to_do() {
    let list = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-binary-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let wrong = folder.join("wrong.json");
    std::fs::write(&wrong, r#"{"hots": "pve1"}"#).unwrap();
    for (config, words) in [
        (None, &["not configured yet", "PROXMOX_HOST"][..]),
        (Some(&wrong), &["`hots`", "Did you mean `host`?", "wrong.json"]),
    ] {
        let mut command = binary(&[]);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let output = run(command, &format!("{INITIALIZE}\n{list}\n{LIST_VMS}\n"));
        let answers = lines(&output);
        assert_eq!(answers.len(), 3, "{output:?}");
        let call = answers.iter().find(|answer| answer["id"] == 2).unwrap();
        assert_eq!(call["result"]["isError"], true);
        let text = call["result"]["content"][0]["text"].as_str().unwrap();
        for word in words {
            assert!(text.contains(word), "`{text}` lacks `{word}`");
        }
        assert_eq!(output.status.code(), Some(0));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn commands_print_json_and_pick_exit_codes() {
    for (arguments, code, stdout, stderr) in [
        (&["--version"][..], 0, concat!("proxmox-mcp ", env!("CARGO_PKG_VERSION")), ""),
        (&["--help"], 0, "Usage: proxmox-mcp", ""),
        (&["demo", "tools"], 0, "\"proxmox_list_vms\"", ""),
        (&["demo", "call", "proxmox_get_version"], 0, "\"release\":\"9.2\"", ""),
        (&["demo", "call", "proxmox_list_vms", "status=running", "limit:=1"], 0, "\"rows\":[[", ""),
        (&["demo", "call", "proxmox_get_vm_info", "vmid=9999"], 1, "", "There is no VM 9999"),
        (&["demo", "call", "proxmox_get_vm_info", "vmid"], 2, "", "key=value"),
        (&["demo", "call", "proxmox_get_vm_info", "vmid:=x"], 2, "", "not JSON"),
        (&["demo", "call", "proxmox_list_vm"], 2, "", "proxmox_list_vms"),
        (&["call"], 2, "", "needs the name of a tool"),
        (&["serv"], 2, "", "Did you mean `serve`?"),
        (&["--lenien"], 2, "", "Did you mean `--lenient`?"),
        (&["--log", "loud"], 2, "", "error, warn, info, debug"),
        (&["--config"], 2, "", "needs a value"),
        (&["call", "proxmox_get_version"], 1, "", "not configured yet"),
    ] {
        let output = run(binary(arguments), "");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        assert!(out.contains(stdout) && err.contains(stderr), "{arguments:?}: {out}{err}");
        assert_eq!(code == 0, !out.is_empty(), "{arguments:?}: results on stdout, problems on stderr");
    }
}

#[test]
fn the_environment_configures_and_secrets_stay_hidden() {
    let mut command = binary(&["--log", "debug", "call", "proxmox_list_vms"]);
    command
        .env("PROXMOX_HOST", "127.0.0.1:1")
        .env("PROXMOX_TOKEN_ID", "root@pam!t")
        .env("PROXMOX_TOKEN_SECRET", "planted-secret-7");
    let output = run(command, "");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("`127.0.0.1:1` cannot be reached"), "{err}");
    assert!(!err.contains("planted-secret-7"), "{err}");
}

#[test]
fn a_closed_output_ends_the_server_silently() {
    let mut child = binary(&["demo"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The server may have ended before the second line is written.
    let _ = stdin.write_all(format!("{INITIALIZE}\n{LIST_VMS}\n").as_bytes());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}
