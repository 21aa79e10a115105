//! HTTPS for those who ask for it.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    fmt,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

/// What bytes are read from and written to.
pub(crate) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// How a connection becomes one of TLS; none where that fails.
pub(crate) type Secured = dyn Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync;

/// HTTPS. Behind a function, so that a program which never asks for it does not carry a TLS server.
#[derive(Clone)]
pub struct Tls(pub(super) Arc<Secured>);

impl Tls {
    /// With that certificate and those versions.
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
