//! A queue of calls that wait for each other, and when each of them may start.
//!
//! Calls start in the order in which they arrived: while the head of the queue may not start, nothing behind it may.
//! A reading call starts once every change before it has been submitted, a changing call once everything before it has
//! ended or been submitted. While the input is open, calls that only wait (for a task or for the user) hold up the
//! calls behind them for at most [`GRACE`]; once the input has ended, they hold them up until they end.

use super::rpc::Id;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The longest time until the end of the input is noticed after lines that were written in one go. A call that arrives
/// within this time after an earlier call began to wait is held until the time is over, as the input may be a script.
pub const GRACE: Duration = Duration::from_millis(100);

/// How a call is ordered relative to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Runs in parallel with other reading calls, once earlier changes have been submitted.
    Read,
    /// Runs after all earlier calls; later calls wait until it has been submitted.
    Change,
}

/// The queue of a call, and its order in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the queue.
    pub queue: usize,
    /// How the call is ordered in it.
    pub order: Order,
}

/// The state of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Further calls may arrive.
    Open,
    /// The input has ended; queued calls are carried out.
    Ended,
    /// The server is stopping; calls that have not started do not start.
    Stopped,
}

/// Calls that wait for each other.
#[derive(Debug)]
pub(super) struct Queue<J> {
    pub(super) queued: VecDeque<Queued<J>>,
    /// The number of reading calls that run and have not been submitted; `changing` likewise.
    reading: usize,
    changing: usize,
    /// The number of calls that run but only wait.
    pub(super) waiting: usize,
    /// When the last of those began to wait.
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
    /// The counter of running calls of that order.
    pub(super) fn running(&mut self, order: Order) -> &mut usize {
        match order {
            Order::Read => &mut self.reading,
            Order::Change => &mut self.changing,
        }
    }

    /// How many calls at the head may start, now or after being held for [`GRACE`].
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

    /// When the call at the head may start; `None` if another call has to end first.
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
