//! Name resolution. A lookup runs on its own thread, because the system's lookup cannot be interrupted, and its
//! result is cached for a while, because a static binary has no other cache. Failures are not cached: the next
//! request looks the name up again.

use super::in_flight::{self, ConnectFailure, Stage};
use crate::sync::lock;
use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};
use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// How long addresses are cached.
const LIFETIME: Duration = Duration::from_secs(60);

/// A cache of addresses, and the function that looks up others.
pub(super) struct Names {
    known: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
    find: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
}

impl Default for Names {
    /// A cache that uses the system's resolver.
    fn default() -> Names {
        Names::found_by(|name, port| (name, port).to_socket_addrs().map(Iterator::collect))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Names {
    fn found_by(find: fn(&str, u16) -> io::Result<Vec<SocketAddr>>) -> Names {
        Names { known: Mutex::default(), find }
    }

    /// Removes the host of a URL from the cache.
    pub(super) fn forget(&self, uri: &Uri) {
        let (name, port) = name_and_port(uri);
        lock(&self.known).remove(&format!("{name}:{port}"));
    }

    fn addresses(&self, name: &str, port: u16, what: &str) -> Result<Vec<SocketAddr>, Error> {
        let key = format!("{name}:{port}");
        if let Some((found_at, addresses)) = lock(&self.known).get(&key)
            && found_at.elapsed() < LIFETIME
        {
            return Ok(addresses.clone());
        }
        let (answer, inbox) = mpsc::channel();
        let (wanted, find) = (name.to_owned(), self.find);
        spawn("lookup", move || {
            let _ = answer.send(find(&wanted, port));
        })?;
        let found = loop {
            if let Some(found) = in_flight::receive(&inbox)? {
                break found;
            }
        };
        let problem = match found {
            Ok(addresses) if !addresses.is_empty() => {
                lock(&self.known).insert(key, (Instant::now(), addresses.clone()));
                return Ok(addresses);
            }
            Ok(_) => "it has no address".to_owned(),
            Err(error) => error.to_string(),
        };
        in_flight::blocked(ConnectFailure::Network(format!(
            "the name `{name}` cannot be resolved ({problem}). Correct {what} in the configuration, or give its IP address."
        )));
        Err(Error::HostNotFound)
    }
}

/// The cache as a resolver for ureq.
#[derive(Debug)]
pub(super) struct Lookup(pub(super) Arc<Names>);

impl Resolver for Lookup {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        in_flight::reached(Stage::Resolving);
        let (name, port) = name_and_port(uri);
        let what = if in_flight::is_proxy(uri) { "the `proxy`" } else { "the host" };
        let found = match name.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.0.addresses(name, port, what)?,
        };
        let mut addresses = self.empty();
        found.into_iter().take(16).for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}

/// The host of a URL without the brackets of an IPv6 address, and the port.
pub(super) fn name_and_port(uri: &Uri) -> (&str, u16) {
    let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    (name, uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 }))
}

/// Starts a detached thread with a small stack.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(256 * 1024).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_name_that_fails_is_looked_up_again_and_a_found_one_is_remembered() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let names = Names::found_by(|_, port| match LOOKUPS.fetch_add(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("Temporary failure in name resolution")),
            1 => Ok(Vec::new()),
            count => Ok(vec![SocketAddr::from(([192, 0, 2, u8::try_from(count).unwrap()], port))]),
        });
        assert!(matches!(names.addresses("pve1", 8006, "the host"), Err(Error::HostNotFound)));
        assert!(matches!(names.addresses("pve1", 8006, "the host"), Err(Error::HostNotFound)));
        for _ in 0..3 {
            assert_eq!(
                names.addresses("pve1", 8006, "the host").unwrap(),
                ["192.0.2.2:8006".parse().unwrap()]
            );
        }
        // A host that cannot be connected to may have moved.
        names.forget(&"https://pve1:8006/api2".parse().unwrap());
        assert_eq!(names.addresses("pve1", 8006, "the host").unwrap(), ["192.0.2.3:8006".parse().unwrap()]);
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 4);
    }
}
