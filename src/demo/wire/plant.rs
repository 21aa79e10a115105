//! Text planted behind every text of every answer, as somebody who may name things could do it.

use crate::demo::{
    outcome::{ApiError, Outcome},
    routes::route::Pairs,
};
use serde_json::Value;

/// What is planted, and where not.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// Stands behind each text; in requests it is taken off again, so that things are found by the names that they are
    /// told to have.
    pub mark: &'static str,
    /// Keys whose texts stay as they are, such as `status`.
    pub except: &'static [&'static str],
}

impl Plant {
    /// Takes the mark off what a request names.
    pub(super) fn gather(self, segments: &mut [String], pairs: &mut Pairs) {
        let values = segments.iter_mut().chain(pairs.iter_mut().map(|(_, value)| value));
        values.for_each(|text| *text = text.replace(self.mark, ""));
    }

    /// Puts the mark behind every text of an answer or a refusal.
    pub(super) fn sow(self, outcome: Outcome) -> Outcome {
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
