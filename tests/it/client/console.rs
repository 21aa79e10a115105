//! VNC displays and consoles over websockets: correct and incorrect servers.

use super::{PASSWORD, SECRET, client, host, password, settings, token};
use crate::tiny_http::{Connection, Request, Server, answer, data};
use proxmox_mcp::{
    cancel::Cancel,
    pve::{Error, Pve, Settings, Trust},
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{sync::Arc, time::Duration};

const GUEST: &str = "/nodes/pve1/qemu/100";
const TICKET: &str = "PVEVNC:6B00ECDB::a+b/c==";

fn proxy() -> Vec<u8> {
    data(format!(
        r#"{{"port":"5900","ticket":"{TICKET}","user":"ops@pve!ai","upid":"UPID:pve1:1:2:3:vncproxy:100:ops@pve:"}}"#
    ))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|three| {
        let number =
            three.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..4)
            .map(|at| match at <= three.len() {
                true => char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]),
                false => '=',
            })
            .collect::<String>()
    });
    groups.collect()
}

/// Accepts a websocket as the standard demands.
fn agree(connection: &mut Connection, request: &Request) {
    let key = request.header("sec-websocket-key").unwrap();
    let mixed = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = ::ring::digest::digest(&::ring::digest::SHA1_FOR_LEGACY_USE_ONLY, mixed.as_bytes());
    let accept = base64(hash.as_ref());
    connection.send(
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: binary\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
            .as_bytes(),
    );
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    [&[0x82, 126][..], &length.to_be_bytes(), payload].concat()
}

/// The payload of the next frame, which must be masked.
fn hear(connection: &mut Connection) -> Option<Vec<u8>> {
    let head = connection.read_until(|bytes| bytes.len() == 2)?;
    assert!(head[1] & 0x80 != 0, "a client masks what it sends");
    let length = match usize::from(head[1] & 0x7f) {
        126 => {
            let length = connection.read_until(|bytes| bytes.len() == 2)?;
            usize::from(length[0]) << 8 | usize::from(length[1])
        }
        length => length,
    };
    let mask = connection.read_until(|bytes| bytes.len() == 4)?;
    let payload = connection.read_until(|bytes| bytes.len() == length)?;
    Some(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect())
}

