//! Injected faults: which requests are answered wrongly, and how. Knows only request lines.

use crate::sync::lock;
use std::{sync::Mutex, time::Duration};

/// One kind of fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answers correctly, but only after this time.
    Delay(Duration),
    /// Closes the connection without reading the request. As the path is not known, it applies to the next request,
    /// whichever it is.
    DropBeforeReading,
    /// Resets the connection and carries nothing out. Over TLS the connection is closed without a close notification
    /// instead: only bytes left unread in the socket cause a reset, and TLS has to read them to see the path.
    Reset,
    /// Carries the request out and resets the connection; over TLS it is closed without a close notification.
    ResetAfterActing,
    /// Reads the request, closes the connection, and carries nothing out.
    DropAfterReading,
    /// Carries the request out and closes the connection without an answer.
    DropAfterActing,
    /// Carries the request out and closes the connection in the middle of the answer's body.
    DropMidAnswer,
    /// Answers correctly, but byte by byte with this pause before each.
    Trickle(Duration),
    /// Answers correctly, but compressed with gzip whether or not the client accepts it.
    Gzip,
    /// Answers 200 with truncated JSON.
    BrokenJson,
    /// Answers this status with an HTML page, like a proxy in between.
    Html(u16),
    /// Answers this status with an empty body (401, 500, 595, 596, 429, 503).
    Empty(u16, &'static str),
    /// Carries the request out and then answers this status with an empty body: a node that timed out waiting for
    /// another one (596), a proxy that lost its upstream server (502).
    ActThenEmpty(u16, &'static str),
    /// Answers this status with an empty body and a `Retry-After` header with this many seconds.
    Busy(u16, u64),
    /// Carries the request out, sends half of the answer, and then goes silent.
    Stall,
    /// Sends these bytes as they are, and closes the connection.
    Raw(Vec<u8>),
    /// Redirects to this address.
    Redirect(String),
    /// Answers 200 with this many bytes of data, which are generated while they are sent.
    Huge(usize),
    /// Answers correctly, but with chunked encoding instead of a content length.
    Chunked,
}

impl Fault {
    fn is_reset(&self) -> bool {
        matches!(self, Fault::Reset | Fault::ResetAfterActing)
    }
}

/// The faults that are still pending.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<(String, usize, Fault)>>);

impl Faults {
    /// Answers the next `times` requests whose `METHOD /path` contains `matching` with `fault`. Paths are given
    /// without `/api2/…`; an empty string matches all.
    pub fn add(&self, matching: &str, times: usize, fault: Fault) {
        lock(&self.0).push((matching.to_owned(), times, fault));
    }

    /// Removes every fault.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The fault for this request line; counts as one use of it.
    pub(crate) fn take(&self, line: &str) -> Option<Fault> {
        self.take_if(|matching, fault| *fault != Fault::DropBeforeReading && line.contains(matching))
    }

    /// Whether the next request is to be dropped without being read.
    pub(crate) fn take_drop_before_reading(&self) -> bool {
        self.take_if(|_, fault| *fault == Fault::DropBeforeReading).is_some()
    }

    /// Whether a reset is pending: the next request then has to be peeked at before it is read.
    pub(crate) fn resets(&self) -> bool {
        lock(&self.0).iter().any(|(_, times, fault)| 0 < *times && fault.is_reset())
    }

    /// The reset for this request line; counts as one use of it.
    pub(crate) fn take_reset(&self, line: &str) -> Option<Fault> {
        self.take_if(|matching, fault| fault.is_reset() && line.contains(matching))
    }

    fn take_if(&self, wanted: impl Fn(&str, &Fault) -> bool) -> Option<Fault> {
        let mut faults = lock(&self.0);
        faults.retain(|(_, times, _)| 0 < *times);
        let (_, times, fault) = faults.iter_mut().find(|(matching, _, fault)| wanted(matching, fault))?;
        *times -= 1;
        Some(fault.clone())
    }
}
