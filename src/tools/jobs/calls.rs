//! A plan of the caller's own: calls of other tools, planned one after another, confirmed and carried out as one job.

use crate::{
    counted::counted,
    pve::{Params, api::effect::Class},
    tools::{
        answer::{Failure, Outcome},
        jobs::{
            engine,
            inverse::{self, guest_in_path},
            job::Job,
            step::{Act, Order, Step, Wanted},
        },
        param::Param,
        run::{
            Args, Context,
            ahead::PlannedState,
            context::Planned,
            plan,
            request::{PCT_EXEC, Request},
        },
    },
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Parameters of a plan.
pub const PARAMS: &[Param] = &[
    Param::objects("calls").about("{tool, arguments}; \"$1.vmid\" is from call 1's answer."),
    Param::one_of("on_failure", &["back", "stop"]).unlisted(),
];

/// The most calls in a plan.
const MOST: usize = 50;
/// Seconds that a request may take, for an estimate.
const TIME: u64 = 10;

/// Plans the calls and carries them out.
///
/// # Errors
/// Fails if a call cannot be planned, with the reason, or if a step fails.
pub fn run(context: &Context<'_>, args: &Args) -> Outcome {
    let calls = args.get("calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if calls.is_empty() || MOST < calls.len() {
        return Err(Failure::new(format!(
            "`calls` has {} calls, but it must have from 1 to {MOST}. Nothing was done.",
            calls.len()
        )));
    }
    let mut job = Job::new("proxmox_run_plan", "plan");
    job.takes_back = args.text("on_failure") != Some("stop");
    let mut made = Made { ahead: PlannedState::default(), touched: BTreeSet::new(), answers: Vec::new() };
    let mut names = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let planned = add(context, &mut job, &mut made, call).map_err(|Failure(why)| {
            let why = why.trim_end().trim_end_matches(" Nothing was done.");
            Failure::new(format!("Call {} cannot be planned: {why} Nothing was done.", at + 1))
        })?;
        names.push(planned.strip_prefix("proxmox_").unwrap_or(planned));
    }
    if job.steps.is_empty() {
        return Err(Failure::new(
            "No call of the plan would change anything, so there is nothing to carry out. Nothing was done.",
        ));
    }
    job.sentence = format!("Carry out {}: {}.", counted(names.len(), "call"), names.join(", "));
    engine::begin(context, args, job)
}

/// What the earlier calls create, affect and answer.
struct Made {
    ahead: PlannedState,
    touched: BTreeSet<i64>,
    answers: Vec<Value>,
}

