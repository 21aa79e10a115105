//! The client: who asks, which node is asked, and when a request may be sent again.
//!
//! Sent again are only: what reads, once, when a kept connection turned out to be closed; what never left, to the
//! next host; and what a 401 turned away at the door, once, after a new login.

use super::{
    Auth, Method, Params, Settings,
    auth::{self, token_header},
    error::{Asked, Error, Identity, Result},
    exchange::{Body, Order, Wire, authority, meaning},
    flight::{Flight, Peer, Stage, Stop},
    reply::{self, Reply},
    session::{Account, Door, Pass, Session},
    slots::{Slot, Slots},
    upload::Multipart,
};
use crate::{cancel::Cancel, log, secret::Secret, sync::lock};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How long a host that cannot be connected to is asked last.
const ASIDE: Duration = Duration::from_secs(30);

/// One cluster. Shared by all threads; at most `workers` requests are under way at once.
pub struct Pve {
    settings: Settings,
    wire: Mutex<Option<Arc<Wire>>>,
    slots: Slots,
    session: Session,
    /// The token's secret, once fetched.
    token: Mutex<Option<Secret>>,
    /// Until when each host is asked last.
    aside: Mutex<Vec<Option<Instant>>>,
}

/// When a request must end.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) cancel: &'a Cancel,
    pub(super) deadline: Instant,
}

impl Pve {
    /// A client. Neither connects nor reads anything yet.
    #[must_use]
    pub fn new(settings: Settings) -> Pve {
        Pve {
            wire: Mutex::new(None),
            slots: Slots::new(settings.workers),
            session: Session::default(),
            token: Mutex::new(None),
            aside: Mutex::new(vec![None; settings.hosts.len()]),
            settings,
        }
    }

    /// Asks Proxmox: `path` is what follows `/api2/extjs`, its parts percent-encoded (see [`super::path::fill`]).
    /// GET and DELETE carry their parameters in the query, POST and PUT in a form.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::may_have_been_carried_out`] says whether a change without an answer may have happened.
    pub fn send(&self, cancel: &Cancel, method: Method, path: &str, params: &Params) -> Result<Reply> {
        let limits = self.limits(cancel);
        let _slot = self.slot(limits)?;
        match &self.settings.auth {
            Auth::Missing(problem) => Err(Error::Setup { problem: problem.clone() }),
            Auth::Token { id, .. } => {
                let headers = vec![self.token()?];
                let result = self.ask(limits, method, path, params, headers, &Identity::Token(id.clone()));
                if let Err(Error::Unauthorized { .. }) = result {
                    // It may have been replaced: the next request fetches it again.
                    *lock(&self.token) = None;
                }
                result
            }
            Auth::Password { user, .. } => {
                let identity = Identity::User(user.clone());
                let changing = method != Method::Get;
                let pass = self.pass(limits, None)?;
                let result = self.ask(limits, method, path, params, pass.ticket.headers(changing), &identity);
                let Err(Error::Unauthorized { .. }) = result else { return result };
                let pass = self.pass(limits, Some(pass.number))?;
                self.ask(limits, method, path, params, pass.ticket.headers(changing), &identity)
            }
        }
    }

