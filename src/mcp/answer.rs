//! The result of a call: data, a failure, a question, or a task that continues.

use super::elicitation::Question;
use serde_json::{Map, Value, value::RawValue};
use std::time::SystemTime;

/// The result of a call.
#[derive(Debug)]
pub enum Answer {
    /// A JSON object.
    Data(Box<RawValue>),
    /// A JSON object, with `_meta` for the client: data defined by an extension, never anything that the model needs.
    DataWithMeta(Box<RawValue>, Map<String, Value>),
    /// A JSON object and a PNG image of what it describes.
    DataWithPicture(Box<RawValue>, Vec<u8>),
    /// An error message for the model: what happened and what to do next. Not a protocol error.
    Failure(String),
    /// The work continues as a task, which is polled by its id. Only if
    /// [`Client::accepts_tasks`](super::Client::accepts_tasks).
    Task(Task),
    /// A question to the user; the client repeats the call with `state` and the reaction. Only if the call may ask by
    /// [`Asking::Again`](super::Asking::Again).
    Ask {
        /// The question.
        question: Question,
        /// Identifies the repeated call; the client returns it and may have altered it.
        state: String,
    },
}

/// The state of a task.
#[derive(Debug)]
pub struct Task {
    /// Its id, which cannot be guessed.
    pub id: String,
    /// Whether it is running, or how it ended.
    pub status: TaskStatus,
    /// What it is doing, or did; may be empty.
    pub message: String,
    /// When it was created.
    pub created: SystemTime,
    /// When a change was last noticed.
    pub updated: SystemTime,
    /// How long it is kept after [`Task::created`], in milliseconds.
    pub ttl_ms: u64,
    /// How long a client should wait between polls, in milliseconds.
    pub poll_interval_ms: u64,
}

impl Task {
    /// The task for the response to a call, always as working: the next `tasks/get` shows whether it has ended.
    pub(super) fn as_working(&self) -> Task {
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

/// Whether a task is running, or how it ended (`TaskStatus` in the extension's schema).
#[derive(Debug)]
pub enum TaskStatus {
    /// It is running.
    Working,
    /// It has ended, with the result that the call would have had, which may be a failure.
    Completed(Box<Answer>),
    /// Its outcome is not known; a sentence says why.
    Failed(String),
    /// It was cancelled: the server no longer waits for its end.
    Cancelled,
}
