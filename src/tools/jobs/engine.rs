//! Carries out a job wave by wave and follows each step to its end; at the first failure, stops and undoes what was
//! done.

use crate::tools::{
    answer::{Failure, Outcome},
    jobs::{act, back, job::Job, plan, step::StepState, told},
    run::{Args, Context, asked::Whole, door::Agreed, kept::JobLock},
};
use std::time::{Duration, Instant};

/// Why the result of a step is not known if the server ended before the answer came.
const CUT_OFF: &str = "the server ended before the answer to its request came.";

/// Shows a new job in a dry run; otherwise asks for confirmation, if it is needed, and carries the job out.
///
/// # Errors
/// Fails if the policy of the configuration forbids it, if it must be confirmed first, or if a step fails; then the
/// error says what became of the others.
pub fn begin(context: &Context<'_>, args: &Args, mut job: Job) -> Outcome {
    // In the order in which they run.
    job.steps.sort_by_key(|step| step.wave);
    let whole = plan::whole(&job);
    if context.dry {
        return dry(context, whole);
    }
    job.agreed = context.agree(whole)? == Agreed::ByAPerson;
    let hold = context.jobs.begin()?;
    go_on(context, args, &mut job, &hold)
}

/// Shows the plan, and whether it would run, ask for confirmation or be refused.
///
/// # Errors
/// Fails like [`Context::fit`].
pub fn dry(context: &Context<'_>, whole: Whole) -> Outcome {
    let mut facts = whole.shown.clone();
    facts.shift_insert(0, "dry_run".into(), true.into());
    let agreed = context.agree(whole);
    let (would, why) = match (agreed, context.pending()) {
        (Ok(_), _) => ("run", String::new()),
        (Err(_), Some(asked)) => ("ask", asked.reasons().join(" ")),
        (Err(Failure(why)), None) => ("refuse", why),
    };
    facts.insert("would".into(), would.into());
    if !why.is_empty() {
        facts.insert("why".into(), why.into());
    }
    facts.insert("note".into(), "Nothing was sent.".into());
    context.fit(facts)
}

/// Continues a job that this call holds, for as long as the call may wait.
///
/// # Errors
/// Fails if a step fails; the error names it, and what became of the others.
pub fn go_on(context: &Context<'_>, args: &Args, job: &mut Job, hold: &JobLock<'_>) -> Outcome {
    let wait = args.count("wait").map_or(context.config.wait, |seconds| Duration::from_secs(seconds as u64));
    let mut until = context.started + wait;
    let mut lasts = job.save(context, hold);
    let mut trouble = None;
    // A step may have failed, or been cut off, in a call before this one.
    fail(job);
    while !job.returning && trouble.is_none() {
        if let Some(part) = job.failed_part_to_undo() {
            trouble = back::run(context, job, hold, until, Some(part));
            lasts = job.save(context, hold);
            if job.failed_part_to_undo() == Some(part) {
                break;
            }
            continue;
        }
        let Some(wave) = next_wave(job) else { break };
        if act::stops(context, until) && begins(job, wave) {
            break;
        }
        send(context, job, hold, wave);
        if !context.call.submitted() {
            until = Instant::now();
        }
        trouble = follow(context, job, hold, wave, until);
        fail(job);
        lasts = job.save(context, hold);
        if runs(job) || job.failed.is_some() {
            break;
        }
    }
    if job.returning {
        // Wait for what is still running: only what has ended can be undone.
        for wave in 0..job.next_wave() {
            trouble = follow(context, job, hold, wave, until).or(trouble);
        }
    }
    if job.returning && !runs(job) {
        trouble = back::run(context, job, hold, until, None).or(trouble);
        lasts = job.save(context, hold);
    }
    told::outcome(context, job, hold.id(), lasts, trouble)
}

