//! Confirmation of what loses data: the plan is shown to the person, by a question where the client can ask one,
//! by a token to send back where it cannot; and only what was agreed to happens, once.

use crate::{
    mcp::{Asking, Question, Reaction},
    tools::{
        answer::{Failure, Outcome, answer, canonical::meaning},
        run::{args::Args, asked::Asked, clusters::CLUSTER, context::Context, plan::Plan, tokens::Tokens},
    },
};
use serde_json::{Map, Value, json};

/// What is to be done with a change that must be confirmed.
#[derive(Debug)]
pub enum Decision {
    /// It was confirmed: send it.
    Go,
    /// The call is answered with this.
    Answer(Outcome),
    /// The call is answered with a question, and comes again with this state.
    Ask(Question, String),
}

/// Asks for a change to be confirmed, or checks what came back.
///
/// # Errors
/// Nothing was done, and why: declined, mistyped, a token that does not fit, a target that changed meanwhile.
pub fn decide(
    context: &Context<'_>,
    tokens: &Tokens,
    name: &str,
    args: &Args,
    asked: &Asked,
) -> Result<Decision, Failure> {
    let shown = in_cluster(context, asked.plan(context)?);
    let bound = bind(context, name, args, asked, &shown);
    match context.call.asking() {
        Asking::Now(ask) => {
            typed(&shown, ask(&question(&shown)))?;
            // A person may take minutes: the target is looked at again.
            if asked.plan(context)?.identity == shown.identity {
                return Ok(Decision::Go);
            }
            Err(Failure::new(format!(
                "{} changed while this was asked. Nothing was done; ask again.",
                shown.title
            )))
        }
        Asking::Again(given) => {
            let Some(given) = given else {
                return Ok(Decision::Ask(question(&shown), tokens.issue(&bound)?));
            };
            let Some(reaction) = given.reaction.clone() else {
                // No answer came along: the question is asked again (basic/multi-round-trip).
                return Ok(Decision::Ask(question(&shown), tokens.issue(&bound)?));
            };
            tokens.redeem(&given.state, &bound).map_err(|why| {
                Failure::new(format!("Nothing was done: the `requestState` is not accepted, {why}. Call `{name}` again for a new question."))
            })?;
            typed(&shown, reaction)?;
            Ok(Decision::Go)
        }
        Asking::No => match args.text("confirm") {
            _ if context.config.strict => Err(Failure::new(format!(
                "Nothing was done: {} loses data, this client cannot ask the user (it has no elicitation), and the setting `confirm` is `strict`.",
                asked.title()
            ))),
            Some(token) => match tokens.redeem(token, &bound) {
                Ok(()) => Ok(Decision::Go),
                Err(why) => Err(Failure::new(format!(
                    "Nothing was done: the `confirm` token is not accepted, {why}. Call `{name}` without `confirm` for a new plan."
                ))),
            },
            None => {
                let token = tokens.issue(&bound)?;
                Ok(Decision::Answer(answer(&json!({
                    "confirmation_needed": shown.lost,
                    "confirm": token,
                    "note": "Nothing was done. Show this to the user; if they agree, repeat the call with the same arguments and this confirm, within 5 minutes.",
                }))))
            }
        },
    }
}

/// Says which cluster is meant, where there are several.
fn in_cluster(context: &Context<'_>, mut shown: Plan) -> Plan {
    if let Some(name) = context.cluster {
        shown.sentence = format!("Cluster {name}: {}", shown.sentence);
        shown.lost.shift_insert(0, CLUSTER.into(), name.into());
    }
    shown
}

/// What a seal is for: the cluster, the tool, its arguments, the request, and what the target looks like; by their
/// meaning, for the same arguments may come back in another order.
fn bind(context: &Context<'_>, name: &str, args: &Args, asked: &Asked, shown: &Plan) -> String {
    let given = args.iter().filter(|(name, _)| !matches!(*name, "confirm" | "wait" | "dry_run"));
    let arguments: Map<String, Value> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let parts = json!([context.cluster, name, arguments, asked.bound(), shown.identity]);
    meaning(&parts)
}

fn question(shown: &Plan) -> Question {
    // A job says of each of its steps what it costs.
    let end = if shown.lost.contains_key("steps") { "" } else { " This cannot be undone." };
    let mut message = format!("{}{end}", shown.sentence);
    for (name, value) in &shown.lost {
        if !matches!(name.as_str(), "request" | "guest" | "lost" | "parameters") {
            message.push_str(&format!("\n{name}: {}", plain(value)));
        }
    }
    message.push_str(&format!("\nType {} to confirm.", shown.word));
    Question { message, field: "confirm", title: format!("Type {}", shown.word) }
}

/// A value for people: text as it is, anything else as JSON. What comes from the cluster can hold no line break
/// or escape sequence that would pass for words of ours.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Whether the person agreed, and typed what was asked for.
fn typed(shown: &Plan, reaction: Reaction) -> Result<(), Failure> {
    let content = match reaction {
        Reaction::Accept(content) => content,
        Reaction::Decline => return Err(Failure::new("The user declined. Nothing was done.")),
        Reaction::Cancel => {
            return Err(Failure::new("The question was closed or not answered in time. Nothing was done."));
        }
    };
    let typed = match content.get("confirm") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    if typed == shown.word {
        return Ok(());
    }
    Err(Failure::new(format!(
        "Not confirmed: `{}` was typed where `{}` was asked for. Nothing was done.",
        typed.escape_debug(),
        shown.word.escape_debug()
    )))
}
