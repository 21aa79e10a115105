//! Asking the person at the client (elicitation): by a request of ours in the handshake revisions from 2025-06-18
//! on, by an answer of type `input_required` in 2026-07-28. Knows nothing of what is asked.

use super::rpc::{Id, to_line};
use crate::{cancel::Cancel, sync::lock};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex,
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
    Again(Option<&'a Retry>),
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
pub struct Retry {
    /// `requestState` as it came back; anybody may have written it.
    pub state: String,
    /// The reaction, if one came along.
    pub reaction: Option<Reaction>,
}

/// How a client takes questions: [`Asking`] without what a call needs to ask one.
#[derive(Clone, Debug)]
pub(super) enum ElicitationMode {
    /// Not at all.
    Unsupported,
    /// By a request of ours, `elicitation/create`.
    Request,
    /// By a result of type `input_required`, after which the client repeats its call.
    InputRequired(Option<Retry>),
}

/// Reads what a repeated call brings along; `None` for a first one.
///
/// # Errors
/// The rest of a sentence that begins with "Invalid params: ".
pub(super) fn retry(params: &Map<String, Value>) -> Result<Option<Retry>, &'static str> {
    let state = match params.get("requestState") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(state)) => state.clone(),
        Some(_) => return Err("`requestState` must be the string that was given."),
    };
    let reaction = params.get("inputResponses").and_then(|responses| responses.get(KEY)).map(reaction);
    Ok(Some(Retry { state, reaction }))
}

/// Anything but a clear `accept` counts as a refusal.
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
    json!({"inputRequests": {KEY: request}, "requestState": state})
}

/// The questions that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct PendingElicitations {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: u64,
    /// By the ids of our requests.
    open: HashMap<Id, Sender<Reaction>>,
    /// The input has ended: no answer can come any more.
    closed: bool,
}

impl PendingElicitations {
    /// Asks and waits. `send` writes one line to the client.
    pub(super) fn ask(&self, question: &Question, cancel: &Cancel, send: &dyn Fn(Vec<u8>)) -> Reaction {
        let (sender, inbox) = channel();
        let id = {
            let mut state = lock(&self.state);
            if state.closed {
                return Reaction::Cancel;
            }
            let id = Id::Text(format!("elicit-{}", state.asked));
            state.asked += 1;
            state.open.insert(id.clone(), sender);
            id
        };
        let params = params(question, false);
        send(to_line(&json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params})));
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
        lock(&self.state).open.remove(&id);
        reaction.unwrap_or_else(|| {
            let params = json!({"requestId": id, "reason": "Nobody waits for this answer any more."});
            send(to_line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})));
            Reaction::Cancel
        })
    }

    /// Takes a client's answer to one of our requests; an answer to none of them is ignored.
    pub(super) fn answered(&self, id: &Id, message: &Map<String, Value>) {
        if let Some(sender) = lock(&self.state).open.remove(id) {
            let _ = sender.send(message.get("result").map_or(Reaction::Cancel, reaction));
        }
    }

    /// Ends every open question, and every later one at once: the input has ended, so no answer can come.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.open.clear();
    }
}
