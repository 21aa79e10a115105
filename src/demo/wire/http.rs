//! HTTP/1.1 as `pveproxy` speaks it (pve.md section 1): reading requests, writing answers. Knows no API.

use crate::{
    demo::{
        routes::route::Pairs,
        state::clock,
        wire::form::{decode_form, decode_json},
    },
    pve::Method,
};
use std::io::{self, Read, Write};

const HEAD_BYTES: usize = 8 * 1024;
const HEAD_LINES: usize = 64;
const BODY_BYTES: usize = 512 * 1024;

/// A request as received.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// The path as sent, without the query.
    pub(crate) path: String,
    /// Query and body, decoded.
    pub(crate) pairs: Pairs,
    headers: Vec<(String, String)>,
    /// The size of the uploaded file in bytes; the file itself is discarded.
    pub(crate) file_bytes: Option<u64>,
}

impl Incoming {
    /// The value of a header, given its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Why no request could be read.
pub(crate) enum RequestError {
    /// The client disconnected, or sent nothing for too long.
    Gone,
    /// The request is refused with this status and reason, and the connection is closed.
    Refused(u16, String),
}

impl From<io::Error> for RequestError {
    fn from(_: io::Error) -> RequestError {
        RequestError::Gone
    }
}

/// Bytes that were read but not used yet.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// Whether no bytes of a further request have been read yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn more(&mut self, stream: &mut impl Read) -> Result<(), RequestError> {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk)? {
            0 => Err(RequestError::Gone),
            count => {
                self.0.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }

    /// Reads one request.
    pub(crate) fn request(&mut self, stream: &mut impl Read) -> Result<Incoming, RequestError> {
        let end = loop {
            if let Some(at) = self.0.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if HEAD_BYTES < self.0.len() {
                return refused(431, "request header too large");
            }
            self.more(stream)?;
        };
        let head = String::from_utf8_lossy(&self.0[..end]).into_owned();
        self.0.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let [word, target, version] = words[..] else { return refused(400, "bad request") };
        if !version.starts_with("HTTP/1.") {
            return refused(506, "http protocol version not supported");
        }
        let method = match word {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            other => return refused(501, format!("method '{other}' not available")),
        };
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        if HEAD_LINES < headers.len() {
            return refused(431, "too many http header lines");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs = decode_form(query);
        let kind = header(&headers, "content-type").unwrap_or_default();
        if let Some((_, boundary)) = kind.split_once("multipart/form-data; boundary=") {
            let length = header(&headers, "content-length").and_then(|length| length.parse::<u64>().ok());
            let Some(length) = length else {
                return refused(501, "upload without content-length header not supported");
            };
            if !path.ends_with("/upload") {
                return refused(506, "upload not supported here");
            }
            let (fields, file_bytes) = self.multipart(stream, boundary, length)?;
            pairs.extend(fields);
            return Ok(Incoming {
                method,
                path: path.to_owned(),
                pairs,
                headers,
                file_bytes: Some(file_bytes),
            });
        }
        let body = self.body(stream, method, &headers)?;
        if !body.is_empty() {
            pairs.extend(decode_body(&headers, &body)?);
        }
        Ok(Incoming { method, path: path.to_owned(), pairs, headers, file_bytes: None })
    }

    /// Reads a multipart body; the file's field is `filename`, which must be the last (pve.md section 8). Keeps only
    /// the file's name and size.
    fn multipart(
        &mut self,
        stream: &mut impl Read,
        boundary: &str,
        length: u64,
    ) -> Result<(Pairs, u64), RequestError> {
        let (mark, end) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
        let mut pairs = Pairs::new();
        let mut used = 0;
        loop {
            let split = loop {
                if let Some(at) = self.0.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at;
                }
                self.more(stream)?;
            };
            let head = String::from_utf8_lossy(&self.0[..split]).into_owned();
            self.0.drain(..split + 4);
            used += split as u64 + 4;
            if !head.starts_with(&mark) {
                return refused(501, "wrong multipart boundary");
            }
            let quoted = |name: &str| {
                head.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split('"').next())
            };
            let name = quoted(" name").unwrap_or_default().to_owned();
            if let Some(file) = quoted("filename") {
                pairs.push((name, file.to_owned()));
                let rest = length.saturating_sub(used);
                let size = rest.saturating_sub(end.len() as u64);
                self.skip(stream, rest)?;
                return Ok((pairs, size));
            }
            let next = format!("\r\n--{boundary}");
            let value = loop {
                if let Some(at) = self.0.windows(next.len()).position(|bytes| bytes == next.as_bytes()) {
                    break at;
                }
                self.more(stream)?;
            };
            pairs.push((name, String::from_utf8_lossy(&self.0[..value]).into_owned()));
            self.0.drain(..value + 2);
            used += value as u64 + 2;
        }
    }

    /// Reads that many bytes and discards them.
    fn skip(&mut self, stream: &mut impl Read, mut count: u64) -> Result<(), RequestError> {
        while 0 < count {
            let here = self.0.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            self.0.drain(..here);
            count -= here as u64;
            if 0 < count {
                self.more(stream)?;
            }
        }
        Ok(())
    }

    fn body(
        &mut self,
        stream: &mut impl Read,
        method: Method,
        headers: &[(String, String)],
    ) -> Result<Vec<u8>, RequestError> {
        if header(headers, "transfer-encoding").is_some() {
            return refused(501, "chunked transfer encoding not supported");
        }
        let Ok(length) = header(headers, "content-length").map_or(Ok(0), str::parse::<usize>) else {
            return refused(400, "bad content length");
        };
        if 0 < length && matches!(method, Method::Get | Method::Delete) {
            return refused(501, "Unexpected content for method");
        }
        if BODY_BYTES < length {
            return refused(501, "for data too large");
        }
        while self.0.len() < length {
            self.more(stream)?;
        }
        Ok(self.0.drain(..length).collect())
    }
}

