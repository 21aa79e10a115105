//! Resumed sessions, and connections opened ahead of a request, on which a server's session tickets are not read yet.

use super::*;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Counts the sessions that a client resumed.
#[derive(Debug)]
struct Counting {
    sessions: Arc<ServerSessionMemoryCache>,
    resumed: AtomicUsize,
    /// Session tickets issued, which happens after a handshake.
    given: AtomicUsize,
}

impl Counting {
    /// The configuration of a server that counts in it.
    fn config(identity: &Identity, tls12: bool) -> (Arc<Counting>, Arc<ServerConfig>) {
        let sessions = ServerSessionMemoryCache::new(32);
        let counting =
            Arc::new(Counting { sessions, resumed: AtomicUsize::new(0), given: AtomicUsize::new(0) });
        let mut config = (*identity.config(tls12)).clone();
        config.session_storage = Arc::clone(&counting) as Arc<dyn StoresServerSessions>;
        (counting, Arc::new(config))
    }

    fn count(&self, found: Option<Vec<u8>>) -> Option<Vec<u8>> {
        self.resumed.fetch_add(found.iter().len(), Ordering::SeqCst);
        found
    }
}

impl StoresServerSessions for Counting {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.given.fetch_add(1, Ordering::SeqCst);
        self.sessions.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.count(self.sessions.get(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.count(self.sessions.take(key))
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[test]
fn a_second_connection_resumes_the_session_of_the_first() {
    let authority = Authority::new();
    let identity = identity("127.0.0.1", false, Some(&authority));
    for tls12 in [false, true] {
        let (counting, config) = Counting::config(&identity, tls12);
        // The answer closes the connection.
        let closing = |_: &_| crate::tiny_http::answer("200 OK", "Connection: close\r\n", r#"{"data":7}"#);
        let server = Server::secure(config, closing);
        let pve = client(&server, authority.trust());
        for resumed in 0..3 {
            pve.get(&Cancel::new(), "/x", &Params::new()).unwrap();
            assert_eq!(counting.resumed.load(Ordering::SeqCst), resumed, "TLS 1.2: {tls12}");
        }
        assert_eq!(server.connections(), 3);
    }
}

#[test]
fn a_connection_that_was_opened_ahead_serves_a_request_though_tickets_lie_on_it() {
    let authority = Authority::new();
    let identity = identity("127.0.0.1", false, Some(&authority));
    // The server knows slightly before the client that the connection is ready; the request is sent a hundred times to
    // make up for that.
    let served = (0..100).any(|_| {
        let (counting, config) = Counting::config(&identity, false);
        let server = Server::secure(config, |_| data("7"));
        let pve = client(&server, authority.trust());
        pve.warm(&Cancel::new(), 2);
        let began = Instant::now();
        while counting.given.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < Duration::from_secs(600), "no connection was opened ahead");
            thread::yield_now();
        }
        assert!(server.seen().is_empty(), "nothing is sent ahead");
        pve.get(&Cancel::new(), "/x", &Params::new()).unwrap();
        server.connections() == 1
    });
    assert!(served, "no connection that was opened ahead was ever used");
}
