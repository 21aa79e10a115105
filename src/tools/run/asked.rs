//! What must be confirmed before it is sent: one request, or all requests of a job.

use crate::tools::run::request::Request;
use serde_json::{Map, Value, json};
use std::slice;

/// What waits for confirmation.
#[derive(Clone, Debug)]
pub enum Asked {
    /// One request, and why it must be confirmed.
    One(Request, Vec<&'static str>),
    /// A job.
    Whole(Whole),
}

/// A whole job: it is confirmed once, for exactly these requests to targets in this state.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What is done, as one sentence.
    pub sentence: String,
    /// What is shown: the steps, and their consequences.
    pub shown: Map<String, Value>,
    /// What a person types to confirm.
    pub word: String,
    /// A text that changes whenever one of the targets changes.
    pub identity: String,
    /// Every request that will be sent, in order.
    pub requests: Vec<Request>,
    /// Requests that only remove what the job itself has created by then: the rules must allow them, but they need no
    /// confirmation.
    pub own: Vec<Request>,
    /// Why it must be confirmed.
    pub reasons: Vec<&'static str>,
}

impl Asked {
    /// Returns a name for it, for use in a sentence.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Asked::One(request, _) => request.title(),
            Asked::Whole(whole) => format!("the job for `{}`", whole.word),
        }
    }

    /// Returns what would be sent.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        match self {
            Asked::One(request, _) => slice::from_ref(request),
            Asked::Whole(whole) => &whole.requests,
        }
    }

    /// Returns what would be sent, for people: one request as an object, several as a list; secrets as `***`.
    #[must_use]
    pub fn requests_told(&self) -> Value {
        match self.requests() {
            [request] => request.to_json(),
            several => several.iter().map(Request::to_json).collect(),
        }
    }

    /// Returns why it must be confirmed.
    #[must_use]
    pub fn reasons(&self) -> &[&'static str] {
        match self {
            Asked::One(_, reasons) => reasons,
            Asked::Whole(whole) => &whole.reasons,
        }
    }

    /// Returns what a confirmation is bound to, besides the call and the state of the target.
    #[must_use]
    pub fn named(&self) -> Value {
        self.requests().iter().map(named).collect()
    }
}

fn named(request: &Request) -> Value {
    let file = request.params.file().map(|file| json!([file.path, file.size]));
    json!([request.method.word(), request.path, request.pairs(), file])
}
