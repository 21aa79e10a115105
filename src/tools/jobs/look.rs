//! Jobs that were started: their state, continuing one, undoing one.

use crate::tools::{
    answer::{Failure, Outcome},
    jobs::{engine, job::Job, plan, told},
    param::Param,
    run::{Args, Context, door::Agreed},
};
use serde_json::{Map, Value, json};

/// Parameters of showing jobs.
pub const GET: &[Param] = &[Param::text("id").optional()];
/// Parameters of continuing a job.
pub const CONTINUE: &[Param] = &[Param::text("id"), Param::flag("back").optional()];

/// One job with its steps, or all of them.
///
/// # Errors
/// Fails if there is no such job.
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

/// Continues an interrupted job, or undoes it. What is still to be sent needs the same confirmation as at its start.
///
/// # Errors
/// Fails if there is no such job, if it is over or cannot be continued, or if a step fails.
pub fn go_on(context: &Context<'_>, args: &Args) -> Outcome {
    let id = args.text("id").unwrap_or_default();
    Job::load(context, id)?;
    let hold = context.jobs.hold(id)?;
    // Its state now that no other call is carrying it out.
    let mut job = Job::load(context, id)?;
    if args.flag("back") == Some(true) && !job.returning {
        if job.is_past_undo() {
            return Err(Failure::new(format!(
                "Nothing was done: job {id} is past the point up to which it can be undone."
            )));
        }
        if job.is_over() && job.failed.is_none() {
            return Err(Failure::new(format!(
                "Nothing was done: job {id} is done, and what it created may be in use by now. Delete or change each thing with its own tool."
            )));
        }
        let whole = plan::undo_plan(&job)?;
        if context.dry {
            return engine::dry(context, whole);
        }
        context.agree(whole)?;
        job.returning = true;
        return engine::go_on(context, args, &mut job, &hold);
    }
    if job.is_over() {
        return Err(Failure::new(format!(
            "Nothing was done: job {id} is over ({}); proxmox_get_job shows its steps.",
            job.state()
        )));
    }
    if job.cut && !job.returning {
        return Err(Failure::new(format!(
            "Nothing was done: job {id} was started by a process that has ended, and the secret values of its next steps were not stored. It can be undone, with `back`."
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
