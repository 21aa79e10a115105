//! The HTTP/1.1 upgrade of a connection to a websocket.

use super::reply::Answer;
use crate::websocket::{Socket, accept, key, wrong};
use std::io::{self, Read, Write};

/// The largest response head that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// How much of the body is read when the server refuses, in bytes.
const MAX_REFUSAL: u64 = 64 * 1024;

/// The result of an upgrade request.
pub(super) enum Upgrade<S> {
    /// The websocket is open.
    Open(Socket<S>),
    /// The server sent another response.
    Refused(Box<Answer>),
}

/// Requests a websocket. `head` holds the request line and headers, except those of the upgrade itself, each ending
/// with CRLF.
///
/// # Errors
/// The connection breaks, or the response is not HTTP or not a valid upgrade.
pub(super) fn upgrade<S: Read + Write>(mut stream: S, head: &str) -> io::Result<Upgrade<S>> {
    let key = key()?;
    let request = format!(
        "{head}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let answer = read_head(&mut stream)?;
    if answer.status != 101 {
        return refused(stream, answer).map(|answer| Upgrade::Refused(Box::new(answer)));
    }
    if answer.field("sec-websocket-accept") != Some(&*accept(&key)) {
        return Err(wrong("it accepted the websocket without a valid Sec-WebSocket-Accept header"));
    }
    Ok(Upgrade::Open(Socket::client(stream)))
}

/// The status line and headers of an HTTP response.
struct Head {
    status: u16,
    reason: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads up to the empty line and not a byte further: what follows belongs to the websocket.
fn read_head(stream: &mut impl Read) -> io::Result<Head> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if MAX_HEAD < head.len() {
            return Err(wrong("the headers of its response are too long"));
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
    let version = first.next().unwrap_or_default();
    let status = first.next().and_then(|status| status.parse().ok());
    let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
        return Err(wrong("it sent something that is not HTTP"));
    };
    let reason = first.next().unwrap_or_default().trim().to_owned();
    let fields = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Head { status, reason, fields })
}

/// Reads the rest of a response that refuses the upgrade.
fn refused(stream: impl Read, head: Head) -> io::Result<Answer> {
    let length = head.field("content-length").and_then(|length| length.parse::<u64>().ok());
    let mut body = Vec::new();
    let mut stream = stream.take(length.unwrap_or(MAX_REFUSAL).min(MAX_REFUSAL));
    // If the server closes early, what has arrived is the body.
    match stream.read_to_end(&mut body) {
        Err(error) if body.is_empty() && length.is_some_and(|length| 0 < length) => return Err(error),
        _ => {}
    }
    let location = head.field("location").map(str::to_owned);
    Ok(Answer { status: head.status, reason: head.reason, location, date: None, retry_after: None, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    /// A stream that plays back a fixed response.
    struct Script {
        said: io::Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Script {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            // In small pieces, as networks have them.
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

    fn upgraded(answer: &str) -> io::Result<Upgrade<Script>> {
        let stream = Script { said: io::Cursor::new(answer.as_bytes().to_vec()), heard: Vec::new() };
        upgrade(stream, "GET / HTTP/1.1\r\nHost: h\r\n")
    }

    #[test]
    fn an_agreement_without_its_proof_is_none() {
        let unproved = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: nothing\r\n\r\n";
        assert_eq!(upgraded(unproved).err().unwrap().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_refusal_is_kept_as_an_answer() {
        let Ok(Upgrade::Refused(answer)) = upgraded(
            "HTTP/1.1 403 Permission check failed (/vms/100, VM.Console)\r\nContent-Length: 13\r\n\r\n{\"data\":null}rest",
        ) else {
            panic!()
        };
        assert_eq!((answer.status, &*answer.body), (403, &b"{\"data\":null}"[..]));
        assert_eq!(answer.reason, "Permission check failed (/vms/100, VM.Console)");
        assert!(upgraded("SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(upgraded(&format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(MAX_HEAD))).is_err());
        assert!(upgraded("HTTP/1.1 101 Sw").is_err());
    }
}
