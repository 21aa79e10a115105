//! The client against servers that misbehave in every known way.

mod console;
mod faults;
mod hosts;
mod login;
mod task;
mod warm;

use crate::tiny_http::{CLOSED_PORT, Server, answer, data};
use proxmox_mcp::{
    cancel::Cancel,
    pve::{Auth, Error, Host, Method, Params, Pve, Reply, Settings, Trust},
    secret::{Secret, SecretSource},
};
use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

const SECRET: &str = "11111111-2222-3333-4444-555555555555";
const PASSWORD: &str = "p;a=s+s&w%rd";

fn token() -> Auth {
    Auth::Token { id: "ops@pve!ai".into(), secret: SecretSource::Value(Secret::new(SECRET)) }
}

fn password(totp: Option<&str>) -> Auth {
    Auth::Password {
        user: "ops@pve".into(),
        password: SecretSource::Value(Secret::new(PASSWORD)),
        totp: totp.map(|secret| SecretSource::Value(Secret::new(secret))),
    }
}

fn host(port: u16) -> Host {
    Host { name: "127.0.0.1".into(), port, plain: true }
}

fn settings(server: &Server, auth: Auth) -> Settings {
    Settings::new(vec![host(server.port)], auth, Trust::System)
}

fn client(server: &Server) -> Pve {
    Pve::new(settings(server, token()))
}

fn get(pve: &Pve, path: &str) -> Result<Reply, Error> {
    pve.get(&Cancel::new(), path, &Params::new())
}

fn post(pve: &Pve, path: &str) -> Result<Reply, Error> {
    pve.send(&Cancel::new(), Method::Post, path, &Params::new().with("a", "b"))
}

