//! The server as its owner sees it: options, start and end, and what tests may ask of it. Knows no API.

use crate::{
    demo::{
        chance::{Seed, any_seed},
        state::{clock::whole, cluster::Cluster, sample},
        wire::{
            connection::{STACK, Tls, listen},
            faults::Faults,
            http::Incoming,
            login::{Signer, totp},
            seen::Seen,
        },
    },
    secret::Secret,
    sync::lock,
};
use std::{
    collections::VecDeque,
    fmt, io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How many requests are remembered for [`Server::requests`], and how many for [`Server::unhandled`].
const REMEMBERED: usize = 1000;

/// What the sample cluster is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many nodes, at least 3.
    pub nodes: usize,
    /// How many guests in all; what is more than the hand-made sample is made up. 0: only the sample.
    pub guests: usize,
    /// How many times as fast as the world's the cluster's clock runs: tasks, tickets, and the delay of a 401.
    pub clock_speed: f64,
    /// HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// How long a connection may be idle, 5 s as in Proxmox.
    pub idle: Duration,
    /// The port on 127.0.0.1; 0: any that is free.
    pub port: u16,
    /// Whether answers over 1 KiB are compressed for who accepts it, as Proxmox does unless COMPRESSION=0 is set.
    pub gzip: bool,
    /// The certificate of the cluster's CA in PEM form, as nodes show it; it should have signed that of `tls`.
    pub ca: String,
    /// Where the chance begins that orders the keys of objects and the lists that Proxmox makes from a Perl hash:
    /// both come in another order with every answer. Every server has another seed unless one is set; a server that
    /// ends because a test failed tells its own.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            nodes: 3,
            guests: 0,
            clock_speed: 1.0,
            tls: None,
            idle: Duration::from_secs(5),
            port: 0,
            gzip: true,
            ca: "<pem>".into(),
            seed: any_seed(),
        }
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) cluster: Mutex<Cluster>,
    pub(crate) signer: Mutex<Signer>,
    pub(crate) faults: Faults,
    pub(crate) chance: Seed,
    pub(crate) options: Options,
    pub(crate) connections: Mutex<Vec<Open>>,
    seen: Mutex<VecDeque<Seen>>,
    unhandled: Mutex<Vec<String>>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// A connection, as the server keeps it to be able to end it.
pub(crate) struct Open {
    pub(crate) number: u64,
    pub(crate) stream: TcpStream,
    pub(crate) thread: JoinHandle<()>,
}

