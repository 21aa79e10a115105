//! Calls that wait for each other: which of them may start when.
//!
//! Calls wait first come first served. Only the head of the queue is ever looked at: while it may not start, nothing
//! behind it may. A reading call starts once every change before it has been submitted, a changing call once everything
//! before it is done or submitted. While the input is open, calls that only wait (for a task, for a person) hold up the
//! calls behind them for no more than [`GRACE`]; once it has ended, they hold them up to their end.

use super::rpc::Id;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How long it takes at most until the end of the input is seen behind lines that were written in one go. A call that
/// arrives sooner than this after the one before it began to wait is held for as long, as that may be a script.
pub const GRACE: Duration = Duration::from_millis(100);

/// How a call takes its turn among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Runs beside other reading calls, after the changes that came before it were submitted.
    Read,
    /// Runs after everything before it, and before everything after it, up to its being submitted.
    Change,
}

/// A call's place among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of its queue.
    pub queue: usize,
    /// How it takes its turn there.
    pub order: Order,
}

/// What may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Further calls.
    Open,
    /// Nothing: what is queued is carried out.
    Ended,
    /// Nothing, and what has not begun does not begin.
    Stopped,
}

/// The calls that wait for each other.
#[derive(Debug)]
pub(super) struct Queue<J> {
    pub(super) queued: VecDeque<Queued<J>>,
    /// Running and not yet submitted.
    reading: usize,
    changing: usize,
    /// Running and only waiting.
    pub(super) waiting: usize,
    /// When the last of those began to.
    pub(super) last_wait: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Queued<J> {
    pub(super) id: Id,
    pub(super) order: Order,
    pub(super) came: Instant,
    pub(super) job: J,
}

impl<J> Queue<J> {
    /// The count of those that run in that order.
    pub(super) fn running(&mut self, order: Order) -> &mut usize {
        match order {
            Order::Read => &mut self.reading,
            Order::Change => &mut self.changing,
        }
    }

    /// How many of the calls at its head may start, now or when they have been held long enough.
    pub(super) fn ready(&self, workers: usize, input: Input) -> usize {
        let room = workers.saturating_sub(self.reading + self.changing);
        if input == Input::Stopped {
            return room.min(self.queued.len());
        }
        let held = input == Input::Ended && self.waiting != 0;
        match self.queued.front().map(|queued| queued.order) {
            _ if held || self.changing != 0 || room == 0 => 0,
            None => 0,
            Some(Order::Change) => usize::from(self.reading == 0),
            Some(Order::Read) => {
                self.queued.iter().take(room).take_while(|queued| queued.order == Order::Read).count()
            }
        }
    }

    /// When the call at its head may start; `None` where something else has to end first.
    pub(super) fn due(&self, workers: usize, input: Input) -> Option<Instant> {
        let head = self.queued.front().filter(|_| self.ready(workers, input) != 0)?;
        let waited = self.last_wait.filter(|_| input == Input::Open && self.waiting != 0);
        Some(waited.map_or(head.came, |since| since.min(head.came) + GRACE))
    }
}

impl<J> Default for Queue<J> {
    fn default() -> Queue<J> {
        Queue { queued: VecDeque::new(), reading: 0, changing: 0, waiting: 0, last_wait: None }
    }
}