fn decode_body(headers: &[(String, String)], body: &[u8]) -> Result<Pairs, RequestError> {
    let kind = header(headers, "content-type").unwrap_or("application/x-www-form-urlencoded");
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-www-form-urlencoded" => Ok(decode_form(&String::from_utf8_lossy(body))),
        "application/json" => match decode_json(body) {
            Some(pairs) => Ok(pairs),
            None => refused(400, "malformed JSON string"),
        },
        other => refused(506, format!("upload '{other}' not supported")),
    }
}

/// Parses the bytes of a request, for tests and fuzzing: returns its method, path and parameters. The error is the
/// status and reason of the refusal, or `None` if the request is incomplete.
///
/// # Errors
/// The bytes are not a valid and complete request.
#[doc(hidden)]
pub fn read_made_up(mut bytes: &[u8]) -> Result<(Method, String, Pairs), Option<(u16, String)>> {
    match Buffer::default().request(&mut bytes) {
        Ok(request) => Ok((request.method, request.path, request.pairs)),
        Err(RequestError::Refused(status, reason)) => Err(Some((status, reason))),
        Err(RequestError::Gone) => Err(None),
    }
}

fn refused<T>(status: u16, reason: impl Into<String>) -> Result<T, RequestError> {
    Err(RequestError::Refused(status, reason.into()))
}

/// An answer that can be written.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) content_type: &'static str,
    pub(crate) location: Option<String>,
    /// The `Retry-After` header, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// The cluster's time in seconds since 1970.
    pub(crate) date: Option<u64>,
    /// Whether the body is gzip-compressed.
    pub(crate) gzip: bool,
    pub(crate) body: Vec<u8>,
}

impl Outgoing {
    /// An answer without a body.
    pub(crate) fn empty(status: u16, reason: impl Into<String>) -> Outgoing {
        Outgoing {
            status,
            reason: reason.into(),
            content_type: JSON,
            location: None,
            retry_after: None,
            date: None,
            gzip: false,
            body: Vec::new(),
        }
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, reason: impl Into<String>, body: Vec<u8>) -> Outgoing {
        Outgoing { body, ..Outgoing::empty(status, reason) }
    }

    /// Writes the answer with its content length; `close` announces that the connection is closed afterwards.
    pub(crate) fn write(&self, stream: &mut impl Write, close: bool) -> io::Result<()> {
        let mut bytes = self.head(close);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)?;
        stream.flush()
    }

    /// Writes the answer with chunked encoding.
    pub(crate) fn write_chunked(&self, stream: &mut impl Write, close: bool) -> io::Result<()> {
        let mut bytes = self.head(close);
        bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in self.body.chunks(self.body.len() / 3 + 1) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        stream.write_all(&bytes)?;
        stream.flush()
    }

    /// Writes the headers with the full content length, but only half of the body.
    pub(crate) fn write_half(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.head(false);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len().max(2)).as_bytes());
        bytes.extend_from_slice(&self.body[..self.body.len() / 2]);
        stream.write_all(&bytes)?;
        stream.flush()
    }

    /// Writes the answer byte by byte; `pause` is called before each byte and stops the writing by returning `false`.
    pub(crate) fn write_slowly(
        &self,
        stream: &mut impl Write,
        close: bool,
        pause: impl Fn() -> bool,
    ) -> io::Result<()> {
        let mut bytes = self.head(close);
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        for byte in bytes {
            if !pause() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            stream.write_all(&[byte])?;
            stream.flush()?;
        }
        Ok(())
    }

    /// Writes the answer; its body, an unfinished JSON string, is extended by `more` bytes and then terminated.
    pub(crate) fn write_huge(&self, stream: &mut impl Write, close: bool, more: usize) -> io::Result<()> {
        const END: &[u8] = b"\"}";
        const PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];
        let mut bytes = self.head(close);
        let length = self.body.len() + more + END.len();
        bytes.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)?;
        let mut left = more;
        while 0 < left {
            let count = left.min(PIECE.len());
            stream.write_all(&PIECE[..count])?;
            left -= count;
        }
        stream.write_all(END)?;
        stream.flush()
    }

    fn head(&self, close: bool) -> Vec<u8> {
        let connection = if close { "close" } else { "Keep-Alive" };
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nCache-Control: max-age=0\r\nConnection: {connection}\r\nPragma: no-cache\r\n\
             Server: pve-api-daemon/3.0\r\nContent-Type: {}\r\n",
            self.status,
            self.reason.replace(['\r', '\n'], " "),
            self.content_type
        );
        if let Some(date) = self.date {
            head.push_str(&format!("Date: {}\r\n", clock::http_date(date)));
        }
        if let Some(location) = &self.location {
            head.push_str(&format!("Location: {location}\r\n"));
        }
        if let Some(seconds) = self.retry_after {
            head.push_str(&format!("Retry-After: {seconds}\r\n"));
        }
        if self.gzip {
            head.push_str("Content-Encoding: gzip\r\n");
        }
        head.into_bytes()
    }
}

/// The content type of API answers.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";
/// The content type of pages.
pub(crate) const HTML: &str = "text/html; charset=UTF-8";
