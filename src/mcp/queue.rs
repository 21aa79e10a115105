//! Which call may run when: reading calls side by side, changing calls in the order they came.
//!
//! Calls wait in one queue, first come first served. The head may start when nothing unreleased that runs
//! forbids it; while it may not, nothing behind it may either, so only the head is ever looked at:
//! a reading call needs every change before it to have been submitted, a changing call needs everything
//! before it to be done or submitted.
//!
//! Each lane (a cluster) has a queue and workers of its own: one that does not answer holds up nobody else.

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
    lanes: Vec<Lane<J>>,
    /// Every call that has no answer yet, queued or running.
    open: HashMap<Id, Cancel>,
    /// Running and only waiting.
    waiting: usize,
    threads: usize,
    idle: usize,
    ended: bool,
    /// Over, their answers on the way out.
    delivering: usize,
}

/// The calls that wait for each other.
#[derive(Debug)]
struct Lane<J> {
    queued: VecDeque<(Id, Order, J)>,
    /// Running and not yet submitted.
    reading: usize,
    changing: usize,
}

/// A call's place among the others: its lane, and how it takes its turn there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the lane.
    pub lane: usize,
    /// How it takes its turn.
    pub order: Order,
}

/// A call handed to a worker.
#[derive(Debug)]
pub struct Turn<J> {
    /// Its request's id.
    pub id: Id,
    /// Where it stood, for [`Queue::release`] and [`Queue::finish`].
    pub place: Place,
    /// Ends or hurries it.
    pub cancel: Cancel,
    /// What to run.
    pub job: J,
    /// Whether another worker should be started for the calls behind it.
    pub wants_thread: bool,
}

