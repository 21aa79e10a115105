//! What is shown of a job before anything is sent: each step with its request, its side effects and its expected
//! duration.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::Failure,
        jobs::{
            job::Job,
            step::{Act, Back, Order, Step, StepState},
        },
        param::Kind,
        run::asked::Whole,
    },
};
use serde_json::{Map, Value, json};

/// What is to be confirmed: the steps of a job that are still to be done.
#[must_use]
pub fn whole(job: &Job) -> Whole {
    Whole {
        sentence: job.sentence.clone(),
        shown: shown(job),
        word: job.word.clone(),
        identity: job.identity.clone(),
        requests: job.requests(),
        own: job.cleanup_requests(),
        reasons: Vec::new(),
    }
}

/// What is to be confirmed before a job is undone, because what it created is lost.
///
/// # Errors
/// Fails if the node's name cannot be part of a path.
pub fn undo_plan(job: &Job) -> Result<Whole, Failure> {
    let (mut requests, mut steps) = (Vec::new(), Vec::new());
    for step in job.steps.iter().rev() {
        let (Some(back), StepState::Done(_) | StepState::Broken(_) | StepState::Running(_)) =
            (&step.back, &step.stand)
        else {
            continue;
        };
        let order = match back {
            Back::Remove(place) => {
                Order::new(Method::Delete, place.path("")?, &Params::new().with("purge", 1))
            }
            Back::Home(place, home) => {
                Order::new(Method::Post, place.path("/migrate")?, &Params::new().with("target", home))
            }
            Back::Send(order) => order.clone(),
            Back::Rollback(place, name, runs) => place.rollback(name, *runs)?,
        };
        steps.push(format!("{}: {}", step.what, order.line()));
        requests.push(order.request());
    }
    let sentence = format!("Take back: {}", job.sentence);
    let shown = Map::from_iter([("plan".to_owned(), json!(sentence)), ("steps".to_owned(), json!(steps))]);
    Ok(Whole {
        sentence,
        shown,
        word: job.word.clone(),
        identity: job.identity.clone(),
        requests,
        own: Vec::new(),
        reasons: Vec::new(),
    })
}

/// The plan as an answer shows it.
#[must_use]
pub fn shown(job: &Job) -> Map<String, Value> {
    let waiting = |step: &&Step| step.stand == StepState::Waiting;
    let steps: Vec<Value> = job
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| waiting(step))
        .map(|(place, step)| line(place + 1, step).into())
        .collect();
    let mut facts = Map::from_iter([
        ("plan".to_owned(), json!(job.sentence)),
        ("steps".to_owned(), steps.into()),
        ("takes".to_owned(), json!(format!("about {}", time(seconds(job))))),
        ("if_it_fails".to_owned(), json!(undone(job))),
    ]);
    if !job.notes.is_empty() {
        facts.insert("notes".into(), json!(job.notes));
    }
    facts
}

fn line(number: usize, step: &Step) -> String {
    let request = match &step.act {
        Act::Send(order, _) | Act::Exec(order, _) => format!(": {}", order.line()),
        Act::Look(place, _) if place.kind() == Kind::Vm => {
            place.screen().map_or_else(|_| String::new(), |request| format!(": {}", request.title()))
        }
        Act::Reach(_) | Act::Return(..) | Act::Answer(..) | Act::Look(..) => String::new(),
    };
    let costs = if step.costs.is_empty() { String::new() } else { format!("; {}", step.costs) };
    format!("{number}. {}{request}{costs}; {}", step.what, time(step.seconds))
}

/// Describes what is undone if a step fails.
fn undone(job: &Job) -> String {
    if !job.takes_back {
        return "it stops there; what is done stays".into();
    }
    let (mut removed, mut home, mut other, mut rolled) = (0, 0, 0, 0);
    for back in job.steps.iter().filter_map(|step| step.back.as_ref()) {
        match back {
            Back::Remove(_) => removed += 1,
            Back::Home(..) => home += 1,
            Back::Send(_) => other += 1,
            Back::Rollback(..) => rolled += 1,
        }
    }
    let parts = [
        (removed, "the new guests are deleted"),
        (home, "what was moved is moved back"),
        (other, "what was set or downloaded is taken back"),
        (rolled, "the guest is rolled back to its snapshot, and its changes since then are lost"),
    ];
    let parts: Vec<&str> = parts.iter().filter(|(count, _)| 0 < *count).map(|(_, part)| *part).collect();
    let firm = job.steps.iter().find(|step| step.firm);
    let until = firm.map_or_else(String::new, |step| format!(", until \"{}\" is done", step.what));
    let each = if job.parts.len() < 2 { "" } else { "; the other guests continue" };
    if parts.is_empty() { "it stops there".into() } else { parts.join(", ") + &until + each }
}

/// Estimates how long the remaining steps take, in seconds: a wave takes as long as its longest step.
fn seconds(job: &Job) -> u64 {
    let waves = job.next_wave();
    let longest = |wave: usize| {
        let steps = job.steps.iter().filter(|step| step.wave == wave && step.stand == StepState::Waiting);
        steps.map(|step| step.seconds).max().unwrap_or(0)
    };
    (0..waves).map(longest).sum()
}

/// A duration for people.
#[must_use]
pub fn time(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}
