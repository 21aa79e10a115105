//! Appends a text to every string of every answer, as an attacker who may choose names could do.

use crate::demo::{
    outcome::{ApiError, Outcome},
    routes::route::Pairs,
};
use serde_json::Value;

/// The text that is appended, and the keys that are spared.
#[derive(Clone, Copy, Debug)]
pub struct TextInjection {
    /// The text to append to each string; it is removed from requests again, so that objects are found by the names
    /// that answers gave.
    pub mark: &'static str,
    /// Keys whose values stay unchanged, such as `status`.
    pub except: &'static [&'static str],
}

impl TextInjection {
    /// Removes the mark from a request's path and parameters.
    pub(super) fn gather(self, segments: &mut [String], pairs: &mut Pairs) {
        let values = segments.iter_mut().chain(pairs.iter_mut().map(|(_, value)| value));
        values.for_each(|text| *text = text.replace(self.mark, ""));
    }

    /// Appends the mark to every string of an answer or an error.
    pub(super) fn append_mark(self, outcome: Outcome) -> Outcome {
        match outcome {
            Ok(mut reply) => {
                self.sow_in("", &mut reply.data);
                Ok(reply)
            }
            Err(error) if error.bare => Err(error),
            Err(mut error) => {
                error.message.push_str(self.mark);
                error.errors.iter_mut().for_each(|(_, problem)| problem.push_str(self.mark));
                Err::<_, ApiError>(error)
            }
        }
    }

    fn sow_in(self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) if !self.except.contains(&key) => text.push_str(self.mark),
            Value::Array(items) => items.iter_mut().for_each(|item| self.sow_in(key, item)),
            Value::Object(object) => object.iter_mut().for_each(|(key, value)| self.sow_in(key, value)),
            _ => {}
        }
    }
}
