//! Undoes what a job has done, in reverse order, and nothing else: the state of each target is checked first.

use crate::{
    pve::{Method, Params, task::Upid},
    tools::{
        answer::Failure,
        jobs::{
            act::{End, arrives, by_ha, end, status, stops},
            job::Job,
            step::{Back, Order, Place, Step, StepState, Wanted},
        },
        param::Kind,
        run::{Context, kept::JobLock},
    },
};
use std::time::Instant;

/// Undoes the finished steps of one part or of the whole job, at most until that time. Returns why the state of
/// something could not be read.
pub fn run(
    context: &Context<'_>,
    job: &mut Job,
    hold: &JobLock<'_>,
    until: Instant,
    part: Option<usize>,
) -> Option<String> {
    for place in (0..job.steps.len()).rev() {
        let step = &job.steps[place];
        let is_meant = part.is_none_or(|part| part == step.part) && step.is_there();
        let (Some(back), true) = (step.back.clone(), is_meant) else { continue };
        if stops(context, until) && !matches!(step.stand, StepState::Returning(_)) {
            return None;
        }
        context.call.progress(
            context.started.elapsed().as_secs_f64(),
            None,
            &format!("Taking back step {}: {}.", place + 1, step.what),
        );
        loop {
            let next = match next(context, &job.steps[place], &back, until) {
                Ok(next) => next,
                Err(Failure(why)) => return Some(why),
            };
            let goes_on = next == job.steps[place].stand;
            job.steps[place].stand = next;
            job.save(context, hold);
            if goes_on {
                return None;
            }
            if !matches!(job.steps[place].stand, StepState::Returning(_)) {
                break;
            }
        }
    }
    None
}

/// Does the next thing to undo a step. Returns its new state; the same state if its task is still running.
fn next(context: &Context<'_>, step: &Step, back: &Back, until: Instant) -> Result<StepState, Failure> {
    let task = match &step.stand {
        StepState::Returning(upid) => match end(context, upid, until)? {
            End::NotYet => return Ok(step.stand.clone()),
            End::Badly(why) => return Ok(StepState::Left(why)),
            End::Well => Some(upid.as_str()),
        },
        _ => None,
    };
    match back {
        Back::Remove(place) => remove(context, place, task),
        Back::Home(place, home) => move_home(context, step, place, home, task, until),
        Back::Send(_) if task.is_some() => Ok(StepState::Returned),
        Back::Send(order) => Ok(sent(context, order)),
        Back::Rollback(place, name, runs) => rollback(context, step, place, (name, *runs), task),
    }
}

/// Rolls the guest back to the snapshot, then deletes the snapshot. If taking it failed, only deletes its remains.
fn rollback(
    context: &Context<'_>,
    step: &Step,
    place: &Place,
    (name, runs): (&str, bool),
    task: Option<&str>,
) -> Result<StepState, Failure> {
    let kind = task.and_then(|upid| Upid::parse(upid).ok()).map(|upid| upid.kind).unwrap_or_default();
    if kind.contains("delsnapshot") {
        return Ok(StepState::Returned);
    }
    let list = context.get(&place.path("/snapshot")?, &Params::new())?.value();
    if !list.as_array().into_iter().flatten().any(|snapshot| snapshot["name"] == *name) {
        return Ok(StepState::Returned);
    }
    if kind.contains("rollback") || matches!(step.stand, StepState::Broken(_)) {
        let path = place.path(&format!("/snapshot/{name}"))?;
        return Ok(sent(context, &Order::new(Method::Delete, path, &Params::new())));
    }
    Ok(sent(context, &place.rollback(name, runs)?))
}

/// Stops the guest if it is running, then deletes it.
fn remove(context: &Context<'_>, place: &Place, task: Option<&str>) -> Result<StepState, Failure> {
    let kind = task.and_then(|upid| Upid::parse(upid).ok()).map(|upid| upid.kind);
    match (status(context, place)?.as_deref(), kind.as_deref()) {
        (None, _) => Ok(StepState::Returned),
        (Some(_), Some("qmdestroy" | "vzdestroy")) => {
            Ok(StepState::Left(format!("{} is still there after it was deleted.", place.title())))
        }
        (Some("running"), None) => {
            Ok(sent(context, &Order::new(Method::Post, place.path("/status/stop")?, &Params::new())))
        }
        (Some(_), _) => {
            unprotect(context, place)?;
            let params = Params::new().with("purge", 1);
            Ok(sent(context, &Order::new(Method::Delete, place.path("")?, &params)))
        }
    }
}

/// Removes the protection that a guest has from its template or backup; otherwise it could not be deleted.
fn unprotect(context: &Context<'_>, place: &Place) -> Result<(), Failure> {
    let path = place.path("/config")?;
    let config = context.get(&path, &Params::new())?.value();
    let on = &config["protection"];
    if *on == 1 || *on == "1" || *on == true {
        context.change_as_undo(Method::Put, &path, &Params::new().with("protection", 0))?;
    }
    Ok(())
}

/// Migrates the guest back to where it was, if it is where the job moved it to.
fn move_home(
    context: &Context<'_>,
    step: &Step,
    place: &Place,
    home: &str,
    task: Option<&str>,
    until: Instant,
) -> Result<StepState, Failure> {
    let at_home = Wanted { place: Place { node: home.to_owned(), ..place.clone() }, running: None };
    if status(context, &at_home.place)?.is_some() {
        return Ok(StepState::Returned);
    }
    if let Some(upid) = task {
        let comes = by_ha(upid) && arrives(context, &at_home, until);
        return Ok(match (comes, by_ha(upid)) {
            (true, _) => StepState::Returned,
            (false, true) => step.stand.clone(),
            (false, false) => StepState::Left(format!("{} did not come back to {home}.", place.title())),
        });
    }
    let Some(now) = status(context, place)? else {
        let problem = format!("{} is neither on {} nor on {home}.", place.title(), place.node);
        return Ok(StepState::Left(problem));
    };
    let given = step.order().map(|order| order.request().params).unwrap_or_default();
    let mut params = Params::new().with("target", home);
    match (place.kind(), now == "running") {
        (Kind::Vm, true) => params.push("online", 1),
        (Kind::Container, true) => params.push("restart", 1),
        _ => {}
    }
    if let Some(local) = given.get("with-local-disks") {
        params.push("with-local-disks", local);
    }
    Ok(sent(context, &Order::new(Method::Post, place.path("/migrate")?, &params)))
}

/// Sends the request that undoes a step, and returns the step's new state.
fn sent(context: &Context<'_>, order: &Order) -> StepState {
    let request = order.request();
    match context.change_as_undo(request.method, &request.path, &request.params) {
        Ok(reply) => match reply.value().as_str().filter(|upid| upid.starts_with("UPID:")) {
            Some(upid) => StepState::Returning(upid.to_owned()),
            None => StepState::Returned,
        },
        Err(Failure(why)) => StepState::Left(why),
    }
}
