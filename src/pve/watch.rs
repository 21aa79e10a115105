//! The watch over each request: how far it got, what the server's first line said, whom it talked to.
//!
//! The outermost link of the connector chain of [`super::transport`]. Knows no TCP and no TLS.

use super::flight::{self, Peer, Stage};
use ureq::{
    Error,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
};

/// Puts the watch on the connection to the host (not on one to a proxy).
#[derive(Debug)]
pub(super) struct WatchLink;

impl<In: Transport> Connector<In> for WatchLink {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        let authority = details.uri.authority().map_or("", |authority| authority.as_str());
        let peer = flight::with(|flight| (flight.target == authority).then(|| flight.peer.clone())).flatten();
        let Some(peer) = peer else { return Ok(Some(transport.boxed())) };
        Ok(Some(Box::new(Watch { transport: transport.boxed(), peer, served: false })))
    }
}

/// Notes how far each request gets.
#[derive(Debug)]
struct Watch {
    transport: Box<dyn Transport>,
    peer: Peer,
    /// A request was answered over it before.
    served: bool,
}

impl Transport for Watch {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        flight::with(|flight| {
            flight.stage = Stage::Sending;
            flight.reused = self.served;
            flight.peer = self.peer.clone();
        });
        self.transport.transmit_output(amount, timeout)?;
        flight::reached(Stage::Sent);
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let progress = self.transport.await_input(timeout)?;
        if progress {
            self.served = true;
            let input = self.transport.buffers().input();
            flight::with(|flight| {
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

/// The words after the status code in the first line of an answer, once that line is whole. ureq drops them.
fn reason_phrase(input: &[u8]) -> Option<String> {
    let line = input.strip_prefix(b"HTTP/1.")?.split(|&byte| byte == b'\n').next()?;
    if line.len() + b"HTTP/1.".len() == input.len() {
        return None;
    }
    let words = String::from_utf8_lossy(line);
    Some(words.splitn(3, ' ').nth(2).unwrap_or_default().trim().to_owned())
}
