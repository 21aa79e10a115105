//! Carries out one step: sends its request, follows its task to the end, and waits for the intended result.

use crate::{
    pve::{Params, task::Upid},
    tools::{
        answer::Failure,
        jobs::step::{Act, Place, Step, StepState, Wanted},
        param::Kind,
        run::{
            self, Context,
            follow::{Ended, failed, watch},
            request::Request,
        },
    },
};
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The polling interval for anything that has no task.
const PAUSE: Duration = Duration::from_millis(500);
/// How many characters of a program's last line are reported.
const MAX_LINE: usize = 120;
/// Words of an error after which it is not known whether the request was carried out.
const PERHAPS: &str = "may have been carried out";

/// Prefix of the Unix time at which a wait started.
const SINCE: &str = "since ";
/// Prefix of the process id of a program in a guest.
const PROGRAM: &str = "program ";

/// Whether nothing new should be started, because the call no longer waits. A call with no wait at all starts one step.
pub(super) fn stops(context: &Context<'_>, until: Instant) -> bool {
    context.call.cancel.is_cancelled()
        || context.call.cancel.should_stop_waiting()
        || (until <= Instant::now() && context.started + Duration::from_millis(1) < until)
}

/// Sends a step's request; a step that only waits starts to wait. `own`: the step only affects what the job has
/// created.
pub fn send(context: &Context<'_>, step: &Step, own: bool) -> StepState {
    let Some(order) = step.order() else { return StepState::Running(format!("{SINCE}{}", now())) };
    let request = order.request();
    if let Some(seen) = &step.seen
        && !is_as_seen(context, &request, seen)
    {
        return StepState::Failed(format!(
            "the target of {} has changed since it was planned, so it was not sent.",
            request.title()
        ));
    }
    let reply = match own {
        true => context.change_as_undo(request.method, &request.path, &request.params),
        false => context.change_as_step(request.method, &request.path, &request.params),
    };
    match reply {
        Ok(reply) if matches!(step.act, Act::Exec(..)) => {
            let pid = reply.value()["pid"].clone();
            match pid.as_u64().or_else(|| pid.as_str()?.parse().ok()) {
                Some(pid) => StepState::Running(format!("{PROGRAM}{pid}")),
                None => StepState::Unknown(
                    "Proxmox returned no process id of the program, which may be running.".into(),
                ),
            }
        }
        Ok(reply) => match reply.value().as_str().filter(|upid| upid.starts_with("UPID:")) {
            Some(upid) => StepState::Running(upid.to_owned()),
            None => StepState::Done(String::new()),
        },
        Err(_) if context.withdraw() => StepState::Failed(format!(
            "{} needs a confirmation now, which it did not need when the job was planned.",
            request.title()
        )),
        Err(Failure(why)) if why.contains(PERHAPS) => StepState::Unknown(why),
        Err(_) if context.call.cancel.is_cancelled() => StepState::Waiting,
        Err(Failure(why)) => StepState::Failed(why),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether the target of a request is unchanged.
fn is_as_seen(context: &Context<'_>, request: &Request, seen: &str) -> bool {
    run::plan::of(context, request, &[""; 0]).is_ok_and(|plan| plan.identity == seen)
}

/// Follows a running step, at most until that time.
///
/// # Errors
/// Fails if its state cannot be read; the step itself continues.
pub fn follow(context: &Context<'_>, step: &Step, until: Instant) -> Result<StepState, Failure> {
    let StepState::Running(upid) = &step.stand else { return Ok(step.stand.clone()) };
    match &step.act {
        Act::Send(_, wanted) => match end(context, upid, until)? {
            End::NotYet => Ok(step.stand.clone()),
            // What existed before was not created by this job.
            End::Badly(why) if why.contains("already exists") => Ok(StepState::Failed(why)),
            End::Badly(why) => Ok(StepState::Broken(why)),
            End::Well => match wanted {
                // The task of a guest under high availability ends before anything has been done.
                Some(wanted) if by_ha(upid) && !arrives(context, wanted, until) => Ok(step.stand.clone()),
                _ => Ok(StepState::Done(String::new())),
            },
        },
        Act::Reach(place) => Ok(reach(context, place, until)?.unwrap_or_else(|| step.stand.clone())),
        Act::Exec(_, place) => {
            ended(context, place, upid, until).map(|end| end.unwrap_or(step.stand.clone()))
        }
        Act::Answer(place, seconds) => {
            let path = place.path("/agent/info")?;
            let answers = || context.get(&path, &Params::new()).is_ok();
            Ok(comes_up(context, place, (upid, *seconds), until, "its agent answers", answers)
                .unwrap_or_else(|| step.stand.clone()))
        }
        Act::Look(place, seconds) => {
            let shows = || match place.kind() {
                Kind::Vm => shows(context, place),
                Kind::Container => status(context, place).ok().flatten().as_deref() == Some("running"),
            };
            let told = if place.kind() == Kind::Vm { "its screen shows something" } else { "it runs" };
            Ok(comes_up(context, place, (upid, *seconds), until, told, shows)
                .unwrap_or_else(|| step.stand.clone()))
        }
        Act::Return(node, before) => {
            let back = poll(context, until, || is_back(context, node, *before));
            Ok(if back { StepState::Done(String::new()) } else { step.stand.clone() })
        }
    }
}

/// How a task ended.
pub(super) enum End {
    NotYet,
    Well,
    Badly(String),
}

/// Waits for the end of a task.
pub(super) fn end(context: &Context<'_>, upid: &str, until: Instant) -> Result<End, Failure> {
    let parsed = Upid::parse(upid).map_err(Failure::new)?;
    Ok(match watch(context, &parsed, until, &mut |_| {})? {
        Ended::NotYet => End::NotYet,
        Ended::Well { .. } => End::Well,
        Ended::Badly { exitstatus, log, .. } => End::Badly(failed(upid, &exitstatus, &log).0),
    })
}

/// Whether a task only requests a state from high availability.
pub(super) fn by_ha(upid: &str) -> bool {
    Upid::parse(upid).is_ok_and(|upid| upid.kind.starts_with("ha"))
}

/// Waits until a guest is on the node and in the state it should be in. Returns whether it is.
pub(super) fn arrives(context: &Context<'_>, wanted: &Wanted, until: Instant) -> bool {
    poll(context, until, || {
        let status = status(context, &wanted.place).ok().flatten();
        status.is_some_and(|status| {
            let runs = status == "running";
            wanted.running.is_none_or(|running| running == runs)
        })
    })
}

/// The status of a guest at that place; `None` if it is not there.
pub(super) fn status(context: &Context<'_>, place: &Place) -> Result<Option<String>, Failure> {
    let path = place.path("/status/current")?;
    match context.get(&path, &Params::new()) {
        Ok(reply) => Ok(Some(reply.value()["status"].as_str().unwrap_or("unknown").to_owned())),
        Err(Failure(why)) if why.contains("does not exist") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Polls until the condition holds, the time is over or the call no longer waits. Returns whether it holds.
fn poll(context: &Context<'_>, until: Instant, mut is_so: impl FnMut() -> bool) -> bool {
    loop {
        if is_so() {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || context.call.cancel.sleep(PAUSE.min(left)) {
            return false;
        }
    }
}

/// Waits until a guest has come up, for so many seconds from the start of the wait; `None` if it is still to be waited
/// for.
fn comes_up(
    context: &Context<'_>,
    place: &Place,
    (since, seconds): (&str, u64),
    until: Instant,
    told: &str,
    mut is_so: impl FnMut() -> bool,
) -> Option<StepState> {
    let since = since.strip_prefix(SINCE).and_then(|text| text.parse().ok()).unwrap_or_else(now);
    let mut over = None;
    poll(context, until, || {
        over = if is_so() {
            Some(StepState::Done(told.to_owned()))
        } else if status(context, place).ok().flatten().as_deref() == Some("stopped") {
            Some(StepState::Broken(format!("{} is no longer running.", place.title())))
        } else if since + seconds < now() {
            Some(StepState::Broken(format!("{} did not come up within {seconds} s.", place.title())))
        } else {
            None
        };
        over.is_some()
    });
    over
}

/// Whether a VM's screen shows more than a single colour.
fn shows(context: &Context<'_>, place: &Place) -> bool {
    let permitted = place.screen().and_then(|request| context.permit_own(&request));
    let (Ok(true), Ok(path)) = (permitted, place.path("")) else { return false };
    let Ok(picture) = context.pve.screen(&context.call.cancel, &path) else { return false };
    let first = picture.rgb.get(..3).unwrap_or_default();
    picture.rgb.chunks(3).any(|colour| colour != first)
}

/// Waits for the end of a program in a guest; `None` while it runs. Its result can be read only once.
fn ended(
    context: &Context<'_>,
    place: &Place,
    running: &str,
    until: Instant,
) -> Result<Option<StepState>, Failure> {
    let path = place.path("/agent/exec-status")?;
    let pid = running.strip_prefix(PROGRAM).unwrap_or_default();
    let params = Params::new().with("pid", pid);
    let mut over = None;
    poll(context, until, || {
        over = match context.get(&path, &params) {
            Ok(reply) => finished(&reply.value()),
            Err(Failure(why)) if why.contains("does not exist") => Some(StepState::Unknown(
                "its program has ended, and its result has already been read.".into(),
            )),
            // The agent itself may be updated meanwhile.
            Err(_) => match status(context, place) {
                Ok(Some(status)) if status == "stopped" => {
                    Some(StepState::Broken(format!("{} is no longer running.", place.title())))
                }
                _ => None,
            },
        };
        over.is_some()
    });
    Ok(over)
}

/// The result of a program, if it has ended.
fn finished(status: &Value) -> Option<StepState> {
    let number = |name: &str| status[name].as_i64().or_else(|| status[name].as_str()?.parse().ok());
    if number("exited") != Some(1) && status["exited"] != true {
        return None;
    }
    let last = |name: &str| {
        let text = status[name].as_str().unwrap_or_default();
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().chars().take(MAX_LINE).collect::<String>()
    };
    Some(match number("exitcode") {
        Some(0) => StepState::Done(last("out-data")),
        code => {
            let code = code.map_or_else(|| "by a signal".into(), |code| format!("with exit code {code}"));
            let said = if last("err-data").is_empty() { last("out-data") } else { last("err-data") };
            StepState::Broken(format!("the program ended {code}: {said}"))
        }
    })
}

fn is_back(context: &Context<'_>, node: &str, before: u64) -> bool {
    let path = format!("/nodes/{node}/status");
    let uptime = context.get(&path, &Params::new()).ok().and_then(|reply| reply.value()["uptime"].as_u64());
    uptime.is_some_and(|uptime| uptime < before)
}

/// Waits for an address; `None` while there is none.
fn reach(context: &Context<'_>, place: &Place, until: Instant) -> Result<Option<StepState>, Failure> {
    let rest = match place.kind() {
        Kind::Vm => "/agent/network-get-interfaces",
        Kind::Container => "/interfaces",
    };
    let path = place.path(rest)?;
    let mut found = None;
    poll(context, until, || {
        found = match context.get(&path, &Params::new()) {
            Ok(reply) => address(&reply.value()).map(StepState::Done),
            Err(Failure(why)) if why.contains("No QEMU guest agent configured") => {
                Some(StepState::Done("its address is not known: it has no guest agent".into()))
            }
            Err(_) => match status(context, place) {
                Ok(Some(status)) if status == "stopped" => {
                    Some(StepState::Broken(format!("{} is no longer running.", place.title())))
                }
                _ => None,
            },
        };
        found.is_some()
    });
    Ok(found)
}

/// The first address that other hosts can reach, from a guest's interfaces as its agent or node reports them.
fn address(interfaces: &Value) -> Option<String> {
    let list = interfaces.get("result").unwrap_or(interfaces).as_array()?;
    let mut all: Vec<&str> = Vec::new();
    for interface in list {
        let told = interface["ip-addresses"].as_array().into_iter().flatten();
        all.extend(told.filter_map(|address| address["ip-address"].as_str()));
        all.extend(["inet", "inet6"].iter().filter_map(|key| interface[*key].as_str()));
    }
    let own = |address: &&str| {
        address.starts_with("127.") || address.starts_with("::1") || address.starts_with("fe80:")
    };
    let bare = |address: &str| address.split('/').next().unwrap_or_default().to_owned();
    let v4 = all.iter().find(|address| !own(address) && !address.contains(':'));
    v4.or_else(|| all.iter().find(|address| !own(address))).map(|address| bare(address))
}

#[cfg(test)]
mod tests {
    use super::address;
    use serde_json::json;

    #[test]
    fn the_address_is_one_that_others_reach() {
        for (interfaces, expected) in [
            (json!({"result": [{"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}]}]}), None),
            (
                json!({"result": [{"ip-addresses": [{"ip-address": "fe80::1"}, {"ip-address": "2001:db8::1"}]},
                    {"ip-addresses": [{"ip-address": "192.0.2.7"}]}]}),
                Some("192.0.2.7"),
            ),
            (json!([{"name": "eth0", "inet": "192.0.2.8/24", "inet6": "fe80::2/64"}]), Some("192.0.2.8")),
            (json!([{"name": "eth0", "inet6": "2001:db8::2/64"}]), Some("2001:db8::2")),
            (json!(null), None),
        ] {
            assert_eq!(address(&interfaces).as_deref(), expected, "{interfaces}");
        }
    }
}
