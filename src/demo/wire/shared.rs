//! The state that a server's connections share. Knows no API.

use crate::{
    demo::{
        chance::RandomSource,
        state::cluster::Cluster,
        wire::{faults::Faults, http::Incoming, login::Signer, options::Options, seen::Seen},
    },
    sync::lock,
};
use std::{
    collections::VecDeque,
    net::TcpStream,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How many requests are kept for `Server::requests`, and how many for `Server::unhandled`.
const REMEMBERED: usize = 1000;

/// The state that all connections share.
pub(crate) struct Shared {
    pub(crate) cluster: Mutex<Cluster>,
    pub(crate) signer: Mutex<Signer>,
    pub(crate) faults: Faults,
    pub(crate) chance: RandomSource,
    pub(crate) options: Options,
    pub(crate) connections: Mutex<Vec<Open>>,
    pub(super) seen: Mutex<VecDeque<Seen>>,
    /// The number of arrivals and answers so far.
    pub(super) order: AtomicU64,
    pub(super) unhandled: Mutex<Vec<String>>,
    pub(super) stopped: Mutex<bool>,
    pub(super) stop: Condvar,
}

/// A connection, kept so that the server can close it.
pub(crate) struct Open {
    pub(crate) number: u64,
    pub(crate) stream: TcpStream,
    pub(crate) thread: JoinHandle<()>,
}

impl Shared {
    /// Waits, but not longer than the server runs.
    pub(crate) fn wait(&self, time: Duration) {
        let stopped = lock(&self.stopped);
        drop(
            self.stop
                .wait_timeout_while(stopped, time, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The delay of a 401: 3 s on the cluster's clock.
    pub(crate) fn failed_login_delay(&self) -> Duration {
        Duration::from_secs_f64((3.0 / self.options.clock_speed.max(1.0)).min(3.0))
    }

    /// Whether long answers are compressed if the client accepts it.
    pub(crate) fn compresses(&self) -> bool {
        self.options.gzip
    }

    /// Records a request for [`Server::requests`]. Returns its position in the sequence.
    pub(crate) fn remember(&self, request: &Incoming, connection: u64) -> u64 {
        let mut seen = lock(&self.seen);
        let arrived = self.order.fetch_add(1, Ordering::Relaxed);
        if REMEMBERED <= seen.len() {
            seen.pop_front();
        }
        seen.push_back(Seen::of(request, connection, arrived));
        arrived
    }

    /// Records that a request is about to be answered.
    pub(crate) fn answered(&self, arrived: u64) {
        let mut seen = lock(&self.seen);
        let now = self.order.fetch_add(1, Ordering::Relaxed);
        if let Some(one) = seen.iter_mut().rev().find(|one| one.arrived == arrived) {
            one.answered = Some(now);
        }
    }

    /// Records the line of a request that exists in the API but not in the sample, for [`Server::unhandled`].
    pub(crate) fn note_unhandled(&self, line: String) {
        let mut unhandled = lock(&self.unhandled);
        if unhandled.len() < REMEMBERED && !unhandled.contains(&line) {
            unhandled.push(line);
        }
    }

    /// Whether the server is stopping.
    pub(crate) fn is_stopped(&self) -> bool {
        *lock(&self.stopped)
    }
}