#[test]
fn requests_look_on_the_wire_as_proxmox_wants_them() {
    let server = Server::answering(|_| data("null"));
    let pve = client(&server);
    let params = Params::new().with("size", "+1G").with("d", "a;b=c&d");
    for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
        assert_eq!(pve.send(&Cancel::new(), method, "/x/y", &params).unwrap().data, "null");
    }
    pve.send(&Cancel::new(), Method::Post, "/empty", &Params::new()).unwrap();
    let form = "size=%2B1G&d=a%3Bb%3Dc%26d";
    let query = format!("/api2/extjs/x/y?{form}");
    let expected = [
        (format!("GET {query}"), None, ""),
        ("POST /api2/extjs/x/y".into(), Some("26"), form),
        ("PUT /api2/extjs/x/y".into(), Some("26"), form),
        (format!("DELETE {query}"), None, ""),
        ("POST /api2/extjs/empty".into(), Some("0"), ""),
    ];
    for (request, (line, length, body)) in server.seen().iter().zip(expected) {
        assert_eq!(
            (request.line(), request.header("content-length"), &*request.body),
            (&*line, length, body)
        );
        assert_eq!(request.header("authorization"), Some(&*format!("PVEAPIToken=ops@pve!ai={SECRET}")));
        assert_eq!(request.header("host"), Some(&*format!("127.0.0.1:{}", server.port)));
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
        for never in ["cookie", "expect", "transfer-encoding", "csrfpreventiontoken"] {
            assert_eq!(request.header(never), None);
        }
        let form = "application/x-www-form-urlencoded";
        assert_eq!(request.header("content-type"), length.map(|_| form));
    }
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn a_path_never_becomes_something_else() {
    let server = Server::answering(|_| data("null"));
    for path in ["", "x", "/x?y=1", "/x#y", "/../x", "/x/./y", "/x y", "/x\r\nHost: z", "/\u{e9}"] {
        let error = get(&client(&server), path).unwrap_err().to_string();
        assert!(error.contains("is not an API path"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_idle_connection_is_dropped_before_the_server_drops_it() {
    let server = Server::answering(|_| data("1"));
    let mut settings = settings(&server, token());
    settings.max_idle = Duration::ZERO;
    let pve = Pve::new(settings);
    get(&pve, "/version").unwrap();
    get(&pve, "/version").unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn reading_survives_a_kept_connection_that_the_server_closes() {
    // The second request on the first connection is never answered.
    let server = Server::new(|connection| {
        while let Some(request) = connection.next() {
            if request.line().contains("stale") && connection.index == 0 {
                return;
            }
            connection.send(&data("1"));
        }
    });
    let pve = client(&server);
    get(&pve, "/version").unwrap();
    get(&pve, "/stale").unwrap();
    assert_eq!(server.lines(), ["GET /api2/extjs/version", "GET /api2/extjs/stale", "GET /api2/extjs/stale"]);
    // A change to the same place does not use that connection at all.
    post(&pve, "/stale").unwrap();
    assert_eq!(server.seen().last().unwrap().connection, 1);
}

#[test]
fn data_and_totals_are_read() {
    let server =
        Server::answering(|_| answer("200 OK", "", r#"{"success":1,"total":"12","data":[{"a": 1.50}]}"#));
    let reply = get(&client(&server), "/x").unwrap();
    assert_eq!((reply.data.as_str(), reply.total), (r#"[{"a": 1.50}]"#, Some(12)));
    assert!(matches!(reply.parse::<u64>(), Err(Error::NotProxmox { .. })));
    assert!(!format!("{reply:?}").contains("1.50"));
}

/// `bytes` in gzip format, uncompressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let crc = !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    });
    let length = u16::try_from(bytes.len()).unwrap();
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(&(!length).to_le_bytes());
    packed.extend_from_slice(bytes);
    packed.extend_from_slice(&crc.to_le_bytes());
    packed.extend_from_slice(&u32::from(length).to_le_bytes());
    packed
}

#[test]
fn gzip_and_chunks_are_unpacked_and_the_connection_is_kept() {
    let server = Server::answering(|request| {
        if request.line().contains("chunked") {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"da\r\n6\r\nta\":7}\r\n0\r\n\r\n"
                .to_vec()
        } else {
            answer("200 OK", "Content-Encoding: gzip\r\n", gzip(b"{\"data\":7}"))
        }
    });
    let pve = client(&server);
    for path in ["/gzip", "/chunked", "/gzip"] {
        assert_eq!(get(&pve, path).unwrap().data, "7");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_answer_over_the_bound_is_not_read() {
    let server = Server::answering(|request| match request.line() {
        "GET /api2/extjs/fits" => answer("200 OK", "", format!("{{\"data\":\"{}\"}}", "x".repeat(989))),
        "GET /api2/extjs/packed" => answer(
            "200 OK",
            "Content-Encoding: gzip\r\n",
            gzip(format!("{{\"data\":\"{}\"}}", "x".repeat(990)).as_bytes()),
        ),
        // It claims to be 200 MB long.
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n"
            .iter()
            .copied()
            .chain([b'x'; 2000])
            .collect(),
    });
    let mut settings = settings(&server, token());
    settings.max_response_bytes = 1000;
    let pve = Pve::new(settings);
    get(&pve, "/fits").unwrap();
    for path in ["/packed", "/huge"] {
        let error = get(&pve, path).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 1000, .. }), "{error:?}");
    }
    assert!(post(&pve, "/huge").unwrap_err().may_have_been_carried_out());
}

#[test]
fn only_so_many_requests_are_under_way_at_once() {
    let active = Arc::new((Mutex::new((0, 0)), Condvar::new()));
    let shared = Arc::clone(&active);
    let server = Server::answering(move |_| {
        let (counts, changed) = &*shared;
        let mut guard = counts.lock().unwrap();
        guard.0 += 1;
        guard.1 = guard.0.max(guard.1);
        changed.notify_all();
        // Each waits for a second one, so that two really overlap.
        guard = changed.wait_timeout_while(guard, Duration::from_secs(60), |counts| counts.1 < 2).unwrap().0;
        guard.0 -= 1;
        data("1")
    });
    let mut settings = settings(&server, token());
    settings.workers = 2;
    let pve = Pve::new(settings);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| get(&pve, "/x").unwrap());
        }
    });
    assert_eq!((server.seen().len(), active.0.lock().unwrap().1), (8, 2));
    assert!(server.connections() <= 2, "{}", server.connections());
}

#[test]
fn waiting_for_a_turn_ends_with_the_time_or_the_call() {
    let (held, inbox) = std::sync::mpsc::channel();
    let held = Mutex::new(held);
    let server = Server::new(move |connection| {
        connection.next();
        let _ = held.lock().unwrap().send(());
        connection.hold();
    });
    let mut settings = settings(&server, token());
    (settings.workers, settings.timeout) = (1, Duration::from_secs(3));
    let pve = Pve::new(settings);
    let (first, second, third) = (Cancel::new(), Cancel::new(), Cancel::new());
    second.cancel();
    thread::scope(|scope| {
        let call = scope.spawn(|| pve.get(&first, "/x", &Params::new()));
        inbox.recv().unwrap();
        assert!(pve.get(&second, "/x", &Params::new()).unwrap_err().is_cancelled());
        third.stop_waiting();
        let late = scope.spawn(|| pve.get(&third, "/x", &Params::new()));
        first.cancel();
        assert!(call.join().unwrap().unwrap_err().is_cancelled());
        // An urgent call still gets its turn and its request.
        inbox.recv().unwrap();
        let error = late.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Unanswered { timed_out: true, .. }), "{error:?}");
    });
}

#[test]
fn the_next_host_is_asked_when_one_cannot_be_connected_to() {
    let closed = CLOSED_PORT;
    let server = Server::answering(|_| data("1"));
    let mut settings = settings(&server, token());
    settings.hosts.insert(0, host(closed));
    let pve = Pve::new(settings.clone());
    post(&pve, "/x").unwrap();
    post(&pve, "/x").unwrap();
    assert_eq!(server.seen().len(), 2);
    settings.hosts.truncate(1);
    let error = get(&Pve::new(settings.clone()), "/x").unwrap_err();
    assert!(error.retryable() && error.to_string().contains("pveproxy runs"), "{error}");
    settings.hosts.push(Host { name: "no.such.host.invalid".into(), port: 1, plain: true });
    let text = get(&Pve::new(settings), "/x").unwrap_err().to_string();
    assert!(text.contains(&format!("127.0.0.1:{closed}")) && text.contains("cannot be resolved"), "{text}");
}

#[test]
fn no_secret_is_ever_shown() {
    let server = Server::answering(|_| answer("401 no", "", ""));
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for auth in [token(), password(Some(secret))] {
        let mut settings = settings(&server, auth);
        let error = get(&Pve::new(settings.clone()), "/x").unwrap_err();
        settings.proxy = Some(SecretSource::Value(Secret::new("http://joe:hidden@127.0.0.1:1")));
        settings.hosts[0].name = "192.0.2.1".into();
        let pve = Pve::new(settings);
        let unreachable = get(&pve, "/x").unwrap_err();
        let shown = format!("{pve:?} {pve:#?} {error:?} {error} {unreachable:?} {unreachable}");
        for secret in [SECRET, PASSWORD, secret, "hidden"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let missing = Auth::Missing("Set `token_id`.".into());
    assert_eq!(get(&Pve::new(settings(&server, missing)), "/x").unwrap_err().to_string(), "Set `token_id`.");
}

#[test]
fn a_proxy_in_between_is_asked_for_a_tunnel() {
    let server = Server::new(|connection| {
        let tunnel = connection.next().unwrap();
        if tunnel.header("proxy-authorization").is_none() {
            connection.send(&answer("407 Proxy Authentication Required", "", ""));
            return;
        }
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n");
        while connection.next().is_some() {
            connection.send(&data("7"));
        }
    });
    let mut settings = settings(&server, token());
    settings.hosts = vec![Host { name: "192.0.2.1".into(), port: 8006, plain: true }];
    let proxy = |user: &str| {
        Some(SecretSource::Value(Secret::new(format!("http://{user}127.0.0.1:{}", server.port))))
    };
    settings.proxy = proxy("joe:pw@");
    let pve = Pve::new(settings.clone());
    assert_eq!(get(&pve, "/x").unwrap().data, "7");
    assert_eq!(get(&pve, "/x").unwrap().data, "7");
    let lines = ["CONNECT 192.0.2.1:8006", "GET /api2/extjs/x", "GET /api2/extjs/x"];
    assert_eq!(server.lines(), lines);
    assert_eq!(server.seen()[0].header("authorization"), None);
    settings.proxy = proxy("");
    let error = post(&Pve::new(settings), "/x").unwrap_err();
    assert!(error.retryable() && error.to_string().contains("407"), "{error}");
}
