//! Confirms a request. Its plan is shown to a person: by a question (elicitation) if the client supports that and
//! somebody answers, otherwise by approval outside the model or by a token, as configured. Only what was confirmed is
//! done, and only once.

use crate::{
    config::Confirm,
    mcp::{Asking, Reaction},
    tools::{
        answer::{Failure, answer, canonical::meaning},
        run::{
            asked::Asked,
            clusters::CLUSTER,
            context::Context,
            matter::{ConfirmationMethod, Decision, UnconfirmedCall, Wait, named, note},
            person::{self, Word},
            plan::{self, Plan},
            question::{Typed, question, typed},
            tokens::{Kind, Tokens},
        },
    },
};
use serde_json::json;
use std::time::{Duration, Instant};

/// A person needs longer than this to read a question. A refusal that comes sooner was given by a program, not by a
/// person.
const READING: Duration = Duration::from_secs(1);

/// Asks for confirmation of a request, or checks the confirmation that came with the call.
///
/// # Errors
/// Fails if it is not confirmed: declined, mistyped, a token that is not valid, or a target that changed in the
/// meantime.
pub fn decide(
    context: &Context<'_>,
    tokens: &Tokens,
    matter: UnconfirmedCall<'_>,
) -> Result<Decision, Failure> {
    let UnconfirmedCall { tool, args, asked } = matter;
    let strict = context.config.confirm == Confirm::Strict;
    // A person may have approved it already, in a terminal.
    if !strict {
        match person::word(context, matter)? {
            Word::None => {}
            Word::Approved => return Ok(Decision::Go),
        }
    }
    let shown = in_cluster(context, plan::of_asked(context, asked)?);
    let bound = bind(context, matter, &shown);
    match context.call.asking() {
        Asking::Now(ask) => {
            note(context, |journal| journal.asked(asked.requests(), "the client"));
            let since = Instant::now();
            let reaction = ask(&question(&shown));
            if nobody_is_there(&reaction, since.elapsed()) && !strict {
                return person::ask(context, matter, shown, NOBODY);
            }
            agreed(context, asked, &shown, reaction)?;
            // A person may take minutes to answer, so the target is read again.
            if plan::of_asked(context, asked)?.identity == shown.identity {
                return Ok(Decision::Go);
            }
            Err(Failure::new(format!(
                "{} changed while the question was open. Nothing was done; call again.",
                shown.title
            )))
        }
        Asking::Again(given) => {
            let Some((given, reaction)) = given.and_then(|given| Some((given, given.reaction.clone()?)))
            else {
                // The call has no answer: the question is asked, or asked again (basic/multi-round-trip).
                note(context, |journal| journal.asked(asked.requests(), "the client"));
                return Ok(Decision::Ask(question(&shown), tokens.issue(Kind::State, &bound)?));
            };
            let out = tokens.redeem(Kind::State, &given.state, &bound).map_err(|why| {
                Failure::new(format!("Nothing was done: the `requestState` is not accepted: {why}. Call `{tool}` again for a new question."))
            })?;
            if nobody_is_there(&reaction, out) && !strict {
                return person::ask(context, matter, shown, NOBODY);
            }
            agreed(context, asked, &shown, reaction)?;
            Ok(Decision::Go)
        }
        Asking::No => match (context.config.confirm, args.text("confirm")) {
            (Confirm::Strict, _) => Err(Failure::new(format!(
                "Nothing was done: {} must be confirmed, this client cannot ask the user (it has no elicitation), and the setting `confirm` is `strict`.",
                asked.title()
            ))),
            (Confirm::Person, _) => person::ask(context, matter, shown, ""),
            (Confirm::Token, Some(token)) => match tokens.redeem(Kind::Confirm, token, &bound) {
                Ok(_) => {
                    note(context, |journal| journal.answered(asked.requests(), "approved", "a token"));
                    Ok(Decision::Go)
                }
                Err(why) => Err(Failure::new(format!(
                    "Nothing was done: the `confirm` token is not accepted: {why}. Call `{tool}` without `confirm` for a new plan."
                ))),
            },
            (Confirm::Token, None) => {
                note(context, |journal| journal.asked(asked.requests(), "a token"));
                let token = tokens.issue(Kind::Confirm, &bound)?;
                let answer = answer(&json!({
                    "confirmation_needed": shown.lost,
                    "confirm": token,
                    "note": "Nothing was done. Show this to the user; if they agree, repeat the call with the same arguments and this confirm, within 5 minutes.",
                }))?;
                Ok(Decision::Wait(Box::new(Wait {
                    answer,
                    shown,
                    agreement: ConfirmationMethod::Token(token),
                })))
            }
        },
    }
}

/// What the answer says if the client did not ask anybody.
const NOBODY: &str = "The client answered the question at once, so nobody can have read it. ";

/// Returns whether a refusal came too fast to be a person's.
fn nobody_is_there(reaction: &Reaction, after: Duration) -> bool {
    matches!(reaction, Reaction::Decline | Reaction::Cancel) && after < READING
}

/// Checks the person's answer, and records it in the audit log.
///
/// # Errors
/// Fails if they did not confirm.
fn agreed(context: &Context<'_>, asked: &Asked, shown: &Plan, reaction: Reaction) -> Result<(), Failure> {
    match typed(shown, reaction) {
        Typed::Agreed => {
            note(context, |journal| journal.answered(asked.requests(), "approved", "the client"));
            Ok(())
        }
        Typed::Not(why) => {
            note(context, |journal| journal.answered(asked.requests(), "denied", "the client"));
            Err(Failure(why))
        }
    }
}

/// Adds the cluster to a plan, if there are several.
#[must_use]
pub fn in_cluster(context: &Context<'_>, mut shown: Plan) -> Plan {
    if let Some(name) = context.cluster {
        shown.sentence = format!("Cluster {name}: {}", shown.sentence);
        shown.lost.shift_insert(0, CLUSTER.into(), name.into());
    }
    shown
}

/// Returns what a token is bound to: the call, and the state of the target.
fn bind(context: &Context<'_>, matter: UnconfirmedCall<'_>, shown: &Plan) -> String {
    meaning(&json!([named(context, matter), shown.identity]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_no_that_came_at_once_is_from_nobody() {
        for (reaction, milliseconds, expected) in [
            (Reaction::Cancel, 3, true),
            (Reaction::Decline, 999, true),
            (Reaction::Decline, 1000, false),
            (Reaction::Cancel, 60_000, false),
            (Reaction::Accept(serde_json::Map::new()), 3, false),
        ] {
            let after = Duration::from_millis(milliseconds);
            assert_eq!(nobody_is_there(&reaction, after), expected, "{reaction:?} {milliseconds}");
        }
    }
}
