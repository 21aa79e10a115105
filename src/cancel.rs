//! A flag that ends a call early or hurries it, and a sleep that it interrupts.

use crate::sync::lock;
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Says whether a call has been cancelled, or should wait no longer. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<(Mutex<State>, Condvar)>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    cancelled: bool,
    hurried: bool,
}

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Ends the call: nobody wants its answer any more. Wakes everybody in [`Cancel::sleep`].
    pub fn cancel(&self) {
        lock(&self.0.0).cancelled = true;
        self.0.1.notify_all();
    }

    /// Ends the call's waits, not the call: its answer is still wanted, at once. Requests under way go on.
    pub fn hurry(&self) {
        lock(&self.0.0).hurried = true;
        self.0.1.notify_all();
    }

    /// Whether the call is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        lock(&self.0.0).cancelled
    }

    /// Whether the call should wait no longer.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        lock(&self.0.0).hurried
    }

    /// Sleeps for `time`, or until the call is cancelled or hurried. Returns whether it was woken so.
    #[must_use]
    pub fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = lock(&self.0.0);
        while !state.cancelled && !state.hurried {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            state = self.0.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
