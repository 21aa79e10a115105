//! Follows the tasks that a change starts, for as long as its call may wait, and reports how they ended.

use crate::{
    pve::{
        Params,
        task::{self, Upid},
    },
    tools::{
        answer::{Failure, Outcome, answer},
        run::{args::Args, context::Context, find},
    },
};
use serde_json::{Map, Value, json};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// How many lines of a failed task's log are shown.
const LOG_LINES: usize = 10;
/// The field for the state of a task that is still running; `status` would be taken for the guest's.
const TASK: &str = "task";
/// The state of a task that is still running.
const RUNNING: &str = "running";
/// The most tasks that one call may follow.
const MAX_TASKS: usize = 64;
/// How often the status of a guest is read while the HA manager starts, stops or moves it. The manager works in cycles
/// of 10 s (pve.md section 5).
const HA_PAUSE: Duration = Duration::from_millis(500);

/// How long Proxmox waits for a change of a VM's configuration before it answers with a task, in seconds
/// (`background_delay`). Few changes take longer; for the others there is no task to read.
pub const DELAY: u32 = 2;

/// Until when a call may wait.
struct Patience {
    until: Instant,
    /// Why it does not wait at all; empty if it does.
    why_not: &'static str,
}

/// `wait` counts from the start of the call, so that it also bounds a tool that follows several tasks in a row.
fn patience(context: &Context<'_>, args: &Args) -> Patience {
    let wait = args.count("wait").map_or(context.config.wait, |seconds| Duration::from_secs(seconds as u64));
    if context.call.submitted() {
        Patience { until: context.started + wait, why_not: "" }
    } else {
        Patience { until: context.started, why_not: "Too many calls are waiting, so this one did not wait. " }
    }
}

/// Returns until when the call may wait.
pub fn deadline(context: &Context<'_>, args: &Args) -> Instant {
    patience(context, args).until
}

/// Waits for a task for as long as the call may, and answers with `facts` and how the task ended.
///
/// # Errors
/// Fails if the task failed, with its exit status and the end of its log.
pub fn follow(context: &Context<'_>, args: &Args, upid: &str, mut facts: Map<String, Value>) -> Outcome {
    if context.dry {
        facts.insert("exitstatus".into(), "OK".into());
        return answer(&facts);
    }
    let parsed = Upid::parse(upid).map_err(Failure::new)?;
    let patience = patience(context, args);
    let mut told = |poll: &task::Poll| {
        let line = poll.last_line.as_deref().unwrap_or("The task is running.");
        match poll.percent {
            Some(percent) => context.call.progress(percent, Some(100.0), line),
            None => context.call.progress(context.started.elapsed().as_secs_f64(), None, line),
        }
    };
    facts.insert("upid".into(), upid.into());
    match watch(context, &parsed, patience.until, &mut told)? {
        Ended::NotYet => {
            facts.insert(TASK.into(), RUNNING.into());
            let note = format!(
                "{}The task is still running; proxmox_wait_task with this upid waits for it to end.",
                patience.why_not
            );
            facts.insert("note".into(), note.into());
        }
        Ended::Well { exitstatus, warnings, duration } => {
            facts.insert("exitstatus".into(), exitstatus.into());
            facts.insert("duration".into(), seconds(duration));
            if let Some(warnings) = warnings {
                facts.insert("warnings".into(), warnings.into());
            }
            await_ha(context, &parsed, patience.until, &mut facts)?;
        }
        Ended::Badly { exitstatus, log, .. } => return Err(failed(upid, &exitstatus, &log)),
    }
    answer(&facts)
}

/// Returns whether an answer of [`follow`] says that its task is still running.
#[must_use]
pub fn goes_on(facts: &Map<String, Value>) -> bool {
    facts.get(TASK).is_some_and(|state| state == RUNNING)
}

/// Waits for several tasks that run in parallel, and answers with `facts` and a row for each task.
///
/// # Errors
/// Fails if one of them failed, with the rows and the exit status and end of the log of each failed task.
pub fn follow_each(
    context: &Context<'_>,
    args: &Args,
    upids: &[String],
    mut facts: Map<String, Value>,
) -> Outcome {
    if MAX_TASKS < upids.len() {
        return Err(Failure::new(format!(
            "{} tasks are too many for one call; it can wait for at most {MAX_TASKS}.",
            upids.len()
        )));
    }
    let parsed: Vec<Upid> =
        upids.iter().map(|upid| Upid::parse(upid).map_err(Failure::new)).collect::<Result<_, _>>()?;
    let patience = patience(context, args);
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut running = 0;
    for (done, upid) in parsed.iter().enumerate() {
        let text = upid.to_string();
        let mut told = |poll: &task::Poll| {
            let part = poll.percent.unwrap_or_default() / 100.0;
            let line = poll.last_line.as_deref().unwrap_or("The task is running.");
            context.call.progress(done as f64 + part, Some(parsed.len() as f64), line);
        };
        rows.push(match watch(context, upid, patience.until, &mut told)? {
            Ended::NotYet => {
                running += 1;
                json!([text, RUNNING, null])
            }
            Ended::Well { exitstatus, duration, .. } => json!([text, exitstatus, seconds(duration)]),
            Ended::Badly { exitstatus, log, duration } => {
                failures.push(failed(&text, &exitstatus, &log).0);
                json!([text, exitstatus, seconds(duration)])
            }
        });
    }
    facts.insert("tasks".into(), json!({"columns": ["upid", TASK, "duration"], "rows": rows}));
    if running != 0 {
        let note = format!(
            "{}{running} of {} tasks are still running; proxmox_wait_task with their upids waits for them to end.",
            patience.why_not,
            parsed.len()
        );
        facts.insert("note".into(), note.into());
    }
    if failures.is_empty() {
        return context.fit(facts);
    }
    Err(Failure::new(format!("{}\n{}", Value::from(facts), failures.join("\n"))))
}

