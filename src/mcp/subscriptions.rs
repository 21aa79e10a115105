//! Subscriptions to changes of resources: by `resources/subscribe` in the handshake revisions, by
//! `subscriptions/listen` in 2026-07-28. One thread polls all subscribed resources together, as long as there are any.
//! A request is answered after the first poll, so that no change after the response is missed.

use super::{
    call::Call,
    offer::ResourceError,
    resources::unread,
    result::Responder,
    revision::Revision,
    rpc::{Fault, Id, to_line},
    subscribe::{Subscribe, SubscriptionMethod},
    toolbox::{About, Toolbox},
};
use crate::{cancel::Cancel, log, sync::lock};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The maximum number of URIs that one client may subscribe to, over all its subscriptions.
pub const MAX_ADDRESSES: usize = 256;
/// The maximum number of open subscriptions of 2026-07-28.
pub const MAX_OPEN: usize = 64;
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A line to send: the response to a request, with its destination, or a notification.
pub(super) type Message<R> = (Option<R>, Vec<u8>);

/// The subscriptions of a connection. `R` is the destination of a response.
#[derive(Debug)]
pub(super) struct Subscriptions<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<R> {
    /// Requests that have no response yet, in order of arrival.
    coming: Vec<PendingSubscription<R>>,
    /// The resources subscribed to in the handshake revisions.
    single: BTreeSet<String>,
    /// The open subscriptions of 2026-07-28.
    open: Vec<Open<R>>,
    /// The state of each resource at the last poll; `None` if it no longer existed.
    known: BTreeMap<String, Option<String>>,
    /// When the next poll is due, if there are subscriptions.
    due: Instant,
    /// Cancels the poll in progress.
    looking: Option<Cancel>,
    thread: Thread,
    /// The input has ended.
    closed: bool,
    /// The server is stopping: polls are not waited for either.
    stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Thread {
    None,
    Runs,
    Ended,
}

#[derive(Debug)]
struct PendingSubscription<R> {
    request: Subscribe,
    reply_to: R,
    /// Whether the poll in progress includes its resources.
    looked: bool,
}

#[derive(Debug)]
struct Open<R> {
    id: Id,
    revision: Revision,
    uris: BTreeSet<String>,
    reply_to: R,
}

impl<R> Subscriptions<R> {
    /// No subscriptions yet.
    pub(super) fn new() -> Subscriptions<R> {
        let state = State {
            coming: Vec::new(),
            single: BTreeSet::new(),
            open: Vec::new(),
            known: BTreeMap::new(),
            due: Instant::now(),
            looking: None,
            thread: Thread::None,
            closed: false,
            stopped: false,
        };
        Subscriptions { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Whether a request with that id has no response yet.
    pub(super) fn has(&self, id: &Id) -> bool {
        let state = lock(&self.state);
        state.coming.iter().any(|coming| coming.request.id == *id)
            || state.open.iter().any(|open| open.id == *id)
    }

    /// Accepts a request. Returns whether the thread for [`Subscriptions::next`] must be started now.
    ///
    /// # Errors
    /// There are too many subscriptions already.
    pub(super) fn take(&self, request: Subscribe, reply_to: R) -> Result<bool, (R, Fault)> {
        let mut state = lock(&self.state);
        let waiting = state.coming.iter().map(|coming| coming.request.addresses().count()).sum::<usize>();
        let open = state.open.iter().map(|open| open.uris.len()).sum::<usize>();
        let addresses = state.single.len() + waiting + open + request.addresses().count();
        let many = MAX_ADDRESSES < addresses || MAX_ADDRESSES <= state.coming.len();
        if many || (request.stays_open() && MAX_OPEN <= state.open.len()) {
            let message = format!(
                "Invalid params: at most {MAX_ADDRESSES} resources can be subscribed to at once, in at most {MAX_OPEN} subscriptions; end one first."
            );
            return Err((reply_to, Fault::invalid_params(message)));
        }
        state.coming.push(PendingSubscription { request, reply_to, looked: false });
        self.changed.notify_all();
        let starts = state.thread == Thread::None;
        state.thread = Thread::Runs;
        Ok(starts)
    }

    /// Reports that the thread could not be started. Returns the waiting requests, which would get no response.
    pub(super) fn not_started(&self) -> Vec<(Id, R)> {
        let mut state = lock(&self.state);
        state.thread = Thread::None;
        state.coming.drain(..).map(|coming| (coming.request.id, coming.reply_to)).collect()
    }

    /// Ends the request with that id without a response.
    pub(super) fn cancel(&self, id: &Id) -> Option<R> {
        let mut state = lock(&self.state);
        if let Some(at) = state.open.iter().position(|open| open.id == *id) {
            return Some(state.open.remove(at).reply_to);
        }
        let at = state.coming.iter().position(|coming| coming.request.id == *id)?;
        Some(state.coming.remove(at).reply_to)
    }

    /// Reports that the input has ended: waiting requests get their responses, and every subscription ends.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        if state.coming.is_empty()
            && let Some(cancel) = state.looking.take()
        {
            cancel.cancel();
        }
        self.changed.notify_all();
    }

    /// Reports that the server is stopping: like [`Subscriptions::close`], but without waiting for a poll.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        (state.closed, state.stopped) = (true, true);
        if let Some(cancel) = state.looking.take() {
            cancel.cancel();
        }
        self.changed.notify_all();
    }

