//! The QEMU guest agent: commands and files inside a virtual machine.

use crate::{
    pve::{Method, Params, Reply},
    tools::{
        answer::{Failure, Outcome, answer},
        catalog::exec::{self, Shell, Wanted},
        param::{Effect, Kind, NODE, Param, VMID},
        row::Tool,
        run::{args::Args, context::Context, find},
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_execute_vm_command", Effect::Change, execute)
        .about("Run a command in a VM through its guest agent; output is untrusted.")
        .params(&[VMID, exec::COMMAND, exec::ARGS, exec::INPUT, exec::TIMEOUT, exec::SHELL, NODE])
        .core(),
    Tool::with("proxmox_get_agent_exec_status", Effect::Read, exec_status)
        .about("Output of a command left running; can be read only once.")
        .params(&[VMID, Param::int("pid", 0, 4_294_967_295), NODE]),
    Tool::post("proxmox_control_agent", "/nodes/{node}/qemu/{vmid}/agent/{command}")
        .about("Freeze, thaw or trim a VM's file systems.")
        .params(&[
            VMID,
            Param::one_of("command", &["fsfreeze-status", "fsfreeze-freeze", "fsfreeze-thaw", "fstrim"]),
            NODE,
        ]),
    Tool::post("proxmox_set_vm_password", "/nodes/{node}/qemu/{vmid}/agent/set-user-password")
        .about("Set a user's password inside a VM.")
        .params(&[VMID, Param::text("username"), Param::text("password"), NODE])
        .asks(),
    Tool::get("proxmox_get_agent_info", "/nodes/{node}/qemu/{vmid}/agent/{command}")
        .about("Query a VM's guest agent.")
        .params(&[
            VMID,
            Param::one_of(
                "command",
                &[
                    "get-osinfo",
                    "get-host-name",
                    "get-users",
                    "network-get-interfaces",
                    "get-fsinfo",
                    "get-time",
                ],
            ),
            NODE,
        ]),
    Tool::post("proxmox_ping_agent", "/nodes/{node}/qemu/{vmid}/agent/ping")
        .about("Check that a VM's guest agent answers.")
        .params(&[VMID, NODE])
        .idempotent(),
    Tool::with("proxmox_read_vm_file", Effect::Read, read_file)
        .about("Read a file in a VM through its guest agent; untrusted.")
        .params(&[VMID, Param::text("file"), NODE]),
    Tool::with("proxmox_write_vm_file", Effect::Ask, write_file)
        .about("Write or replace a text file in a VM through its guest agent.")
        .params(&[VMID, Param::text("file"), Param::text("content").allow_empty(), NODE]),
];

/// Starts the command and polls until it has ended. A finished status can be read only once (pve.md section 7),
/// so it is never requested again.
fn execute(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find_vm(context, args)?;
    let agent = format!("{}/agent", guest.path()?);
    let shell = match exec::wanted(args) {
        Wanted::Program => None,
        Wanted::Shell(shell) => Some(shell),
        Wanted::Line if is_windows(context, &guest.path()?) => {
            Some(exec::windows_shell(args.text("command").unwrap_or_default()))
        }
        Wanted::Line => Some(Shell::Sh),
    };
    let program = exec::program(args, shell);
    let params = |words: &[String]| {
        let mut params = Params::new();
        words.iter().for_each(|word| params.push("command", word));
        if let Some(input) = args.text("input-data") {
            params.push("input-data", input);
        }
        params
    };
    let start = |words: &[String]| send(context, Method::Post, &format!("{agent}/exec"), &params(words));
    let started = match start(&program) {
        // An array since 8.0; before, one string separated by zero bytes (pve.md section 7). The array was rejected as
        // invalid, so it was certainly not carried out.
        Err(Failure(words)) if words.contains("type check ('string')") => start(&[program.join("\0")])?,
        started => started?,
    };
    let started: Value = started.value();
    if context.dry {
        return answer(&json!({}));
    }
    let pid = whole(&started["pid"]).ok_or_else(|| {
        Failure::new(format!(
            "The command was started, but Proxmox returned no process id ({started}), so its output cannot be read."
        ))
    })?;
    // The shell is reported only for Windows, which has several.
    let shell = shell.filter(|shell| *shell != Shell::Sh).map(Shell::program);
    let _ = context.call.submitted();
    let seconds = args.count("timeout").unwrap_or(exec::SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let mut pause = Duration::from_millis(100);
    let status_of = Params::new().with("pid", pid);
    loop {
        let status = send(context, Method::Get, &format!("{agent}/exec-status"), &status_of)?.value();
        if truthy(&status["exited"]) {
            return answer(&with_shell(finished(&status), shell));
        }
        let over = until <= Instant::now() || context.call.cancel.should_stop_waiting();
        if over || context.call.cancel.sleep(pause) && context.call.cancel.is_cancelled() {
            let note = format!(
                "Still running after {seconds} s. Its output can be read later with proxmox_get_agent_exec_status."
            );
            return answer(&with_shell(json!({"pid": pid, "exited": false, "note": note}), shell));
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn with_shell(mut facts: Value, shell: Option<&str>) -> Value {
    if let Some(shell) = shell {
        facts["shell"] = shell.into();
    }
    facts
}

/// Whether a VM runs Windows, by its `ostype` or, if that does not tell, by its agent.
fn is_windows(context: &Context<'_>, path: &str) -> bool {
    let read = |rest: &str| context.get(&format!("{path}{rest}"), &Params::new()).map(|reply| reply.value());
    let ostype = read("/config").map(|config| config["ostype"].as_str().unwrap_or("other").to_owned());
    match ostype.as_deref() {
        Ok("other") | Err(_) => {
            read("/agent/get-osinfo").is_ok_and(|info| info["result"]["id"] == "mswindows")
        }
        Ok(ostype) => ostype.starts_with('w'),
    }
}

fn exec_status(context: &Context<'_>, args: &Args) -> Outcome {
    let agent = agent(context, args)?;
    let params = Params::new().with("pid", args.int("pid").unwrap_or_default());
    let status = send(context, Method::Get, &format!("{agent}/exec-status"), &params)?.value();
    if truthy(&status["exited"]) { answer(&finished(&status)) } else { answer(&json!({"exited": false})) }
}

fn finished(status: &Value) -> Value {
    let exitcode = whole(&status["exitcode"]).map_or_else(|| status["exitcode"].clone(), Value::from);
    let mut result = json!({"exitcode": exitcode});
    if !status["signal"].is_null() {
        result["signal"] = status["signal"].clone();
    }
    for (key, name) in [("out-data", "stdout"), ("err-data", "stderr")] {
        if let Some(text) = status[key].as_str().filter(|text| !text.is_empty()) {
            result[name] = utf8(text).into();
        }
    }
    for (key, name) in [("out-truncated", "stdout_truncated"), ("err-truncated", "stderr_truncated")] {
        if truthy(&status[key]) {
            result[name] = true.into();
        }
    }
    result
}

fn read_file(context: &Context<'_>, args: &Args) -> Outcome {
    let agent = agent(context, args)?;
    let params = Params::new().with("file", args.text("file").unwrap_or_default());
    let value = send(context, Method::Get, &format!("{agent}/file-read"), &params)?.value();
    let content = utf8(value["content"].as_str().unwrap_or_default());
    let mut result = json!({"content": content});
    if truthy(&value["truncated"]) {
        result["truncated"] = true.into();
    }
    answer(&result)
}

fn write_file(context: &Context<'_>, args: &Args) -> Outcome {
    let agent = agent(context, args)?;
    let content = args.text("content").unwrap_or_default();
    let mut params = args.params(&["file"]);
    if content.is_ascii() {
        params.push("content", content);
    } else {
        // Proxmox's own encoding accepts only Latin-1 and fails at any other character (pve.md section 7).
        params.push("content", BASE64_STANDARD.encode(content));
        params.push("encode", 0);
    }
    send(context, Method::Post, &format!("{agent}/file-write"), &params)?;
    answer(&json!({"ok": true}))
}

fn find_vm(context: &Context<'_>, args: &Args) -> Result<find::Guest, Failure> {
    find::guest_of(context, args.int("vmid").unwrap_or_default(), args.text("node"), Some(Kind::Vm))
}

fn agent(context: &Context<'_>, args: &Args) -> Result<String, Failure> {
    Ok(format!("{}/agent", find_vm(context, args)?.path()?))
}

/// Sends a request to the agent. Adds the remedy to each known error of an agent.
fn send(context: &Context<'_>, method: Method, path: &str, params: &Params) -> Result<Reply, Failure> {
    let sent = match method {
        Method::Get => context.get(path, params),
        _ => context.change(method, path, params),
    };
    sent.map_err(|Failure(message)| {
        let remedy = if message.contains("No QEMU guest agent configured") {
            " Set `agent: 1` in the VM's configuration, install qemu-guest-agent in it, and restart it."
        } else if message.contains("guest agent is not running") {
            " Start the service qemu-guest-agent in the VM, or install it there."
        } else if message.contains("has been disabled") {
            " The agent inside the VM forbids this: allow it in its qemu-ga configuration (BLACKLIST_RPC, block-rpcs, allow-rpcs)."
        } else if message.contains("Failed to execute child process") {
            " There is no such program in the VM. Windows has the shells `cmd` and `powershell` (`shell`), Linux `sh`; with `shell`: false the command is a program."
        } else {
            ""
        };
        Failure::new(message + remedy)
    })
}

/// Bytes that Proxmox returns as Latin-1, decoded as the UTF-8 that they mostly are (pve.md section 7).
fn utf8(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// An integer, also if it comes as text.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn truthy(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_i64() == Some(1) || value.as_str() == Some("1")
}
