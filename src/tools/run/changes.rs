//! The changes that can be undone, with the values before each of them; kept for the life of the process.

use crate::{sync::lock, tools::run::request::Request};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// How many changes are kept; the oldest are dropped first.
const KEPT: usize = 100;

/// The changes that can be undone.
#[derive(Debug, Default)]
pub struct Undo {
    numbers: Numbers,
    kept: Mutex<VecDeque<Step>>,
}

/// The last number given to a change; shared by all clusters, so that every number is unique.
pub type Numbers = Arc<AtomicI64>;

/// One change, and the values before it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The number by which it can be undone.
    pub id: i64,
    /// The change as it was sent.
    pub request: Request,
    /// Each changed key with its value before; `None` if there was none.
    pub before: Vec<(String, Option<Value>)>,
    /// What a GET of the same path returned right after the change.
    pub after: Map<String, Value>,
}

/// A change whose result is not known yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The change as it was sent.
    pub request: Request,
    /// What a GET of the same path returned before it.
    pub before: Map<String, Value>,
}

impl Undo {
    /// No changes yet.
    #[must_use]
    pub fn new(numbers: Numbers) -> Undo {
        Undo { numbers, kept: Mutex::default() }
    }

    /// Keeps a change, and returns its number.
    pub fn keep(
        &self,
        request: Request,
        before: Vec<(String, Option<Value>)>,
        after: Map<String, Value>,
    ) -> i64 {
        let id = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let mut kept = lock(&self.kept);
        kept.push_back(Step { id, request, before, after });
        if KEPT < kept.len() {
            kept.pop_front();
        }
        id
    }

    /// Returns the change with that number.
    #[must_use]
    pub fn step(&self, id: i64) -> Option<Step> {
        lock(&self.kept).iter().find(|step| step.id == id).cloned()
    }

    /// Returns every change, the newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Step> {
        lock(&self.kept).iter().rev().cloned().collect()
    }

    /// Forgets a change that was undone.
    pub fn forget(&self, id: i64) {
        lock(&self.kept).retain(|step| step.id != id);
    }
}

impl Step {
    /// Returns the changed keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.before.iter().map(|(key, _)| key.as_str())
    }

    /// Returns `[key, value after the change, value before it]` for each key.
    #[must_use]
    pub fn rows(&self) -> Vec<Value> {
        self.before.iter().map(|(key, value)| json!([key, self.after.get(key), value])).collect()
    }
}
