//! Connections: TCP and TLS, as links of ureq's connector chain.
//!
//! With [`super::names`], [`super::pool`] and [`super::watch`] the main user of `ureq::unversioned`. Everything here
//! waits in slices of [`in_flight::SLICE`], so that a cancellation or a deadline ends it; ureq's own timeouts are not
//! used. What std cannot interrupt (name lookup, `connect`) runs on its own thread, which is left behind when the
//! request is cancelled and ends by itself after the system's resolver timeout or the connect timeout.
//!
//! The chain: ureq's CONNECT proxy link, [`TcpLink`], [`TlsLink`], [`ProgressLink`], and around all of them [`PoolLink`].
//! A proxied connection skips only TCP. Independent of Proxmox.

use super::{
    in_flight::{self, ConnectFailure, Peer, SLICE, Stage},
    names::{Lookup, Names, name_and_port, spawn},
    pool::{Pool, PoolLink},
    tls,
    watch::ProgressLink,
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use ureq::{
    Agent, Error, Timeout,
    config::Config,
    http::Uri,
    unversioned::resolver::Resolver,
    unversioned::transport::{
        Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
        Transport, TransportAdapter, time,
    },
};

/// How long to wait for one address before the next is tried too: IPv4 or IPv6 may be down on a dual-stack host.
const HEAD_START: Duration = Duration::from_millis(250);
/// The size of each of the two buffers of a connection, in bytes.
const BUFFER: usize = 16 * 1024;

/// Creates connector chains that share the DNS cache and the TLS configuration.
pub(super) struct ConnectorFactory {
    names: Arc<Names>,
    tls: Arc<ClientConfig>,
}

impl ConnectorFactory {
    pub(super) fn new(tls: Arc<ClientConfig>) -> ConnectorFactory {
        ConnectorFactory { names: Arc::default(), tls }
    }

    /// An agent that takes its connections from `pool` and returns them to it.
    pub(super) fn agent(&self, config: Config, pool: Arc<Pool>) -> Agent {
        let chain = self.links();
        Agent::with_parts(config, PoolLink { chain, pool }, Lookup(Arc::clone(&self.names)))
    }

    /// Opens a connection to the host of that URL for a protocol that only starts as HTTP, such as a websocket.
    pub(super) fn open(&self, config: &Config, uri: &Uri) -> Result<Box<dyn Transport>, Error> {
        let chain = Arc::new(self.links());
        let inner = Arc::clone(&chain);
        let lookup = Lookup(Arc::clone(&self.names));
        let nobody = NextTimeout {
            after: time::Duration::NotHappening,
            reason: Timeout::Connect,
            ..NextTimeout::default()
        };
        let addrs = match config.proxy() {
            Some(_) => lookup.empty(),
            None => lookup.resolve(uri, config, nobody)?,
        };
        let details = ConnectionDetails {
            uri,
            addrs,
            config,
            request_level: false,
            resolver: &lookup,
            now: time::Instant::now(),
            timeout: nobody,
            current_time: Arc::new(time::Instant::now),
            run_connector: Arc::new(move |details: &ConnectionDetails<'_>| connected(&*inner, details)),
            // Only the request's own limits end such a connection.
            register_shutdown: Arc::new(|_| Ok(())),
        };
        connected(&*chain, &details)
    }

    fn links(&self) -> impl Connector<(), Out = Box<dyn Transport>> + use<> {
        ().chain(ConnectProxyConnector::default())
            .chain(TcpLink(Arc::clone(&self.names)))
            .chain(TlsLink(Arc::clone(&self.tls)))
            .chain(ProgressLink)
    }
}

fn connected(
    chain: &impl Connector<(), Out = Box<dyn Transport>>,
    details: &ConnectionDetails<'_>,
) -> Result<Box<dyn Transport>, Error> {
    chain.connect(details, None)?.ok_or(Error::ConnectionFailed)
}

/// Opens TCP connections.
struct TcpLink(Arc<Names>);

impl<In: Transport> Connector<In> for TcpLink {
    type Out = Either<In, Tcp>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        in_flight::reached(Stage::Connecting);
        let stream = match open(&details.addrs, in_flight::is_proxy(details.uri)) {
            Ok(stream) => stream,
            Err(error) => {
                // The host may have moved: look its name up again next time.
                self.0.forget(details.uri);
                return Err(error.into());
            }
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SLICE))?;
        stream.set_write_timeout(Some(SLICE))?;
        in_flight::with(|flight| flight.peer = Peer { address: stream.peer_addr().ok(), tls: None });
        Ok(Some(Either::B(Tcp { stream, buffers: LazyBuffers::new(BUFFER, BUFFER) })))
    }
}