impl<J> Queue<J> {
    /// A queue for that many calls at once in each lane (those that only wait not counted).
    #[must_use]
    pub fn new(workers: usize) -> Queue<J> {
        let state = State {
            lanes: Vec::new(),
            open: HashMap::new(),
            waiting: 0,
            threads: 0,
            idle: 0,
            ended: false,
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
    pub fn push(&self, id: Id, place: Place, job: J) -> bool {
        let mut state = lock(&self.state);
        state.open.insert(id.clone(), Cancel::new());
        while state.lanes.len() <= place.lane {
            state.lanes.push(Lane { queued: VecDeque::new(), reading: 0, changing: 0 });
        }
        state.lanes[place.lane].queued.push_back((id, place.order, job));
        self.changed.notify_one();
        self.wants_thread(&mut state)
    }

    /// Whoever idles may have been woken for a call before this one and not have taken it yet, so what counts is
    /// how many calls could be taken.
    fn wants_thread(&self, state: &mut State<J>) -> bool {
        let ready: usize = state.lanes.iter().map(|lane| lane.ready(self.workers)).sum();
        let wanted = state.idle < ready && state.threads < self.workers * state.lanes.len() + state.waiting;
        state.threads += usize::from(wanted);
        wanted
    }

    /// A worker that was asked for could not be started.
    pub fn not_started(&self) {
        lock(&self.state).threads -= 1;
    }

    /// A worker's next call; `None` when the worker should end.
    pub fn next(&self) -> Option<Turn<J>> {
        let mut state = lock(&self.state);
        loop {
            let spare = self.workers * state.lanes.len() + state.waiting < state.threads;
            if spare || (state.ended && state.lanes.iter().all(|lane| lane.queued.is_empty())) {
                state.threads -= 1;
                return None;
            }
            if let Some((place, id, job)) = state.take(self.workers) {
                let cancel = state.open.get(&id).cloned().expect("a queued call is open");
                if state.ended {
                    cancel.hurry();
                }
                // The one behind it may be able to run beside it.
                self.changed.notify_one();
                let wants_thread = self.wants_thread(&mut state);
                return Some(Turn { id, place, cancel, job, wants_thread });
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// A running call has been submitted and only waits from now on. Returns whether it may wait, and whether
    /// another worker should be started in its place.
    #[must_use]
    pub fn release(&self, place: Place) -> (bool, bool) {
        let mut state = lock(&self.state);
        let may_wait = state.waiting < MAX_WAITING;
        if !may_wait {
            return (false, false);
        }
        state.count(place, false);
        state.waiting += 1;
        self.changed.notify_all();
        (true, self.wants_thread(&mut state))
    }

    /// A running call is over. Returns whether its answer is still wanted; [`Queue::delivered`] follows either way.
    #[must_use]
    pub fn finish(&self, id: &Id, place: Place, released: bool) -> bool {
        let mut state = lock(&self.state);
        if released {
            state.waiting -= 1;
        } else {
            state.count(place, false);
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
        let found = state.lanes.iter().enumerate().find_map(|(lane, calls)| {
            Some((lane, calls.queued.iter().position(|(queued, _, _)| queued == id)?))
        });
        if let Some((lane, position)) = found {
            state.open.remove(id);
            self.changed.notify_all();
            return state.lanes[lane].queued.remove(position).map(|(_, _, job)| job);
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
    /// The next call of any lane that may start.
    fn take(&mut self, workers: usize) -> Option<(Place, Id, J)> {
        let lane = self.lanes.iter().position(|lane| 0 < lane.ready(workers))?;
        let (id, order, job) = self.lanes[lane].queued.pop_front()?;
        let place = Place { lane, order };
        self.count(place, true);
        Some((place, id, job))
    }

    fn count(&mut self, place: Place, starts: bool) {
        let lane = &mut self.lanes[place.lane];
        let counter = match place.order {
            Order::Read => &mut lane.reading,
            Order::Change => &mut lane.changing,
        };
        if starts {
            *counter += 1;
        } else {
            *counter -= 1;
        }
    }
}

impl<J> Lane<J> {
    /// How many of the calls at its head may start now.
    fn ready(&self, workers: usize) -> usize {
        let room = workers.saturating_sub(self.reading + self.changing);
        match self.queued.front() {
            _ if self.changing != 0 || room == 0 => 0,
            Some((_, Order::Change, _)) => usize::from(self.reading == 0),
            _ => self.queued.iter().take(room).take_while(|(_, order, _)| *order == Order::Read).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, thread};

    fn id(number: u64) -> Id {
        Id::Number(number.into())
    }

    fn place(lane: usize, order: Order) -> Place {
        Place { lane, order }
    }

    fn push(queue: &Queue<()>, number: u64, lane: usize, order: Order) -> bool {
        queue.push(id(number), place(lane, order), ())
    }

    #[test]
    fn a_burst_gets_workers_though_one_idles_and_was_only_woken() {
        let queue = Arc::new(Queue::<()>::new(6));
        assert!(push(&queue, 0, 0, Order::Read), "the first call starts the first worker");
        let worker = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut wanted = 0;
                while let Some(turn) = queue.next() {
                    wanted += usize::from(turn.wants_thread);
                    let _ = queue.finish(&turn.id, turn.place, false);
                    queue.delivered();
                }
                wanted
            }
        });
        while lock(&queue.state).idle == 0 {
            thread::yield_now();
        }
        // All pushed before the idle worker can take one: it needs the lock.
        let mut state = lock(&queue.state);
        for number in 1..=16 {
            state.open.insert(id(number), Cancel::new());
            state.lanes[0].queued.push_back((id(number), Order::Read, ()));
        }
        let wanted = (0..16).filter(|_| queue.wants_thread(&mut state)).count();
        assert_eq!(wanted, 5, "the idle one and five more");
        drop(state);
        queue.changed.notify_one();
        queue.end();
        worker.join().unwrap();
    }

    #[test]
    fn reads_behind_a_change_get_workers_once_it_is_over() {
        let queue = Queue::<()>::new(3);
        assert!(push(&queue, 0, 0, Order::Change));
        let change = queue.next().unwrap();
        assert!(!change.wants_thread);
        for number in 1..=5 {
            assert!(!push(&queue, number, 0, Order::Read), "nothing may start beside a change");
        }
        let _ = queue.finish(&change.id, change.place, false);
        let wanted: Vec<bool> = (0..3).map(|_| queue.next().unwrap().wants_thread).collect();
        assert_eq!(wanted, [true, true, false], "three workers in all");
    }

    #[test]
    fn a_lane_that_stands_still_holds_up_no_other() {
        let queue = Queue::<()>::new(1);
        assert!(push(&queue, 0, 0, Order::Change));
        assert_eq!(queue.next().unwrap().place.lane, 0);
        assert!(!push(&queue, 1, 0, Order::Read));
        assert!(push(&queue, 2, 1, Order::Change), "the other lane has a worker of its own");
        assert_eq!(queue.next().unwrap().place.lane, 1);
    }
}
