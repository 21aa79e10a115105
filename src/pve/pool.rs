//! The pool of idle connections: which of them a request may use, and how they are returned.
//!
//! ureq's own pool hands out the connection that has been idle longest, and connections cannot be added to it. So the
//! agents are configured to keep none, and [`PoolLink`] wraps their whole connector chain. A request that reads may use
//! any connection that the server should not have closed yet. A request that must not be sent twice uses one on which
//! a response arrived within [`RECENT`], as servers close only connections that have been idle for seconds, or else a
//! new one. Independent of TCP, TLS and HTTP.

use super::in_flight::{self, Wants};
use crate::sync::lock;
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use ureq::{
    Error,
    http::Uri,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
};

/// How long after a response, or after being opened, a connection is as good as a new one.
const RECENT: Duration = Duration::from_secs(1);

/// The idle connections of one agent.
pub(super) struct Pool {
    state: Mutex<State>,
    /// The maximum number kept for one host.
    most: usize,
    max_idle: Duration,
}

#[derive(Default)]
struct State {
    /// In the order in which they were last used, most recent last.
    idle: Vec<Idle>,
    /// How many are being opened ahead of need.
    opening: usize,
}

struct Idle {
    key: String,
    since: Instant,
    transport: Box<dyn Transport>,
}

/// A connection that is being opened ahead of need; dropping it marks this as finished.
pub(super) struct PendingConnection(Arc<Pool>);

impl Drop for PendingConnection {
    fn drop(&mut self) {
        lock(&self.0.state).opening -= 1;
    }
}

impl Pool {
    pub(super) fn new(most: usize, max_idle: Duration) -> Pool {
        Pool { state: Mutex::default(), most, max_idle }
    }

    /// Returns one [`PendingConnection`] for each connection that must be opened now so that `wanted` requests can be sent at
    /// once. If there is no connection yet, the first request opens its own, which is not counted here.
    pub(super) fn lacking(self: &Arc<Pool>, uri: &Uri, wanted: usize) -> Vec<PendingConnection> {
        let key = key(uri);
        let mut state = lock(&self.state);
        let usable = |one: &&Idle| one.key == key && one.since.elapsed() < self.max_idle;
        let there = state.idle.iter().filter(usable).count().max(1) + state.opening;
        let lacking = wanted.min(self.most).saturating_sub(there);
        state.opening += lacking;
        (0..lacking).map(|_| PendingConnection(Arc::clone(self))).collect()
    }

    /// How long the most recently used connection to that host has been idle, if there is one.
    pub(super) fn idle_for(&self, uri: &Uri) -> Option<Duration> {
        let key = key(uri);
        lock(&self.state).idle.iter().rev().find(|one| one.key == key).map(|one| one.since.elapsed())
    }

    /// Takes the most recently used connection that is suitable.
    fn take(&self, key: &str, wants: Wants) -> Option<Box<dyn Transport>> {
        let limit = match wants {
            Wants::Any => self.max_idle,
            Wants::Recent => self.max_idle.min(RECENT),
            Wants::New | Wants::Spare => return None,
        };
        let mut state = lock(&self.state);
        self.drop_old(&mut state);
        let fits = |one: &Idle| one.key == key && one.since.elapsed() < limit;
        while let Some(place) = state.idle.iter().rposition(fits) {
            let mut transport = state.idle.remove(place).transport;
            if transport.is_open() {
                return Some(transport);
            }
        }
        None
    }

    fn put(&self, key: String, transport: Box<dyn Transport>) {
        let mut state = lock(&self.state);
        let same = |one: &Idle| one.key == key;
        if self.most <= state.idle.iter().filter(|one| same(one)).count()
            && let Some(oldest) = state.idle.iter().position(same)
        {
            state.idle.remove(oldest);
        }
        state.idle.push(Idle { key, since: Instant::now(), transport });
        self.drop_old(&mut state);
    }

    fn drop_old(&self, state: &mut State) {
        state.idle.retain(|one| one.since.elapsed() < self.max_idle);
    }
}

/// The key of a host's connections: scheme and authority.
fn key(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or_default())
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("most", &self.most)
            .field("max_idle", &self.max_idle)
            .finish_non_exhaustive()
    }
}

/// Hands out idle connections, and opens new ones with the inner chain.
#[derive(Debug)]
pub(super) struct PoolLink<C> {
    pub(super) chain: C,
    pub(super) pool: Arc<Pool>,
}