/// Adds the steps of one call. Returns its tool's name.
fn add(context: &Context<'_>, job: &mut Job, made: &mut Made, call: &Value) -> Result<&'static str, Failure> {
    let tool = call["tool"].as_str().or(call["name"].as_str()).unwrap_or_default();
    let given = call.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(name) = ["confirm", "dry_run", "wait"].into_iter().find(|name| given.contains_key(*name)) {
        return Err(Failure::new(format!("`{name}` is for the plan as a whole, not for one of its calls.")));
    }
    let mut arguments = Map::new();
    for (name, value) in given {
        arguments.insert(name, resolved(value, &made.answers)?);
    }
    let planned = context.planner.plan(context, tool, arguments.clone(), &made.ahead)?;
    let Planned { name, answer, requests } = planned;
    let count = requests.len();
    for (at, request) in requests.iter().enumerate() {
        let part = if count < 2 { String::new() } else { format!(" ({} of {count})", at + 1) };
        let words = name.trim_start_matches("proxmox_").replace('_', " ");
        let guests: Vec<String> = request.guests().iter().map(i64::to_string).collect();
        let what = format!("{words} {}", guests.join(", ")).trim_end().to_owned() + &part;
        let step = step(context, job, made, request, what)?;
        job.steps.push(step);
        let source = source(context, request, &made.ahead);
        made.touched.extend(request.guests());
        made.ahead.note(request, source);
    }
    made.answers.push(answer.unwrap_or_else(|| foretold(arguments, &requests, &made.ahead)));
    Ok(name)
}

/// The step that sends a request.
fn step(
    context: &Context<'_>,
    job: &mut Job,
    made: &Made,
    request: &Request,
    what: String,
) -> Result<Step, Failure> {
    if request.path.ends_with(PCT_EXEC) || request.params.file().is_some() {
        return Err(Failure::new(format!(
            "{} does not use the API, so it cannot be part of a plan; call its tool by itself.",
            request.title()
        )));
    }
    let order = Order::new(request.method, request.path.clone(), &request.params);
    let place = guest_in_path(request);
    let act = match &place {
        Some(place) if request.path.ends_with("/agent/exec") => Act::Exec(order, place.clone()),
        _ => Act::Send(order, wanted(request)),
    };
    let mut step = Step::wait(job.next_wave(), what, act, TIME);
    let is_new = |vmid: &i64| made.ahead.guest(*vmid).is_some() || made.touched.contains(vmid);
    if !request.guests().iter().any(is_new) {
        step.back = inverse::of(context, request);
        let effect = request.effect().map_err(Failure)?;
        let whys = effect.reasons.iter().filter(|reason| reason.class != Class::Change && !reason.if_present);
        let whys: BTreeSet<&str> = whys.map(|reason| reason.why).filter(|why| !why.is_empty()).collect();
        if !whys.is_empty() {
            let seen = plan::of(context, request, &[""; 0])?;
            job.identity.push_str(&format!("{}: {};", request.title(), seen.identity));
            step.costs = whys.into_iter().collect::<Vec<_>>().join(" ");
            step.seen = Some(seen.identity);
        }
    }
    Ok(step)
}

/// The state in which a guest should be after a request, which high availability may carry out later.
fn wanted(request: &Request) -> Option<Wanted> {
    let place = guest_in_path(request)?;
    let (_, end) = request.path.rsplit_once('/')?;
    let running = match end {
        "start" => Some(true),
        "stop" | "shutdown" => Some(false),
        "migrate" => None,
        _ => return None,
    };
    match (end, request.params.get("target")) {
        ("migrate", Some(target)) => Some(Wanted { place: place.at(target), running }),
        ("migrate", None) => None,
        _ => Some(Wanted { place, running }),
    }
}

/// The configuration of the guest that a request clones.
fn source(context: &Context<'_>, request: &Request, ahead: &PlannedState) -> Option<Map<String, Value>> {
    let path = request.path.strip_suffix("/clone")?;
    let vmid = path.rsplit('/').next()?.parse().ok()?;
    if let Some(guest) = ahead.guest(vmid) {
        return Some(guest.config.clone());
    }
    context.get(&format!("{path}/config"), &Params::new()).ok()?.value().as_object().cloned()
}

/// What is known of a call's answer before it is carried out: its arguments, and the guest that it creates or changes.
fn foretold(arguments: Map<String, Value>, requests: &[Request], ahead: &PlannedState) -> Value {
    let mut answer = arguments;
    for request in requests {
        let guests = request.guests();
        let new = guests.iter().find_map(|vmid| ahead.guest(*vmid));
        if let Some(new) = new {
            answer.extend([
                ("vmid".to_owned(), json!(new.vmid)),
                ("node".to_owned(), json!(new.node)),
                ("name".to_owned(), json!(new.name())),
            ]);
            break;
        }
        if let Some(place) = guest_in_path(request) {
            answer.entry("vmid").or_insert(json!(place.vmid));
            answer.entry("node").or_insert(json!(place.node));
        }
    }
    answer.into()
}

/// Replaces the references in a value: `$1.vmid` is `vmid` in the first call's answer.
fn resolved(value: Value, answers: &[Value]) -> Result<Value, Failure> {
    match value {
        Value::String(text) => match reference(&text) {
            Some((call, path)) => referred(&text, call, path, answers),
            None => Ok(Value::String(text)),
        },
        Value::Array(items) => items.into_iter().map(|item| resolved(item, answers)).collect(),
        Value::Object(object) => {
            let pairs = object.into_iter().map(|(name, value)| Ok((name, resolved(value, answers)?)));
            pairs.collect::<Result<Map<_, _>, Failure>>().map(Value::Object)
        }
        other => Ok(other),
    }
}

fn reference(text: &str) -> Option<(usize, &str)> {
    let (call, path) = text.strip_prefix('$')?.split_once('.')?;
    Some((call.parse().ok()?, path))
}

fn referred(text: &str, call: usize, path: &str, answers: &[Value]) -> Result<Value, Failure> {
    let Some(answer) = call.checked_sub(1).and_then(|at| answers.get(at)) else {
        return Err(Failure::new(format!(
            "`{}` refers to a call that does not come before it.",
            text.escape_debug()
        )));
    };
    let found = path.split('.').try_fold(answer, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    });
    found.cloned().ok_or_else(|| {
        let known = answer.as_object().map(|object| object.keys().map(String::as_str).collect::<Vec<_>>());
        Failure::new(format!(
            "`{}` is not known before call {call} is carried out; known are: {}.",
            text.escape_debug(),
            known.unwrap_or_default().join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_put_in_place() {
        let answers = [json!({"vmid": 900}), json!({"columns": ["node"], "rows": [["pve1"]]})];
        for (value, expected) in [
            (json!("$1.vmid"), Ok(json!(900))),
            (json!({"a": ["$2.rows.0.0", "x"]}), Ok(json!({"a": ["pve1", "x"]}))),
            (json!("$HOME"), Ok(json!("$HOME"))),
            (json!("costs $1.50"), Ok(json!("costs $1.50"))),
            (json!("$3.vmid"), Err("does not come before it")),
            (json!("$0.vmid"), Err("does not come before it")),
            (json!("$1.upid"), Err("not known before call 1 is carried out; known are: vmid")),
            (json!("$2.rows.9.0"), Err("not known before call 2")),
        ] {
            match (resolved(value.clone(), &answers), expected) {
                (Ok(told), Ok(expected)) => assert_eq!(told, expected, "{value}"),
                (Err(Failure(said)), Err(words)) => assert!(said.contains(words), "{value}: {said}"),
                (other, _) => panic!("{value}: {other:?}"),
            }
        }
    }
}
