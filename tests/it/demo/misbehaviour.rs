//! The wire of the sample cluster: its bounds, ordered misbehaviour, lost nodes, size.

use super::*;

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
        // The one after it is answered as ever.
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
fn a_lost_node_is_not_reached_and_its_guests_are_forgotten_after_five_minutes() {
    let server = slow();
    server.set_offline("pve2");
    let answer = send(&server, &root(&server), "GET /nodes/pve2/qemu", &[]);
    assert_eq!((answer.status, answer.reason.as_str(), answer.body.len()), (595, "No route to host", 0));
    let nodes = ask(&server, "GET /nodes", &[]);
    assert_eq!((&nodes[1]["status"], &nodes[1]["maxmem"]), (&json!("offline"), &Value::Null));
    assert_eq!(state_of(&server, "qemu/106"), "running");
    server.skip(301.0);
    assert_eq!(state_of(&server, "qemu/106"), "unknown");
    server.set_online("pve2");
    assert_eq!(state_of(&server, "qemu/106"), "running");
}

#[test]
fn without_quorum_nothing_can_be_changed() {
    let server = fast();
    server.set_quorate(false);
    assert_eq!(ask(&server, "GET /cluster/status", &[])[0]["quorate"], 0);
    refused(&server, "POST /nodes/pve1/qemu/100/status/start", &[], 500, "cluster not ready - no quorum?\n");
    server.set_quorate(true);
    assert_eq!(task(&server, "POST /nodes/pve1/qemu/100/status/start", &[]).0, "OK");
}

#[test]
fn a_large_cluster_can_be_asked_for() {
    let server = Server::start(Options { nodes: 32, guests: 5000, ..Options::default() }).unwrap();
    assert_eq!(ask(&server, "GET /nodes", &[]).as_array().unwrap().len(), 32);
    assert_eq!(ask(&server, "GET /cluster/resources", &[("type", "vm")]).as_array().unwrap().len(), 5000);
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
    let server = Server::start(Options { tls: Some(Arc::new(tls)), ..Options::default() }).unwrap();
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
