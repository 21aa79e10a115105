//! The certificate that a host shows, believed or not, and what stands in it.
//!
//! Reads just enough DER (X.509, RFC 5280) to tell people who signed what until when. Judges nothing: whom to
//! believe is decided in `tls`, by rustls.

use super::{Host, Trust, tls};
use rustls::{ClientConnection, pki_types::ServerName};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the whole.
    pub fingerprint: [u8; 32],
    /// Whom it is for, as `CN=pve1.test, O=…`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when it holds, in seconds since 1970.
    pub not_before: u64,
    /// Until when it holds, in seconds since 1970.
    pub not_after: u64,
    /// The names and addresses it is for.
    pub names: Vec<String>,
}

/// The certificate that a host shows to whoever connects. Nothing is sent but the handshake.
///
/// # Errors
/// The end of a sentence that began with the host: why there is no certificate to look at.
pub fn shown(host: &Host, address: SocketAddr, time: Duration) -> Result<Certificate, String> {
    let deadline = Instant::now() + time;
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| format!("`{}` is no valid name for a TLS server.", host.name))?;
    let config = tls::client_config(&Trust::Anything)?;
    let mut connection =
        ClientConnection::new(config, name).map_err(|error| format!("TLS cannot be set up ({error})."))?;
    let mut socket = TcpStream::connect_timeout(&address, time)
        .map_err(|error| format!("{address} cannot be connected to ({error})."))?;
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
    let first = chain.first().ok_or("it showed no certificate.")?;
    read(first).ok_or_else(|| "its certificate cannot be read.".into())
}

/// One write or read of a handshake.
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

/// Reads a certificate in DER form.
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
/// Attributes of names: the last byte under 2.5.4, and how people write them.
const ATTRIBUTES: [(u8, &str); 6] = [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU")];
/// 2.5.29.17, the extension of the subject's alternative names.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

/// What is left to read.
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
            // Lengths of more than four bytes, and those without an end, are in no certificate.
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

    /// The content of the next element, if it has that tag; otherwise nothing is taken.
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

/// `CN=…, O=…`, in the order in which they stand. A stranger wrote it, so nothing in it may steer a terminal.
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

/// The text of a string of a certificate.
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

/// Seconds since 1970 of `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ`. An earlier time than 1970 is 0.
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
    // Days by the civil calendar, with years that begin in March.
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
