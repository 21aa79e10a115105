//! The client: authentication and the limit on concurrent requests. The choice of host and retries are in
//! [`super::failover`].
//!
//! A request rejected with a 401 was not carried out: it is sent once more with a new ticket, or with the token's new
//! secret if that was replaced.

use super::{
    Auth, Method, Params, Settings,
    api::effect,
    auth::{self, token_header},
    error::{Error, Identity, Result},
    exchange::{HttpClient, authority},
    hosts::{Hosts, Member},
    in_flight::Stop,
    names::spawn,
    reply::Reply,
    session::{Account, LoginContext, NumberedTicket, Session},
    slots::{Slot, Slots},
    warm::KeepAlive,
};
use crate::{cancel::Cancel, log, secret::Secret, sync::lock};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Instant,
};

/// The client of one cluster. Shared by all threads; at most `workers` requests run at once.
pub struct Pve {
    pub(super) settings: Arc<Settings>,
    pub(super) wire: Mutex<Option<Arc<HttpClient>>>,
    slots: Slots,
    session: Session,
    /// The token's secret, once it has been fetched.
    token: Mutex<Option<Secret>>,
    pub(super) hosts: Arc<Hosts>,
    /// The state of the thread that keeps a connection open.
    pub(super) keeper: Arc<KeepAlive>,
}

/// What ends a request early: cancellation or its deadline.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) cancel: &'a Cancel,
    pub(super) deadline: Instant,
}

impl Pve {
    /// The URL of the web interface: the first configured host, preferring those that did not fail recently, with the
    /// path prefix of a reverse proxy and without a trailing slash.
    #[must_use]
    pub fn web_interface(&self) -> Option<String> {
        let host = self.hosts.in_order().into_iter().find(|host| !self.hosts.is_found(host))?;
        let scheme = if host.plain { "http" } else { "https" };
        Some(format!("{scheme}://{}{}", authority(&host), self.settings.base_path))
    }

    /// Creates a client. Neither connects nor reads any file yet.
    #[must_use]
    pub fn new(settings: impl Into<Arc<Settings>>) -> Pve {
        let settings = settings.into();
        Pve {
            wire: Mutex::new(None),
            slots: Slots::new(settings.workers),
            session: Session::default(),
            token: Mutex::new(None),
            hosts: Arc::new(Hosts::new(&settings.hosts)),
            keeper: Arc::default(),
            settings,
        }
    }

    /// Sends a request. `path` is what follows `/api2/extjs`, with its parts percent-encoded (see
    /// [`super::path::fill`]). GET and DELETE send the parameters in the query, POST and PUT in a form.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::may_have_been_carried_out`] says whether a change without an answer may have happened.
    pub fn send(&self, cancel: &Cancel, method: Method, path: &str, params: &Params) -> Result<Reply> {
        let limits = self.limits(cancel);
        let _slot = self.slot(limits)?;
        let result = self.admitted(limits, method, path, params);
        if result.is_ok() && self.settings.cluster_addresses && self.hosts.members_due() {
            self.learn_hosts(limits);
        }
        if result.is_ok() {
            self.keep_warm();
        }
        result
    }

    /// Sends the request with the token or a ticket; after a 401, once more with a new one.
    fn admitted(&self, limits: Limits<'_>, method: Method, path: &str, params: &Params) -> Result<Reply> {
        match &self.settings.auth {
            Auth::Missing(problem) => Err(Error::Setup { problem: problem.clone() }),
            Auth::Token { id, .. } => {
                let identity = Identity::Token(id.clone());
                let secret = self.token()?;
                let result =
                    self.ask(limits, method, path, params, vec![token_header(id, &secret)], &identity);
                let Err(Error::Unauthorized { .. }) = result else { return result };
                // The secret may have been replaced: fetch it again from its file or command.
                *lock(&self.token) = None;
                let newer = self.token()?;
                if newer == secret {
                    return result;
                }
                self.ask(limits, method, path, params, vec![token_header(id, &newer)], &identity)
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

    /// Requests the node addresses from the cluster. A failure is only logged.
    fn learn_hosts(&self, limits: Limits<'_>) {
        let deadline = limits.deadline.min(Instant::now() + self.settings.connect_timeout);
        let limits = Limits { deadline, ..limits };
        let members = self
            .admitted(limits, Method::Get, "/cluster/status", &Params::new())
            .and_then(|reply| reply.parse::<Vec<Member>>());
        match members {
            Ok(members) => self.hosts.learn(members),
            Err(error) => log::debug(format_args!("the cluster's addresses are not known: {error}")),
        }
    }

    /// Sends a GET request.
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
            Stop::Timeout | Stop::ConnectTimeout | Stop::ReadTimeout => Error::NotSent {
                host: self.settings.hosts.iter().map(authority).collect::<Vec<_>>().join(", "),
                problem: format!(
                    "all {} request slots were busy for {} s. Try again later.",
                    self.settings.workers,
                    self.settings.timeout.as_secs_f64()
                ),
            },
        })
    }

    pub(super) fn token(&self) -> Result<Secret> {
        let Auth::Token { secret, .. } = &self.settings.auth else {
            return Err(Error::Setup { problem: "No API token is configured.".into() });
        };
        // The lock is held while fetching, so that a command runs only once.
        let mut known = lock(&self.token);
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let fetched = secret.fetch().map_err(|problem| Error::Setup { problem })?;
        *known = Some(fetched.clone());
        Ok(fetched)
    }

    pub(super) fn pass(&self, limits: Limits<'_>, refused: Option<u64>) -> Result<NumberedTicket> {
        let Auth::Password { user, password, totp } = &self.settings.auth else {
            return Err(Error::Setup { problem: "No user is configured.".into() });
        };
        let identity = Identity::User(user.clone());
        let ask = |params: &Params| self.ask(limits, Method::Post, auth::PATH, params, Vec::new(), &identity);
        let realms = || {
            let nobody = Identity::Nobody;
            self.ask(limits, Method::Get, "/access/domains", &Params::new(), Vec::new(), &nobody)
        };
        let account = Account { user, password, totp: totp.as_ref() };
        let door = LoginContext {
            account,
            cancel: limits.cancel,
            deadline: limits.deadline,
            ask: &ask,
            realms: &realms,
        };
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

    pub(super) fn wire(&self) -> std::result::Result<Arc<HttpClient>, String> {
        let mut wire = lock(&self.wire);
        if let Some(wire) = &*wire {
            return Ok(Arc::clone(wire));
        }
        // The certificate store and the table of effects take some milliseconds each to read, once: side by side.
        let _ = spawn("effects", effect::prepare);
        let made = Arc::new(HttpClient::new(&self.settings)?);
        *wire = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl fmt::Debug for Pve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pve").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Accepts only a plain path: no query, no fragment, no `.` or `..` parts.
pub(super) fn check_path(path: &str) -> std::result::Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>{}|^`".contains(&byte);
    let winding = path.split('/').any(|part| matches!(part, "." | ".."));
    if path.starts_with('/') && path.bytes().all(plain) && !winding {
        return Ok(());
    }
    Err(format!(
        "`{}` is not an API path; it must begin with `/` and have percent-encoded parts.",
        path.escape_debug()
    ))
}
