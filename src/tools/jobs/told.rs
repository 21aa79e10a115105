//! The state of a job, as the answer of a call: done, failed, or to be continued.

use crate::tools::{
    answer::{Failure, Outcome},
    jobs::{
        job::Job,
        plan::time,
        step::{Act, Step, StepState},
    },
    run::Context,
};
use serde_json::{Map, Value, json};

/// How many results, or steps of a failed job, are listed; of the rest, only the number is shown.
const MOST: usize = 10;

/// The answer of a call that carried out a job, as far as it got. `trouble` is why a state could not be read.
///
/// # Errors
/// Fails if a step failed; the error names it and the reason, and says what became of the others.
pub fn outcome(context: &Context<'_>, job: &Job, id: &str, lasts: bool, trouble: Option<String>) -> Outcome {
    if job.is_over() && job.failed.is_some() {
        return Err(Failure::new(sentences(job, id)));
    }
    if job.is_over() && !job.parts.is_empty() && job.failures.len() == job.parts.len() {
        let parts: Vec<String> = (0..job.parts.len()).map(|part| part_told(job, part)).collect();
        return Err(Failure::new(format!("{}\nproxmox_get_job shows it by its id, {id}.", parts.join("\n"))));
    }
    let mut facts = facts(job, id);
    if let Some(why) = trouble {
        facts.insert("trouble".into(), why.into());
    }
    if !job.is_over() {
        let place = if lasts {
            ""
        } else {
            " Its plan is kept by this process only: once the server has ended, it cannot be continued."
        };
        let note = format!(
            "Nothing new is started until proxmox_continue_job is called with this id; its `wait` may be up to 600.{place}"
        );
        facts.insert("note".into(), note.into());
    }
    context.fit(facts)
}

/// Its state as an object.
#[must_use]
pub fn facts(job: &Job, id: &str) -> Map<String, Value> {
    let mut facts = Map::from_iter([
        ("job".to_owned(), json!(id)),
        ("state".to_owned(), json!(job.state())),
        ("done".to_owned(), json!(format!("{} of {} steps", job.done(), job.steps.len()))),
    ]);
    if !job.parts.is_empty() {
        facts.insert("done".into(), json!(format!("{} of {}", job.parts_done(), job.parts.len())));
        if job.is_over() {
            let results: Vec<String> = (0..job.parts.len()).map(|part| part_told(job, part)).collect();
            facts.insert("results".into(), json!(results));
            if !job.ending.is_empty() {
                facts.insert("then".into(), json!(job.ending));
            }
            return facts;
        }
    }
    let results = job.steps.iter().filter_map(|step| match &step.stand {
        StepState::Done(note) if !note.is_empty() => Some(format!("{}: {note}", subject(step))),
        _ => None,
    });
    let results: Vec<String> = results.collect();
    if !results.is_empty() {
        facts.insert("results".into(), json!(shortened(results)));
    }
    if job.is_over() {
        if !job.ending.is_empty() && job.failed.is_none() {
            facts.insert("then".into(), json!(job.ending));
        }
        return facts;
    }
    let at = |stand: &dyn Fn(&StepState) -> bool| -> Vec<String> {
        let steps = job.steps.iter().enumerate().filter(|(_, step)| stand(&step.stand));
        shortened(steps.map(|(place, step)| format!("{}. {}", place + 1, step.what)).collect())
    };
    let now = at(&|stand| matches!(stand, StepState::Running(_) | StepState::Returning(_)));
    if !now.is_empty() {
        facts.insert("now".into(), json!(now));
    }
    if !job.returning {
        facts.insert("to_do".into(), json!(at(&|stand| *stand == StepState::Waiting)));
    }
    if let Some((step, why)) = &job.failed {
        facts.insert("failed".into(), json!(format!("{}. {}: {why}", step + 1, job.steps[*step].what)));
    }
    facts
}

