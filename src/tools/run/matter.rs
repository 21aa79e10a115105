//! A request that must be agreed to: what names it, and what becomes of it.

use crate::{
    mcp::Question,
    tools::run::{args::Args, asked::Asked, context::Context, journal::Journal, plan::Plan},
};
use serde_json::{Map, Value, json, value::RawValue};

/// What is to be done with a request that must be agreed to.
#[derive(Debug)]
pub enum Decision {
    /// It was agreed to: send it.
    Go,
    /// The call is answered with a plan, and waits for an agreement.
    Wait(Box<Wait>),
    /// The call is answered with a question, and comes again with this state.
    Ask(Question, String),
}

/// A plan that waits for an agreement.
#[derive(Debug)]
pub struct Wait {
    /// The answer of the call.
    pub answer: Box<RawValue>,
    /// What it shows.
    pub shown: Plan,
    /// How it can be agreed to.
    pub agreement: Agreement,
}

/// How a plan can be agreed to.
#[derive(Debug)]
pub enum Agreement {
    /// By the same call with this as its `confirm`.
    Token(String),
    /// By `proxmox-mcp approve` with this name, in a terminal.
    Person(String),
}

/// A call that must be agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'a> {
    /// The tool that is called.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Args,
    /// What is to be sent, and why it must be agreed to.
    pub asked: &'a Asked,
}

/// Writes a line into the audit log, where there is one.
pub(super) fn note(context: &Context<'_>, write: impl FnOnce(&Journal<'_>)) {
    if let Some(journal) = context.journal {
        write(journal);
    }
}

/// What names a call and what it sends: the cluster, the tool, its arguments, the requests; by their meaning, for the same
/// arguments may come back in another order.
pub(super) fn named(context: &Context<'_>, matter: Matter<'_>) -> Value {
    let steering = |name: &str| matches!(name, "confirm" | "wait" | "dry_run");
    let given = matter.args.iter().filter(|(name, _)| !steering(name));
    let arguments: Map<String, Value> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    json!([context.cluster, matter.tool, arguments, matter.asked.named()])
}
