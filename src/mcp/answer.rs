//! What comes of a call: data, a failure, a question, or work that goes on.

use super::elicitation::Question;
use serde_json::{Map, Value, value::RawValue};
use std::time::SystemTime;

/// What came of a call.
#[derive(Debug)]
pub enum Answer {
    /// A JSON object.
    Data(Box<RawValue>),
    /// A JSON object, with `_meta` for the client's own use: what an extension defines, never what the model needs.
    DataWithMeta(Box<RawValue>, Map<String, Value>),
    /// A JSON object, and a picture (PNG) that shows what it is about.
    DataWithPicture(Box<RawValue>, Vec<u8>),
    /// A failure that the model should read: what happened and what to do next. Not a protocol fault.
    Failure(String),
    /// The work goes on, and is asked for by the task's id. Only where [`Client::accepts_tasks`](super::Client::accepts_tasks) says that the client
    /// takes it.
    Task(Task),
    /// A question to the person; the call comes again with `state` and the reaction. Only where
    /// [`Asking::Again`](super::Asking::Again) says that the client takes it.
    Ask {
        /// What to ask.
        question: Question,
        /// What to recognise the repeated call by; the client carries it and may alter it.
        state: String,
    },
}

/// How a task stands.
#[derive(Debug)]
pub struct Task {
    /// What it is asked for by; cannot be guessed.
    pub id: String,
    /// Whether it goes on, or how it ended.
    pub status: TaskStatus,
    /// What it is doing, or did; empty where there is nothing to say.
    pub message: String,
    /// When it was made.
    pub created: SystemTime,
    /// When it was last found to have changed.
    pub updated: SystemTime,
    /// How long it is kept after [`Task::created`], in milliseconds.
    pub ttl_ms: u64,
    /// How long a client should wait before it asks again, in milliseconds.
    pub poll_interval_ms: u64,
}

impl Task {
    /// As the answer to a call has it: a task that ended meanwhile is found so by the next `tasks/get`.
    pub(super) fn handed_out(&self) -> Task {
        let Task { id, message, created, updated, ttl_ms, poll_interval_ms, .. } = self;
        Task {
            id: id.clone(),
            status: TaskStatus::Working,
            message: message.clone(),
            created: *created,
            updated: *updated,
            ttl_ms: *ttl_ms,
            poll_interval_ms: *poll_interval_ms,
        }
    }
}

/// Whether a task goes on, or how it ended (schema of the extension, `TaskStatus`).
#[derive(Debug)]
pub enum TaskStatus {
    /// It goes on.
    Working,
    /// It is over: what the call would have answered, which may be a failure.
    Completed(Box<Answer>),
    /// What became of it is not known: a sentence.
    Failed(String),
    /// It is no longer waited for.
    Cancelled,
}
