//! A server on loopback whose every byte a test controls, with and without TLS. It records its requests.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A port on which nothing listens: tcpmux, long out of use. A port that was free recently may soon be another test's.
pub const CLOSED_PORT: u16 = 1;

/// Another spelling of 127.0.0.1: a differently named host on the same machine, found without a resolver.
pub const LOOPBACK: &str = "127.1";

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    /// The number of its connection, counted from 0.
    pub connection: usize,
    /// The request line and the headers.
    pub head: String,
    pub body: String,
}

impl Request {
    /// The request line without the version.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &'_ &str| line.split(':').next().unwrap().eq_ignore_ascii_case(name);
        Some(self.head.lines().skip(1).find(named)?.split_once(':')?.1.trim())
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection, served on its own thread.
pub struct Connection {
    pub index: usize,
    stream: Box<dyn Stream>,
    seen: Arc<Mutex<Vec<Request>>>,
    gone: bool,
}

impl Connection {
    /// The next complete request; `None` if the client has disconnected.
    pub fn next(&mut self) -> Option<Request> {
        let mut bytes = self.read_until(|bytes| bytes.ends_with(b"\r\n\r\n"))?;
        let head = String::from_utf8(std::mem::take(&mut bytes)).unwrap().trim_end().to_owned();
        let mut request = Request { connection: self.index, head, body: String::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if 0 < length {
            request.body = String::from_utf8(self.read_until(|bytes| bytes.len() == length)?).unwrap();
        }
        self.seen.lock().unwrap().push(request.clone());
        Some(request)
    }

    /// Reads byte by byte until `done`.
    pub fn read_until(&mut self, done: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !done(&bytes) {
            match self.stream.read(&mut byte) {
                Ok(1) => bytes.push(byte[0]),
                _ => return None,
            }
        }
        Some(bytes)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        // The client may have disconnected: some tests are about that.
        let sent = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        self.gone |= sent.is_err();
    }

    /// Whether sending has failed.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Closes the connection now; on loopback the client can see it once this returns.
    pub fn close(&mut self) {
        self.stream = Box::new(std::io::empty());
    }

    /// Keeps the connection open, in silence, until the client closes it.
    pub fn hold(&mut self) {
        let _ = self.read_until(|_| false);
    }
}

/// The server. Its threads live as long as the test process.
pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` for each connection.
    pub fn new(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Server {
        Server::start(None, serve)
    }

    /// Answers each request with the result of `answer`, and keeps connections open.
    pub fn answering(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::new(move |connection| keep_answering(connection, &answer))
    }

    /// Like [`Server::answering`], over TLS.
    pub fn secure(
        config: Arc<ServerConfig>,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Server {
        Server::start(Some(config), move |connection| keep_answering(connection, &answer))
    }

    /// Runs `serve` for each connection, over TLS if a configuration for it is given.
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Server {
        Server::listening(TcpListener::bind("127.0.0.1:0").unwrap(), tls, serve)
    }

    /// Like [`Server::answering`], on another address, if this computer has it.
    pub fn on(address: &str, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Option<Server> {
        let listener = TcpListener::bind(address).ok()?;
        Some(Server::listening(listener, None, move |connection| keep_answering(connection, &answer)))
    }

    fn listening(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Server {
        let port = listener.local_addr().unwrap().port();
        let (seen, accepted) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let server = Server { port, seen: Arc::clone(&seen), accepted: Arc::clone(&accepted) };
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = wrapped(stream.unwrap(), tls.clone());
                let index = accepted.fetch_add(1, Ordering::SeqCst);
                let (serve, seen) = (Arc::clone(&serve), Arc::clone(&seen));
                thread::spawn(move || serve(&mut Connection { index, stream, seen, gone: false }));
            }
        });
        server
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|request| request.line().to_owned()).collect()
    }

    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn wrapped(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Box<dyn Stream> {
    match tls {
        Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream)),
        None => Box::new(stream),
    }
}

fn keep_answering(connection: &mut Connection, answer: &dyn Fn(&Request) -> Vec<u8>) {
    while let Some(request) = connection.next() {
        connection.send(&answer(&request));
    }
}

/// An answer with that status line, additional headers and body.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The envelope of a successful answer.
pub fn data(data: impl std::fmt::Display) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", format!(r#"{{"success":1,"data":{data}}}"#))
}
