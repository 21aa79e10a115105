//! Confirmation in a view: the plan is sent with the answer, for the view only, and what the person types there comes
//! back through a tool that the model does not see. The protocol does not say who called that tool, so this is only as
//! safe as a token.

use super::{
    Tools,
    ran::{Ran, answered},
};
use crate::{
    hex,
    mcp::{Answer, Call},
    sync::lock,
    tools::{
        answer::Failure,
        catalog::{
            entry::Entry,
            view_confirm::{self, AGREE, Way},
            views,
        },
        run::matter::{ConfirmationMethod, Wait},
    },
    visible,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};
use std::{
    collections::HashMap,
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long a plan can be confirmed: no longer than the token in it is valid.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How many plans are kept; the oldest is dropped first.
const MAX_KEPT: usize = 32;
/// Arguments longer than this are not kept, in bytes.
const MAX_ARGUMENTS: usize = 64 * 1024;

/// A call that waits for confirmation from a view.
struct Kept {
    entry: Entry,
    /// Its arguments, including the token of its plan.
    arguments: Map<String, Value>,
    word: String,
    since: Instant,
}

/// The calls that wait for confirmation from a view, by a random id that only the view gets.
#[derive(Default)]
pub(super) struct Plans(Mutex<HashMap<String, Kept>>);

impl Plans {
    /// Keeps a call, and returns the id by which it can be taken out.
    fn keep(&self, kept: Kept) -> Option<String> {
        let mut number = [0; 16];
        SystemRandom::new().fill(&mut number).ok()?;
        let number = hex::encode(&number);
        let mut plans = lock(&self.0);
        plans.retain(|_, kept| kept.since.elapsed() < LIFETIME);
        if MAX_KEPT <= plans.len()
            && let Some(oldest) =
                plans.iter().min_by_key(|(_, kept)| kept.since).map(|(number, _)| number.clone())
        {
            plans.remove(&oldest);
        }
        plans.insert(number.clone(), kept);
        Some(number)
    }

    /// Takes a call out, so that it can be used only once.
    fn take(&self, number: &str) -> Option<Kept> {
        lock(&self.0).remove(number).filter(|kept| kept.since.elapsed() < LIFETIME)
    }

    /// Returns the lane of the call that these arguments confirm, or otherwise that of the arguments themselves.
    pub(super) fn lane(
        &self,
        arguments: &Map<String, Value>,
        lane: impl Fn(&Map<String, Value>) -> usize,
    ) -> usize {
        let plans = lock(&self.0);
        let kept = arguments.get(view_confirm::PLAN).and_then(|number| plans.get(number.as_str()?));
        lane(kept.map_or(arguments, |kept| &kept.arguments))
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plans")
    }
}

impl Tools {
    /// Returns the answer of a call that waits for confirmation, with what its view shows and sends back.
    pub(super) fn waiting_in_view(
        &self,
        entry: Entry,
        mut arguments: Map<String, Value>,
        wait: Wait,
    ) -> Answer {
        let Wait { answer, shown, agreement } = wait;
        let way = match agreement {
            ConfirmationMethod::Person(name) => Way::Approve(name),
            ConfirmationMethod::Token(_) if !self.allows_view_tool(AGREE) => Way::Answer,
            ConfirmationMethod::Token(token) => {
                let long = serde_json::to_vec(&arguments).map_or(usize::MAX, |text| text.len());
                arguments.insert("confirm".into(), token.into());
                let kept = Kept { entry, arguments, word: shown.word.clone(), since: Instant::now() };
                let number = if MAX_ARGUMENTS < long { None } else { self.plans.keep(kept) };
                number.map_or(Way::Answer, Way::Plan)
            }
        };
        let told = view_confirm::plan(&shown, way);
        let told = serde_json::from_str(&visible::json(&told.to_string())).unwrap_or(told);
        match answered(Ok(Ran::Data(answer))) {
            Answer::Data(data) => Answer::DataWithMeta(data, views::beside(told)),
            other => other,
        }
    }

    /// Carries out the call whose plan a person confirmed in a view. A plan can be used once, whatever the result.
    ///
    /// # Errors
    /// Fails if the plan does not exist any more, if the wrong word was typed, or if the call itself fails.
    pub(super) fn agree(&self, call: &Call<'_>, arguments: Map<String, Value>) -> Result<Ran, Failure> {
        if !self.allows_view_tool(AGREE) {
            return Err(Failure::new(format!("`{AGREE}` is forbidden here. Nothing was done.")));
        }
        let (number, word) = view_confirm::word(arguments).map_err(Failure::new)?;
        let kept = self.plans.take(&number).ok_or_else(|| {
            Failure::new("Nothing was done: this plan was used already or has expired. Request a new one.")
        })?;
        if word.trim() != kept.word {
            return Err(Failure::new(format!(
                "Nothing was done: `{}` was typed instead of `{}`. Request a new plan.",
                word.escape_debug(),
                kept.word.escape_debug()
            )));
        }
        self.run(call, kept.entry, kept.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::catalog::index::built_in;

    fn kept(word: &str) -> Kept {
        let entry = *built_in("proxmox_delete_vm");
        Kept { entry, arguments: Map::new(), word: word.into(), since: Instant::now() }
    }

    #[test]
    fn a_plan_is_taken_once_and_the_oldest_makes_room() {
        let plans = Plans::default();
        let first = plans.keep(kept("1")).unwrap();
        assert_eq!(first.len(), 32);
        assert_eq!(plans.take(&first).unwrap().word, "1");
        assert!(plans.take(&first).is_none(), "taken already");
        let first = plans.keep(kept("2")).unwrap();
        let numbers: Vec<String> = (0..MAX_KEPT).map(|_| plans.keep(kept("3")).unwrap()).collect();
        assert!(plans.take(&first).is_none(), "the oldest made room");
        assert!(numbers.iter().all(|number| plans.take(number).is_some()));
    }

    #[test]
    fn a_plan_that_is_too_old_is_gone() {
        let plans = Plans::default();
        let Some(since) = Instant::now().checked_sub(LIFETIME) else { return };
        let number = plans.keep(Kept { since, ..kept("1") }).unwrap();
        assert!(plans.take(&number).is_none());
    }
}
