//! Optional HTTPS.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    fmt,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

/// A connection that bytes are read from and written to.
pub(crate) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Wraps a connection in TLS; `None` if that fails.
pub(crate) type TlsWrapper = dyn Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync;

/// HTTPS. Behind a function pointer, so that a program which never uses it does not contain a TLS server.
#[derive(Clone)]
pub struct Tls(pub(super) Arc<TlsWrapper>);

impl Tls {
    /// HTTPS with that certificate and those protocol versions.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Tls {
        Tls(Arc::new(move |stream| {
            let session = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(StreamOwned::new(session, stream)))
        }))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