impl Shared {
    /// Waits, but no longer than the server runs.
    pub(crate) fn wait(&self, time: Duration) {
        let stopped = lock(&self.stopped);
        drop(
            self.stop
                .wait_timeout_while(stopped, time, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// How long a 401 takes: 3 s on the cluster's clock.
    pub(crate) fn refusal_time(&self) -> Duration {
        Duration::from_secs_f64((3.0 / self.options.clock_speed.max(1.0)).min(3.0))
    }

    /// Whether long answers are compressed for who accepts it.
    pub(crate) fn compresses(&self) -> bool {
        self.options.gzip
    }

    /// Keeps a request for [`Server::requests`].
    pub(crate) fn remember(&self, request: &Incoming, connection: u64) {
        let mut seen = lock(&self.seen);
        if REMEMBERED <= seen.len() {
            seen.pop_front();
        }
        seen.push_back(Seen::of(request, connection));
    }

    /// Keeps the line of a request that the API has and the sample does not, for [`Server::unhandled`].
    pub(crate) fn note_unhandled(&self, line: String) {
        let mut unhandled = lock(&self.unhandled);
        if unhandled.len() < REMEMBERED && !unhandled.contains(&line) {
            unhandled.push(line);
        }
    }

    /// Whether the server is about to end.
    pub(crate) fn is_stopped(&self) -> bool {
        *lock(&self.stopped)
    }
}

/// A running sample cluster. Dropping it ends its threads.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts the cluster and listens on 127.0.0.1.
    ///
    /// # Errors
    /// The port cannot be listened on, or no thread can be started.
    pub fn start(options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            cluster: Mutex::new(sample::cluster(&options)),
            signer: Mutex::new(Signer::new()),
            faults: Faults::default(),
            chance: Seed::new(options.seed),
            connections: Mutex::default(),
            seen: Mutex::default(),
            unhandled: Mutex::default(),
            stopped: Mutex::new(false),
            stop: Condvar::new(),
            options,
        });
        let inner = Arc::clone(&shared);
        let thread = thread::Builder::new().name("demo".into()).stack_size(STACK);
        let thread = thread.spawn(move || listen(&listener, &inner))?;
        Ok(Server { address, shared, listener: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Id and secret of a token with every right, `root@pam!demo`. The secret is new with every start.
    #[must_use]
    pub fn token(&self) -> (String, Secret) {
        let id = "root@pam!demo";
        (id.into(), self.token_secret(id).expect("the sample has this token"))
    }

    /// The secret of a token, such as `alice@pve!ro`.
    #[must_use]
    pub fn token_secret(&self, id: &str) -> Option<Secret> {
        let (user, name) = id.split_once('!')?;
        let cluster = lock(&self.shared.cluster);
        Some(cluster.access.users.get(user)?.tokens.get(name)?.secret.clone())
    }

    /// The six digits that the second factor of a user shows now, such as that of `otto@pve`.
    #[must_use]
    pub fn totp(&self, user: &str) -> Option<String> {
        let cluster = lock(&self.shared.cluster);
        let key = cluster.access.users.get(user)?.totp.clone()?;
        Some(totp(&key, whole(cluster.clock.now()) / 30))
    }

    /// The seed of this server's chance, to set as [`Options::seed`] when a test that failed is to be repeated.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.chance.number()
    }

    /// The requests seen so far, oldest first; the last 1000.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).iter().cloned().collect()
    }

    /// `METHOD /path` of the requests that the API has and the sample cluster does not answer, each once.
    #[must_use]
    pub fn unhandled(&self) -> Vec<String> {
        lock(&self.shared.unhandled).clone()
    }

    /// Where misbehaviour is ordered.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Lets a node vanish: what is asked of it is answered with 595.
    pub fn set_offline(&self, node: &str) {
        self.set_node(node, false);
    }

    /// Brings a node back.
    pub fn set_online(&self, node: &str) {
        self.set_node(node, true);
    }

    fn set_node(&self, name: &str, online: bool) {
        let mut cluster = lock(&self.shared.cluster);
        let now = cluster.clock.now();
        for node in cluster.nodes.iter_mut().filter(|node| node.name == name) {
            node.lost = if online { None } else { Some(now) };
        }
    }

    /// Takes the quorum away, or gives it back: without it nothing can be changed.
    pub fn set_quorate(&self, quorate: bool) {
        lock(&self.shared.cluster).quorate = quorate;
    }

    /// Makes every ticket issued until now invalid.
    pub fn expire_tickets(&self) {
        let mut cluster = lock(&self.shared.cluster);
        // Tickets tell whole seconds apart, so the clock moves into the next one.
        cluster.clock.skip(1.0);
        lock(&self.shared.signer).not_before = whole(cluster.clock.now());
    }

    /// Moves the cluster's clock forward by some seconds at once.
    pub fn skip(&self, seconds: f64) {
        lock(&self.shared.cluster).clock.skip(seconds);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("The sample cluster at {} ran with `seed: {}`.", self.address, self.seed());
        }
        *lock(&self.shared.stopped) = true;
        self.shared.stop.notify_all();
        // The listener wakes up for one more connection and sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let connections: Vec<_> = lock(&self.shared.connections).drain(..).collect();
        for open in connections {
            let _ = open.stream.shutdown(Shutdown::Both);
            let _ = open.thread.join();
        }
    }
}
