//! The guests of the cluster. The cluster's own inventory is up to 10 s old (pve.md section 6), so a list right after a
//! start would still show the guest stopped, and a guest that was just made has no name in it: those few are looked at
//! themselves (see [`super::states`]).

use crate::{
    pve::{self, Params, Reply},
    sync::at_once,
    tools::{
        answer::{Failure, record::Record, rows},
        run::{
            context::Context,
            guest::{Guest, PATH, of_guests, read},
            states::{self, States},
        },
    },
};

/// Every guest that this account sees, by VMID, by one request. Until the call sends a change, whoever next asks for the
/// inventory is given the same answer.
///
/// # Errors
/// What the client says.
pub fn guests(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let (reply, states) = of_all_guests(context);
    let reply = reply?;
    let mut guests: Vec<Guest> = corrected(context, &reply, &states)?.iter().filter_map(read).collect();
    guests.sort_by_key(|one| one.vmid);
    context.share(reply);
    Ok(guests)
}

/// Where every guest that this account sees is, and nothing of how it is.
///
/// # Errors
/// What the client says.
pub fn places(context: &Context<'_>) -> Result<Vec<Guest>, Failure> {
    let reply = context.get(PATH, &of_guests())?;
    let mut guests: Vec<Guest> = rows(&reply)?.iter().filter_map(read).collect();
    guests.iter_mut().for_each(|guest| guest.status.clear());
    context.places.heard(guests.iter().cloned());
    context.fresh.all().iter().for_each(|(vmid, _)| context.places.unname(*vmid));
    Ok(guests)
}

/// The inventory of the guests, for [`corrected`].
pub fn of_all_guests(context: &Context<'_>) -> (Result<Reply, pve::Error>, States) {
    let (mut replies, states) = with_states(context, &[(PATH, of_guests())]);
    (replies.remove(0), states)
}

/// What `/cluster/status` and the whole inventory answer, the latter for [`corrected`].
pub fn of_cluster(context: &Context<'_>) -> (Result<Reply, pve::Error>, Result<Reply, pve::Error>, States) {
    let (mut replies, states) =
        with_states(context, &[("/cluster/status", Params::new()), (PATH, Params::new())]);
    let (resources, members) = (replies.pop(), replies.pop());
    let (Some(members), Some(resources)) = (members, resources) else {
        unreachable!("each path has its answer")
    };
    (members, resources, states)
}

/// What those paths answer, and beside them what guests that were changed a moment ago say of themselves.
fn with_states(context: &Context<'_>, paths: &[(&str, Params)]) -> (Vec<Result<Reply, pve::Error>>, States) {
    let asked = states::ask(context);
    let fixed = paths.iter().map(|(path, params)| (*path, params.clone()));
    let own = asked.iter().map(|one| (one.path.as_str(), one.params.clone()));
    let all: Vec<(&str, Params)> = fixed.chain(own).collect();
    let mut replies = at_once(&all, |(path, params)| context.read(path, params));
    let answers = replies.split_off(paths.len());
    (replies, States::of(asked, answers))
}

/// The rows of `/cluster/resources`, those of guests changed a moment ago as the guests themselves say. They are asked
/// now; [`of_all_guests`] asks them at the same time as for the rows.
///
/// # Errors
/// The answer is no list.
pub fn inventory<'a>(context: &Context<'_>, reply: &'a Reply) -> Result<Vec<Record<'a>>, Failure> {
    corrected(context, reply, &States::default())
}

/// As [`inventory`], with what was read beside it.
///
/// # Errors
/// The answer is no list.
pub fn corrected<'a>(
    context: &Context<'_>,
    reply: &'a Reply,
    states: &States,
) -> Result<Vec<Record<'a>>, Failure> {
    let mut records = rows(reply)?;
    states::correct(context, &mut records, states);
    context.places.heard(records.iter().filter_map(read));
    Ok(records)
}

/// What a guest is called, where the inventory does not know it yet.
#[must_use]
pub fn name_of(context: &Context<'_>, guest: &Guest) -> Option<String> {
    let path = format!("{}/status/current", guest.path().ok()?);
    let status = context.get(&path, &Params::new()).ok()?.value();
    let name = status["name"].as_str()?;
    context.places.named(guest.vmid, name);
    Some(name.to_owned())
}
