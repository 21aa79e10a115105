//! Schedules calls: reading calls run in parallel, changing calls in order of arrival.
//!
//! There is one [queue](super::queue) for each cluster, so that a cluster that does not respond delays no other.

use super::{
    queue::{Input, Place, Queue, Queued},
    rpc::Id,
};
use crate::{cancel::Cancel, sync::lock};
use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// How many calls may wait (for a task or for the user) in addition to those that run.
pub const MAX_WAITING: usize = 64;

/// The queued and running calls. `J` is what a worker needs to run one.
#[derive(Debug)]
pub struct Scheduler<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    workers: usize,
}

#[derive(Debug)]
struct State<J> {
    queues: Vec<Queue<J>>,
    /// Every call that has no response yet, queued or running.
    open: HashMap<Id, Cancel>,
    threads: usize,
    idle: usize,
    input: Input,
    /// The number of calls that have ended and whose responses are being written.
    delivering: usize,
}

/// A call given to a worker.
#[derive(Debug)]
pub struct Dispatched<J> {
    /// Its request's id.
    pub id: Id,
    /// Its queue and order, for [`Scheduler::release`] and [`Scheduler::delivered`].
    pub place: Place,
    /// Cancels or hurries it.
    pub cancel: Cancel,
    /// What to run.
    pub job: J,
    /// Whether to respond only that it was not started, because the server is stopping.
    pub too_late: bool,
    /// Whether to start another worker for the calls behind it.
    pub wants_thread: bool,
}

impl<J> Scheduler<J> {
    /// Creates a scheduler that runs up to `workers` calls at once in each queue, not counting those that only wait.
    #[must_use]
    pub fn new(workers: usize) -> Scheduler<J> {
        let state = State {
            queues: Vec::new(),
            open: HashMap::new(),
            threads: 0,
            idle: 0,
            input: Input::Open,
            delivering: 0,
        };
        Scheduler { state: Mutex::new(state), changed: Condvar::new(), workers: workers.max(1) }
    }

    /// Whether a call with that id has no response yet.
    #[must_use]
    pub fn is_open(&self, id: &Id) -> bool {
        lock(&self.state).open.contains_key(id)
    }

    /// Queues a call whose id is not open. Returns whether to start another worker for it; that worker counts as
    /// started from then on.
    #[must_use]
    pub fn push(&self, id: Id, place: Place, job: J) -> bool {
        let mut state = lock(&self.state);
        state.open.insert(id.clone(), Cancel::new());
        if state.queues.len() <= place.queue {
            state.queues.resize_with(place.queue + 1, Queue::default);
        }
        let queued = Queued { id, order: place.order, came: Instant::now(), job };
        state.queues[place.queue].queued.push_back(queued);
        self.changed.notify_one();
        self.wants_thread(&mut state)
    }

    /// Whether to start another worker. An idle worker may have been woken for an earlier call without having taken it
    /// yet, so this compares the number of idle workers with the number of calls that could start.
    fn wants_thread(&self, state: &mut State<J>) -> bool {
        let ready: usize = state.queues.iter().map(|queue| queue.ready(self.workers, state.input)).sum();
        let wanted = state.idle < ready && state.threads < state.max_threads(self.workers);
        state.threads += usize::from(wanted);
        wanted
    }

    /// Reports that a requested worker could not be started.
    pub fn not_started(&self) {
        lock(&self.state).threads -= 1;
    }

