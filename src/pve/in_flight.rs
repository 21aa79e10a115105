//! The state of the request that runs on this thread: its progress, its deadline and its peer.
//!
//! ureq runs a request on the thread that called it, but gives its connectors and transports no way to pass such state
//! along. So [`run`] stores it in a thread-local for the duration of one exchange and returns it afterwards.
//! Independent of TLS, and of HTTP except for its URLs.

use crate::cancel::Cancel;
use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};
use ureq::http::Uri;

/// How long a blocking operation waits before it checks whether to stop. Cancelling takes about this long.
pub(super) const SLICE: Duration = Duration::from_millis(20);

/// How far a request got, which decides whether it may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Resolving the host's name.
    Resolving,
    /// Connecting, directly or through a proxy.
    Connecting,
    /// In the TLS handshake.
    Securing,
    /// The operating system has accepted at most a part of the request. A server that has not received a whole request
    /// cannot carry it out.
    Sending,
    /// The operating system has accepted every byte so far. From here on the request may have been carried out.
    Sent,
    /// A part of the response has arrived.
    Answering,
}

/// Which connection a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Any connection that the server should not have closed yet.
    Any,
    /// One on which a response arrived within the last second, or a new one.
    Recent,
    /// A new one.
    New,
    /// A new one that is only opened, for a later request.
    Spare,
}

/// Why this side ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    /// There was no connection within the connect timeout.
    ConnectTimeout,
    /// No byte could be received or sent within the read timeout.
    ReadTimeout,
    /// The whole request took too long.
    Timeout,
}

/// The other end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// The address of the host or the proxy.
    pub(super) address: Option<SocketAddr>,
    /// The TLS version and the SHA-256 fingerprint of the certificate.
    pub(super) tls: Option<(&'static str, [u8; 32])>,
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(super) enum ConnectFailure {
    /// A sentence about the network.
    Network(String),
    /// A sentence about the server's certificate or TLS, and the fingerprint of its certificate.
    Tls(String, Option<[u8; 32]>),
}

/// The state of one exchange.
pub(super) struct InFlight {
    pub(super) cancel: Cancel,
    pub(super) deadline: Instant,
    pub(super) connect_timeout: Duration,
    /// How long a connection may be silent.
    pub(super) read_timeout: Duration,
    /// `host:port` as in the URL; distinguishes the connection to the host from one to a proxy.
    pub(super) target: String,
    pub(super) wants: Wants,
    pub(super) stage: Stage,
    /// Whether the connection was open before the request.
    pub(super) kept: bool,
    /// Whether the connection has served a request before.
    pub(super) reused: bool,
    /// Whether reads must not block: only what has arrived is read.
    glancing: bool,
    pub(super) stopped: Option<Stop>,
    pub(super) obstacle: Option<ConnectFailure>,
    /// The fingerprint of the server's certificate, trusted or not.
    pub(super) shown: Option<[u8; 32]>,
    pub(super) peer: Peer,
    /// The reason phrase: the only message that Proxmox gives with a 401 or a 595.
    pub(super) reason: Option<String>,
    connect_deadline: Instant,
    /// When bytes were last sent or received.
    moved: Instant,
}

impl InFlight {
    pub(super) fn new(
        cancel: &Cancel,
        deadline: Instant,
        (connect_timeout, read_timeout): (Duration, Duration),
        target: String,
        wants: Wants,
    ) -> InFlight {
        let now = Instant::now();
        InFlight {
            cancel: cancel.clone(),
            deadline,
            connect_timeout,
            read_timeout,
            target,
            wants,
            stage: Stage::Resolving,
            kept: false,
            reused: false,
            glancing: false,
            stopped: None,
            obstacle: None,
            shown: None,
            peer: Peer::default(),
            reason: None,
            connect_deadline: deadline.min(now + connect_timeout),
            moved: now,
        }
    }

    /// The deadline of the current stage.
    fn limit(&self) -> Instant {
        if self.stage < Stage::Sending {
            self.connect_deadline
        } else {
            self.deadline.min(self.moved + self.read_timeout)
        }
    }

    /// Fails if the request was cancelled or has timed out, and records why.
    fn check(&mut self) -> io::Result<()> {
        let stop = if self.cancel.is_cancelled() {
            Stop::Cancelled
        } else if Instant::now() < self.limit() {
            return Ok(());
        } else if self.deadline <= self.limit() {
            Stop::Timeout
        } else if self.stage < Stage::Sending {
            Stop::ConnectTimeout
        } else {
            Stop::ReadTimeout
        };
        self.stopped.get_or_insert(stop);
        Err(io::Error::new(io::ErrorKind::TimedOut, "stopped"))
    }
}

thread_local! {
    static FLIGHT: RefCell<Option<InFlight>> = const { RefCell::new(None) };
}

/// Runs `work` with `flight` as the state of this thread's request, and returns the result and the updated state.
pub(super) fn run<T>(flight: InFlight, work: impl FnOnce() -> T) -> (T, InFlight) {
    /// Clears the state even if `work` panics: the thread serves other requests afterwards.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            FLIGHT.take();
        }
    }
    FLIGHT.set(Some(flight));
    let clear = Clear;
    let done = work();
    let flight = FLIGHT.take().expect("nothing else takes the flight out");
    drop(clear);
    (done, flight)
}

/// Gives `note` access to the state of the current request, if there is one.
pub(super) fn with<T>(note: impl FnOnce(&mut InFlight) -> T) -> Option<T> {
    FLIGHT.with_borrow_mut(|flight| flight.as_mut().map(note))
}

/// Fails if the current request was cancelled or has timed out.
pub(super) fn check() -> io::Result<()> {
    with(InFlight::check).unwrap_or(Ok(()))
}

/// Runs `work` with non-blocking reads: it gets what has arrived and does not wait for more.
pub(super) fn without_blocking<T>(work: impl FnOnce() -> T) -> T {
    with(|flight| flight.glancing = true);
    let done = work();
    with(|flight| flight.glancing = false);
    done
}

/// Whether reads must not block now.
pub(super) fn is_nonblocking() -> bool {
    with(|flight| flight.glancing).unwrap_or(false)
}

/// The time left for the current stage; never zero, as sockets take zero as no limit.
pub(super) fn left() -> Duration {
    with(|flight| flight.limit().saturating_duration_since(Instant::now()))
        .unwrap_or(SLICE)
        .max(Duration::from_millis(1))
}

/// Whether the `host:port` of that URL is a proxy and not the host itself.
pub(super) fn is_proxy(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    with(|flight| flight.target != authority).unwrap_or(false)
}

/// Records how far the request got.
pub(super) fn reached(stage: Stage) {
    with(|flight| flight.stage = stage);
}

/// Records that bytes were sent or received.
pub(super) fn moved() {
    with(|flight| flight.moved = Instant::now());
}

/// Records why there is no connection, for the error message.
pub(super) fn blocked(obstacle: ConnectFailure) {
    with(|flight| flight.obstacle = Some(obstacle));
}

/// Waits up to [`SLICE`] for a message; fails if the current request was cancelled or has timed out.
pub(super) fn receive<T>(inbox: &Receiver<T>) -> io::Result<Option<T>> {
    check()?;
    Ok(inbox.recv_timeout(SLICE).ok())
}
