//! Jobs that were begun: how they stand, going on with one, taking one back.

use crate::tools::{
    answer::{Failure, Outcome},
    jobs::{engine, job::Job, plan, told},
    param::Param,
    run::{Args, Context, door::Agreed},
};
use serde_json::{Map, Value, json};

/// What looking at jobs takes.
pub const GET: &[Param] = &[Param::text("id").optional()];
/// What going on with one takes.
pub const CONTINUE: &[Param] = &[Param::text("id"), Param::flag("back").about("Undo it instead.").optional()];

/// One job with its steps, or all of them.
///
/// # Errors
/// There is no such job.
pub fn get(context: &Context<'_>, args: &Args) -> Outcome {
    if let Some(id) = args.text("id") {
        let job = Job::load(context, id)?;
        let (columns, rows) = told::table(&job);
        let mut facts = told::facts(&job, id);
        for name in ["results", "now", "to_do"] {
            facts.shift_remove(name);
        }
        facts.shift_insert(1, "plan".into(), job.sentence.clone().into());
        facts.insert("columns".into(), columns);
        facts.insert("rows".into(), rows.into());
        return context.fit(facts);
    }
    let rows: Vec<Value> = context
        .jobs
        .all()
        .into_iter()
        .filter_map(|(id, value)| Some(serde_json::from_value::<Job>(value).ok()?.row(&id)))
        .collect();
    let total = rows.len();
    context.fit(Map::from_iter([
        ("columns".to_owned(), json!(["job", "plan", "state", "done"])),
        ("rows".to_owned(), rows.into()),
        ("total".to_owned(), total.into()),
    ]))
}

/// Goes on with a job that was cut off, or takes it back. What is still to be sent is agreed to as at its beginning.
///
/// # Errors
/// There is no such job, it is over, or it cannot be gone on with; the step that failed.
pub fn go_on(context: &Context<'_>, args: &Args) -> Outcome {
    let id = args.text("id").unwrap_or_default();
    Job::load(context, id)?;
    let hold = context.jobs.hold(id)?;
    // As it stands now that nobody else carries it out.
    let mut job = Job::load(context, id)?;
    if args.flag("back") == Some(true) && !job.returning {
        if job.is_firm() {
            return Err(Failure::new(format!(
                "Nothing was done: job {id} is past the point up to which it can be taken back."
            )));
        }
        if job.is_over() && job.failed.is_none() {
            return Err(Failure::new(format!(
                "Nothing was done: job {id} is done, and what it made may be in use by now. Each thing has a tool of its own that deletes or changes it."
            )));
        }
        let whole = plan::whole_back(&job)?;
        if context.dry {
            return engine::dry(context, whole);
        }
        context.agree(whole)?;
        job.returning = true;
        return engine::go_on(context, args, &mut job, &hold);
    }
    if job.is_over() {
        return Err(Failure::new(format!(
            "Nothing was done: job {id} is over ({}); proxmox_get_job tells its steps.",
            job.state()
        )));
    }
    if job.cut && !job.returning {
        return Err(Failure::new(format!(
            "Nothing was done: job {id} was begun by a process that has ended, and the secret values of its next steps were not written down. It can be taken back, with `back`."
        )));
    }
    let whole = plan::whole(&job);
    if context.dry {
        return engine::dry(context, whole);
    }
    match job.agreed {
        true => context.leave(whole.requests),
        false if !job.returning => job.agreed = context.agree(whole)? == Agreed::ByAPerson,
        false => {}
    }
    engine::go_on(context, args, &mut job, &hold)
}
