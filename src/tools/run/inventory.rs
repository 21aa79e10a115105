//! The guests of the cluster. `/cluster/resources` is up to 10 s old (pve.md section 6), so right after a start it
//! still shows the guest as stopped, and a guest that was just created has no name in it. Recently changed guests are
//! therefore read individually (see [`super::states`]).

use crate::{
    pve::{self, Params, Reply},
    sync::at_once,
    tools::{
        answer::{Failure, record::Record, rows},
        run::{
            context::Context,
            guest::{Guest, PATH, guests_only, place, read},
            states::{self, States},
        },
    },
};

/// Returns every guest that this account can see, sorted by VMID, with one request. Until the call sends a change, the
/// next reader of the inventory is given the same answer.
///
/// # Errors
/// Fails if the request fails.
pub fn guests(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let (reply, states) = of_all_guests(context);
    let reply = reply?;
    let mut guests: Vec<Guest> = corrected(context, &reply, &states)?.iter().filter_map(read).collect();
    guests.sort_by_key(|one| one.vmid);
    context.share(reply);
    Ok(guests)
}

/// Returns the node of every guest that this account can see, without its status.
///
/// # Errors
/// Fails if the request fails.
pub fn places(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let reply = context.get(PATH, &guests_only())?;
    let records = rows(&reply)?;
    context.places.heard(records.iter().filter_map(place));
    context.fresh.all().iter().for_each(|(vmid, _)| context.places.forget_name(*vmid));
    Ok(records.iter().filter_map(place).map(|place| place.with_status("")).collect())
}

/// Reads the inventory of guests, and the states that [`corrected`] needs.
pub fn of_all_guests(context: &Context<'_>) -> (Result<Reply, pve::Error>, States) {
    let (mut replies, states) = with_states(context, &[(PATH, guests_only())]);
    (replies.remove(0), states)
}

/// Reads `/cluster/status` and the whole inventory, and the states that [`corrected`] needs.
pub fn of_cluster(context: &Context<'_>) -> (Result<Reply, pve::Error>, Result<Reply, pve::Error>, States) {
    let (mut replies, states) =
        with_states(context, &[("/cluster/status", Params::new()), (PATH, Params::new())]);
    let (resources, members) = (replies.pop(), replies.pop());
    let (Some(members), Some(resources)) = (members, resources) else {
        unreachable!("each path has its answer")
    };
    (members, resources, states)
}

/// Reads those paths and, at the same time, the states of recently changed guests.
fn with_states(context: &Context<'_>, paths: &[(&str, Params)]) -> (Vec<Result<Reply, pve::Error>>, States) {
    let asked = states::ask(context);
    let fixed = paths.iter().map(|(path, params)| (*path, params.clone()));
    let own = asked.iter().map(|one| (one.path.as_str(), one.params.clone()));
    let all: Vec<(&str, Params)> = fixed.chain(own).collect();
    let mut replies = at_once(&all, |(path, params)| context.read(path, params));
    let answers = replies.split_off(paths.len());
    (replies, States::of(asked, answers))
}

/// Returns the rows of `/cluster/resources`, with those of recently changed guests corrected from the guests' own
/// status, which is read now. ([`of_all_guests`] reads it at the same time as the rows.)
///
/// # Errors
/// Fails if the answer is not a list.
pub fn inventory<'a>(context: &Context<'_>, reply: &'a Reply) -> Result<Vec<Record<'a>>, Failure> {
    corrected(context, reply, &States::default())
}

/// Like [`inventory`], with the states that were already read.
///
/// # Errors
/// Fails if the answer is not a list.
pub fn corrected<'a>(
    context: &Context<'_>,
    reply: &'a Reply,
    states: &States,
) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    states::correct(context, &mut records, states);
    context.places.heard(records.iter().filter_map(place));
    Ok(records)
}

/// Reads a guest's name from its own status, for when the inventory does not have it yet.
#[must_use]
pub fn name_of(context: &Context<'_>, guest: &Guest) -> Option<String> {
    let path = format!("{}/status/current", guest.path().ok()?);
    let status = context.get(&path, &Params::new()).ok()?.value();
    let name = status["name"].as_str()?;
    context.places.named(guest.vmid, name);
    Some(name.to_owned())
}
