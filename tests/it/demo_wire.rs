//! The sample cluster on the wire: logins, HTTP, TLS and injected faults.

use crate::{
    demo::{ask, fast, root, send, slow},
    wire::{connect, raw, read_answer, request, ticket_headers},
};
use proxmox_mcp::{
    demo::{Fault, Options, Server, Tls},
    pve::Params,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned, crypto::ring,
    pki_types::PrivateKeyDer,
};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

/// Status and reason of a `GET /nodes` with these header lines.
fn enter(server: &Server, auth: &str) -> (u16, String, usize) {
    let answer = send(server, auth, "GET /nodes", &[]);
    (answer.status, answer.reason, answer.body.len())
}

#[test]
fn tickets_are_good_for_two_hours_and_can_be_renewed() {
    let server = slow();
    let headers = ticket_headers(&server, "root@pam");
    let ticket = headers.lines().next().unwrap().split_once('=').unwrap().1.to_owned();
    let forms = [
        format!("Cookie: a=b; PVEAuthCookie={ticket}\r\n"),
        format!("Cookie: PVEAuthCookie={}\r\n", ticket.replace(':', "%3A").replace('+', "%2B")),
        format!("Authorization: PVEAuthCookie={ticket}\r\n"),
    ];
    for form in &forms {
        assert_eq!(enter(&server, form).0, 200, "{form}");
    }
    server.skip(7000.0);
    assert_eq!(enter(&server, &headers).0, 200);
    let renewal = [("username", "root@pam"), ("password", ticket.as_str())];
    let renewed = send(&server, "", "POST /access/ticket", &renewal).data();
    let renewed = format!("Cookie: PVEAuthCookie={}\r\n", renewed["ticket"].as_str().unwrap());
    server.skip(300.0);
    assert_eq!(enter(&server, &renewed).0, 200);
    let fast = fast();
    let headers = ticket_headers(&fast, "root@pam");
    fast.skip(8000.0);
    assert_eq!(enter(&fast, &headers), (401, "permission denied - invalid PVE ticket".into(), 0));
    let headers = ticket_headers(&fast, "root@pam");
    fast.expire_tickets();
    assert_eq!(enter(&fast, &headers).0, 401);
    assert_eq!(enter(&fast, &ticket_headers(&fast, "root@pam")).0, 200);
}

#[test]
fn a_cookie_wins_over_a_token_and_tokens_cannot_log_in() {
    let server = fast();
    let both = format!("Cookie: PVEAuthCookie=PVE:root@pam:00000000::x\r\n{}", root(&server));
    assert_eq!(enter(&server, &both).0, 401);
    let blank = root(&server).replace("PVEAPIToken=", "PVEAPIToken ");
    assert_eq!(enter(&server, &blank).0, 200);
    let login = [("username", "root@pam"), ("password", "demo")];
    let body = send(&server, &root(&server), "POST /access/ticket", &login).json();
    assert_eq!(body["status"], "403");
    assert!(body["message"].as_str().unwrap().contains("not available with API token, need proper ticket"));
}

#[test]
fn a_second_factor_is_asked_for_and_good_once() {
    let server = slow();
    let ask = |password: &str, challenge: Option<&str>| {
        let mut pairs = vec![("username", "otto@pve"), ("password", password)];
        pairs.extend(challenge.map(|challenge| ("tfa-challenge", challenge)));
        send(&server, "", "POST /access/ticket", &pairs).json()
    };
    let half = ask("demo", None)["data"].clone();
    assert_eq!(half["NeedTFA"], 1);
    let ticket = half["ticket"].as_str().unwrap();
    assert!(ticket.starts_with("PVE:!tfa!{"), "{ticket}");
    let code = format!("totp:{}", server.totp("otto@pve").unwrap());
    let whole = ask(&code, Some(ticket))["data"].clone();
    assert!(whole.get("NeedTFA").is_none());
    let cookie = format!("Cookie: PVEAuthCookie={}\r\n", whole["ticket"].as_str().unwrap());
    assert_eq!(enter(&server, &cookie).0, 200);

    let server = fast();
    let pairs = [("username", "otto@pve"), ("password", "demo")];
    let half = send(&server, "", "POST /access/ticket", &pairs).data();
    let half = half["ticket"].as_str().unwrap().to_owned();
    assert_eq!(enter(&server, &format!("Cookie: PVEAuthCookie={half}\r\n")).0, 401);
    let wrong = [("username", "otto@pve"), ("password", "totp:x"), ("tfa-challenge", half.as_str())];
    assert_eq!(
        send(&server, "", "POST /access/ticket", &wrong).json()["message"],
        "authentication failure\n"
    );
    let server = slow();
    assert!(server.totp("root@pam").is_none());
}