    /// Waits for a worker's next call; `None` if the worker should end.
    pub fn next(&self) -> Option<Dispatched<J>> {
        let mut state = lock(&self.state);
        loop {
            let spare = state.max_threads(self.workers) < state.threads;
            let over = state.input != Input::Open && state.queues.iter().all(|queue| queue.queued.is_empty());
            if spare || over {
                state.threads -= 1;
                return None;
            }
            let now = Instant::now();
            if let Some((place, id, job)) = state.take(self.workers, now) {
                let cancel = state.open.get(&id).cloned().expect("a queued call is open");
                let too_late = state.input == Input::Stopped;
                // The call behind it may be able to run in parallel.
                self.changed.notify_one();
                let wants_thread = self.wants_thread(&mut state);
                return Some(Dispatched { id, place, cancel, job, too_late, wants_thread });
            }
            let due = state.due(self.workers).map(|due| due.saturating_duration_since(now));
            state.idle += 1;
            state = match due {
                Some(time) => {
                    self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.idle -= 1;
        }
    }

    /// Reports that a running call has been submitted and only waits from now on. Returns whether it may wait, and
    /// whether to start another worker in its place.
    #[must_use]
    pub fn release(&self, place: Place) -> (bool, bool) {
        let mut state = lock(&self.state);
        if MAX_WAITING <= state.waiting() {
            return (false, false);
        }
        let queue = &mut state.queues[place.queue];
        *queue.running(place.order) -= 1;
        queue.waiting += 1;
        queue.last_wait = Some(Instant::now());
        self.changed.notify_all();
        (true, self.wants_thread(&mut state))
    }

    /// Reports that a running call has ended. Returns whether to send its response; [`Scheduler::delivered`] must
    /// follow in either case.
    #[must_use]
    pub fn finish(&self, id: &Id) -> bool {
        let mut state = lock(&self.state);
        state.delivering += 1;
        state.open.remove(id).is_some_and(|cancel| !cancel.is_cancelled())
    }

    /// Reports that the response of an ended call has been written, so that those behind it may start and respond
    /// later.
    pub fn delivered(&self, place: Place, released: bool) {
        let mut state = lock(&self.state);
        state.delivering -= 1;
        let queue = &mut state.queues[place.queue];
        let counter = if released { &mut queue.waiting } else { queue.running(place.order) };
        *counter -= 1;
        self.changed.notify_all();
    }

    /// Cancels the call with that id. A queued call is removed and returned; a running one is notified.
    pub fn cancel(&self, id: &Id) -> Option<J> {
        let mut state = lock(&self.state);
        let found = state.queues.iter_mut().find_map(|queue| {
            let position = queue.queued.iter().position(|queued| queued.id == *id)?;
            queue.queued.remove(position)
        });
        if let Some(queued) = found {
            state.open.remove(id);
            self.changed.notify_all();
            return Some(queued.job);
        }
        if let Some(cancel) = state.open.get(id) {
            cancel.cancel();
        }
        None
    }

    /// Reports that the input has ended: queued calls are carried out in order, then the workers end.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        if state.input == Input::Open {
            state.input = Input::Ended;
        }
        self.changed.notify_all();
    }