/// The result of one part: done, with the notes of its steps, or which step failed, and what became of the rest.
fn part_told(job: &Job, part: usize) -> String {
    let steps = || job.steps.iter().filter(move |step| step.part == part);
    let title = &job.parts[part];
    let Some((failed, why)) = job.failures.get(&part) else {
        let notes = steps().filter_map(|step| match &step.stand {
            StepState::Done(note) if !note.is_empty() => Some(note.as_str()),
            _ => None,
        });
        let notes: Vec<&str> = notes.collect();
        let notes = if notes.is_empty() { String::new() } else { format!(": {}", notes.join("; ")) };
        return format!("{title}: done{notes}");
    };
    let left: Vec<String> = steps().filter_map(left).collect();
    let after = match (left.is_empty(), steps().any(|step| step.stand == StepState::Returned)) {
        (false, _) => format!(" Left as it is: {}.", left.join("; ")),
        (true, true) => " What was done is taken back.".to_owned(),
        (true, false) => " Nothing had been done before.".to_owned(),
    };
    format!("{title}: failed to {}: {}{after}", job.steps[*failed].what, sentence(why))
}

/// An error as one sentence with its full stop.
fn sentence(why: &str) -> String {
    let why = why.trim_end();
    if why.ends_with(['.', '!', '?']) { why.to_owned() } else { format!("{why}.") }
}

/// What is left of a step that could not be undone.
fn left(step: &Step) -> Option<String> {
    match &step.stand {
        StepState::Left(why) => Some(format!("{} ({})", step.what, why.trim_end().trim_end_matches('.'))),
        StepState::Unknown(_) => Some(format!("{} (it may have been done; look at it)", step.what)),
        _ => None,
    }
}

/// The subject of a step, shorter than what it does.
fn subject(step: &Step) -> String {
    match &step.act {
        Act::Reach(place) => place.title(),
        _ => step.what.clone(),
    }
}

fn shortened(mut list: Vec<String>) -> Vec<String> {
    if MOST < list.len() {
        let more = list.len() - MOST;
        list.truncate(MOST);
        list.push(format!("and {more} more"));
    }
    list
}

/// A job that failed, in sentences.
fn sentences(job: &Job, id: &str) -> String {
    let Some((failed, why)) = &job.failed else { return String::new() };
    let mut text = format!(
        "Step {} of {} failed, to {}: {}",
        failed + 1,
        job.steps.len(),
        job.steps[*failed].what,
        why.trim_end()
    );
    let mut tell = |title: &str, list: Vec<String>| {
        if !list.is_empty() {
            text.push_str(&format!("\n{title}: {}.", shortened(list).join("; ")));
        }
    };
    let steps = |wanted: &dyn Fn(&Step) -> bool| -> Vec<String> {
        job.steps.iter().filter(|step| wanted(step)).map(|step| step.what.clone()).collect()
    };
    let stays = |step: &Step| {
        let of_a_guest_taken_back = job.returning && step.back.is_none();
        matches!(step.stand, StepState::Done(_)) && !of_a_guest_taken_back
    };
    tell("Taken back", steps(&|step| step.stand == StepState::Returned));
    tell("Done and not taken back", steps(&stays));
    tell("Left as it is", job.steps.iter().filter_map(left).collect());
    tell("Not started", steps(&|step| step.stand == StepState::Waiting));
    text.push_str(&format!("\nproxmox_get_job shows it by its id, {id}."));
    text
}

/// A table of every step with its state.
#[must_use]
pub fn table(job: &Job) -> (Value, Vec<Value>) {
    let row = |(place, step): (usize, &Step)| {
        let (state, note) = match &step.stand {
            StepState::Waiting => ("to do", ""),
            StepState::Running(upid) => ("runs", upid.as_str()),
            StepState::Done(note) => ("done", note.as_str()),
            StepState::Failed(why) => ("refused", why.as_str()),
            StepState::Broken(why) => ("failed", why.as_str()),
            StepState::Unknown(why) => ("not known", why.as_str()),
            StepState::Returning(upid) => ("is taken back", upid.as_str()),
            StepState::Returned => ("taken back", ""),
            StepState::Left(why) => ("left", why.as_str()),
            StepState::Skipped => ("skipped", ""),
        };
        json!([place + 1, step.what, state, note, time(step.seconds)])
    };
    let columns = json!(["step", "what", "state", "note", "takes"]);
    (columns, job.steps.iter().enumerate().map(row).collect())
}