#[test]
fn a_code_of_the_second_factor_is_refused_the_second_time() {
    let server = Server::start(Options { clock_speed: 100.0, ..Options::default() }).unwrap();
    let half =
        send(&server, "", "POST /access/ticket", &[("username", "otto@pve"), ("password", "demo")]).data();
    let half = half["ticket"].as_str().unwrap();
    let code = format!("totp:{}", server.totp("otto@pve").unwrap());
    let pairs = [("username", "otto@pve"), ("password", code.as_str()), ("tfa-challenge", half)];
    assert_eq!(send(&server, "", "POST /access/ticket", &pairs).json()["success"], 1);
    assert_eq!(send(&server, "", "POST /access/ticket", &pairs).json()["success"], 0);
}

#[test]
fn requests_that_the_http_server_does_not_take() {
    let server = fast();
    let auth = root(&server);
    let long = format!("POST /api2/extjs/nodes HTTP/1.1\r\n{auth}Content-Length: 600000\r\n\r\n");
    let check = |bytes: &str, status: u16, reason: &str| {
        let answer = raw(server.address(), bytes.as_bytes()).unwrap();
        assert_eq!((answer.status, answer.reason.as_str()), (status, reason), "{bytes}");
        assert!(answer.headers.contains(&"connection: close".to_owned()));
    };
    check("HEAD /api2/json/version HTTP/1.1\r\n\r\n", 501, "method 'HEAD' not available");
    check("PATCH / HTTP/1.1\r\n\r\n", 501, "method 'PATCH' not available");
    check(&long, 501, "for data too large");
    check("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", 501, "Unexpected content for method");
    check(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        501,
        "chunked transfer encoding not supported",
    );
    check(
        "POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\na",
        506,
        "upload 'text/plain' not supported",
    );
    check("nonsense\r\n\r\n", 400, "bad request");
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
    check(&many, 431, "too many http header lines");
}

