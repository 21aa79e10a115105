//! The listening server: threads, connections, TLS, and what tests may ask of it. Knows no API.

use super::{
    clock::whole,
    dispatch::{self, Then},
    faults::Faults,
    form::Pairs,
    http::{Buffer, NoRequest, Outgoing},
    login::{Signer, totp},
    sample,
    state::Cluster,
};
use crate::{secret::Secret, sync::lock};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Requests that one connection may carry (pve.md section 1).
const KEEP_ALIVE: usize = 100;
/// How many requests are remembered for [`Server::requests`].
const REMEMBERED: usize = 1000;
/// A connection's thread needs little.
const STACK: usize = 512 * 1024;

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
    pub tls: Option<Arc<ServerConfig>>,
    /// How long a connection may be idle, 5 s as in Proxmox.
    pub idle: Duration,
    /// The port on 127.0.0.1; 0: any that is free.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Options {
        Options { nodes: 3, guests: 0, clock_speed: 1.0, tls: None, idle: Duration::from_secs(5), port: 0 }
    }
}

/// A request that the server has seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// Query and body, decoded, in order.
    pub pairs: Vec<(String, String)>,
    /// How it identified itself: `token`, `ticket` or `none`.
    pub auth: &'static str,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (name, value) in &self.pairs {
            let secret =
                ["password", "cipassword", "tfa-challenge", "otp", "sshkeys"].contains(&name.as_str());
            write!(f, " {name}={}", if secret { "***" } else { value })?;
        }
        Ok(())
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) cluster: Mutex<Cluster>,
    pub(crate) signer: Mutex<Signer>,
    pub(crate) faults: Faults,
    seen: Mutex<VecDeque<Seen>>,
    stopped: Mutex<bool>,
    stop: Condvar,
    connections: Mutex<Vec<(TcpStream, JoinHandle<()>)>>,
    options: Options,
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

    pub(crate) fn remember(&self, method: &str, path: &str, pairs: &Pairs, auth: &'static str) {
        let mut seen = lock(&self.seen);
        if REMEMBERED <= seen.len() {
            seen.pop_front();
        }
        seen.push_back(Seen { method: method.into(), path: path.into(), pairs: pairs.clone(), auth });
    }

    fn is_stopped(&self) -> bool {
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
            seen: Mutex::default(),
            stopped: Mutex::new(false),
            stop: Condvar::new(),
            connections: Mutex::default(),
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

    /// The requests seen so far, oldest first; the last 1000.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared.seen).iter().cloned().collect()
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
        *lock(&self.shared.stopped) = true;
        self.shared.stop.notify_all();
        // The listener wakes up for one more connection and sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let connections: Vec<_> = lock(&self.shared.connections).drain(..).collect();
        for (stream, thread) in connections {
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(copy) = stream.try_clone() else { continue };
        let inner = Arc::clone(shared);
        let thread = thread::Builder::new().name("demo connection".into()).stack_size(STACK);
        let Ok(thread) = thread.spawn(move || connection(stream, &inner)) else { continue };
        let mut connections = lock(&shared.connections);
        connections.retain(|(_, thread)| !thread.is_finished());
        connections.push((copy, thread));
    }
}

fn connection(stream: TcpStream, shared: &Shared) {
    let ready = stream.set_read_timeout(Some(shared.options.idle)).and_then(|()| stream.set_nodelay(true));
    if ready.is_err() {
        return;
    }
    let socket = stream.try_clone();
    match &shared.options.tls {
        None => serve(stream, shared),
        Some(config) => {
            let mut first = [0];
            // A TLS record of the handshake begins with 22; anything else is somebody who speaks plain HTTP.
            if !matches!(stream.peek(&mut first), Ok(1)) {
            } else if first != [22] {
                redirect_to_https(stream);
            } else if let Ok(session) = ServerConnection::new(Arc::clone(config)) {
                serve(StreamOwned::new(session, stream), shared);
            }
        }
    }
    if let Ok(socket) = socket {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn redirect_to_https(mut stream: TcpStream) {
    let Ok(request) = Buffer::default().request(&mut stream) else { return };
    let status = if request.method == crate::pve::Method::Get { 301 } else { 308 };
    let mut answer =
        Outgoing::empty(status, if status == 301 { "Moved Permanently" } else { "Permanent Redirect" });
    answer.location =
        Some(format!("https://{}{}", request.header("host").unwrap_or("localhost"), request.path));
    let _ = answer.write(&mut stream, true);
}

fn serve(mut stream: impl Read + Write, shared: &Shared) {
    let mut buffer = Buffer::default();
    for count in 1..=KEEP_ALIVE {
        if count == 1 && shared.faults.take_unread() {
            return;
        }
        let request = match buffer.request(&mut stream) {
            Ok(request) => request,
            Err(NoRequest::Gone) => return,
            Err(NoRequest::Refused(status, reason)) => {
                let _ = Outgoing::empty(status, reason).write(&mut stream, true);
                return;
            }
        };
        // A connection that is kept alive was already being read when the fault was ordered.
        if shared.faults.take_unread() {
            return;
        }
        let asked_to_close =
            request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let (answer, then) = dispatch::answer(shared, &request);
        if shared.is_stopped() {
            return;
        }
        let close = asked_to_close || count == KEEP_ALIVE || 400 <= answer.status;
        let written = match then {
            Then::Write => answer.write(&mut stream, close),
            Then::Chunked => answer.write_chunked(&mut stream, close),
            Then::Half => answer.write_half(&mut stream).and(Err(io::ErrorKind::ConnectionAborted.into())),
            Then::Drop => Err(io::ErrorKind::ConnectionAborted.into()),
        };
        if close || written.is_err() {
            return;
        }
    }
}
