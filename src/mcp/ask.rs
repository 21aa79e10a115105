//! Asking the person at the client (elicitation): by a request of ours in the handshake revisions from 2025-06-18
//! on, by an answer of type `input_required` in 2026-07-28. Knows nothing of what is asked.

use super::{Revision, rpc::Id};
use crate::{cancel::Cancel, sync::lock};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

/// How long a person may think; after that the question counts as cancelled.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long it takes at most until a waiting question notices that its call was cancelled.
const SLICE: Duration = Duration::from_millis(25);
/// The key of the one question in `inputRequests` and `inputResponses`.
const KEY: &str = "confirm";

/// A question with one field of text to fill in.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is shown: what will happen, and what to type.
    pub message: String,
    /// The field's name in the schema and in the answer.
    pub field: &'static str,
    /// What is shown beside the field.
    pub title: String,
}

/// What the person did (`ElicitResult`).
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// Filled the form in.
    Accept(Map<String, Value>),
    /// Said no.
    Decline,
    /// Closed the question, or there was nobody who could, or nobody did in time.
    Cancel,
}

/// How a call may ask.
#[derive(Clone, Copy)]
pub enum Asking<'a> {
    /// The client shows no questions.
    No,
    /// Ask and wait for the reaction.
    Now(&'a (dyn Fn(&Question) -> Reaction + Sync)),
    /// Answer the call with the question (and a state to recognise it by); the client calls again with this.
    Again(Option<&'a Given>),
}

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Asking::No => "No",
            Asking::Now(_) => "Now",
            Asking::Again(_) => "Again",
        })
    }
}

/// What a repeated call brings along.
#[derive(Clone, Debug)]
pub struct Given {
    /// `requestState` as it came back; anybody may have written it.
    pub state: String,
    /// The reaction, if one came along.
    pub reaction: Option<Reaction>,
}

/// Which of the ways a client has.
#[derive(Clone, Debug)]
pub(super) enum Way {
    No,
    Now,
    Again(Option<Given>),
}

/// Whether a client's capabilities have forms; `{}` means them (2025-11-25, client/elicitation).
pub(super) fn has_forms(capabilities: Option<&Value>) -> bool {
    let elicitation = capabilities.and_then(|all| all.get("elicitation")).and_then(Value::as_object);
    elicitation.is_some_and(|elicitation| elicitation.is_empty() || elicitation.contains_key("form"))
}

/// Reads what a repeated call brings along; `None` for a first one.
///
/// # Errors
/// The rest of a sentence that begins with "Invalid params: ".
pub(super) fn given(params: &Map<String, Value>) -> Result<Option<Given>, &'static str> {
    let state = match params.get("requestState") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(state)) => state.clone(),
        Some(_) => return Err("`requestState` must be the string that was given."),
    };
    let reaction = params.get("inputResponses").and_then(|responses| responses.get(KEY)).map(reaction);
    Ok(Some(Given { state, reaction }))
}

/// Anything that is no clear yes is a no.
fn reaction(result: &Value) -> Reaction {
    match result.get("action").and_then(Value::as_str) {
        Some("accept") => {
            Reaction::Accept(result.get("content").and_then(Value::as_object).cloned().unwrap_or_default())
        }
        Some("decline") => Reaction::Decline,
        _ => Reaction::Cancel,
    }
}

/// `elicitation/create`'s parameters.
fn params(question: &Question, mode: bool) -> Value {
    let field = json!({"type": "string", "title": question.title});
    let schema =
        json!({"type": "object", "properties": {(question.field): field}, "required": [question.field]});
    let mut params = json!({"message": question.message, "requestedSchema": schema});
    if mode {
        params["mode"] = "form".into();
    }
    params
}

/// The members of an `InputRequiredResult`.
pub(super) fn input_required(question: &Question, state: &str) -> Value {
    let request = json!({"method": "elicitation/create", "params": params(question, true)});
    json!({"resultType": "input_required", "inputRequests": {KEY: request}, "requestState": state})
}

/// The questions that wait for an answer, by the ids of our requests.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next: AtomicU64,
    open: Mutex<HashMap<Id, Sender<Reaction>>>,
}

impl Desk {
    /// Asks and waits. `send` writes one message to the client.
    pub(super) fn ask(&self, question: &Question, cancel: &Cancel, send: &dyn Fn(&Value)) -> Reaction {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = Id::Text(format!("elicit-{number}"));
        let (sender, inbox) = channel();
        lock(&self.open).insert(id.clone(), sender);
        send(
            &json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params(question, false)}),
        );
        let until = Instant::now() + PATIENCE;
        let reaction = loop {
            match inbox.recv_timeout(SLICE) {
                Ok(reaction) => break Some(reaction),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if cancel.is_cancelled() || cancel.is_hurried() || until <= Instant::now() {
                break None;
            }
        };
        lock(&self.open).remove(&id);
        reaction.unwrap_or_else(|| {
            let params = json!({"requestId": id, "reason": "Nobody waits for this answer any more."});
            send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
            Reaction::Cancel
        })
    }

    /// Takes a client's answer to one of our requests; an answer to none of them is nobody's.
    pub(super) fn answered(&self, id: &Id, message: &Map<String, Value>) {
        if let Some(sender) = lock(&self.open).remove(id) {
            let _ = sender.send(message.get("result").map_or(Reaction::Cancel, reaction));
        }
    }
}

/// Whether clients of that revision can be asked by a request of ours.
pub(super) fn by_request(revision: Revision) -> bool {
    revision.has_structured_content() && !revision.is_modern()
}
