//! Fetches and parses the certificate of a host, trusted or not.
//!
//! Parses just enough DER (X.509, RFC 5280) to show subject, issuer, validity and names. Verifies nothing: rustls does
//! that in `tls`.

use super::{Host, Trust, tls};
use rustls::{ClientConnection, pki_types::ServerName};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// The contents of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The SHA-256 hash of the whole certificate.
    pub fingerprint: [u8; 32],
    /// The subject, such as `CN=pve1.test, O=…`.
    pub subject: String,
    /// The issuer, in the same form.
    pub issuer: String,
    /// The start of its validity, in seconds since 1970.
    pub not_before: u64,
    /// The end of its validity, in seconds since 1970.
    pub not_after: u64,
    /// The subject alternative names: DNS names and IP addresses.
    pub names: Vec<String>,
}

/// Fetches the certificate of a host. Sends nothing but the TLS handshake.
///
/// # Errors
/// The host cannot be reached, or the handshake fails. The message is the end of a sentence that begins with the host.
pub fn shown(host: &Host, address: SocketAddr, time: Duration) -> Result<Certificate, String> {
    let deadline = Instant::now() + time;
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| format!("`{}` is not a valid TLS server name.", host.name))?;
    let config = tls::client_config(&Trust::Anything)?;
    let mut connection =
        ClientConnection::new(config, name).map_err(|error| format!("TLS cannot be set up ({error})."))?;
    let mut socket = TcpStream::connect_timeout(&address, time)
        .map_err(|error| format!("there is no connection to {address} ({error})."))?;
    let late = || {
        format!(
            "it accepted the connection, but did not finish the TLS handshake within {} s. Check that this port is the API's (8006) and that the node is not overloaded.",
            time.as_secs_f64()
        )
    };
    while connection.is_handshaking() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        let timed = socket.set_read_timeout(Some(left)).and_then(|()| socket.set_write_timeout(Some(left)));
        let moved = timed.and_then(|()| step(&mut connection, &mut socket));
        match moved {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(late());
            }
            Err(error) => return Err(tls::explain(&error, &host.name)),
        }
    }
    let chain = connection.peer_certificates().unwrap_or_default();
    let first = chain.first().ok_or("it sent no certificate.")?;
    read(first).ok_or_else(|| "its certificate cannot be read.".into())
}

/// Does one write or read of the handshake.
fn step(connection: &mut ClientConnection, socket: &mut TcpStream) -> io::Result<()> {
    if connection.wants_write() {
        return connection.write_tls(socket).map(drop);
    }
    if connection.read_tls(socket)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    connection
        .process_new_packets()
        .map(drop)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Parses a certificate in DER form; `None` if it is not one.
#[must_use]
pub fn read(der: &[u8]) -> Option<Certificate> {
    let mut whole = Der(der).take(SEQUENCE)?;
    let mut body = whole.take(SEQUENCE)?;
    let _version = body.take(0xa0);
    let _serial = body.take(0x02)?;
    let _algorithm = body.take(SEQUENCE)?;
    let issuer = distinguished_name(body.take(SEQUENCE)?);
    let mut validity = body.take(SEQUENCE)?;
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = distinguished_name(body.take(SEQUENCE)?);
    let _key = body.take(SEQUENCE)?;
    let mut names = Vec::new();
    while let Some((tag, content)) = body.next() {
        if tag == 0xa3 {
            names = alternative_names(content).unwrap_or_default();
        }
    }
    Some(Certificate { fingerprint: tls::fingerprint_of(der), subject, issuer, not_before, not_after, names })
}

const SEQUENCE: u8 = 0x30;
/// Attributes of distinguished names: the last number of the OID 2.5.4.x, and the usual abbreviation.
const ATTRIBUTES: [(u8, &str); 6] = [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU")];
/// The OID 2.5.29.17, the extension for subject alternative names.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

/// A DER reader: the bytes still to be read.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and its content.
    fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if 0x80 <= first {
            let count = usize::from(first & 0x7f);
            // Certificates have no lengths of more than four bytes, and no indefinite lengths.
            if !(1..=4).contains(&count) || rest.len() < count {
                return None;
            }
            length = rest[..count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = &rest[count..];
        }
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some((tag, Der(content)))
    }

    /// The content of the next element if it has that tag; otherwise reads nothing.
    fn take(&mut self, wanted: u8) -> Option<Der<'a>> {
        let before = *self;
        match self.next() {
            Some((tag, content)) if tag == wanted => Some(content),
            _ => {
                *self = before;
                None
            }
        }
    }
}

