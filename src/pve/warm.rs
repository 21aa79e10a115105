//! Connections before they are needed: those that a call is about to need beside its first, and one that is held open
//! while calls come.

use super::{
    Auth, Host, Pve, Settings,
    exchange::{Wire, authority},
    flight::{Flight, Wants},
    hosts::Hosts,
    names::spawn,
    order::Order,
};
use crate::{cancel::Cancel, log, pve::Method, sync::lock};
use std::{
    sync::{Arc, Mutex, Weak},
    thread,
    time::{Duration, Instant},
};

/// What holds a connection open: the realms, which need no login and are read from one small file.
const CHEAP: &str = "/access/domains";
/// A connection is held open until so many times the time that one may be idle have passed since the last call: a
/// minute.
const LASTING: u32 = 20;

impl Pve {
    /// Says that a call is about to send up to `connections` requests at once, so that their connections are opened
    /// now, side by side and with the one of the first request, and not when the first answer is there. Does not wait,
    /// and does nothing where there are as many already. What goes wrong is for the requests themselves to tell.
    pub fn warm(&self, cancel: &Cancel, connections: usize) {
        if matches!(self.settings.auth, Auth::Missing(_)) {
            return;
        }
        let (Ok(wire), Some(host)) = (self.wire(), self.hosts.in_order().into_iter().next()) else { return };
        for opening in wire.lacking(&host, connections.min(self.settings.workers)) {
            let flight = flight(cancel, &host, &self.settings, Wants::Spare);
            let (wire, host) = (Arc::clone(&wire), host.clone());
            // A thread that cannot be started is a connection that is opened later.
            let _ = spawn("warm", move || {
                let _ = wire.exchange(&host, &cheap(), flight);
                drop(opening);
            });
        }
    }

    /// Has a connection held open from now on, if the settings want it.
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

fn flight(cancel: &Cancel, host: &Host, settings: &Settings, wants: Wants) -> Flight {
    let times = (settings.connect_timeout, settings.read_timeout);
    Flight::new(cancel, Instant::now() + settings.timeout, times, authority(host), wants)
}

fn cheap() -> Order {
    Order::new(Method::Get, CHEAP, &super::Params::new(), Vec::new())
}

/// Whether a connection is being held open, and since when nobody has called.
#[derive(Debug, Default)]
pub(super) struct Keeper(Mutex<Keeping>);

#[derive(Debug, Default)]
struct Keeping {
    running: bool,
    called: Option<Instant>,
}

impl Keeper {
    /// Notes a call. Whether it is for the caller to start holding a connection open.
    fn begins(&self) -> bool {
        let mut keeping = lock(&self.0);
        keeping.called = Some(Instant::now());
        !std::mem::replace(&mut keeping.running, true)
    }

    fn ends(&self) {
        lock(&self.0).running = false;
    }

    /// Whether the last call is not so long ago; otherwise it ends here.
    fn goes_on(&self, lasting: Duration) -> bool {
        let mut keeping = lock(&self.0);
        keeping.running = keeping.called.is_some_and(|called| called.elapsed() < lasting);
        keeping.running
    }
}

/// Who holds the connection open. It keeps nothing alive: it ends with the client, and with the process.
struct Round {
    wire: Weak<Wire>,
    hosts: Weak<Hosts>,
    keeper: Weak<Keeper>,
    settings: Arc<Settings>,
}

impl Round {
    fn run(&self) {
        // Sooner than a connection is given up.
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
        let (keeper, long) = (Keeper::default(), Duration::from_secs(3600));
        assert!(!keeper.goes_on(long), "nobody has called");
        assert!(keeper.begins() && !keeper.begins(), "the second call starts no second one");
        assert!(keeper.goes_on(long));
        assert!(!keeper.goes_on(Duration::ZERO));
        assert!(keeper.begins(), "a later call starts it again");
        keeper.ends();
        assert!(keeper.begins());
    }
}