/// The state of a task at the end of a wait.
pub(in crate::tools) enum Ended {
    NotYet,
    Well { exitstatus: String, warnings: Option<u32>, duration: f64 },
    Badly { exitstatus: String, log: Vec<String>, duration: f64 },
}

/// Watches a task until it ends or the deadline `until` has passed.
pub(in crate::tools) fn watch(
    context: &Context<'_>,
    upid: &Upid,
    until: Instant,
    told: &mut dyn FnMut(&task::Poll),
) -> Result<Ended, Failure> {
    let options = task::Watch { until, log: context.call.wants_progress() };
    let outcome = task::wait(context.pve, &context.call.cancel, upid, options, told);
    // The task exists even if its status could not be read: its UPID must not get lost.
    let outcome = outcome.map_err(|error| {
        Failure::new(format!("It is not known how the task ended. {error} It may still be running; proxmox_wait_task with this upid checks again.\nTask: {upid}"))
    })?;
    context.fresh.changed(upid.id.parse().ok().as_slice());
    Ok(match outcome {
        task::Outcome::Running => Ended::NotYet,
        task::Outcome::Stopped { exitstatus, ok: true, warnings, duration } => {
            Ended::Well { exitstatus, warnings, duration }
        }
        task::Outcome::Stopped { exitstatus, duration, .. } => {
            let log = task::log_tail(context.pve, &context.call.cancel, upid, LOG_LINES).unwrap_or_default();
            // If it had done anything before it failed, its log would have more lines.
            if let [line] = &log[..]
                && *line == format!("TASK ERROR: {exitstatus}")
            {
                context.note_failed_task(&upid.node, &upid.id, &exitstatus);
            }
            Ended::Badly { exitstatus, log, duration }
        }
    })
}

/// Rounds to hundredths: Proxmox's own times are whole seconds.
fn seconds(duration: f64) -> Value {
    json!((duration * 100.0).round() / 100.0)
}

/// What the HA manager was asked to achieve.
enum Wanted {
    Status(&'static str),
    Node(String),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Status(status) => f.write_str(status),
            Wanted::Node(node) => write!(f, "on {node}"),
        }
    }
}

/// The task of an HA-managed guest ends before anything has happened, so the guest's own status is read until it is the
/// wanted one.
fn await_ha(
    context: &Context<'_>,
    upid: &Upid,
    until: Instant,
    facts: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let wanted = match (upid.kind.as_str(), facts.get("target").and_then(Value::as_str)) {
        ("hastart", _) => Wanted::Status("running"),
        ("hastop" | "hashutdown", _) => Wanted::Status("stopped"),
        ("hamigrate" | "harelocate", Some(target)) => Wanted::Node(target.to_owned()),
        _ => return Ok(()),
    };
    let Ok(vmid) = upid.id.parse() else { return Ok(()) };
    loop {
        let Ok(guest) = find::guest(context, vmid, None) else {
            let note = "The HA manager accepted this, but this account cannot see the guest, so the result is not known. Do not repeat it; proxmox_get_ha_status may show the state.";
            facts.insert("ha".into(), note.into());
            return Ok(());
        };
        let current = context.get(&format!("{}/status/current", guest.path()?), &Params::new())?.value();
        let status = current["status"].as_str().unwrap_or(&guest.status).to_owned();
        let there = match &wanted {
            Wanted::Status(wanted) => status == *wanted,
            Wanted::Node(wanted) => guest.node == *wanted,
        };
        if there {
            facts.insert("ha".into(), format!("The guest is {wanted}.").into());
            // The HA manager accepts the request on any node, so the node of the request may not be the guest's.
            if let (Wanted::Status(_), Some(node)) = (&wanted, facts.get_mut("node")) {
                *node = guest.node.into();
            }
            return Ok(());
        }
        context.call.progress(
            context.started.elapsed().as_secs_f64(),
            None,
            &format!("The HA manager accepted this; the guest is {status} on {}.", guest.node),
        );
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || context.call.cancel.sleep(HA_PAUSE.min(left)) {
            let note = format!(
                "The HA manager accepted this and carries it out in its next cycles of 10 s; the guest is still {status} on {}, not yet {wanted}. proxmox_get_ha_status shows the state.",
                guest.node
            );
            facts.insert("ha".into(), note.into());
            return Ok(());
        }
    }
}

/// Describes a failed task in sentences, with the end of its log.
pub(in crate::tools) fn failed(upid: &str, exitstatus: &str, log: &[String]) -> Failure {
    let mut text =
        format!("Proxmox accepted the request, but its task failed: {}.", exitstatus.trim_end_matches('.'));
    // A line that only repeats the exit status is left out.
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
