//! Decides by the configuration whether a request is sent, must be confirmed first, or is refused. This is the only
//! place that decides, and only the request counts, whichever tool or path of the API it comes from.

use crate::{
    config::Access,
    pve::api::{
        self, Lookup, Row,
        effect::{Class, Effect, Reason, Role, Touch, Touched},
    },
    tools::{
        answer::Failure,
        run::{
            commands,
            context::Context,
            look::{self, Known, Seen},
            request::Request,
            rules::{self, Case},
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The decision about a request.
#[derive(Debug)]
pub struct Judged {
    /// What is done with it.
    pub verdict: Verdict,
    /// What the path of a change answered before it, if that was read.
    pub before: Option<Map<String, Value>>,
}

/// Decides about a request. `known` is what a GET of its path answers, if that was read already.
///
/// # Errors
/// Fails if what the rules must know cannot be read from the cluster.
pub fn judge(
    context: &Context<'_>,
    request: &Request,
    known: Option<Map<String, Value>>,
) -> Result<Judged, Failure> {
    judge_after(context, request, known, &[])
}

/// Decides about all requests of a job, in order, before any of them is sent. A guest that one of the requests creates
/// is known to the later ones as it will be, and requests that only concern such guests need no confirmation. The
/// requests in `own` only remove what the job has created.
///
/// # Errors
/// Fails like [`judge`].
pub fn judge_all(context: &Context<'_>, requests: &[Request], own: &[Request]) -> Result<Verdict, Failure> {
    let (mut ahead, mut reasons, mut interrupted) = (Vec::new(), Vec::new(), BTreeSet::new());
    let inventory = context.inventory_for_rules()?;
    let there = inventory.as_ref().map(look::known).transpose()?.unwrap_or_default();
    let all = requests.iter().map(|request| (request, false)).chain(own.iter().map(|own| (own, true)));
    for (request, own) in all {
        let effect = request.effect().ok();
        let is_new = |vmid: u32| ahead.iter().any(|new: &Known| new.vmid == vmid);
        let own = own || effect.as_ref().is_some_and(|effect| is_only_about(effect, &is_new));
        if let Some(inventory) = &inventory {
            context.share(inventory.clone());
        }
        match judge_after(context, request, None, &ahead)?.verdict {
            Verdict::Refuse(why) => return Ok(Verdict::Refuse(why)),
            Verdict::Ask(whys) if !own => reasons.extend(whys),
            Verdict::Ask(_) | Verdict::Run => {}
        }
        let Some(effect) = effect else { continue };
        if effect.is(Class::Interrupt) && !own {
            let there = effect.guests().filter(|(vmid, role)| *role == Role::Target && !is_new(*vmid));
            interrupted.extend(there.map(|(vmid, _)| vmid));
        }
        look::made(request, &effect, &there, &mut ahead);
    }
    let asks_for_several = context.config.access == Access::Standard
        && context.config.ask.iter().any(|word| word == Class::Interrupt.word());
    if asks_for_several && 1 < interrupted.len() {
        reasons.push("More than one guest is interrupted.");
    }
    let mut told = BTreeSet::new();
    reasons.retain(|reason| told.insert(*reason));
    Ok(if reasons.is_empty() { Verdict::Run } else { Verdict::Ask(reasons) })
}

/// Returns whether it is only about guests, and all of them are among `those`.
fn is_only_about(effect: &Effect, those: &dyn Fn(u32) -> bool) -> bool {
    let targets = || effect.touches.iter().filter(|touched| touched.role == Role::Target);
    let one = |touched: &Touched| {
        let mut guests = touched.guests().peekable();
        guests.peek().is_some() && guests.all(|(vmid, _)| those(vmid))
    };
    targets().next().is_some() && targets().all(one)
}

/// Decides about a request that follows those that create the guests `ahead`.
fn judge_after(
    context: &Context<'_>,
    request: &Request,
    known: Option<Map<String, Value>>,
    ahead: &[Known],
) -> Result<Judged, Failure> {
    let config = context.config;
    let refuse = |why: String, before| Ok(Judged { verdict: Verdict::Refuse(why), before });
    let mut effect = match request.effect() {
        Ok(effect) => effect,
        Err(why) => return refuse(why, known),
    };
    if config.access == Access::ReadOnly && effect.classes() != [Class::Read] {
        let does = if effect.is(Class::Read) { "does more than read" } else { "changes the cluster" };
        return refuse(
            format!("{} {does}, and the setting `access` is `read-only`.", request.title()),
            known,
        );
    }
    if let Some(why) = denied(context.denied, request) {
        return refuse(why, known);
    }
    if let Some(why) = commands::refusal(&config.exec_allow, request, &effect) {
        return refuse(why, known);
    }
    let mut seen = look::at(context, request, &mut effect, known)?;
    seen.guests.extend_from_slice(ahead);
    if let Some(why) = rules::refusal(config, Case { request, effect: &effect, seen: &seen }) {
        return refuse(why, seen.before);
    }
    let Seen { before, .. } = seen;
    let asks = match config.access {
        Access::Full => Vec::new(),
        Access::ReadOnly | Access::Standard => {
            let made = ahead.iter().map(|guest| guest.vmid).chain(context.made()).collect::<Vec<_>>();
            asks(&config.ask, &effect, &made)
        }
    };
    let verdict = if asks.is_empty() { Verdict::Run } else { Verdict::Ask(asks) };
    Ok(Judged { verdict, before })
}

/// Returns the sentence that says that a method is not called because every tool that sends it is denied.
#[must_use]
pub fn denied(denied: &[Row], request: &Request) -> Option<String> {
    if denied.is_empty() {
        return None;
    }
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return None };
    denied.contains(&found.row).then(|| {
        format!(
            "Every tool that sends {} is forbidden by the setting `deny_tools`, so it is refused.",
            request.title()
        )
    })
}

/// Parameters that set who may log in to a guest.
pub const LOGIN_PARAMS: [&str; 5] = ["ciuser", "cipassword", "sshkeys", "password", "ssh-public-keys"];

/// Returns whether a reason is only about the logins of guests that this request or this call creates: that takes no
/// rights from anybody.
fn is_first_login(reason: &Reason, effect: &Effect, made: &[u32]) -> bool {
    let by_login = reason.by.iter().all(|name| LOGIN_PARAMS.contains(&name.as_str()));
    let makes = |vmid: u32| effect.guests().any(|(new, role)| new == vmid && role == Role::New);
    let mut guests = effect.guests().filter(|(_, role)| *role != Role::Source).peekable();
    reason.class == Class::Rights
        && by_login
        && !reason.by.is_empty()
        && guests.peek().is_some()
        && !effect.is(Class::Destroy)
        && guests.all(|(vmid, _)| made.contains(&vmid) || makes(vmid))
}

/// Returns the reasons for which a person must confirm it first.
fn asks(ask: &[String], effect: &Effect, made: &[u32]) -> Vec<&'static str> {
    let wide = is_wide(effect);
    let asks = |reason: &&Reason| {
        let named = ask.iter().any(|word| word == reason.class.word());
        let small = reason.class == Class::Interrupt && !wide;
        named && !small && !is_first_login(reason, effect, made)
    };
    let mut whys: Vec<&'static str> = Vec::new();
    for reason in effect.reasons.iter().filter(asks) {
        let why = if reason.why.is_empty() { "Something is changed." } else { reason.why };
        if !whys.contains(&why) {
            whys.push(why);
        }
    }
    whys
}

/// Returns whether the request is about more than one guest or a whole node.
fn is_wide(effect: &Effect) -> bool {
    let mut guests: Vec<u32> =
        effect.guests().filter(|(_, role)| *role == Role::Target).map(|(vmid, _)| vmid).collect();
    guests.sort_unstable();
    guests.dedup();
    let wide = |touch: &Touch| match touch {
        Touch::Node(_) | Touch::EveryNode | Touch::Cluster | Touch::Everything | Touch::Unreadable { .. } => {
            true
        }
        touch => touch.depends_on_cluster(),
    };
    let about = effect.touches.iter().filter(|touched| touched.role == Role::Target);
    1 < guests.len() || about.into_iter().any(|touched| wide(&touched.what))
}