    /// Asks with GET.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, cancel: &Cancel, path: &str, params: &Params) -> Result<Reply> {
        self.send(cancel, Method::Get, path, params)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn limits<'a>(&self, cancel: &'a Cancel) -> Limits<'a> {
        Limits { cancel, deadline: Instant::now() + self.settings.timeout }
    }

    pub(super) fn slot(&self, limits: Limits<'_>) -> Result<Slot<'_>> {
        self.slots.take(limits.cancel, limits.deadline).map_err(|stop| match stop {
            Stop::Cancelled => Error::Cancelled { may_have_been_carried_out: false },
            Stop::Timeout | Stop::ConnectTimeout => Error::NotSent {
                host: self.settings.hosts.iter().map(authority).collect::<Vec<_>>().join(", "),
                problem: format!(
                    "the {} requests that may be under way at once were all busy for {} s. Try again later.",
                    self.settings.workers,
                    self.settings.timeout.as_secs_f64()
                ),
            },
        })
    }

    fn token(&self) -> Result<(&'static str, Secret)> {
        let Auth::Token { id, secret } = &self.settings.auth else {
            return Err(Error::Setup { problem: "No API token is configured.".into() });
        };
        // Held while fetching, so that a command is run once.
        let mut known = lock(&self.token);
        if known.is_none() {
            *known = Some(secret.fetch().map_err(|problem| Error::Setup { problem })?);
        }
        Ok(token_header(id, known.as_ref().expect("it was just set")))
    }

    fn pass(&self, limits: Limits<'_>, refused: Option<u64>) -> Result<Pass> {
        let Auth::Password { user, password, totp } = &self.settings.auth else {
            return Err(Error::Setup { problem: "No user is configured.".into() });
        };
        let identity = Identity::User(user.clone());
        let ask = |params: &Params| self.ask(limits, Method::Post, auth::PATH, params, Vec::new(), &identity);
        let account = Account { user, password, totp: totp.as_ref() };
        let door = Door { account, cancel: limits.cancel, deadline: limits.deadline, ask: &ask };
        self.session.pass(&door, refused)
    }

    fn ask(
        &self,
        limits: Limits<'_>,
        method: Method,
        path: &str,
        params: &Params,
        headers: Vec<(&'static str, Secret)>,
        identity: &Identity,
    ) -> Result<Reply> {
        self.ask_as(limits, method, path, params, headers, identity).0
    }

    /// Asks one host after the other until one can be connected to. Also tells whom the last connection led to.
    pub(super) fn ask_as(
        &self,
        limits: Limits<'_>,
        method: Method,
        path: &str,
        params: &Params,
        headers: Vec<(&'static str, Secret)>,
        identity: &Identity,
    ) -> (Result<Reply>, Peer) {
        let mut peer = Peer::default();
        let prepared = check_path(path).and_then(|()| self.wire());
        let wire = match prepared {
            Ok(wire) => wire,
            Err(problem) => return (Err(Error::Setup { problem }), peer),
        };
        let order = order(method, path, params, headers);
        let mut failures: Vec<(String, String)> = Vec::new();
        for index in self.hosts_in_order() {
            let host = &self.settings.hosts[index];
            let asked = Asked { method, path: path.to_owned(), host: authority(host) };
            let result;
            (result, peer) = self.ask_host(&wire, index, &order, asked, limits, identity);
            let Err(Error::NotSent { host, problem }) = result else {
                lock(&self.aside)[index] = None;
                return (result, peer);
            };
            lock(&self.aside)[index] = Some(Instant::now() + ASIDE);
            failures.push((host, problem));
            if limits.deadline <= Instant::now() {
                break;
            }
        }
        let error = match failures.len() {
            0 => {
                Error::Setup { problem: "No host is configured; set `host` to a node of the cluster.".into() }
            }
            1 => {
                let (host, problem) = failures.remove(0);
                Error::NotSent { host, problem }
            }
            _ => Error::NotSent {
                host: failures.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>().join("`, `"),
                problem: failures
                    .iter()
                    .map(|(host, problem)| format!("{host}: {problem}"))
                    .collect::<Vec<_>>()
                    .join(" "),
            },
        };
        (Err(error), peer)
    }

    /// Asks one host; once more if it only reads and a kept connection turned out to be closed.
    fn ask_host(
        &self,
        wire: &Wire,
        index: usize,
        order: &Order,
        asked: Asked,
        limits: Limits<'_>,
        identity: &Identity,
    ) -> (Result<Reply>, Peer) {
        let host = &self.settings.hosts[index];
        let flight =
            || Flight::new(limits.cancel, limits.deadline, self.settings.connect_timeout, asked.host.clone());
        let started = Instant::now();
        let (mut result, mut flown) = wire.exchange(host, order, flight(), asked.changes());
        let stale =
            result.is_err() && flown.reused && flown.stage < Stage::Answering && flown.stopped.is_none();
        if stale && !asked.changes() {
            (result, flown) = wire.exchange(host, order, flight(), true);
        }
        let peer = flown.peer.clone();
        let words = format!("{asked} at {}", asked.host);
        let result = match result {
            Ok(answer) => reply::read(answer, asked, identity),
            Err(broken) => Err(meaning(broken, flown, asked, &self.settings)),
        };
        let how = if result.is_ok() { "answered" } else { "failed" };
        log::debug(format_args!("{words}: {how} after {} ms", started.elapsed().as_millis()));
        (result, peer)
    }

    /// The hosts as configured, but those that could not be connected to lately last.
    fn hosts_in_order(&self) -> Vec<usize> {
        let now = Instant::now();
        let aside = lock(&self.aside);
        let mut order: Vec<usize> = (0..aside.len()).collect();
        let late = |index: usize| aside[index].is_some_and(|until| now < until);
        crate::order::sort_by(&mut order, |one, other| late(*one).cmp(&late(*other)));
        order
    }

    fn wire(&self) -> std::result::Result<Arc<Wire>, String> {
        let mut wire = lock(&self.wire);
        if let Some(wire) = &*wire {
            return Ok(Arc::clone(wire));
        }
        let made = Arc::new(Wire::new(&self.settings)?);
        *wire = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl fmt::Debug for Pve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pve").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Nothing but a path: no query, no fragment, nothing that leads elsewhere.
fn check_path(path: &str) -> std::result::Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>{}|^`".contains(&byte);
    let winding = path.split('/').any(|part| matches!(part, "." | ".."));
    if path.starts_with('/') && path.bytes().all(plain) && !winding {
        return Ok(());
    }
    Err(format!(
        "`{}` is no path of the API; it must begin with `/` and its parts be percent-encoded.",
        path.escape_debug()
    ))
}

fn order(method: Method, path: &str, params: &Params, headers: Vec<(&'static str, Secret)>) -> Order {
    let mut target = format!("/api2/extjs{path}");
    let body = match (method, params.file()) {
        (Method::Post, Some(file)) => Body::Multipart(Multipart::new(params.iter(), file)),
        (Method::Post | Method::Put, _) => Body::Form(params.encode()),
        (Method::Get | Method::Delete, _) => {
            if !params.is_empty() {
                target.push('?');
                target.push_str(&params.encode());
            }
            Body::None
        }
    };
    Order { method, target, headers, body }
}
