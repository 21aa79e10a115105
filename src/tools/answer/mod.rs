//! How answers are formatted: tables, objects, and failures in sentences.

pub mod canonical;
pub mod object;
pub mod record;
pub mod table;

use crate::pve;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// The result of a tool: a JSON object, or a failure.
pub type Outcome = Result<Box<RawValue>, Failure>;

/// Complete sentences for the model: what happened, and what to do next.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// Creates a failure with these sentences.
    pub fn new(sentences: impl Into<String>) -> Failure {
        Failure(sentences.into())
    }
}

impl From<pve::Error> for Failure {
    fn from(error: pve::Error) -> Failure {
        Failure(error.to_string())
    }
}

/// Returns the rows of a list, borrowed from the answer.
///
/// # Errors
/// Fails if the answer is not a list of objects.
pub fn rows(reply: &pve::Reply) -> Result<Vec<record::Record<'_>>, Failure> {
    if reply.data == "null" {
        return Ok(Vec::new());
    }
    record::read(&reply.data)
        .map_err(|error| Failure(format!("Proxmox's answer is not a list of objects: {error}.")))
}

/// Returns a value as an answer.
///
/// # Errors
/// Fails if the value cannot be written as JSON, which does not happen for values whose keys are texts.
pub fn answer(value: &impl Serialize) -> Outcome {
    to_raw_value(value).map_err(|error| Failure(format!("The answer could not be written as JSON: {error}.")))
}
