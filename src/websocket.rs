//! WebSocket (RFC 6455) over any stream, as client or server: the payload of all frames as one stream of bytes.
//!
//! Written here rather than taken from a crate: Proxmox needs only this small part of the protocol, and connecting,
//! certificates and timeouts are handled elsewhere. Whatever the peer sends is bounded, and a protocol violation is an
//! error that ends the connection.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use std::io::{self, ErrorKind, Read, Write};

/// The GUID in `Sec-WebSocket-Accept`, by which a server shows that it supports WebSocket (RFC 6455 section 1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The longest payload of a control frame (section 5.5).
const MAX_CONTROL: u64 = 125;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The `Sec-WebSocket-Accept` value with which the server must answer that key.
pub(crate) fn accept(key: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(MAGIC);
    BASE64_STANDARD.encode(hash.finish().as_ref())
}

/// A new `Sec-WebSocket-Key`.
///
/// # Errors
/// The system provides no random numbers.
pub(crate) fn key() -> io::Result<String> {
    Ok(BASE64_STANDARD.encode(random::<16>()?))
}

/// An open WebSocket. Reading returns the bytes of the peer's messages one after the other; each write sends one
/// message.
pub(crate) struct Socket<S> {
    stream: S,
    /// The number of bytes left in the data frame being read.
    left: u64,
    /// The mask of that frame, and the position of the next byte in it. Servers should not mask, but it is accepted.
    mask: Option<[u8; 4]>,
    at: usize,
    /// Whether the last data frame was the final one of its message.
    whole: bool,
    /// Whether the peer has closed the connection.
    done: bool,
    /// Whether frames are sent masked: a client must mask its frames, and a server must not.
    masks: bool,
}

impl<S: Read + Write> Socket<S> {
    /// The client's end of a stream, after the handshake.
    pub(crate) fn client(stream: S) -> Socket<S> {
        Socket { stream, left: 0, mask: None, at: 0, whole: true, done: false, masks: true }
    }

    /// The server's end.
    pub(crate) fn server(stream: S) -> Socket<S> {
        Socket { masks: false, ..Socket::client(stream) }
    }

    /// Sends a close frame; errors are ignored.
    pub(crate) fn close(&mut self) {
        let _ = self.send(CLOSE, &1000u16.to_be_bytes());
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        let masked = if self.masks { 0x80 } else { 0 };
        match payload.len() {
            length @ 0..=125 => frame.push(masked | u8::try_from(length).unwrap_or(0)),
            length => match u16::try_from(length) {
                Ok(length) => {
                    frame.push(masked | 126);
                    frame.extend(length.to_be_bytes());
                }
                Err(_) => {
                    frame.push(masked | 127);
                    frame.extend((length as u64).to_be_bytes());
                }
            },
        }
        let mask = if self.masks { Some(random::<4>()?) } else { None };
        frame.extend(mask.iter().flatten());
        let from = frame.len();
        frame.extend(payload);
        unmask(&mut frame[from..], mask, 0);
        self.stream.write_all(&frame)?;
        self.stream.flush()
    }

    /// Reads the header of the next data frame, or handles one control frame.
    fn next_frame(&mut self) -> io::Result<()> {
        let mut head = [0; 2];
        if self.stream.read(&mut head[..1])? == 0 {
            // Closed without a close frame, as pveproxy does.
            self.done = true;
            return Ok(());
        }
        self.stream.read_exact(&mut head[1..])?;
        let (last, opcode) = (head[0] & 0x80 != 0, head[0] & 0x0f);
        if head[0] & 0x70 != 0 {
            return Err(wrong("a frame uses an extension that was not negotiated"));
        }
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.array()?)),
            127 => u64::from_be_bytes(self.array()?),
            length => u64::from(length),
        };
        let mask = if head[1] & 0x80 == 0 { None } else { Some(self.array()?) };
        match opcode {
            CLOSE | PING | PONG => {
                if !last || MAX_CONTROL < length {
                    return Err(wrong("a control frame is too long or fragmented"));
                }
                let mut payload = vec![0; usize::try_from(length).unwrap_or(0)];
                self.stream.read_exact(&mut payload)?;
                unmask(&mut payload, mask, 0);
                match opcode {
                    PING => self.send(PONG, &payload)?,
                    CLOSE => self.done = true,
                    _ => {}
                }
                return Ok(());
            }
            TEXT | BINARY if self.whole => {}
            CONTINUATION if !self.whole => {}
            _ => return Err(wrong(&format!("a frame with opcode {opcode} is not allowed here"))),
        }
        (self.whole, self.left, self.mask, self.at) = (last, length, mask, 0);
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl<S: Read + Write> Read for Socket<S> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.done && !place.is_empty() {
            self.next_frame()?;
        }
        if self.done || place.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(place.len());
        let amount = self.stream.read(&mut place[..most])?;
        if amount == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        unmask(&mut place[..amount], self.mask, self.at);
        self.at = (self.at + amount) % 4;
        self.left -= amount as u64;
        Ok(amount)
    }
}

