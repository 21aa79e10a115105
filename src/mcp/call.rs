//! What a running call can ask of the server: whether it was cancelled, to report progress, to wait, to ask the person.

use super::{client::Client, elicitation::Asking};
use crate::{cancel::Cancel, sync::lock};
use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Progress is told at most this often (basic/utilities/progress: senders should limit the rate).
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Where progress goes: how much is done, of how much, and a sentence.
pub type ProgressSink<'a> = &'a (dyn Fn(f64, Option<f64>, &str) + Sync);

/// One call under way.
pub struct Call<'a> {
    /// Set when the client no longer wants the answer, or when the server is told to end.
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
    /// A call on its own, with nobody before or after it, for a client that declared nothing.
    #[must_use]
    pub fn detached(cancel: Cancel) -> Call<'a> {
        Call { cancel, progress: None, gate: None, asking: Asking::No, client: Client::default() }
    }

    /// With somebody who wants to hear of its progress.
    #[must_use]
    pub fn with_progress(mut self, sink: ProgressSink<'a>) -> Call<'a> {
        self.progress = Some(Progress { sink, last: Mutex::new(None) });
        self
    }

    /// With somebody who can be asked.
    #[must_use]
    pub fn with_asking(mut self, asking: Asking<'a>) -> Call<'a> {
        self.asking = asking;
        self
    }

    /// For that client.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Call<'a> {
        self.client = client;
        self
    }

    /// Who asks, and which extensions that client declared.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How the person at the client can be asked.
    #[must_use]
    pub fn asking(&self) -> Asking<'a> {
        self.asking
    }

    /// With calls behind it that wait for [`Call::submitted`].
    #[must_use]
    pub(super) fn with_gate(mut self, gate: &'a (dyn Fn() -> bool + Sync)) -> Call<'a> {
        self.gate = Some(gate);
        self
    }

    /// Tells that everything this call changes has been accepted, and that from here on it only waits: the calls
    /// behind it may go ahead, and its worker is replaced. Returns whether it may wait at all; `false` when too
    /// many calls wait already, and then it should answer at once, saying how to go on.
    #[must_use]
    pub fn submitted(&self) -> bool {
        self.gate.is_none_or(|release| release())
    }

    /// Whether anybody listens to [`Call::progress`].
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// Tells progress, unless it did not grow or the last was told a moment ago. `done` and `total` share a
    /// unit of the caller's choice (percent, seconds).
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
