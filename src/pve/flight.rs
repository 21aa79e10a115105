//! What is known about the request under way on this thread: how far it got, when it must end, whom it talks to.
//!
//! ureq runs a request on the thread that asked for it, but hands its connectors and transports no place to
//! keep such things. So `send` puts them here for the duration of one exchange and takes them out afterwards.
//! Knows no HTTP but its URLs, and no TLS.

use crate::cancel::Cancel;
use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};
use ureq::http::Uri;

/// How long anything blocks before it looks whether it should stop. Cancelling takes about this long.
pub(super) const SLICE: Duration = Duration::from_millis(20);

/// How far a request got. What may have been carried out follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Finding the host's addresses.
    Resolving,
    /// Opening a connection, or asking a proxy for one.
    Connecting,
    /// Shaking hands.
    Securing,
    /// A part of the request is on its way; the rest was not accepted by the system yet. A server that lacks
    /// a part of a request cannot carry it out.
    Sending,
    /// The system accepted the last byte so far. From here on the request may have been carried out.
    Sent,
    /// Some of the answer arrived.
    Answering,
}

/// Which connection a request may go out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Any that the server should not have closed yet.
    Any,
    /// One on which an answer came a moment ago, or a new one.
    Recent,
    /// A new one.
    New,
    /// A new one that is only opened, for a request to come.
    Spare,
}

/// Why a request was ended from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    /// No connection within the time for connecting.
    ConnectTimeout,
    /// Nothing came, or nothing could be sent, for as long as may be waited for one more byte.
    ReadTimeout,
    /// The whole request took too long.
    Timeout,
}

/// Whom a connection leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// The address connected to: the host's, or the proxy's.
    pub(super) address: Option<SocketAddr>,
    /// The TLS version and the SHA-256 fingerprint of the certificate.
    pub(super) tls: Option<(&'static str, [u8; 32])>,
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(super) enum Obstacle {
    /// A sentence about the network.
    Network(String),
    /// A sentence about the server's certificate or TLS, and the fingerprint it showed.
    Tls(String, Option<[u8; 32]>),
}

/// One exchange.
pub(super) struct Flight {
    pub(super) cancel: Cancel,
    pub(super) deadline: Instant,
    pub(super) connect_timeout: Duration,
    /// How long a connection may be silent.
    pub(super) read_timeout: Duration,
    /// `host:port` as it stands in the URL: what tells the connection to the host from one to a proxy.
    pub(super) target: String,
    pub(super) wants: Wants,
    pub(super) stage: Stage,
    /// The connection had been open before the request.
    pub(super) kept: bool,
    /// The connection had served a request before.
    pub(super) reused: bool,
    /// Nothing may be waited for: only what has arrived is read.
    glancing: bool,
    pub(super) stopped: Option<Stop>,
    pub(super) obstacle: Option<Obstacle>,
    /// The fingerprint of the certificate that the server showed, believed or not.
    pub(super) shown: Option<[u8; 32]>,
    pub(super) peer: Peer,
    /// The words after the status code: all that Proxmox says about a 401 or a 595.
    pub(super) reason: Option<String>,
    connect_deadline: Instant,
    /// When bytes last went one way or the other.
    moved: Instant,
}

impl Flight {
    pub(super) fn new(
        cancel: &Cancel,
        deadline: Instant,
        (connect_timeout, read_timeout): (Duration, Duration),
        target: String,
        wants: Wants,
    ) -> Flight {
        let now = Instant::now();
        Flight {
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

    /// When the present stage must be over.
    fn limit(&self) -> Instant {
        if self.stage < Stage::Sending {
            self.connect_deadline
        } else {
            self.deadline.min(self.moved + self.read_timeout)
        }
    }

    /// Fails once the request is cancelled or late, and remembers why.
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
    static FLIGHT: RefCell<Option<Flight>> = const { RefCell::new(None) };
}

/// Runs `work` with `flight` as this thread's request under way, and gives it back with what was learnt.
pub(super) fn run<T>(flight: Flight, work: impl FnOnce() -> T) -> (T, Flight) {
    /// Clears the place even if `work` panics: the thread serves other requests afterwards.
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

/// Lets `note` look at and change the request under way, if there is one.
pub(super) fn with<T>(note: impl FnOnce(&mut Flight) -> T) -> Option<T> {
    FLIGHT.with_borrow_mut(|flight| flight.as_mut().map(note))
}

/// Fails once the request under way is cancelled or late.
pub(super) fn check() -> io::Result<()> {
    with(Flight::check).unwrap_or(Ok(()))
}

/// Lets `work` read what has arrived, and not wait for more.
pub(super) fn glance<T>(work: impl FnOnce() -> T) -> T {
    with(|flight| flight.glancing = true);
    let done = work();
    with(|flight| flight.glancing = false);
    done
}

/// Whether nothing may be waited for.
pub(super) fn is_glancing() -> bool {
    with(|flight| flight.glancing).unwrap_or(false)
}

/// What is left of the time for the present stage; never zero, which sockets take for "for ever".
pub(super) fn left() -> Duration {
    with(|flight| flight.limit().saturating_duration_since(Instant::now()))
        .unwrap_or(SLICE)
        .max(Duration::from_millis(1))
}

/// Whether that `host:port` of a URL is a proxy on the way and not the host itself.
pub(super) fn is_proxy(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    with(|flight| flight.target != authority).unwrap_or(false)
}

/// Says how far the request got.
pub(super) fn reached(stage: Stage) {
    with(|flight| flight.stage = stage);
}

/// Says that bytes went one way or the other.
pub(super) fn moved() {
    with(|flight| flight.moved = Instant::now());
}

/// Remembers why there is no connection, for the sentence the caller reads.
pub(super) fn blocked(obstacle: Obstacle) {
    with(|flight| flight.obstacle = Some(obstacle));
}

/// Waits for a message, in slices, until the request under way is cancelled or late.
pub(super) fn receive<T>(inbox: &Receiver<T>) -> io::Result<Option<T>> {
    check()?;
    Ok(inbox.recv_timeout(SLICE).ok())
}
