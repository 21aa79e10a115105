//! Locks that survive a panic, and work that runs in parallel.

use std::{
    panic::resume_unwind,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

/// Locks `mutex`, even after a thread panicked while holding it: a panic fails only one call, and the data that our
/// locks guard (queues, caches, the output) is consistent between any two statements.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` for all items in parallel, each on its own thread (a single item on this thread), and returns the
/// results in the order of the items. If one panics, this function panics too.
pub fn at_once<'a, T: Sync, R: Send>(items: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    if let [alone] = items {
        return vec![work(alone)];
    }
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        running.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}
