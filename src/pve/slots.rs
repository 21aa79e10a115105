//! Limits the number of concurrent requests: a node's API has three single-threaded workers (pve.md section 1).

use super::in_flight::{SLICE, Stop};
use crate::{cancel::Cancel, sync::lock};
use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// A counting semaphore: a fixed number of permits.
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One permit; dropping it returns it.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(super) fn new(count: usize) -> Slots {
        Slots { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a permit until `deadline` or until the call is cancelled.
    pub(super) fn take(&self, cancel: &Cancel, deadline: Instant) -> Result<Slot<'_>, Stop> {
        let mut free = lock(&self.free);
        loop {
            if cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if 0 < *free {
                *free -= 1;
                return Ok(Slot(self));
            }
            if deadline <= Instant::now() {
                return Err(Stop::Timeout);
            }
            free = self.freed.wait_timeout(free, SLICE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}
