//! Commands in containers. Proxmox has no API for them: they run by `pct exec` on the node, over SSH.

use crate::{
    pve::{Method, Params},
    ssh::SshError,
    tools::{
        answer::{Failure, Outcome},
        catalog::exec::{self, Shell, Wanted},
        param::{Effect, Kind, NODE, Param, VMID},
        row::Tool,
        run::{
            args::Args,
            context::Context,
            find,
            request::{PCT_EXEC, Request},
        },
    },
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_execute_container_command", Effect::Change, execute)
    .about("Run a command in a container over SSH to its node.")
    .params(PARAMS)];

const PARAMS: &[Param] = &[VMID, exec::COMMAND, exec::ARGS, exec::INPUT, exec::TIMEOUT, exec::SHELL, NODE];

fn execute(context: &Context<'_>, args: &Args) -> Outcome {
    let Some(ssh) = &context.config.ssh else {
        return Err(Failure::new(
            "Commands in containers are off: Proxmox has no API for them. Configure `ssh` (user, identity, known_hosts), and this server runs `pct exec` on the node. Nothing was done.",
        ));
    };
    let vmid = args.int("vmid").unwrap_or_default();
    let guest = find::guest_of(context, vmid, args.text("node"), Some(Kind::Container))?;
    let state = guest.state_now(context);
    if !state.answers() {
        return Err(Failure::new(format!(
            "{} is {}; start it first. Nothing was done.",
            guest.title(),
            state.word()
        )));
    }
    let shell = match exec::wanted(args) {
        Wanted::Program => None,
        Wanted::Line | Wanted::Shell(Shell::Sh) => Some(Shell::Sh),
        Wanted::Shell(other) => {
            return Err(Failure::new(format!(
                "A container has no {}: leave `shell` out. Nothing was done.",
                other.program()
            )));
        }
    };
    let program = exec::program(args, shell);
    // Not a path of the API: it describes the command to the policy, the audit log and a dry run.
    let mut params = Params::new();
    program.iter().for_each(|word| params.push("command", word));
    let request = Request { method: Method::Post, path: guest.path()? + PCT_EXEC, params };
    if !context.permit(&request)? {
        return crate::tools::answer::answer(&serde_json::json!({}));
    }
    let address = match ssh.addresses.get(&guest.node) {
        Some(address) => address.clone(),
        None => address_of(context, &guest.node),
    };
    let vmid = vmid.to_string();
    let mut words = vec!["pct", "exec", &vmid, "--"];
    words.extend(program.iter().map(String::as_str));
    let _ = context.call.submitted();
    let seconds = args.count("timeout").unwrap_or(exec::SECONDS);
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let input = args.text("input-data").unwrap_or_default();
    match ssh.run(&address, &words, input.as_bytes(), &context.call.cancel, until) {
        Ok(ran) => {
            let mut facts = exec::told(ran.code, &ran.stdout, &ran.stderr);
            if ran.cut {
                facts.insert("truncated".into(), true.into());
            }
            context.fit(facts)
        }
        Err(SshError::Ended) => Err(Failure::new(format!(
            "The command did not end within {seconds} s, so the connection was closed. What it started in {} may still run; give a longer `timeout` (up to 600).",
            guest.title()
        ))),
        Err(SshError::Unreachable(said)) => Err(Failure::new(format!(
            "Node {} cannot be reached: {said} Check `ssh` in the configuration; the host key of the node must be in `known_hosts`.",
            guest.node
        ))),
    }
}

/// The node's address from the cluster status, or its name if the account may not read that (Sys.Audit).
fn address_of(context: &Context<'_>, node: &str) -> String {
    let status = context.get("/cluster/status", &Params::new()).map_or(Value::Null, |reply| reply.value());
    let entries = status.as_array().into_iter().flatten();
    let own = entries.filter(|entry| entry["type"] == "node" && entry["name"] == node);
    own.filter_map(|entry| entry["ip"].as_str()).next().unwrap_or(node).to_owned()
}
