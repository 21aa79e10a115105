//! The server as its owner sees it: start, stop, and what tests may ask of it. Knows no API.

use crate::{
    demo::{
        chance::RandomSource,
        state::{
            clock::whole,
            console,
            sample::{self, Sample},
        },
        wire::{
            connection::{STACK, listen},
            faults::Faults,
            login::{Signer, totp},
            options::Options,
            seen::Seen,
            shared::Shared,
        },
    },
    plot::png::Image,
    secret::Secret,
    sync::lock,
};
use std::{
    fmt, io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, atomic::AtomicU64},
    thread::{self, JoinHandle},
};

/// A running sample cluster. Dropping it stops its threads.
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
    /// It cannot listen on the port, or cannot start a thread.
    pub fn start(options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            cluster: Mutex::new(sample::cluster(&Sample {
                nodes: options.nodes,
                guests: options.guests,
                clock_speed: options.clock_speed,
                ca: options.ca.clone(),
                odd: options.odd,
            })),
            signer: Mutex::new(Signer::new()),
            faults: Faults::default(),
            chance: RandomSource::new(options.seed),
            connections: Mutex::default(),
            seen: Mutex::default(),
            order: AtomicU64::default(),
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

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Id and secret of an API token with every privilege, `root@pam!demo`. The secret is new at every start.
    #[must_use]
    pub fn token(&self) -> (String, Secret) {
        let id = "root@pam!demo";
        (id.into(), self.token_secret(id).expect("the sample has this token"))
    }

    /// The secret of an API token, such as `alice@pve!ro`.
    #[must_use]
    pub fn token_secret(&self, id: &str) -> Option<Secret> {
        let (user, name) = id.split_once('!')?;
        let cluster = lock(&self.shared.cluster);
        Some(cluster.access.users.get(user)?.tokens.get(name)?.secret.clone())
    }

    /// The current TOTP code of a user, such as `otto@pve`.
    #[must_use]
    pub fn totp(&self, user: &str) -> Option<String> {
        let cluster = lock(&self.shared.cluster);
        let key = cluster.access.users.get(user)?.totp.clone()?;
        Some(totp(&key, whole(cluster.clock.now()) / 30))
    }

    /// The seed of this server, to be set as [`Options::seed`] to repeat a failed test.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.chance.number()
    }

    /// The requests received so far, oldest first; at most the last 1000.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).iter().cloned().collect()
    }

    /// The requests received since the last call of this method, oldest first; at most the last 1000.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).drain(..).collect()
    }

    /// `METHOD /path` of the requests that exist in the API but that the sample cluster does not answer, each once.
    #[must_use]
    pub fn unhandled(&self) -> Vec<String> {
        lock(&self.shared.unhandled).clone()
    }

    /// The faults, to add further ones.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The image on a guest's VNC display; `None` if there is no such guest.
    #[must_use]
    pub fn screen(&self, vmid: u32) -> Option<Image> {
        lock(&self.shared.cluster).guests.get(&vmid).map(console::screen)
    }

    /// Takes a node offline: requests for it are answered with 595.
    pub fn set_offline(&self, node: &str) {
        self.set_node(node, false);
    }

    /// Brings a node back online.
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

    /// Sets whether the cluster has quorum: without it nothing can be changed.
    pub fn set_quorate(&self, quorate: bool) {
        lock(&self.shared.cluster).quorate = quorate;
    }

    /// Makes every ticket issued so far invalid.
    pub fn expire_tickets(&self) {
        let mut cluster = lock(&self.shared.cluster);
        // Tickets have a resolution of one second, so the clock moves to the next one.
        cluster.clock.skip(1.0);
        lock(&self.shared.signer).not_before = whole(cluster.clock.now());
    }

    /// Moves the cluster's clock forward by some seconds.
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
        // One more connection wakes the listener, which then sees that the server has stopped.
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
