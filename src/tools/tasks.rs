//! Tasks: what Proxmox goes on doing after it has accepted a change.

use super::{Args, Context, Effect, Failure, Outcome, Param, Tool, answer, row::WAIT};
use crate::pve::task::{self, Upid};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// The rows.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_wait_task", Effect::Read, wait_task)
    .about("Wait for a task and tell how it ended; with wait 0, its state now.")
    .params(&[Param::text("upid"), WAIT])
    .core()];

/// How much of a failed task's log is told, in lines.
const LOG_LINES: usize = 10;

fn wait_task(context: &Context<'_>, args: &Args) -> Outcome {
    follow(context, args, args.text("upid").unwrap_or_default(), Map::new())
}

/// Waits for a task as long as the call may, and answers with `facts` and how it ended.
///
/// # Errors
/// The task failed: its exit status and the end of its log, with what to do.
pub fn follow(context: &Context<'_>, args: &Args, upid: &str, mut facts: Map<String, Value>) -> Outcome {
    let parsed = Upid::parse(upid).map_err(Failure::new)?;
    let wait = args.count("wait").map_or(context.config.wait, |seconds| Duration::from_secs(seconds as u64));
    let may_wait = context.call.submitted();
    let wait = if may_wait { wait } else { Duration::ZERO };
    let started = Instant::now();
    let mut told = |poll: &task::Poll| {
        let line = poll.last_line.as_deref().unwrap_or("The task is running.");
        match poll.percent {
            Some(percent) => context.call.progress(percent, Some(100.0), line),
            None => context.call.progress(started.elapsed().as_secs_f64(), None, line),
        }
    };
    let options = task::Watch { until: started + wait, log: context.call.wants_progress() };
    let outcome = task::wait(context.pve, &context.call.cancel, &parsed, options, &mut told)?;
    facts.insert("upid".into(), upid.into());
    match outcome {
        task::Outcome::Running => {
            facts.insert("status".into(), "running".into());
            let why = if may_wait {
                String::new()
            } else {
                "Too many calls wait already, so this one did not. ".into()
            };
            let note = format!(
                "{why}Proxmox goes on with the task; proxmox_wait_task with this upid waits for its end."
            );
            facts.insert("note".into(), note.into());
        }
        task::Outcome::Stopped { exitstatus, ok: true, duration, .. } => {
            facts.insert("exitstatus".into(), exitstatus.into());
            facts.insert("duration".into(), json!((duration * 100.0).round() / 100.0));
        }
        task::Outcome::Stopped { exitstatus, .. } => {
            let log = task::log_tail(context.pve, &context.call.cancel, &parsed, LOG_LINES);
            return Err(failed(upid, &exitstatus, log.unwrap_or_default()));
        }
    }
    answer(&facts)
}

fn failed(upid: &str, exitstatus: &str, log: Vec<String>) -> Failure {
    let mut text =
        format!("Proxmox accepted the request, but its task failed: {}.", exitstatus.trim_end_matches('.'));
    // One line that only repeats the exit status says nothing more.
    let telling: Vec<_> = log.iter().filter(|line| **line != format!("TASK ERROR: {exitstatus}")).collect();
    if !telling.is_empty() {
        text.push_str("\nThe end of its log:");
        for line in telling {
            text.push_str("\n  ");
            text.push_str(line);
        }
    }
    text.push_str(&format!("\nTask: {upid}"));
    Failure(text)
}