impl<C: Connector<Out = Box<dyn Transport>>> Connector for PoolLink<C> {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        if in_flight::is_proxy(details.uri) {
            return self.chain.connect(details, None);
        }
        let key = key(details.uri);
        let wants = in_flight::with(|flight| flight.wants).unwrap_or(Wants::New);
        let kept = self.pool.take(&key, wants);
        in_flight::with(|flight| flight.kept = kept.is_some());
        let transport = match kept {
            Some(kept) => kept,
            None => match self.chain.connect(details, None)? {
                Some(opened) => opened,
                None => return Ok(None),
            },
        };
        if wants == Wants::Spare {
            self.pool.put(key, transport);
            // There is nothing to send; ureq stops here.
            return Ok(None);
        }
        let transport = Some(transport);
        Ok(Some(Box::new(PooledTransport { transport, key, pool: Arc::clone(&self.pool), whole: false })))
    }
}

/// A connection in use by a request. It returns to the pool if it is still open after the last byte of the response.
/// ureq calls `is_open` at that point, unless the response says that the connection is to be closed.
#[derive(Debug)]
struct PooledTransport {
    /// `None` only while it is being dropped.
    transport: Option<Box<dyn Transport>>,
    key: String,
    pool: Arc<Pool>,
    /// Whether the response has been read completely and the connection is open.
    whole: bool,
}

impl PooledTransport {
    fn inner(&mut self) -> &mut Box<dyn Transport> {
        self.transport.as_mut().expect("it is there until the end")
    }
}

impl Transport for PooledTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner().buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.whole = false;
        self.inner().transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.whole = false;
        self.inner().await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.whole = self.inner().is_open();
        self.whole
    }

    fn is_tls(&self) -> bool {
        self.transport.as_ref().is_some_and(|transport| transport.is_tls())
    }
}

impl Drop for PooledTransport {
    fn drop(&mut self) {
        if let Some(transport) = self.transport.take().filter(|_| self.whole) {
            self.pool.put(std::mem::take(&mut self.key), transport);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::unversioned::transport::LazyBuffers;

    /// A connection with a name, open or not.
    struct Made {
        name: &'static str,
        open: bool,
        buffers: LazyBuffers,
    }

    impl fmt::Debug for Made {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.name)
        }
    }

    impl Transport for Made {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            self.open
        }
    }

    const KEY: &str = "https://pve:8006";

    fn put(pool: &Pool, name: &'static str, open: bool, seconds: u64) {
        let made = Made { name, open, buffers: LazyBuffers::new(1, 1) };
        pool.put(KEY.into(), Box::new(made));
        let mut state = lock(&pool.state);
        let last = state.idle.last_mut().expect("it was just put there");
        last.since =
            last.since.checked_sub(Duration::from_secs(seconds)).expect("the machine runs for longer");
    }

    /// The name of the connection that is handed out, or an empty string.
    fn taken(pool: &Pool, wants: Wants) -> String {
        pool.take(KEY, wants).map(|transport| format!("{transport:?}")).unwrap_or_default()
    }

    #[test]
    fn reading_takes_what_the_server_keeps_and_a_change_what_has_just_served() {
        for (wants, first, second) in [
            (Wants::Any, "young", "old"),
            (Wants::Recent, "young", ""),
            (Wants::New, "", ""),
            (Wants::Spare, "", ""),
        ] {
            let pool = Pool::new(6, Duration::from_secs(3));
            put(&pool, "older", true, 4);
            put(&pool, "old", true, 2);
            put(&pool, "young", true, 0);
            put(&pool, "closed", false, 0);
            assert_eq!([taken(&pool, wants), taken(&pool, wants)], [first, second], "{wants:?}");
            assert!(pool.take("https://other:8006", wants).is_none());
        }
    }

    #[test]
    fn so_many_are_kept_and_those_that_served_last() {
        let pool = Pool::new(2, Duration::from_secs(3));
        for name in ["a", "b", "c"] {
            put(&pool, name, true, 0);
        }
        assert_eq!([taken(&pool, Wants::Any), taken(&pool, Wants::Any)], ["c", "b"]);
        assert_eq!(taken(&pool, Wants::Any), "");
    }

    #[test]
    fn as_many_are_opened_ahead_as_are_lacking_and_not_twice() {
        let pool = Arc::new(Pool::new(4, Duration::from_secs(3)));
        let uri: Uri = format!("{KEY}/").parse().expect("it is one");
        assert_eq!(pool.lacking(&uri, 1).len(), 0, "a request opens its own");
        let opening = pool.lacking(&uri, 3);
        assert_eq!(opening.len(), 2);
        assert_eq!(pool.lacking(&uri, 3).len(), 0, "two are on their way");
        assert_eq!(pool.lacking(&uri, 9).len(), 1, "no more than are kept");
        drop(opening);
        put(&pool, "a", true, 0);
        put(&pool, "b", true, 0);
        put(&pool, "old", true, 4);
        assert_eq!(pool.lacking(&uri, 3).len(), 1);
        assert_eq!(pool.idle_for(&"https://other:8006/".parse().expect("it is one")), None);
        assert!(pool.idle_for(&uri).is_some());
    }
}
