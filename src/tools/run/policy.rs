//! What a configuration says to a request that is about to be sent: run it, ask first, or refuse it. Decided here alone and
//! on the request alone, whatever tool, old name or path of the API it comes from.

use crate::{
    config::Access,
    pve::api::{
        self, Lookup, Row,
        effect::{Class, Effect, Reason, Role, Touch},
    },
    tools::{
        answer::Failure,
        run::{
            commands,
            context::Context,
            look::{self, Seen},
            request::Request,
            rules::{self, Case},
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};

/// A request that was judged.
#[derive(Debug)]
pub struct Judged {
    /// What is to be done.
    pub verdict: Verdict,
    /// What the path of a change answered before it, where that had to be read.
    pub before: Option<Map<String, Value>>,
}

/// Judges a request. `known` is what its path answers to a GET, where that was read already.
///
/// # Errors
/// The cluster cannot be asked what the rules must know.
pub fn judge(
    context: &Context<'_>,
    request: &Request,
    known: Option<Map<String, Value>>,
) -> Result<Judged, Failure> {
    let config = context.config;
    let refuse = |why: String, before| Ok(Judged { verdict: Verdict::Refuse(why), before });
    let mut effect = match request.effect() {
        Ok(effect) => effect,
        Err(why) => return refuse(why, known),
    };
    if config.access == Access::ReadOnly && effect.classes() != [Class::Read] {
        let does = if effect.is(Class::Read) { "does more than to read" } else { "changes the cluster" };
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
    let seen = look::at(context, request, &mut effect, known)?;
    if let Some(why) = rules::refusal(config, Case { request, effect: &effect, seen: &seen }) {
        return refuse(why, seen.before);
    }
    let Seen { before, .. } = seen;
    let asks = match config.access {
        Access::Full => Vec::new(),
        Access::ReadOnly | Access::Standard => asks(&config.ask, &effect, &context.made()),
    };
    let verdict = if asks.is_empty() { Verdict::Run } else { Verdict::Ask(asks) };
    Ok(Judged { verdict, before })
}

/// The sentence that says that a method is not called because every tool that sends it is denied.
#[must_use]
pub fn denied(denied: &[Row], request: &Request) -> Option<String> {
    if denied.is_empty() {
        return None;
    }
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return None };
    denied.contains(&found.row).then(|| {
        format!(
            "{} is what a tool does that the setting `deny_tools` forbids, so it is refused.",
            request.title()
        )
    })
}

/// Parameters that say who may log in to a guest.
pub const LOGINS: [&str; 5] = ["ciuser", "cipassword", "sshkeys", "password", "ssh-public-keys"];

/// Whether it is only about the logins of guests that are made by this request, or were by this call: who makes a guest
/// takes no rights from anybody by that.
fn is_first_login(reason: &Reason, effect: &Effect, made: &[u32]) -> bool {
    let by_login = reason.by.iter().all(|name| LOGINS.contains(&name.as_str()));
    let makes = |vmid: u32| effect.guests().any(|(new, role)| new == vmid && role == Role::New);
    let mut guests = effect.guests().filter(|(_, role)| *role != Role::Source).peekable();
    reason.class == Class::Rights
        && by_login
        && !reason.by.is_empty()
        && guests.peek().is_some()
        && !effect.is(Class::Destroy)
        && guests.all(|(vmid, _)| made.contains(&vmid) || makes(vmid))
}

/// The reasons for which a person must agree first.
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

/// Whether more than one guest or a whole node is what the request is about.
fn is_wide(effect: &Effect) -> bool {
    let mut guests: Vec<u32> =
        effect.guests().filter(|(_, role)| *role == Role::Target).map(|(vmid, _)| vmid).collect();
    guests.sort_unstable();
    guests.dedup();
    let wide = |touch: &Touch| match touch {
        Touch::Node(_) | Touch::EveryNode | Touch::Cluster | Touch::Everything | Touch::Unreadable { .. } => {
            true
        }
        touch => touch.needs_look(),
    };
    let about = effect.touches.iter().filter(|touched| touched.role == Role::Target);
    1 < guests.len() || about.into_iter().any(|touched| wide(&touched.what))
}
