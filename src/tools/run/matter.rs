//! A request that must be agreed to: what names it, and what becomes of it.

use crate::{
    mcp::Question,
    tools::{
        answer::Outcome,
        run::{args::Args, context::Context, journal::Journal, request::Request},
    },
};
use serde_json::{Map, Value, json};

/// What is to be done with a request that must be agreed to.
#[derive(Debug)]
pub enum Decision {
    /// It was agreed to: send it.
    Go,
    /// The call is answered with this.
    Answer(Outcome),
    /// The call is answered with a question, and comes again with this state.
    Ask(Question, String),
}

/// A request that must be agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'a> {
    /// The tool that is called.
    pub tool: &'a str,
    /// Its arguments.
    pub args: &'a Args,
    /// What is to be sent.
    pub request: &'a Request,
    /// Why it must be agreed to.
    pub reasons: &'a [&'static str],
}

/// Writes a line into the audit log, where there is one.
pub(super) fn note(context: &Context<'_>, write: impl FnOnce(&Journal<'_>)) {
    if let Some(journal) = context.journal {
        write(journal);
    }
}

/// What names a call and the request that it sends: the cluster, the tool, its arguments, the request; by their meaning,
/// for the same arguments may come back in another order.
pub(super) fn named(context: &Context<'_>, matter: Matter<'_>) -> Value {
    let steering = |name: &str| matches!(name, "confirm" | "wait" | "dry_run");
    let given = matter.args.iter().filter(|(name, _)| !steering(name));
    let arguments: Map<String, Value> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let Request { method, path, params } = matter.request;
    let file = params.file().map(|file| json!([file.path, file.size]));
    json!([context.cluster, matter.tool, arguments, method.word(), path, matter.request.pairs(), file])
}
