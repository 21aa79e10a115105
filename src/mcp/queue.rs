//! Which call may run when: reading calls side by side, changing calls in the order they came.
//!
//! Calls wait in one queue, first come first served. The head may start when nothing unreleased that runs
//! forbids it; while it may not, nothing behind it may either, so only the head is ever looked at:
//! a reading call needs every change before it to have been submitted, a changing call needs everything
//! before it to be done or submitted.

use super::{Order, rpc::Id};
use crate::{cancel::Cancel, sync::lock};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// How many calls may wait (for a task, for a person) beside the workers.
pub const MAX_WAITING: usize = 64;

/// The calls that are queued and under way. `J` is whatever a worker needs to run one.
#[derive(Debug)]
pub struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    workers: usize,
}

#[derive(Debug)]
struct State<J> {
    queued: VecDeque<(Id, Order, J)>,
    /// Every call that has no answer yet, queued or running.
    open: HashMap<Id, Cancel>,
    /// Running and not yet submitted.
    reading: usize,
    changing: usize,
    /// Running and only waiting.
    waiting: usize,
    threads: usize,
    idle: usize,
    ended: bool,
    worked: bool,
    /// Over, their answers on the way out.
    delivering: usize,
}

/// A call handed to a worker.
#[derive(Debug)]
pub struct Turn<J> {
    /// Its request's id.
    pub id: Id,
    /// How it takes its turn.
    pub order: Order,
    /// Ends or hurries it.
    pub cancel: Cancel,
    /// What to run.
    pub job: J,
}

impl<J> Queue<J> {
    /// A queue for that many calls at once (those that only wait not counted).
    #[must_use]
    pub fn new(workers: usize) -> Queue<J> {
        let state = State {
            queued: VecDeque::new(),
            open: HashMap::new(),
            reading: 0,
            changing: 0,
            waiting: 0,
            threads: 0,
            idle: 0,
            ended: false,
            worked: false,
            delivering: 0,
        };
        Queue { state: Mutex::new(state), changed: Condvar::new(), workers: workers.max(1) }
    }

    /// Whether a call of that id has no answer yet.
    #[must_use]
    pub fn is_open(&self, id: &Id) -> bool {
        lock(&self.state).open.contains_key(id)
    }

    /// Queues a call whose id is not open. Returns whether another worker should be started for it; it counts
    /// as started from then on.
    #[must_use]
    pub fn push(&self, id: Id, order: Order, job: J) -> bool {
        let mut state = lock(&self.state);
        state.worked = true;
        state.open.insert(id.clone(), Cancel::new());
        state.queued.push_back((id, order, job));
        self.changed.notify_one();
        self.wants_thread(&mut state)
    }

    fn wants_thread(&self, state: &mut State<J>) -> bool {
        let wanted =
            state.idle == 0 && !state.queued.is_empty() && state.threads < self.workers + state.waiting;
        state.threads += usize::from(wanted);
        wanted
    }

    /// Whether any call was ever taken on.
    #[must_use]
    pub fn has_worked(&self) -> bool {
        lock(&self.state).worked
    }

    /// A worker that was asked for could not be started.
    pub fn not_started(&self) {
        lock(&self.state).threads -= 1;
    }

    /// A worker's next call; `None` when the worker should end.
    pub fn next(&self) -> Option<Turn<J>> {
        let mut state = lock(&self.state);
        loop {
            let spare = self.workers + state.waiting < state.threads;
            if spare || (state.ended && state.queued.is_empty()) {
                state.threads -= 1;
                return None;
            }
            if state.head_may_start() {
                let (id, order, job) = state.queued.pop_front().expect("the head was just looked at");
                state.count(order, true);
                let cancel = state.open.get(&id).cloned().expect("a queued call is open");
                if state.ended {
                    cancel.hurry();
                }
                // The one behind it may be able to run beside it.
                self.changed.notify_one();
                return Some(Turn { id, order, cancel, job });
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// A running call has been submitted and only waits from now on. Returns whether it may wait, and whether
    /// another worker should be started in its place.
    #[must_use]
    pub fn release(&self, order: Order) -> (bool, bool) {
        let mut state = lock(&self.state);
        let may_wait = state.waiting < MAX_WAITING;
        if !may_wait {
            return (false, false);
        }
        state.count(order, false);
        state.waiting += 1;
        self.changed.notify_all();
        (true, self.wants_thread(&mut state))
    }

    /// A running call is over. Returns whether its answer is still wanted; [`Queue::delivered`] follows either way.
    #[must_use]
    pub fn finish(&self, id: &Id, order: Order, released: bool) -> bool {
        let mut state = lock(&self.state);
        if released {
            state.waiting -= 1;
        } else {
            state.count(order, false);
        }
        state.delivering += 1;
        self.changed.notify_all();
        state.open.remove(id).is_some_and(|cancel| !cancel.is_cancelled())
    }

    /// The answer of a call that is over has been written.
    pub fn delivered(&self) {
        lock(&self.state).delivering -= 1;
        self.changed.notify_all();
    }

    /// Cancels the call of that id. A queued one is taken out and returned; a running one is told.
    pub fn cancel(&self, id: &Id) -> Option<J> {
        let mut state = lock(&self.state);
        let place = state.queued.iter().position(|(queued, _, _)| queued == id);
        if let Some(place) = place {
            state.open.remove(id);
            self.changed.notify_all();
            return state.queued.remove(place).map(|(_, _, job)| job);
        }
        if let Some(cancel) = state.open.get(id) {
            cancel.cancel();
        }
        None
    }

    /// No more calls will come: what is open is hurried, and workers end when the queue is empty.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.open.values().for_each(Cancel::hurry);
        self.changed.notify_all();
    }
}

impl<J> Queue<J> {
    /// Waits until every call has its answer, at most until then. Returns whether all have.
    #[must_use]
    pub fn drained(&self, until: Instant) -> bool {
        let mut state = lock(&self.state);
        while !state.open.is_empty() || state.delivering != 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl<J> State<J> {
    fn head_may_start(&self) -> bool {
        match self.queued.front() {
            None => false,
            Some((_, Order::Read, _)) => self.changing == 0,
            Some((_, Order::Change, _)) => self.changing == 0 && self.reading == 0,
        }
    }

    fn count(&mut self, order: Order, starts: bool) {
        let counter = match order {
            Order::Read => &mut self.reading,
            Order::Change => &mut self.changing,
        };
        if starts {
            *counter += 1;
        } else {
            *counter -= 1;
        }
    }
}
