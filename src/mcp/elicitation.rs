//! Elicitation: questions to the user at the client. In the handshake revisions since 2025-06-18 the server sends a
//! request, in 2026-07-28 it returns a result of type `input_required`. Independent of what is asked.

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

/// How long to wait for the user's answer; after that the question counts as cancelled.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How often a waiting question checks whether its call was cancelled.
const SLICE: Duration = Duration::from_millis(25);
/// The key of the one question in `inputRequests` and `inputResponses`.
const KEY: &str = "confirm";

/// A question: a form with one text field.
#[derive(Clone, Debug)]
pub struct Question {
    /// The message: what will happen, and what to type.
    pub message: String,
    /// The field's name in the schema and in the response.
    pub field: &'static str,
    /// The label of the field.
    pub title: String,
}

/// The user's response (`ElicitResult`).
#[derive(Clone, Debug, PartialEq)]
pub enum Reaction {
    /// The user filled in the form.
    Accept(Map<String, Value>),
    /// The user declined.
    Decline,
    /// The user closed the form, did not answer in time, or could not be asked.
    Cancel,
}

/// How a call can ask the user.
#[derive(Clone, Copy)]
pub enum Asking<'a> {
    /// Not possible: the client does not support it.
    No,
    /// Ask and wait for the response.
    Now(&'a (dyn Fn(&Question) -> Reaction + Sync)),
    /// Return the question and a state as the result; the client repeats the call with the response. `Some` if this is
    /// the repeated call.
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

/// What a repeated call contains in addition.
#[derive(Clone, Debug)]
pub struct Retry {
    /// `requestState` as returned by the client; untrusted.
    pub state: String,
    /// The user's response, if there is one.
    pub reaction: Option<Reaction>,
}

/// How a client supports questions: [`Asking`] without the means to ask one.
#[derive(Clone, Debug)]
pub(super) enum ElicitationMode {
    /// The client does not support questions.
    Unsupported,
    /// By the server's request `elicitation/create`.
    Request,
    /// By a result of type `input_required`, after which the client repeats the call.
    InputRequired(Option<Retry>),
}

/// Parses what a repeated call contains in addition; `None` for a first call.
///
/// # Errors
/// `requestState` is not a string. The message follows "Invalid params: ".
pub(super) fn retry(params: &Map<String, Value>) -> Result<Option<Retry>, &'static str> {
    let state = match params.get("requestState") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(state)) => state.clone(),
        Some(_) => return Err("`requestState` must be the string that was given."),
    };
    let reaction = params.get("inputResponses").and_then(|responses| responses.get(KEY)).map(reaction);
    Ok(Some(Retry { state, reaction }))
}

/// Parses a response. Anything other than `accept` counts as a refusal.
fn reaction(result: &Value) -> Reaction {
    match result.get("action").and_then(Value::as_str) {
        Some("accept") => {
            Reaction::Accept(result.get("content").and_then(Value::as_object).cloned().unwrap_or_default())
        }
        Some("decline") => Reaction::Decline,
        _ => Reaction::Cancel,
    }
}

/// The parameters of `elicitation/create`.
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

/// The questions that have no response yet.
#[derive(Debug, Default)]
pub(super) struct PendingElicitations {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: u64,
    /// Where to send the responses, by the id of the server's request.
    open: HashMap<Id, Sender<Reaction>>,
    /// The input has ended: no response can arrive any more.
    closed: bool,
}

impl PendingElicitations {
    /// Sends a question and waits for the response. `send` writes one line to the client.
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
            if cancel.is_cancelled() || cancel.should_stop_waiting() || until <= Instant::now() {
                break None;
            }
        };
        lock(&self.state).open.remove(&id);
        reaction.unwrap_or_else(|| {
            let params = json!({"requestId": id, "reason": "The server no longer waits for this response."});
            send(to_line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})));
            Reaction::Cancel
        })
    }

    /// Handles a client's response to one of the server's requests; ignores unexpected ones.
    pub(super) fn answered(&self, id: &Id, message: &Map<String, Value>) {
        if let Some(sender) = lock(&self.state).open.remove(id) {
            let _ = sender.send(message.get("result").map_or(Reaction::Cancel, reaction));
        }
    }

    /// Cancels every open question and all later ones: the input has ended, so no response can arrive.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.open.clear();
    }
}
