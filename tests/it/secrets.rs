//! Planted secrets, searched for in all output: answers, errors, the audit log, stderr.

use crate::cluster::Sample;
use proxmox_mcp::{config::Access, demo};
use serde_json::json;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// The value that the calls of `requests` use for every password.
const PLANTED: &str = "planted-password";

#[test]
fn no_answer_no_failure_and_no_line_of_the_audit_log_holds_a_secret() {
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for access in [Access::Full, Access::Standard, Access::ReadOnly] {
        let log = folder.join(format!("{access:?}.jsonl"));
        let sample =
            Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
                config.access = access;
                config.audit = Some(crate::cluster::plain_log(log.as_ref()));
            });
        let secret = sample.server.token().1;
        let mut all = String::new();
        for (name, mut arguments) in crate::requests::every_call().chain(crate::aliases::every_call()) {
            if arguments.get("options").is_some() {
                arguments["options"]["password"] = PLANTED.into();
            }
            if arguments.get("config").is_some() {
                arguments["config"]["cipassword"] = PLANTED.into();
            }
            let answer = sample.call(&name, arguments.clone());
            all.push_str(&format!("{name}: {answer:?}\n"));
            arguments["dry_run"] = true.into();
            all.push_str(&format!("{name}: {:?}\n", sample.call(&name, arguments)));
        }
        all.push_str(&std::fs::read_to_string(&log).unwrap_or_default());
        all.push_str(&format!("{:?} {:?}", sample.tools, sample.tools.config()));
        for secret in [PLANTED, secret.expose()] {
            let at = all.lines().find(|line| line.contains(secret));
            assert!(at.is_none(), "{access:?}: {}", at.unwrap_or_default());
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn stderr_holds_no_secret_at_the_most_talkative_level() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proxmox-mcp"));
    let mut server = crate::setup_box::bare(command.args(["demo", "--lenient", "--log", "debug"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    for (id, (name, mut arguments)) in crate::requests::every_call().enumerate() {
        if arguments.get("wait").is_some() {
            arguments["wait"] = 0.into();
        }
        if name.contains("execute") {
            continue;
        }
        let params = json!({"name": name, "arguments": arguments});
        writeln!(input, "{}", json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))
            .unwrap();
    }
    drop(input);
    let output = server.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("DEBUG"), "something was said");
    assert!(
        !said.contains(PLANTED),
        "{}",
        said.lines().find(|line| line.contains(PLANTED)).unwrap_or_default()
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains(PLANTED));
}
