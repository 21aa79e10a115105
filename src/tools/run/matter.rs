//! A call that must be confirmed: what identifies it, and what is done with it.

use crate::{
    mcp::Question,
    tools::run::{args::Args, asked::Asked, context::Context, journal::Journal, plan::Plan},
};
use serde_json::{Map, Value, json, value::RawValue};

/// What is done with a call that must be confirmed.
#[derive(Debug)]
pub enum Decision {
    /// It was confirmed: send it.
    Go,
    /// The call is answered with a plan, and waits for confirmation.
    Wait(Box<Wait>),
    /// The call is answered with a question; the client repeats it with this `requestState`.
    Ask(Question, String),
}

/// A plan that waits for confirmation.
#[derive(Debug)]
pub struct Wait {
    /// The answer to the call.
    pub answer: Box<RawValue>,
    /// The plan that the answer shows.
    pub shown: Plan,
    /// How it can be confirmed.
    pub agreement: ConfirmationMethod,
}

/// How a plan can be confirmed.
#[derive(Debug)]
pub enum ConfirmationMethod {
    /// By repeating the call with this token as `confirm`.
    Token(String),
    /// By `proxmox-mcp approve` with this name in a terminal.
    Person(String),
}

/// A call that must be confirmed.
#[derive(Clone, Copy, Debug)]
pub struct UnconfirmedCall<'a> {
    /// The tool that is called.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Args,
    /// What it would send, and why that must be confirmed.
    pub asked: &'a Asked,
}

/// Writes an entry to the audit log, if there is one.
pub(super) fn note(context: &Context<'_>, write: impl FnOnce(&Journal<'_>)) {
    if let Some(journal) = context.journal {
        write(journal);
    }
}

/// Identifies a call and what it sends: the cluster, the tool, its arguments and the requests. Arguments that only
/// control the call are left out.
pub(super) fn named(context: &Context<'_>, matter: UnconfirmedCall<'_>) -> Value {
    let steering = |name: &str| matches!(name, "confirm" | "wait" | "dry_run");
    let given = matter.args.iter().filter(|(name, _)| !steering(name));
    let arguments: Map<String, Value> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    json!([context.cluster, matter.tool, arguments, matter.asked.named()])
}
