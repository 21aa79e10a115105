//! A raw HTTP/1.1 client: it sends bytes and returns what came back, without any leniency.

use proxmox_mcp::{demo::Server, pve::Params};
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// No operation on loopback takes this long; if one does, it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer as received.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    /// The header lines, in lower case.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; an empty one is the empty string, as in the recordings.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::String(String::new());
        }
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `data` of the body.
    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }
}

/// Sends raw bytes on a new connection.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> io::Result<Answer> {
    let mut stream = connect(address);
    stream.write_all(bytes)?;
    read_answer(&mut stream)
}

/// Opens a connection with a timeout.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The bytes of a request: parameters are in the query for GET and DELETE, otherwise in a form. `auth` is complete
/// header lines.
pub fn request(method: &str, path: &str, auth: &str, params: &Params) -> Vec<u8> {
    let form = params.encode();
    if matches!(method, "GET" | "DELETE") {
        let query = if form.is_empty() { String::new() } else { format!("?{form}") };
        return format!("{method} {path}{query} HTTP/1.1\r\nHost: demo\r\n{auth}\r\n").into_bytes();
    }
    format!(
        "{method} {path} HTTP/1.1\r\nHost: demo\r\n{auth}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// Reads one answer with a content length or in chunks; `Err` if the connection ends before the answer does.
pub fn read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let (_, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let (status, reason) = rest.split_once(' ').unwrap();
    let headers: Vec<String> = lines.map(str::to_ascii_lowercase).filter(|line| !line.is_empty()).collect();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = Vec::new();
    match length {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body)?;
        }
        None => read_chunks(stream, &mut body)?,
    }
    Ok(Answer { status: status.parse().unwrap(), reason: reason.into(), headers, body })
}

fn read_chunks(stream: &mut impl Read, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            stream.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        let at = body.len();
        body.resize(at + size + 2, 0);
        stream.read_exact(&mut body[at..])?;
        body.truncate(at + size);
        if size == 0 {
            return Ok(());
        }
    }
}

/// The header line of an API token.
pub fn token_header(id: &str, secret: &str) -> String {
    format!("Authorization: PVEAPIToken={id}={secret}\r\n")
}

/// Logs in with the sample's password and returns the two header lines: cookie, then CSRF token.
pub fn ticket_headers(server: &Server, user: &str) -> String {
    let params = Params::new().with("username", user).with("password", "demo");
    let bytes = request("POST", "/api2/json/access/ticket", "", &params);
    let data = raw(server.address(), &bytes).unwrap().data();
    let (ticket, csrf) = (data["ticket"].as_str().unwrap(), data["CSRFPreventionToken"].as_str().unwrap());
    format!("Cookie: PVEAuthCookie={ticket}\r\nCSRFPreventionToken: {csrf}\r\n")
}