#[test]
fn bodies_may_be_json_and_forms_are_cut_as_proxmox_cuts_them() {
    let server = fast();
    let post = |kind: &str, body: &str| {
        let auth = root(&server);
        let bytes = format!(
            "PUT /api2/extjs/nodes/pve1/qemu/101/config HTTP/1.1\r\n{auth}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        raw(server.address(), bytes.as_bytes()).unwrap().json()["success"].clone()
    };
    assert_eq!(post("application/json", r#"{"onboot":true,"cores":2}"#), 1);
    assert_eq!(post("application/x-www-form-urlencoded", "description=a=b;name=x%2Dy"), 1);
    let config = ask(&server, "GET /nodes/pve1/qemu/101/config", &[]);
    let keys = ["onboot", "cores", "description", "name"].map(|key| config[key].clone());
    assert_eq!(keys, [json!(1), json!(2), json!("a"), json!("x-y")]);
    assert_eq!(post("application/x-www-form-urlencoded", "vmid=102"), 0);
    let seen = server.requests();
    assert_eq!(seen[0].pairs, [("onboot".to_owned(), "1".to_owned()), ("cores".to_owned(), "2".to_owned())]);
    assert_eq!((seen[0].method.as_str(), seen[0].auth), ("PUT", "token"));
}

#[test]
fn seen_requests_show_no_secrets() {
    let server = fast();
    ticket_headers(&server, "root@pam");
    let shown = format!("{:?}", server.requests());
    assert!(shown.contains("username=root@pam") && shown.contains("password=***"), "{shown}");
    assert!(!format!("{server:?}").contains(server.token().1.expose()));
}

#[test]
fn a_connection_carries_a_hundred_requests_and_errors_close_it_only_in_json() {
    let server = fast();
    let auth = root(&server);
    let mut stream = connect(server.address());
    for count in 1..=100 {
        let path =
            if count % 2 == 0 { "/api2/extjs/version" } else { "/api2/extjs/nodes/pve1/qemu/999/config" };
        stream.write_all(&request("GET", path, &auth, &Params::new())).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        let close = answer.headers.contains(&"connection: close".to_owned());
        assert_eq!((answer.status, close), (200, count == 100), "request {count}");
    }
    assert!(read_answer(&mut stream).is_err());
    let answer = raw(
        server.address(),
        &request("GET", "/api2/json/nodes/pve1/qemu/999/config", &auth, &Params::new()),
    );
    assert!(answer.unwrap().headers.contains(&"connection: close".to_owned()));
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Server::start(Options { idle: Duration::from_millis(20), ..Options::default() }).unwrap();
    let mut stream = connect(server.address());
    assert_eq!(read_answer(&mut stream).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn ordered_misbehaviour_comes_as_often_as_ordered() {
    let server = fast();
    let auth = root(&server);
    let bytes = request("GET", "/api2/extjs/version", &auth, &Params::new());
    let order = |fault: Fault| {
        server.faults().add("GET /version", 1, fault);
        let answer = raw(server.address(), &bytes);
        // The request after it is answered normally.
        assert_eq!(raw(server.address(), &bytes).unwrap().data()["release"], "9.2");
        answer
    };
    for fault in
        [Fault::DropBeforeReading, Fault::DropAfterReading, Fault::DropAfterActing, Fault::DropMidAnswer]
    {
        assert!(order(fault.clone()).is_err(), "{fault:?}");
    }
    let answer = order(Fault::BrokenJson).unwrap();
    assert!(answer.status == 200 && serde_json::from_slice::<Value>(&answer.body).is_err());
    let answer = order(Fault::Html(503)).unwrap();
    assert!(answer.status == 503 && answer.body.starts_with(b"<html>"));
    let answer = order(Fault::Empty(596, "Connection timed out")).unwrap();
    assert_eq!((answer.status, answer.reason.as_str(), answer.body.len()), (596, "Connection timed out", 0));
    let answer = order(Fault::Redirect("https://elsewhere/".into())).unwrap();
    assert!(answer.status == 301 && answer.headers.contains(&"location: https://elsewhere/".to_owned()));
    assert!(100_000 < order(Fault::Huge(100_000)).unwrap().body.len());
    assert_eq!(order(Fault::Chunked).unwrap().data()["release"], "9.2");
    assert_eq!(order(Fault::Delay(Duration::from_millis(1))).unwrap().status, 200);
    server.faults().add("POST ", 1, Fault::DropAfterReading);
    assert_eq!(raw(server.address(), &bytes).unwrap().status, 200);
    server.faults().clear();
    assert_eq!(
        ask(&server, "POST /nodes/pve1/qemu/100/status/start", &[]).as_str().map(|upid| &upid[..5]),
        Some("UPID:")
    );
}

#[test]
fn a_dropped_cluster_listens_no_more() {
    let server = fast();
    let address = server.address();
    let mut idle = connect(address);
    drop(server);
    assert!(read_answer(&mut idle).is_err());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_same_over_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let server = Server::start(Options { tls: Some(Tls::new(Arc::new(tls))), ..Options::default() }).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, connect(server.address()));
    for _ in 0..2 {
        stream.write_all(&request("GET", "/api2/json/version", &root(&server), &Params::new())).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().data()["release"], "9.2");
    }
    for (method, status) in [("GET", 301), ("PUT", 308)] {
        let answer =
            raw(server.address(), &request(method, "/api2/json/version", "", &Params::new())).unwrap();
        assert_eq!(answer.status, status);
        assert!(
            answer.headers.contains(&"location: https://demo/api2/json/version".to_owned()),
            "{answer:?}"
        );
    }
}

#[test]
fn long_answers_are_gzip_for_who_accepts_it() {
    let server = fast();
    let auth = format!("{}Accept-Encoding: gzip\r\n", root(&server));
    let get = |path: &str| raw(server.address(), &request("GET", path, &auth, &Params::new())).unwrap();
    let long = get("/api2/extjs/cluster/resources");
    assert!(
        long.headers.contains(&"content-encoding: gzip".to_owned()) && long.body.starts_with(&[0x1f, 0x8b])
    );
    assert_eq!(get("/api2/extjs/version").data()["release"], "9.2");
}
