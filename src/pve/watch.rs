//! Records the progress of each request: how far it got, the server's status line, and the peer.
//!
//! The outermost link of the connector chain of [`super::transport`]. Independent of TCP and TLS.

use super::in_flight::{self, Peer, Stage};
use ureq::{
    Error,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
};

/// Wraps the connection to the host (not one to a proxy) in [`Watch`].
#[derive(Debug)]
pub(super) struct ProgressLink;

impl<In: Transport> Connector<In> for ProgressLink {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        let authority = details.uri.authority().map_or("", |authority| authority.as_str());
        let peer =
            in_flight::with(|flight| (flight.target == authority).then(|| flight.peer.clone())).flatten();
        let Some(peer) = peer else { return Ok(Some(transport.boxed())) };
        Ok(Some(Box::new(Watch { transport: transport.boxed(), peer, served: false })))
    }
}

/// A transport that records how far each request gets.
#[derive(Debug)]
struct Watch {
    transport: Box<dyn Transport>,
    peer: Peer,
    /// Whether an earlier request was answered over this connection.
    served: bool,
}

impl Transport for Watch {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        in_flight::with(|flight| {
            flight.stage = Stage::Sending;
            flight.reused = self.served;
            flight.peer = self.peer.clone();
        });
        self.transport.transmit_output(amount, timeout)?;
        in_flight::reached(Stage::Sent);
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let progress = self.transport.await_input(timeout)?;
        if progress {
            self.served = true;
            let input = self.transport.buffers().input();
            in_flight::with(|flight| {
                flight.stage = Stage::Answering;
                if flight.reason.is_none() {
                    flight.reason = reason_phrase(input);
                }
            });
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

/// The reason phrase of the status line, once that line is complete. ureq discards it.
fn reason_phrase(input: &[u8]) -> Option<String> {
    let line = input.strip_prefix(b"HTTP/1.")?.split(|&byte| byte == b'\n').next()?;
    if line.len() + b"HTTP/1.".len() == input.len() {
        return None;
    }
    let words = String::from_utf8_lossy(line);
    Some(words.splitn(3, ' ').nth(2).unwrap_or_default().trim().to_owned())
}