    /// Reports that the server is stopping: running calls are hurried, queued calls do not start.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.input = Input::Stopped;
        state.open.values().for_each(Cancel::stop_waiting);
        self.changed.notify_all();
    }

    /// Waits until every call has its response, but not longer than `until`. Returns whether all have.
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
    fn waiting(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiting).sum()
    }

    fn max_threads(&self, workers: usize) -> usize {
        workers * self.queues.len() + self.waiting()
    }

    /// Takes the next call of any queue that may start.
    fn take(&mut self, workers: usize, now: Instant) -> Option<(Place, Id, J)> {
        let input = self.input;
        let may_start = |queue: &Queue<J>| queue.due(workers, input).is_some_and(|due| due <= now);
        let number = self.queues.iter().position(may_start)?;
        let queue = &mut self.queues[number];
        let Queued { id, order, job, .. } = queue.queued.pop_front()?;
        *queue.running(order) += 1;
        Some((Place { queue: number, order }, id, job))
    }

    /// When the first call that is only being held may start.
    fn due(&self, workers: usize) -> Option<Instant> {
        self.queues.iter().filter_map(|queue| queue.due(workers, self.input)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::queue::{GRACE, Order};
    use std::{sync::Arc, thread, time::Duration};

    fn id(number: u64) -> Id {
        Id::Number(number.into())
    }

    fn place(queue: usize, order: Order) -> Place {
        Place { queue, order }
    }

    fn push(scheduler: &Scheduler<()>, number: u64, queue: usize, order: Order) -> bool {
        scheduler.push(id(number), place(queue, order), ())
    }

    #[test]
    fn a_burst_gets_workers_though_one_idles_and_was_only_woken() {
        let scheduler = Arc::new(Scheduler::<()>::new(6));
        assert!(push(&scheduler, 0, 0, Order::Read), "the first call starts the first worker");
        let worker = thread::spawn({
            let scheduler = Arc::clone(&scheduler);
            move || {
                let mut wanted = 0;
                while let Some(call) = scheduler.next() {
                    wanted += usize::from(call.wants_thread);
                    let _ = scheduler.finish(&call.id);
                    scheduler.delivered(call.place, false);
                }
                wanted
            }
        });
        while lock(&scheduler.state).idle == 0 {
            thread::yield_now();
        }
        // All are pushed before the idle worker can take one, as it needs the lock.
        let mut state = lock(&scheduler.state);
        for number in 1..=16 {
            state.open.insert(id(number), Cancel::new());
            let queued = Queued { id: id(number), order: Order::Read, came: Instant::now(), job: () };
            state.queues[0].queued.push_back(queued);
        }
        let wanted = (0..16).filter(|_| scheduler.wants_thread(&mut state)).count();
        assert_eq!(wanted, 5, "the idle one and five more");
        drop(state);
        scheduler.changed.notify_one();
        scheduler.end();
        worker.join().unwrap();
    }

    #[test]
    fn reads_behind_a_change_get_workers_once_it_is_over() {
        let scheduler = Scheduler::<()>::new(3);
        assert!(push(&scheduler, 0, 0, Order::Change));
        let change = scheduler.next().unwrap();
        assert!(!change.wants_thread);
        for number in 1..=5 {
            assert!(!push(&scheduler, number, 0, Order::Read), "nothing may start beside a change");
        }
        let _ = scheduler.finish(&change.id);
        scheduler.delivered(change.place, false);
        let wanted: Vec<bool> = (0..3).map(|_| scheduler.next().unwrap().wants_thread).collect();
        assert_eq!(wanted, [true, true, false], "three workers in all");
    }

    #[test]
    fn a_queue_that_stands_still_holds_up_no_other() {
        let scheduler = Scheduler::<()>::new(1);
        assert!(push(&scheduler, 0, 0, Order::Change));
        assert_eq!(scheduler.next().unwrap().place.queue, 0);
        assert!(!push(&scheduler, 1, 0, Order::Read));
        assert!(push(&scheduler, 2, 1, Order::Change), "the other queue has a worker of its own");
        assert_eq!(scheduler.next().unwrap().place.queue, 1);
    }

    /// Which queued calls may start when the last of them arrives, if a wait began `before` the first arrived.
    fn started(scheduler: &Scheduler<()>, before: Duration) -> Vec<Id> {
        let mut state = lock(&scheduler.state);
        let queue = &mut state.queues[0];
        let (Some(first), Some(last)) = (queue.queued.front(), queue.queued.back()) else {
            return Vec::new();
        };
        let now = last.came;
        queue.last_wait = first.came.checked_sub(before);
        std::iter::from_fn(|| state.take(9, now).map(|(_, id, ())| id)).collect()
    }

    /// A change that has been submitted and waits.
    fn waiting_change() -> (Scheduler<()>, Place) {
        let scheduler = Scheduler::<()>::new(9);
        assert!(push(&scheduler, 0, 0, Order::Change));
        let change = scheduler.next().unwrap();
        assert!(scheduler.release(change.place).0);
        (scheduler, change.place)
    }

    #[test]
    fn what_comes_beside_a_change_is_held_until_the_input_stays_open() {
        let (scheduler, _) = waiting_change();
        assert!(push(&scheduler, 1, 0, Order::Read), "a worker that starts it later");
        assert_eq!(started(&scheduler, Duration::ZERO), []);
        assert_eq!(scheduler.next().unwrap().id, id(1), "a worker waits as long as that takes");

        let (scheduler, _) = waiting_change();
        let _ = push(&scheduler, 1, 0, Order::Read);
        let _ = push(&scheduler, 2, 0, Order::Read);
        assert_eq!(started(&scheduler, 2 * GRACE), [id(1), id(2)], "a wait of some time holds nobody");
    }

    #[test]
    fn after_the_end_of_the_input_waits_hold_up_to_their_end() {
        let (scheduler, place) = waiting_change();
        for (number, order) in [(1, Order::Read), (2, Order::Read), (3, Order::Change), (4, Order::Read)] {
            let _ = push(&scheduler, number, 0, order);
        }
        scheduler.end();
        assert_eq!(started(&scheduler, 2 * GRACE), []);
        assert!(scheduler.finish(&id(0)));
        assert_eq!(started(&scheduler, 2 * GRACE), [], "its answer comes first");
        scheduler.delivered(place, true);
        assert_eq!(started(&scheduler, 2 * GRACE), [id(1), id(2)]);
        for number in [1, 2] {
            let _ = scheduler.finish(&id(number));
            scheduler.delivered(Place { queue: 0, order: Order::Read }, false);
        }
        assert_eq!(started(&scheduler, 2 * GRACE), [id(3)]);
    }

    #[test]
    fn after_a_stop_nothing_begins_and_everything_is_answered() {
        let (scheduler, place) = waiting_change();
        let _ = push(&scheduler, 1, 0, Order::Change);
        let _ = push(&scheduler, 2, 0, Order::Read);
        scheduler.end();
        scheduler.stop();
        scheduler.end();
        for number in [1, 2] {
            let late = scheduler.next().unwrap();
            assert_eq!((&late.id, late.too_late), (&id(number), true));
            assert!(scheduler.finish(&late.id));
            scheduler.delivered(late.place, false);
        }
        assert!(scheduler.next().is_none());
        assert!(scheduler.finish(&id(0)));
        assert!(!scheduler.drained(Instant::now()), "an answer is on its way");
        scheduler.delivered(place, true);
        assert!(scheduler.drained(Instant::now()));
    }
}
