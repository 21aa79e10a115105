//! The interface of a running call to the server: cancellation, progress, waiting, questions to the user.

use super::{client::Client, elicitation::Asking};
use crate::{cancel::Cancel, sync::lock};
use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The minimum time between progress notifications (basic/utilities/progress: senders should limit the rate).
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// A callback for progress: the amount done, the total, and a sentence.
pub type ProgressSink<'a> = &'a (dyn Fn(f64, Option<f64>, &str) + Sync);

/// A running call.
pub struct Call<'a> {
    /// Set when the client cancels the call, or when the server is told to stop.
    pub cancel: Cancel,
    progress: Option<Progress<'a>>,
    gate: Option<&'a (dyn Fn() -> bool + Sync)>,
    asking: Asking<'a>,
    client: Client,
}

struct Progress<'a> {
    sink: ProgressSink<'a>,
    last: Mutex<Option<(f64, Instant)>>,
}

impl<'a> Call<'a> {
    /// A call outside of any queue, for a client that declared no capabilities.
    #[must_use]
    pub fn detached(cancel: Cancel) -> Call<'a> {
        Call { cancel, progress: None, gate: None, asking: Asking::No, client: Client::default() }
    }

    /// Sets the callback for progress.
    #[must_use]
    pub fn with_progress(mut self, sink: ProgressSink<'a>) -> Call<'a> {
        self.progress = Some(Progress { sink, last: Mutex::new(None) });
        self
    }

    /// Sets how the user can be asked.
    #[must_use]
    pub fn with_asking(mut self, asking: Asking<'a>) -> Call<'a> {
        self.asking = asking;
        self
    }

    /// Sets the client.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Call<'a> {
        self.client = client;
        self
    }

    /// The client that sent the call, with the extensions that it declared.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How the user at the client can be asked.
    #[must_use]
    pub fn asking(&self) -> Asking<'a> {
        self.asking
    }

    /// Sets the function that lets the calls behind it start, for [`Call::submitted`].
    #[must_use]
    pub(super) fn with_gate(mut self, gate: &'a (dyn Fn() -> bool + Sync)) -> Call<'a> {
        self.gate = Some(gate);
        self
    }

    /// Reports that all changes of this call have been accepted and that from here on it only waits: the calls behind
    /// it may start, and its worker is replaced. Returns whether it may wait; `false` if too many calls wait already,
    /// in which case it should return at once and say how to continue.
    #[must_use]
    pub fn submitted(&self) -> bool {
        self.gate.is_none_or(|release| release())
    }

    /// Whether the client requested progress notifications.
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// Reports progress, unless it did not increase or was reported less than 250 ms ago. `done` and `total` are in the
    /// same unit, which the caller chooses (percent, seconds).
    pub fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        let Some(progress) = &self.progress else { return };
        let mut last = lock(&progress.last);
        let now = Instant::now();
        if last.is_some_and(|(before, at)| done <= before || now < at + PROGRESS_INTERVAL) {
            return;
        }
        *last = Some((done, now));
        (progress.sink)(done, total, message);
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}