impl<S: Read + Write> Write for Socket<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(BINARY, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unmask(bytes: &mut [u8], mask: Option<[u8; 4]>, from: usize) {
    if let Some(mask) = mask {
        bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= mask[(from + at) % 4]);
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system provides no random numbers"))?;
    Ok(bytes)
}

/// An error for a protocol violation by the peer; `clause` describes it.
pub(crate) fn wrong(clause: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, clause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream with a scripted peer.
    struct Script {
        said: io::Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Script {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            // In small pieces, as on a network.
            let most = place.len().min(3);
            self.said.read(&mut place[..most])
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn socket(frames: &[u8]) -> Socket<Script> {
        let stream = Script { said: io::Cursor::new(frames.to_vec()), heard: Vec::new() };
        Socket::client(stream)
    }

    #[track_caller]
    fn check(frames: &[u8], expected: Result<&[u8], ErrorKind>) {
        let mut read = Vec::new();
        let result = socket(frames).read_to_end(&mut read).map_err(|error| error.kind());
        assert_eq!(result.map(|_| &*read), expected);
    }

    #[test]
    fn messages_come_out_whatever_their_frames_are() {
        check(b"\x82\x03abc", Ok(b"abc"));
        check(b"\x81\x83\x01\x02\x03\x04\x60\x60\x60", Ok(b"abc"));
        check(b"\x02\x02ab\x89\x01!\x80\x01c\x82\x00\x82\x01d", Ok(b"abcd"));
        let long = [b"\x82\x7e\x01\x00".to_vec(), vec![b'x'; 256]].concat();
        check(&long, Ok(&[b'x'; 256]));
        let longer = [b"\x82\x7f\0\0\0\0\0\x01\0\0".to_vec(), vec![b'y'; 65536]].concat();
        check(&longer, Ok(&[b'y'; 65536]));
        check(b"\x82\x01a\x88\x02\x03\xe8\x82\x01b", Ok(b"a"));
        check(b"", Ok(b""));
    }

    #[test]
    fn what_breaks_the_rules_ends_the_conversation() {
        check(b"\xc2\x01a", Err(ErrorKind::InvalidData));
        check(b"\x83\x01a", Err(ErrorKind::InvalidData));
        check(b"\x80\x01a", Err(ErrorKind::InvalidData));
        check(b"\x02\x01a\x82\x01b", Err(ErrorKind::InvalidData));
        check(b"\x89\x7e\x01\x00", Err(ErrorKind::InvalidData));
        check(b"\x09\x01a", Err(ErrorKind::InvalidData));
        check(b"\x82\x05ab", Err(ErrorKind::UnexpectedEof));
        check(b"\x82", Err(ErrorKind::UnexpectedEof));
    }

    #[test]
    fn what_is_sent_is_masked_and_a_ping_is_answered() {
        for size in [0, 125, 126, 65535, 65536] {
            let mut socket = socket(b"\x89\x02hi\x82\x01a");
            let message = vec![7; size];
            socket.write_all(&message).unwrap();
            assert_eq!(socket.read(&mut [0; 8]).unwrap(), 1);
            // A client's frames differ from a server's only by the masks, so they can be read back.
            let mut back = tests::socket(&socket.stream.heard);
            let mut read = Vec::new();
            back.read_to_end(&mut read).unwrap();
            assert_eq!(read, message);
            assert!(socket.stream.heard[1] & 0x80 != 0);
            // The answer to the ping: a header of two bytes, a mask, and the payload of the ping.
            let pong = &socket.stream.heard[socket.stream.heard.len() - 8..];
            let payload = [pong[6] ^ pong[2], pong[7] ^ pong[3]];
            assert_eq!((pong[0], pong[1], &payload), (0x8a, 0x82, b"hi"));
        }
    }

    #[test]
    fn the_proof_is_that_of_the_standard() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_server_masks_nothing() {
        let mut socket = Socket::server(socket(b"").stream);
        socket.write_all(b"abc").unwrap();
        assert_eq!(socket.stream.heard, b"\x82\x03abc");
    }
}
