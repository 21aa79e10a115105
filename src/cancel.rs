//! A flag that cancels a call or ends its waits early, and a sleep that it interrupts.

use crate::sync::lock;
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Whether a call has been cancelled, or should stop waiting. Clones share one flag.
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

    /// Cancels the call: its answer is no longer wanted. Wakes every thread in [`Cancel::sleep`].
    pub fn cancel(&self) {
        lock(&self.0.0).cancelled = true;
        self.0.1.notify_all();
    }

    /// Ends the call's waits, but not the call: its answer is wanted immediately. Requests in flight continue.
    pub fn stop_waiting(&self) {
        lock(&self.0.0).hurried = true;
        self.0.1.notify_all();
    }

    /// Whether the call was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        lock(&self.0.0).cancelled
    }

    /// Whether the call should stop waiting.
    #[must_use]
    pub fn should_stop_waiting(&self) -> bool {
        lock(&self.0.0).hurried
    }

    /// Sleeps for `time`, or until the call is cancelled or hurried. Returns `true` if it was interrupted.
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
