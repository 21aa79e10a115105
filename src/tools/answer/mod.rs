//! How answers are shaped: tables, objects, and failures in sentences.

pub mod canonical;
pub mod object;
pub mod record;
pub mod table;

use crate::pve;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What came of a tool: a JSON object, or a failure to be told.
pub type Outcome = Result<Box<RawValue>, Failure>;

/// Finished sentences for the model to read: what happened, and what to do next.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// A failure that says this.
    pub fn new(sentences: impl Into<String>) -> Failure {
        Failure(sentences.into())
    }
}

impl From<pve::Error> for Failure {
    fn from(error: pve::Error) -> Failure {
        Failure(error.to_string())
    }
}

/// The rows of a list, borrowed from the answer that holds them.
///
/// # Errors
/// The answer is no list of objects.
pub fn rows(reply: &pve::Reply) -> Result<Vec<record::Record<'_>>, Failure> {
    if reply.data == "null" {
        return Ok(Vec::new());
    }
    serde_json::from_str(&reply.data)
        .map_err(|error| Failure(format!("Proxmox answered something that is not a list of objects: {error}.")))
}

/// A value as an answer.
///
/// # Errors
/// Never for values with text keys; said anyway rather than assumed.
pub fn answer(value: &impl Serialize) -> Outcome {
    to_raw_value(value).map_err(|error| Failure(format!("The answer could not be written as JSON: {error}.")))
}