/// Ends the job if a step has failed and none is running any more; in a job with independent parts, ends that part.
fn fail(job: &mut Job) {
    if !job.parts.is_empty() {
        return fail_parts(job);
    }
    let failed = job.steps.iter().enumerate().find_map(|(place, step)| Some((place, failure(&step.stand)?)));
    let failed = failed.map(|(place, why)| (place, why.to_owned()));
    if job.failed.is_none() && failed.is_some() && !runs(job) {
        job.failed = failed;
        job.returning = job.takes_back && !job.is_past_undo();
    }
}

fn fail_parts(job: &mut Job) {
    let runs = |part: usize| {
        job.steps.iter().any(|step| step.part == part && matches!(step.stand, StepState::Running(_)))
    };
    let failed = job.steps.iter().enumerate().filter_map(|(place, step)| {
        let why = failure(&step.stand)?;
        (!runs(step.part)).then(|| (step.part, (place, why.to_owned())))
    });
    for (part, failed) in failed.collect::<Vec<_>>() {
        job.failures.entry(part).or_insert(failed);
        let left = job.steps.iter_mut().filter(|step| step.part == part && step.stand == StepState::Waiting);
        left.for_each(|step| step.stand = StepState::Skipped);
    }
}

fn runs(job: &Job) -> bool {
    job.steps.iter().any(|step| matches!(step.stand, StepState::Running(_)))
}

/// The first wave with unfinished steps.
fn next_wave(job: &Job) -> Option<usize> {
    if job.failed.is_some() {
        return None;
    }
    let open =
        job.steps.iter().filter(|step| matches!(step.stand, StepState::Waiting | StepState::Running(_)));
    open.map(|step| step.wave).min()
}

/// Whether no step of a wave is running yet.
fn begins(job: &Job, wave: usize) -> bool {
    !job.steps.iter().any(|step| step.wave == wave && matches!(step.stand, StepState::Running(_)))
}

fn failure(stand: &StepState) -> Option<&str> {
    match stand {
        StepState::Failed(why) | StepState::Broken(why) | StepState::Unknown(why) => Some(why),
        _ => None,
    }
}

/// Sends the requests of a wave that have not been sent, up to the first that is refused.
fn send(context: &Context<'_>, job: &mut Job, hold: &JobLock<'_>, wave: usize) {
    let places = |job: &Job| -> Vec<usize> {
        let waiting = job.steps.iter().enumerate();
        let waiting = waiting.filter(|(_, step)| step.wave == wave && step.stand == StepState::Waiting);
        waiting.map(|(place, _)| place).collect()
    };
    for place in places(job) {
        if job.steps.iter().any(|step| step.wave == wave && failure(&step.stand).is_some()) {
            return;
        }
        tell(context, job, place);
        // If this process ends before the answer comes, whoever continues must not send it again.
        let step = job.steps[place].clone();
        job.steps[place].stand = StepState::Unknown(CUT_OFF.to_owned());
        job.save(context, hold);
        job.steps[place].stand = act::send(context, &step, job.owns(&step));
        job.save(context, hold);
    }
}

/// Follows the running steps of a wave. Returns why the state of one could not be read.
fn follow(
    context: &Context<'_>,
    job: &mut Job,
    hold: &JobLock<'_>,
    wave: usize,
    until: Instant,
) -> Option<String> {
    let mut trouble = None;
    for place in 0..job.steps.len() {
        let step = &job.steps[place];
        if step.wave != wave || !matches!(step.stand, StepState::Running(_)) {
            continue;
        }
        tell(context, job, place);
        match act::follow(context, &job.steps[place], until) {
            Ok(stand) => job.steps[place].stand = stand,
            Err(Failure(why)) => trouble = Some(why),
        }
        job.save(context, hold);
    }
    trouble
}

fn tell(context: &Context<'_>, job: &Job, place: usize) {
    #[allow(clippy::cast_precision_loss, reason = "a few steps")]
    let (done, all) = (job.done() as f64, job.steps.len() as f64);
    let message = format!("Step {} of {}: {}.", place + 1, job.steps.len(), job.steps[place].what);
    context.call.progress(done, Some(all), &message);
}
