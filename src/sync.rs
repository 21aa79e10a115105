//! Locks that outlive a panic, and work that is done side by side.

use std::{
    panic::resume_unwind,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

/// Locks `mutex`, also after a thread panicked while holding it: a panic is one failed call, and what our
/// locks guard (queues, caches, the output) is consistent between any two statements.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `work` makes of each item, all at the same time and each on a thread of its own (a single one on this); in the
/// order of the items.
/// A panic of one is a panic of the whole.
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
