//! The client: who asks, with what proof, and how many at once. Which node is asked, and when again, is in
//! [`super::failover`].
//!
//! What a 401 turned away at the door was not carried out: it is sent once more with a new ticket, or with the
//! token's secret if that was replaced.

use super::{
    Auth, Method, Params, Settings,
    api::effect,
    auth::{self, token_header},
    error::{Error, Identity, Result},
    exchange::{Wire, authority},
    flight::Stop,
    hosts::{Hosts, Member},
    names::spawn,
    reply::Reply,
    session::{Account, Door, Pass, Session},
    slots::{Slot, Slots},
    warm::Keeper,
};
use crate::{cancel::Cancel, log, secret::Secret, sync::lock};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Instant,
};

/// One cluster. Shared by all threads; at most `workers` requests are under way at once.
pub struct Pve {
    pub(super) settings: Arc<Settings>,
    pub(super) wire: Mutex<Option<Arc<Wire>>>,
    slots: Slots,
    session: Session,
    /// The token's secret, once fetched.
    token: Mutex<Option<Secret>>,
    pub(super) hosts: Arc<Hosts>,
    /// Who holds a connection open.
    pub(super) keeper: Arc<Keeper>,
}

/// When a request must end.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) cancel: &'a Cancel,
    pub(super) deadline: Instant,
}

impl Pve {
    /// Where a browser finds the web interface: the first configured host that did not fail a moment ago, with the path of a
    /// reverse proxy and without a slash at the end.
    #[must_use]
    pub fn web_interface(&self) -> Option<String> {
        let host = self.hosts.in_order().into_iter().find(|host| !self.hosts.is_found(host))?;
        let scheme = if host.plain { "http" } else { "https" };
        Some(format!("{scheme}://{}{}", authority(&host), self.settings.base_path))
    }

    /// A client. Neither connects nor reads anything yet.
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

    /// Asks Proxmox: `path` is what follows `/api2/extjs`, its parts percent-encoded (see [`super::path::fill`]).
    /// GET and DELETE carry their parameters in the query, POST and PUT in a form.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::may_have_been_carried_out`] says whether a change without an answer may have happened.
    pub fn send(&self, cancel: &Cancel, method: Method, path: &str, params: &Params) -> Result<Reply> {
        let limits = self.limits(cancel);
        let _slot = self.slot(limits)?;
        let result = self.admitted(limits, method, path, params);
        if result.is_ok() && self.settings.cluster_addresses && self.hosts.wants_members() {
            self.learn_hosts(limits);
        }
        if result.is_ok() {
            self.keep_warm();
        }
        result
    }

    /// Asks as the token or with a ticket; once more with a new one if that is what a 401 takes.
    fn admitted(&self, limits: Limits<'_>, method: Method, path: &str, params: &Params) -> Result<Reply> {
        match &self.settings.auth {
            Auth::Missing(problem) => Err(Error::Setup { problem: problem.clone() }),
            Auth::Token { id, .. } => {
                let identity = Identity::Token(id.clone());
                let secret = self.token()?;
                let result =
                    self.ask(limits, method, path, params, vec![token_header(id, &secret)], &identity);
                let Err(Error::Unauthorized { .. }) = result else { return result };
                // It may have been replaced: a file or a command gives it again.
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

    /// Asks the cluster for its nodes' addresses. One that will not tell is no reason to fail.
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
            Stop::Timeout | Stop::ConnectTimeout | Stop::ReadTimeout => Error::NotSent {
                host: self.settings.hosts.iter().map(authority).collect::<Vec<_>>().join(", "),
                problem: format!(
                    "the {} requests that may be under way at once were all busy for {} s. Try again later.",
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
        // Held while fetching, so that a command is run once.
        let mut known = lock(&self.token);
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let fetched = secret.fetch().map_err(|problem| Error::Setup { problem })?;
        *known = Some(fetched.clone());
        Ok(fetched)
    }

    pub(super) fn pass(&self, limits: Limits<'_>, refused: Option<u64>) -> Result<Pass> {
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
        let door =
            Door { account, cancel: limits.cancel, deadline: limits.deadline, ask: &ask, realms: &realms };
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

    pub(super) fn wire(&self) -> std::result::Result<Arc<Wire>, String> {
        let mut wire = lock(&self.wire);
        if let Some(wire) = &*wire {
            return Ok(Arc::clone(wire));
        }
        // The certificate store and the table of effects take some milliseconds each to read, once: side by side.
        let _ = spawn("effects", effect::prepare);
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
pub(super) fn check_path(path: &str) -> std::result::Result<(), String> {
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
