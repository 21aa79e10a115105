//! The result of a call, before it becomes an answer.

use crate::{
    mcp::{Answer, Question},
    tools::{
        answer::{Failure, Outcome},
        run::matter::Wait,
    },
    visible,
};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The result of a call.
pub(super) enum Ran {
    Data(Box<RawValue>),
    /// With a PNG picture.
    Picture(Box<RawValue>, Vec<u8>),
    Ask(Question, String),
    /// A plan that waits for confirmation.
    Wait(Box<Wait>),
}

impl Ran {
    /// Returns the data for a caller that cannot ask anybody.
    pub(super) fn unasked(self) -> Outcome {
        match self {
            Ran::Data(data) | Ran::Picture(data, _) => Ok(data),
            Ran::Wait(wait) => Ok(wait.answer),
            Ran::Ask(question, _) => Err(Failure::new(question.message)),
        }
    }
}

/// Returns the answer to a call.
pub(super) fn answered(outcome: Result<Ran, Failure>) -> Answer {
    match outcome {
        Ok(Ran::Data(data)) => Answer::Data(seen(data)),
        Ok(Ran::Wait(wait)) => Answer::Data(seen(wait.answer)),
        Ok(Ran::Picture(data, png)) => Answer::DataWithPicture(seen(data), png),
        Ok(Ran::Ask(question, state)) => Answer::Ask { question, state },
        Err(Failure(sentences)) => Answer::Failure(visible::text(&sentences).into_owned()),
    }
}

/// Replaces invisible characters in an answer by visible escapes.
fn seen(data: Box<RawValue>) -> Box<RawValue> {
    match visible::json(data.get()) {
        Cow::Borrowed(_) => data,
        Cow::Owned(shown) => RawValue::from_string(shown).unwrap_or(data),
    }
}