/// A distinguished name as `CN=…, O=…`, in its own order. It is untrusted, so control characters are escaped.
fn distinguished_name(mut name: Der<'_>) -> String {
    let mut parts = Vec::new();
    while let Some((_, mut set)) = name.next() {
        while let Some(mut pair) = set.take(SEQUENCE) {
            let (Some(id), Some((tag, value))) = (pair.take(0x06), pair.next()) else { continue };
            let &[0x55, 0x04, last] = id.0 else { continue };
            if let Some((_, word)) = ATTRIBUTES.iter().find(|(number, _)| *number == last) {
                parts.push(format!("{word}={}", words(tag, value.0)));
            }
        }
    }
    parts.join(", ")
}

/// Decodes a string in a certificate and escapes control characters.
fn words(tag: u8, bytes: &[u8]) -> String {
    let text = if tag == 0x1e {
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    text.escape_debug().collect()
}

fn alternative_names(mut extensions: Der<'_>) -> Option<Vec<String>> {
    let mut list = extensions.take(SEQUENCE)?;
    while let Some(mut extension) = list.take(SEQUENCE) {
        if extension.take(0x06)?.0 != ALTERNATIVE_NAMES {
            continue;
        }
        let _critical = extension.take(0x01);
        let mut names = extension.take(0x04)?.take(SEQUENCE)?;
        let mut found = Vec::new();
        while let Some((tag, value)) = names.next() {
            match (tag, value.0) {
                (0x82, text) => found.push(words(0x16, text)),
                (0x87, bytes) => found.extend(address(bytes)),
                _ => {}
            }
        }
        return Some(found);
    }
    None
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
}

/// Parses `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ` as seconds since 1970; an earlier time is 0.
fn time((tag, content): (u8, Der<'_>)) -> Option<u64> {
    let text = std::str::from_utf8(content.0).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        0x17 => (None, text),
        0x18 => (Some(text.get(..4)?.parse::<i64>().ok()?), text.get(4..)?),
        _ => return None,
    };
    let numbers: Vec<i64> = (0..rest.len() / 2)
        .map(|at| rest.get(at * 2..at * 2 + 2)?.parse().ok())
        .collect::<Option<Vec<i64>>>()?;
    let (year, parts) = match year {
        Some(year) => (year, &numbers[..]),
        None => {
            let (short, parts) = numbers.split_first()?;
            (short + if *short < 50 { 2000 } else { 1900 }, parts)
        }
    };
    let &[month @ 1..=12, day @ 1..=31, hour, minute, second] = parts else { return None };
    // Days in the Gregorian calendar, with years that begin in March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Some(u64::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    #[test]
    fn certificates_are_read() {
        let names = vec!["pve1.example".to_owned(), "192.0.2.7".to_owned(), "2001:db8::7".to_owned()];
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "pve1\u{1b}[2J");
        params.distinguished_name.push(DnType::OrganizationName, "Österreich");
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(2096, 2, 29);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = read(certificate.der()).unwrap();
        assert_eq!(read.names, names);
        assert_eq!((read.not_before, read.not_after), (946_598_400, 3_981_312_000));
        assert!(
            read.subject.contains("O=Österreich") && !read.subject.contains('\u{1b}'),
            "{}",
            read.subject
        );
        assert_eq!(read.subject, read.issuer);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let certificate = rcgen::generate_simple_self_signed(vec!["a.example".into()]).unwrap();
        let der = certificate.cert.der();
        for length in 0..der.len() {
            let _ = read(&der[..length]);
        }
        for at in 0..der.len().min(200) {
            for byte in [0, 0x30, 0x80, 0x84, 0xff] {
                let mut broken = der.to_vec();
                broken[at] = byte;
                let _ = read(&broken);
            }
        }
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x30\x84\xff\xff\xff\xff"), None);
    }
}