/// A node that opens proxies, accepts every login, and runs `talk` on its websockets.
fn node(tls: Option<Arc<ServerConfig>>, talk: impl Fn(&mut Connection) + Send + Sync + 'static) -> Server {
    Server::start(tls, move |connection| {
        while let Some(request) = connection.next() {
            if request.line().starts_with("GET") && request.line().contains("/vncwebsocket?") {
                agree(connection, &request);
                talk(connection);
                return;
            }
            connection.send(&match request.line() {
                "POST /api2/extjs/access/ticket" => {
                    data(r#"{"ticket":"PVE:t==","CSRFPreventionToken":"csrf"}"#)
                }
                line if line.starts_with("POST") => proxy(),
                line if line.contains("/tasks/") => {
                    data(r#"{"status":"stopped","exitstatus":"VM 100 not running"}"#)
                }
                _ => data("[]"),
            });
        }
    })
}

const SIZE: &[u8] = b"\0\x02\0\x01\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\0";

/// A display of two pixels, protected by a password.
fn display(connection: &mut Connection) {
    connection.send(&frame(b"RFB 003.008\n"));
    assert_eq!(hear(connection).unwrap(), b"RFB 003.008\n");
    connection.send(&frame(b"\x01\x02"));
    assert_eq!(hear(connection).unwrap(), [2]);
    connection.send(&frame(&[0; 16]));
    assert_eq!(hear(connection).unwrap(), [RESPONSE, RESPONSE].concat());
    connection.send(&frame(b"\0\0\0\0"));
    assert_eq!(hear(connection).unwrap(), [1]);
    connection.send(&frame(SIZE));
    let wishes = hear(connection).unwrap();
    assert_eq!((wishes[0], wishes[20]), (0, 2));
    assert_eq!(hear(connection).unwrap(), [3, 0, 0, 0, 0, 0, 0, 2, 0, 1]);
    let mut update = b"\0\0\0\x01\0\0\0\0\0\x02\0\x01\0\0\0\0".to_vec();
    update.extend([3, 2, 1, 0, 6, 5, 4, 0]);
    // In two frames, with a ping between.
    connection.send(&frame(&update[..9]));
    connection.send(b"\x89\x01!");
    connection.send(&frame(&update[9..]));
    assert_eq!(hear(connection).unwrap(), b"!");
    // Only a close frame follows.
    assert_eq!(hear(connection).unwrap(), 1000u16.to_be_bytes());
    assert_eq!(hear(connection), None);
}

/// Eight zeros, encrypted by OpenSSL with the first eight characters of the ticket, the bits of each reversed.
const RESPONSE: [u8; 8] = [0x9b, 0xbc, 0x3a, 0xcc, 0x99, 0x66, 0xe7, 0x9a];

#[test]
fn a_screen_is_asked_for_like_everything_else() {
    for (auth, cookie) in [(token(), false), (password(None), true)] {
        let server = node(None, display);
        let picture = Pve::new(settings(&server, auth)).screen(&Cancel::new(), GUEST).unwrap();
        assert_eq!((picture.width, picture.height, &*picture.rgb), (2, 1, &[1, 2, 3, 4, 5, 6][..]));
        let seen = server.seen();
        let (opened, upgrade) = (&seen[seen.len() - 2], &seen[seen.len() - 1]);
        assert_eq!(
            (opened.line(), &*opened.body),
            ("POST /api2/extjs/nodes/pve1/qemu/100/vncproxy", "websocket=1&generate-password=1")
        );
        assert_eq!(
            upgrade.line(),
            "GET /api2/json/nodes/pve1/qemu/100/vncwebsocket?port=5900&vncticket=PVEVNC%3A6B00ECDB%3A%3Aa%2Bb%2Fc%3D%3D"
        );
        let token = format!("PVEAPIToken=ops@pve!ai={SECRET}");
        assert_eq!(upgrade.header("authorization"), (!cookie).then_some(&*token));
        assert_eq!(upgrade.header("cookie"), cookie.then_some("PVEAuthCookie=PVE:t=="));
        assert_eq!(upgrade.header("host"), Some(&*format!("127.0.0.1:{}", server.port)));
        assert_eq!(upgrade.header("sec-websocket-version"), Some("13"));
    }
}

#[test]
fn a_websocket_trusts_whom_requests_trust() {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let fingerprint: [u8; 32] =
        ::ring::digest::digest(&::ring::digest::SHA256, certificate.der()).as_ref().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let server = node(Some(Arc::new(config)), display);
    let settings = |trust| {
        Settings::new(vec![proxmox_mcp::pve::Host { plain: false, ..host(server.port) }], token(), trust)
    };
    let picture = Pve::new(settings(Trust::Fingerprint(fingerprint))).screen(&Cancel::new(), GUEST).unwrap();
    assert_eq!((picture.width, picture.height), (2, 1));
    let asked = server.seen().len();
    let error = Pve::new(settings(Trust::System)).screen(&Cancel::new(), GUEST).unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert_eq!(server.seen().len(), asked);
}

/// `expected` is part of the error, or several alternatives with `|` between them if that depends on the machine.
#[track_caller]
fn screen_fails(talk: impl Fn(&mut Connection) + Send + Sync + 'static, expected: &str) {
    let server = node(None, talk);
    // Long enough for everything except a silent display, even on a busy machine.
    let timeout = Duration::from_secs(if expected.ends_with("within 2 s") { 2 } else { 60 });
    let quick = Settings { timeout, ..settings(&server, token()) };
    let error = Pve::new(quick).screen(&Cancel::new(), GUEST).unwrap_err();
    let words = error.to_string();
    assert!(
        expected.split('|').any(|expected| words.contains(expected))
            && !words.contains(SECRET)
            && !words.contains(TICKET),
        "{words}"
    );
    assert!(!error.may_have_been_carried_out());
}

#[test]
fn displays_that_are_silent_slow_broken_or_endless_are_left() {
    let greeted = |connection: &mut Connection| {
        connection.send(&frame(&[b"RFB 003.008\n\x01\x01\0\0\0\0", SIZE].concat()));
    };
    screen_fails(Connection::hold, "no complete answer came within 2 s");
    screen_fails(
        move |connection| {
            greeted(connection);
            connection.hold();
        },
        "no complete answer came within 2 s",
    );
    // An endless stream, a byte at a time and as fast as possible.
    screen_fails(
        |connection| {
            for byte in b"RFB 003.0".iter().cycle() {
                connection.send(&frame(&[*byte]));
                if connection.is_gone() {
                    return;
                }
            }
        },
        "VNC greeting",
    );
    screen_fails(
        move |connection| {
            greeted(connection);
            while !connection.is_gone() {
                connection.send(&frame(&[2; 60_000]));
            }
        },
        "other data than pixels|no complete answer came within 15 s",
    );
    screen_fails(|_| {}, "the server closed the connection; its task ended with `VM 100 not running`");
    screen_fails(
        move |connection| {
            greeted(connection);
            connection.send(b"\x88\0");
            connection.hold();
        },
        "the server closed the connection; its task",
    );
    screen_fails(|connection| connection.send(b"\xff\xff\xff\xff"), "extension");
    screen_fails(|connection| connection.send(&frame(b"SSH-2.0-x\r\n ")), "VNC greeting");
}

#[test]
fn a_refusal_is_told_in_proxmoxs_words() {
    for (status, body, expected) in [
        ("403 Permission check failed (/vms/100, VM.Console)", "", "VM.Console"),
        ("501 Method not implemented", "", "501"),
        ("200 OK", r#"{"success":1,"data":null}"#, "opened no websocket"),
    ] {
        let server = Server::answering(move |request| match request.line() {
            line if line.starts_with("GET") && line.contains("vncwebsocket") => answer(status, "", body),
            line if line.starts_with("POST") => proxy(),
            _ => data("[]"),
        });
        let error = client(&server).screen(&Cancel::new(), GUEST).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let server = Server::answering(|_| data("null"));
    let error = client(&server).screen(&Cancel::new(), GUEST).unwrap_err().to_string();
    assert!(error.contains("lacks a port or ticket"), "{error}");
    assert_eq!(server.lines(), ["POST /api2/extjs/nodes/pve1/qemu/100/vncproxy"]);
}

#[test]
fn a_cancelled_conversation_ends() {
    let cancel = Cancel::new();
    let other = cancel.clone();
    // Cancelled while the connection is in use.
    let server = node(None, move |connection| {
        other.cancel();
        connection.hold();
    });
    let error = client(&server).screen(&cancel, GUEST).unwrap_err();
    assert!(matches!(error, Error::Cancelled { may_have_been_carried_out: false }), "{error}");
}

/// Accepts the login, prints its lines, and then runs `end`.
fn console(lines: &'static [u8], end: fn(&mut Connection)) -> Server {
    node(None, move |connection| {
        assert_eq!(hear(connection).unwrap(), format!("ops@pve!ai:{TICKET}\n").as_bytes());
        connection.send(&frame(b"OK"));
        assert_eq!(hear(connection).unwrap(), b"1:80:24:");
        connection.send(&frame(lines));
        end(connection);
    })
}

#[test]
fn a_console_is_listened_to_until_its_bounds() {
    let lines = b"\r\nDebian GNU/Linux 13 web tty1\r\n\r\nweb login: ";
    let short = Duration::from_millis(200);
    let listen = |server: &Server, serial, most| {
        client(server).listen(&Cancel::new(), GUEST, serial, short, most).unwrap()
    };
    let server = console(lines, Connection::hold);
    let heard = listen(&server, Some("serial0"), 1000);
    assert_eq!((&*heard.bytes, heard.cut, heard.ended), (&lines[..], false, false));
    let opened = server.seen()[0].clone();
    assert_eq!(
        (opened.line(), &*opened.body),
        ("POST /api2/extjs/nodes/pve1/qemu/100/termproxy", "serial=serial0")
    );

    let heard = listen(&console(lines, |_| {}), None, 1000);
    assert_eq!((&*heard.bytes, heard.cut, heard.ended), (&lines[..], false, true));

    let endless = |connection: &mut Connection| {
        while !connection.is_gone() {
            connection.send(&frame(&[b'x'; 1000]));
        }
    };
    let heard = listen(&console(lines, endless), None, 5000);
    assert_eq!((heard.bytes.len(), heard.cut), (5000, true));
}

#[test]
fn a_console_that_lets_nobody_in_says_what_may_help() {
    for (auth, expected) in [(token(), "do not accept API tokens"), (password(None), "VM.Console")] {
        let server = node(None, |connection| {
            hear(connection);
            connection.send(&frame(b"no"));
        });
        let pve = Pve::new(settings(&server, auth));
        let error =
            pve.listen(&Cancel::new(), GUEST, None, Duration::from_millis(100), 100).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains(PASSWORD), "{error}");
    }
}
