//! Opens connections ahead of need: the additional ones that a call will use in parallel, and one that is kept open
//! while calls keep coming.

use super::{
    Auth, Host, Pve, Settings,
    exchange::{HttpClient, authority},
    hosts::Hosts,
    in_flight::{InFlight, Wants},
    names::spawn,
    order::Order,
};
use crate::{cancel::Cancel, log, pve::Method, sync::lock};
use std::{
    sync::{Arc, Mutex, Weak},
    thread,
    time::{Duration, Instant},
};

/// The request that keeps a connection open: the list of realms needs no login and comes from one small file.
const CHEAP: &str = "/access/domains";
/// How long after the last call a connection is kept open, as a multiple of `max_idle`: a minute by default.
const LASTING: u32 = 20;

impl Pve {
    /// Announces that a call is about to send up to `connections` requests at once, so that their connections are
    /// opened now, in parallel with that of the first request, instead of after its response. Does not wait, and opens
    /// only what is missing. Failures are ignored here: the requests themselves report them.
    pub fn warm(&self, cancel: &Cancel, connections: usize) {
        if matches!(self.settings.auth, Auth::Missing(_)) {
            return;
        }
        let (Ok(wire), Some(host)) = (self.wire(), self.hosts.in_order().into_iter().next()) else { return };
        for opening in wire.lacking(&host, connections.min(self.settings.workers)) {
            let flight = flight(cancel, &host, &self.settings, Wants::Spare);
            let (wire, host) = (Arc::clone(&wire), host.clone());
            // If the thread cannot be started, the connection is opened later.
            let _ = spawn("warm", move || {
                let _ = wire.exchange(&host, &cheap(), flight);
                drop(opening);
            });
        }
    }

    /// Keeps a connection open from now on, if the settings ask for it.
    pub(super) fn keep_warm(&self) {
        if !self.settings.keep_warm || !self.keeper.begins() {
            return;
        }
        let Ok(wire) = self.wire() else { return self.keeper.ends() };
        let round = Round {
            wire: Arc::downgrade(&wire),
            hosts: Arc::downgrade(&self.hosts),
            keeper: Arc::downgrade(&self.keeper),
            settings: Arc::clone(&self.settings),
        };
        if spawn("keep warm", move || round.run()).is_err() {
            self.keeper.ends();
        }
    }
}

fn flight(cancel: &Cancel, host: &Host, settings: &Settings, wants: Wants) -> InFlight {
    let times = (settings.connect_timeout, settings.read_timeout);
    InFlight::new(cancel, Instant::now() + settings.timeout, times, authority(host), wants)
}

fn cheap() -> Order {
    Order::new(Method::Get, CHEAP, &super::Params::new(), Vec::new())
}

/// Whether a thread keeps a connection open, and the time of the last call.
#[derive(Debug, Default)]
pub(super) struct KeepAlive(Mutex<KeepAliveState>);

#[derive(Debug, Default)]
struct KeepAliveState {
    running: bool,
    called: Option<Instant>,
}

impl KeepAlive {
    /// Records a call. Returns whether the caller must start the thread that keeps a connection open.
    fn begins(&self) -> bool {
        let mut keeping = lock(&self.0);
        keeping.called = Some(Instant::now());
        !std::mem::replace(&mut keeping.running, true)
    }

    fn ends(&self) {
        lock(&self.0).running = false;
    }

    /// Whether the last call is less than `lasting` ago; if not, marks the thread as ended.
    fn goes_on(&self, lasting: Duration) -> bool {
        let mut keeping = lock(&self.0);
        keeping.running = keeping.called.is_some_and(|called| called.elapsed() < lasting);
        keeping.running
    }
}

/// The thread that keeps the connection open. It holds only weak references, so it ends with the client.
struct Round {
    wire: Weak<HttpClient>,
    hosts: Weak<Hosts>,
    keeper: Weak<KeepAlive>,
    settings: Arc<Settings>,
}

impl Round {
    fn run(&self) {
        // Shorter than the time after which an idle connection is dropped.
        let period = self.settings.max_idle * 2 / 3;
        let mut rest = period;
        loop {
            thread::sleep(rest);
            let Some(keeper) = self.keeper.upgrade() else { return };
            if !keeper.goes_on(self.settings.max_idle * LASTING) {
                return;
            }
            let (Some(wire), Some(hosts)) = (self.wire.upgrade(), self.hosts.upgrade()) else {
                return keeper.ends();
            };
            let Some(host) = hosts.in_order().into_iter().next() else { return keeper.ends() };
            rest = period.saturating_sub(wire.idle_for(&host).unwrap_or(period));
            if rest.is_zero() {
                let flight = flight(&Cancel::new(), &host, &self.settings, Wants::Any);
                if wire.exchange(&host, &cheap(), flight).0.is_err() {
                    log::debug(format_args!("{} does not keep its connection", authority(&host)));
                    return keeper.ends();
                }
                rest = period;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_connection_and_ends_a_while_after_the_last_call() {
        let (keeper, long) = (KeepAlive::default(), Duration::from_secs(3600));
        assert!(!keeper.goes_on(long), "nobody has called");
        assert!(keeper.begins() && !keeper.begins(), "the second call starts no second one");
        assert!(keeper.goes_on(long));
        assert!(!keeper.goes_on(Duration::ZERO));
        assert!(keeper.begins(), "a later call starts it again");
        keeper.ends();
        assert!(keeper.begins());
    }
}