    /// Waits until every subscription has ended, but not longer than `until`. Returns whether all have.
    pub(super) fn drained(&self, until: Instant) -> bool {
        let mut state = lock(&self.state);
        while state.thread == Thread::Runs {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits until a poll is due, polls, and returns the messages to send, which may be none; `None` at the end.
    pub(super) fn next(&self, toolbox: &dyn Toolbox) -> Option<Vec<Message<R>>> {
        let mut state = lock(&self.state);
        while state.coming.is_empty() {
            if state.closed {
                if state.open.is_empty() {
                    state.thread = Thread::Ended;
                    self.changed.notify_all();
                    return None;
                }
                return Some(state.open.drain(..).map(|open| open.ended(toolbox.about())).collect());
            }
            let subscribed = !state.single.is_empty() || !state.open.iter().all(|open| open.uris.is_empty());
            let left = subscribed.then(|| state.due.saturating_duration_since(Instant::now()));
            state = match left {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.coming.iter_mut().for_each(|coming| coming.looked = true);
        let cancel = Cancel::new();
        if state.stopped {
            cancel.cancel();
        }
        state.looking = Some(cancel.clone());
        let uris = state.addresses();
        drop(state);
        let found = look(toolbox, cancel, uris);
        let mut state = lock(&self.state);
        state.looking = None;
        state.due = Instant::now() + toolbox.poll_interval();
        let changed = state.compare(&found);
        let mut messages = state.told(&changed);
        messages.extend(state.settle(&found, toolbox.about()));
        Some(messages)
    }
}

/// Polls the current state of these resources.
fn look(
    toolbox: &dyn Toolbox,
    cancel: Cancel,
    uris: BTreeSet<String>,
) -> BTreeMap<String, Result<String, ResourceError>> {
    let uris: Vec<String> = uris.into_iter().collect();
    if uris.is_empty() {
        return BTreeMap::new();
    }
    let call = Call::detached(cancel);
    let found = catch_unwind(AssertUnwindSafe(|| toolbox.look(&call, &uris))).unwrap_or_else(|_| {
        log::error(format_args!("A poll of the subscribed resources panicked."));
        let failed =
            || Err(ResourceError::Failed("Reading it failed inside the server; see its log.".into()));
        uris.iter().map(|_| failed()).collect()
    });
    uris.into_iter().zip(found).collect()
}

impl<R> State<R> {
    /// The URIs that the next poll includes.
    fn addresses(&self) -> BTreeSet<String> {
        let coming = self.coming.iter().flat_map(|coming| coming.request.addresses());
        let open = self.open.iter().flat_map(|open| &open.uris);
        self.single.iter().chain(open).chain(coming).cloned().collect()
    }

    /// Stores the result of a poll and returns which of the known resources have changed. A resource that could not be
    /// read counts as unchanged.
    fn compare(&mut self, found: &BTreeMap<String, Result<String, ResourceError>>) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for (uri, found) in found {
            let now = match found {
                Ok(state) => Some(state.clone()),
                Err(ResourceError::Unknown(_)) => None,
                Err(ResourceError::Failed(_)) => continue,
            };
            if let Some(known) = self.known.get_mut(uri)
                && *known != now
            {
                *known = now;
                changed.insert(uri.clone());
            }
        }
        changed
    }

    /// The notifications for the changed resources.
    fn told(&self, changed: &BTreeSet<String>) -> Vec<Message<R>> {
        let single = self.single.intersection(changed).map(|uri| json!({"uri": uri}));
        let open = self.open.iter().flat_map(|open| {
            let meta = json!({(SUBSCRIPTION_ID): open.id});
            open.uris.intersection(changed).map(move |uri| json!({"_meta": meta, "uri": uri}))
        });
        let told = single.chain(open).map(|params| notification("notifications/resources/updated", &params));
        told.map(|line| (None, line)).collect()
    }

    /// Responds to the requests that the poll included.
    fn settle(
        &mut self,
        found: &BTreeMap<String, Result<String, ResourceError>>,
        about: About,
    ) -> Vec<Message<R>> {
        let (looked, coming) = std::mem::take(&mut self.coming).into_iter().partition(|coming| coming.looked);
        self.coming = coming;
        let looked: Vec<PendingSubscription<R>> = looked;
        let mut messages = Vec::new();
        for PendingSubscription { request: Subscribe { id, revision, wish }, reply_to, .. } in looked {
            let done = Responder { id: &id, revision, about }.complete(json!({}));
            match wish {
                SubscriptionMethod::Begin(uri) => {
                    let line = match found.get(&uri) {
                        Some(Ok(_)) => {
                            self.single.insert(uri);
                            done
                        }
                        other => {
                            let unseen = || ResourceError::Failed("It could not be read.".into());
                            let why = other.and_then(|found| found.clone().err()).unwrap_or_else(unseen);
                            Fault { id: Some(id), ..unread(revision, &uri, why) }.to_line()
                        }
                    };
                    messages.push((Some(reply_to), line));
                }
                SubscriptionMethod::End(uri) => {
                    self.single.remove(&uri);
                    messages.push((Some(reply_to), done));
                }
                SubscriptionMethod::Listen(uris) => {
                    let named = uris.is_some();
                    let there = |uri: &String| found.get(uri).is_some_and(Result::is_ok);
                    let uris: BTreeSet<String> = uris.into_iter().flatten().filter(there).collect();
                    let honoured = if named { json!({"resourceSubscriptions": uris}) } else { json!({}) };
                    let params = json!({"_meta": {(SUBSCRIPTION_ID): id}, "notifications": honoured});
                    messages.push((None, notification("notifications/subscriptions/acknowledged", &params)));
                    self.open.push(Open { id, revision, uris, reply_to });
                }
            }
        }
        let subscribed = self.addresses();
        self.known.retain(|uri, _| subscribed.contains(uri));
        for (uri, found) in found {
            if let (Ok(state), true) = (found, subscribed.contains(uri)) {
                self.known.entry(uri.clone()).or_insert_with(|| Some(state.clone()));
            }
        }
        messages
    }
}

impl<R> Open<R> {
    /// The response to a subscription that ends with the server (`SubscriptionsListenResult` in the schema).
    fn ended(self, about: About) -> Message<R> {
        let responder = Responder { id: &self.id, revision: self.revision, about };
        let meta = Map::from_iter([(SUBSCRIPTION_ID.to_owned(), json!(self.id))]);
        (Some(self.reply_to), responder.complete_with(json!({}), meta))
    }
}

fn notification(method: &str, params: &Value) -> Vec<u8> {
    to_line(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}