/// Connects to the address that answers first; the next one is tried when the previous one failed or is slow.
fn open(addresses: &[SocketAddr], proxy: bool) -> io::Result<TcpStream> {
    let (results, inbox) = mpsc::channel();
    let (mut waiting, mut under_way) = (addresses.iter(), 0);
    let mut next_start = Instant::now();
    let mut failures = Vec::new();
    loop {
        if next_start <= Instant::now()
            && let Some(&address) = waiting.next()
        {
            let (results, time) = (results.clone(), in_flight::left());
            spawn("connect", move || {
                let _ = results.send((address, TcpStream::connect_timeout(&address, time)));
            })?;
            under_way += 1;
            next_start = Instant::now() + HEAD_START;
        }
        match in_flight::receive(&inbox)? {
            Some((_, Ok(stream))) => return Ok(stream),
            Some((address, Err(error))) => {
                failures.push(format!("{address}: {error}"));
                under_way -= 1;
                next_start = Instant::now();
                if under_way == 0 && waiting.as_slice().is_empty() {
                    break;
                }
            }
            None => {}
        }
    }
    let failures = failures.join("; ");
    in_flight::blocked(ConnectFailure::Network(if proxy {
        format!(
            "no connection to the HTTP proxy ({failures}). Check `proxy` (or HTTPS_PROXY); `no_proxy` lists hosts that are reached without it."
        )
    } else {
        format!(
            "no connection ({failures}). Check the host and the port, that the node is up and that its service pveproxy runs."
        )
    }));
    Err(io::Error::from(ErrorKind::NotConnected))
}

/// A TCP connection whose reads and writes end when the current request is cancelled or times out.
struct Tcp {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let mut rest = &self.buffers.output()[..amount];
        while !rest.is_empty() {
            in_flight::check()?;
            match (&self.stream).write(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => {
                    in_flight::moved();
                    rest = &rest[written..];
                }
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let input = self.buffers.input_append_buf();
        full(input)?;
        if in_flight::is_nonblocking() {
            self.stream.set_nonblocking(true)?;
            let read = (&self.stream).read(input);
            self.stream.set_nonblocking(false)?;
            let amount = read?;
            self.buffers.input_appended(amount);
            return Ok(0 < amount);
        }
        loop {
            in_flight::check()?;
            match (&self.stream).read(input) {
                Ok(amount) => {
                    in_flight::moved();
                    self.buffers.input_appended(amount);
                    return Ok(0 < amount);
                }
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the connection is open and silent: unsolicited bytes mean that the server is closing it or is faulty.
    fn is_open(&mut self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let silent =
            matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        silent && self.stream.set_nonblocking(false).is_ok()
    }
}

/// Fails if the buffer has no space left, which means that the response head is too long. Reading into an empty slice
/// would look like the end of the connection.
fn full(place: &[u8]) -> Result<(), Error> {
    if place.is_empty() { Err(Error::LargeResponseHeader(BUFFER, BUFFER)) } else { Ok(()) }
}

/// Whether a read or write only used up its time slice.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tcp").field(&self.stream.peer_addr().ok()).finish()
    }
}

/// Wraps connections to `https` URLs in TLS.
struct TlsLink(Arc<ClientConfig>);

impl<In: Transport> Connector<In> for TlsLink {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(transport.boxed()));
        }
        in_flight::reached(Stage::Securing);
        let (name, _) = name_and_port(details.uri);
        let server = ServerName::try_from(name.to_owned()).map_err(|_| {
            let sentence =
                format!("`{name}` is not a valid TLS server name. Correct the host in the configuration.");
            in_flight::blocked(ConnectFailure::Tls(sentence, None));
            Error::Tls("invalid server name")
        })?;
        let connection = ClientConnection::new(Arc::clone(&self.0), server).map_err(Error::Rustls)?;
        let adapter = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        let mut stream = StreamOwned::new(connection, adapter);
        if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
            let error = last_words(&mut stream, error);
            let shown = in_flight::with(|flight| flight.shown).flatten();
            in_flight::blocked(ConnectFailure::Tls(tls::explain(&error, name), shown));
            return Err(error.into());
        }
        let tls = tls::facts(&stream.conn);
        in_flight::with(|flight| flight.peer.tls = tls);
        Ok(Some(Box::new(Tls { stream, buffers: LazyBuffers::new(BUFFER, BUFFER) })))
    }
}

/// Replaces a write error by the TLS alert that the server sent before it closed the connection, if it sent one.
fn last_words(stream: &mut StreamOwned<ClientConnection, TransportAdapter>, error: io::Error) -> io::Error {
    if !matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    ) {
        return error;
    }
    match stream.conn.read_tls(&mut stream.sock).map(|_| stream.conn.process_new_packets()) {
        Ok(Err(said)) => io::Error::new(ErrorKind::InvalidData, said),
        _ => error,
    }
}

/// A TLS connection over another transport.
struct Tls {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let output = &self.buffers.output()[..amount];
        let written = self.stream.write_all(output).and_then(|()| self.stream.flush());
        written.map_err(|error| last_words(&mut self.stream, error).into())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let input = self.buffers.input_append_buf();
        full(input)?;
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(0 < amount)
    }

    /// Whether the connection is open and silent, except for TLS's own messages: a server sends session tickets at any
    /// time, the first ones before any request.
    fn is_open(&mut self) -> bool {
        loop {
            let silent = self
                .stream
                .conn
                .process_new_packets()
                .is_ok_and(|state| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed());
            if !silent {
                return false;
            }
            match in_flight::without_blocking(|| self.stream.conn.read_tls(&mut self.stream.sock)) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                _ => return false,
            }
        }
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.stream.sock.inner()).finish()
    }
}

impl fmt::Debug for TcpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpLink")
    }
}

impl fmt::Debug for TlsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsLink")
    }
}
