//! Which host a request is sent to, and when it is retried.
//!
//! A request that reads is retried after a broken connection (once), after an overloaded server's `Retry-After` (up to
//! three times), and on the next host if this one failed. A change is retried only if it cannot have been carried out:
//! if it was never sent completely (once over a new connection if the kept one turned out to be closed, and on the next
//! host), or if it was rejected unread (on the next host). A change that may have been carried out is never retried.

use super::{
    Host, Method, Params, Pve,
    client::{Limits, check_path},
    error::{Asked, Error, Identity, Result},
    exchange::{HttpClient, authority, meaning},
    in_flight::{InFlight, Peer, Wants},
    order::Order,
    reply::{self, Reply},
};
use crate::{log, secret::Secret, sync::lock};
use std::time::{Duration, Instant};

/// How many times to wait for an overloaded server that says how long to wait.
const PAUSES: usize = 3;
/// A 596 that comes sooner than this is not a timeout: the host did not know the other node's certificate yet, and
/// knows it from then on (pve.md section 3).
const EARLY: Duration = Duration::from_secs(5);

impl Pve {
    /// Sends the request to one host after the other, as long as it cannot be carried out twice. Also returns the peer
    /// of the last connection.
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
        let order = Order::new(method, path, params, headers);
        let hosts = self.hosts.in_order();
        let mut failures: Vec<Error> = Vec::new();
        for host in &hosts {
            let asked = Asked { method, path: path.to_owned(), host: authority(host) };
            let way = Way { wire: &wire, host, alone: hosts.len() == 1 };
            let result;
            (result, peer) = self.ask_host(&way, &order, asked, limits, identity);
            let error = match result {
                Err(error) if self.is_hosts_fault(host, &error) => error,
                result => {
                    self.hosts.set_aside(host, false);
                    return (result, peer);
                }
            };
            self.hosts.set_aside(host, true);
            let may_go_on = !error.may_have_been_carried_out();
            failures.push(error);
            if !may_go_on || limits.deadline <= Instant::now() || limits.cancel.is_cancelled() {
                break;
            }
        }
        (Err(all_failed(failures)), peer)
    }

    /// Whether another host may succeed: this one cannot be reached, breaks off, is silent, or cannot reach its own
    /// services.
    fn is_hosts_fault(&self, host: &Host, error: &Error) -> bool {
        match error {
            Error::NotSent { .. } | Error::Unanswered { .. } => true,
            Error::NodeUnreachable { asked, .. } => self.hosts.serves_path(host, &asked.path),
            Error::Tls { .. } => {
                // The trusted certificates are read from files, which may have changed.
                *lock(&self.wire) = None;
                // An address reported by the cluster may not be in the certificate.
                self.hosts.is_found(host)
            }
            _ => false,
        }
    }

    /// Sends the request to one host, with the retries described above.
    fn ask_host(
        &self,
        way: &Way<'_>,
        order: &Order,
        asked: Asked,
        limits: Limits<'_>,
        identity: &Identity,
    ) -> (Result<Reply>, Peer) {
        let mut wants = if asked.changes() { Wants::Recent } else { Wants::Any };
        let (mut broken, mut pauses) = (false, 0);
        loop {
            let started = Instant::now();
            let attempt = self.attempt(way, order, &asked, limits, identity, wants);
            let pause = match &attempt.result {
                Ok(_) => None,
                Err(Error::NotSent { .. }) if asked.changes() && !broken && attempt.kept => {
                    (wants, broken) = (Wants::New, true);
                    Some(Duration::ZERO)
                }
                Err(_) if asked.changes() => None,
                Err(error) if !broken && is_passing(error, way.alone, attempt.kept, started.elapsed()) => {
                    (wants, broken) = (Wants::New, true);
                    Some(Duration::ZERO)
                }
                Err(_) if pauses < PAUSES => {
                    pauses += 1;
                    attempt.pause
                }
                Err(_) => None,
            };
            match pause {
                Some(Duration::ZERO) if Instant::now() < limits.deadline => {}
                Some(pause) if started + pause < limits.deadline && !limits.cancel.sleep(pause) => {}
                _ => return (attempt.result, attempt.peer),
            }
        }
    }

    /// Sends the request once.
    fn attempt(
        &self,
        way: &Way<'_>,
        order: &Order,
        asked: &Asked,
        limits: Limits<'_>,
        identity: &Identity,
        wants: Wants,
    ) -> Attempt {
        let times = (self.settings.connect_timeout, self.settings.read_timeout);
        let flight = InFlight::new(limits.cancel, limits.deadline, times, asked.host.clone(), wants);
        let started = Instant::now();
        let (result, flown) = way.wire.exchange(way.host, order, flight);
        let (peer, kept) = (flown.peer.clone(), flown.kept);
        let (result, pause) = match result {
            Ok(answer) => {
                let pause = answer.pause();
                (reply::read(answer, asked.clone(), identity), pause)
            }
            Err(broken) => (Err(meaning(broken, flown, asked.clone(), &self.settings)), None),
        };
        let how = if result.is_ok() { "answered" } else { "failed" };
        let time = started.elapsed().as_millis();
        log::debug(format_args!("{asked} at {}: {how} after {time} ms", asked.host));
        Attempt { result, peer, kept, pause }
    }
}

/// The target of an attempt.
struct Way<'a> {
    wire: &'a HttpClient,
    host: &'a Host,
    /// Whether this is the only host.
    alone: bool,
}

/// The outcome of sending a request once.
struct Attempt {
    result: Result<Reply>,
    peer: Peer,
    /// Whether it was sent over a kept-alive connection.
    kept: bool,
    /// How long the server asks to wait before the next request.
    pause: Option<Duration>,
}

/// Whether an immediate retry on the same host may succeed: a kept-alive connection turned out to be closed, the only
/// host broke off, or the host did not know a node's certificate yet.
fn is_passing(error: &Error, alone: bool, kept: bool, after: Duration) -> bool {
    match error {
        Error::NotSent { .. } => kept,
        Error::Unanswered { timed_out: false, .. } => kept || alone,
        Error::NodeUnreachable { status: 596, .. } => after < EARLY,
        _ => false,
    }
}

/// Combines the errors of all hosts into one. An error after which the request may have been carried out comes first,
/// then an answer from a host, then the hosts that could not be reached.
fn all_failed(mut failures: Vec<Error>) -> Error {
    if let Some(last) = failures.pop_if(|error| error.may_have_been_carried_out()) {
        return last;
    }
    if let Some(said) = failures.iter().position(|error| !matches!(error, Error::NotSent { .. })) {
        return failures.swap_remove(said);
    }
    let mut parts: Vec<(String, String)> = failures
        .into_iter()
        .filter_map(|error| match error {
            Error::NotSent { host, problem } => Some((host, problem)),
            _ => None,
        })
        .collect();
    match parts.len() {
        0 => Error::Setup { problem: "No host is configured; set `host` to a node of the cluster.".into() },
        1 => {
            let (host, problem) = parts.remove(0);
            Error::NotSent { host, problem }
        }
        _ => Error::NotSent {
            host: parts.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>().join("`, `"),
            problem: parts
                .iter()
                .map(|(host, problem)| format!("{host}: {problem}"))
                .collect::<Vec<_>>()
                .join(" "),
        },
    }
}
