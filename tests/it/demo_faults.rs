//! Injected faults of the sample cluster, checked for what was carried out and how the connection ended.

use crate::{
    demo::{ask, fast, root, send, slow},
    wire::{connect, raw, read_answer, request},
};
use proxmox_mcp::{
    demo::{Fault, Options, Server},
    pve::Params,
};
use serde_json::json;
use std::{
    io::{self, Read, Write},
    time::Duration,
};

const START: &str = "/api2/extjs/nodes/pve1/qemu/100/status/start";

fn start_bytes(server: &Server) -> Vec<u8> {
    request("POST", START, &root(server), &Params::new())
}

fn state(server: &Server) -> String {
    let current = ask(server, "GET /nodes/pve1/qemu/100/status/current", &[]);
    current["status"].as_str().unwrap().to_owned()
}

#[test]
fn faults_that_end_a_connection_say_whether_the_work_was_done() {
    for (fault, kind, state_after) in [
        (Fault::DropBeforeReading, None, "stopped"),
        (Fault::DropAfterReading, Some(io::ErrorKind::UnexpectedEof), "stopped"),
        (Fault::DropAfterActing, Some(io::ErrorKind::UnexpectedEof), "running"),
        (Fault::DropMidAnswer, Some(io::ErrorKind::UnexpectedEof), "running"),
        (Fault::Reset, Some(io::ErrorKind::ConnectionReset), "stopped"),
        (Fault::ResetAfterActing, Some(io::ErrorKind::ConnectionReset), "running"),
    ] {
        let server = slow();
        server.faults().add("POST /nodes/pve1/qemu/100/status/start", 1, fault.clone());
        let error = raw(server.address(), &start_bytes(&server)).unwrap_err();
        assert!(kind.is_none_or(|kind| error.kind() == kind), "{fault:?}: {error:?}");
        assert_eq!(state(&server), state_after, "{fault:?}");
    }
}

#[test]
fn a_reset_comes_on_a_connection_that_was_kept_alive_too_and_only_where_it_was_ordered() {
    let server = fast();
    let mut stream = connect(server.address());
    let get = request("GET", "/api2/extjs/version", &root(&server), &Params::new());
    stream.write_all(&get).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    server.faults().add("POST /", 1, Fault::Reset);
    stream.write_all(&get).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
    stream.write_all(&start_bytes(&server)).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    // The fault is used up: the next request is answered, and it is the first one that reached the cluster.
    assert_eq!(raw(server.address(), &start_bytes(&server)).unwrap().json()["success"], 1);
    assert_eq!(server.requests().iter().filter(|seen| seen.method == "POST").count(), 1);
}

#[test]
fn a_reset_waits_for_the_whole_request() {
    let server = slow();
    server.faults().add("start", 1, Fault::ResetAfterActing);
    let bytes = start_bytes(&server);
    let mut stream = connect(server.address());
    let (first, second) = bytes.split_at(40);
    stream.write_all(first).unwrap();
    stream.write_all(second).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(state(&server), "running");
}

#[test]
fn a_trickling_answer_is_whole_in_the_end_and_does_not_hold_up_the_servers_end() {
    let server = fast();
    let get = request("GET", "/api2/extjs/version", &root(&server), &Params::new());
    server.faults().add("GET /version", 1, Fault::Trickle(Duration::ZERO));
    assert_eq!(raw(server.address(), &get).unwrap().data()["release"], "9.2");
    server.faults().add("GET /version", 1, Fault::Trickle(Duration::from_secs(600)));
    let mut stream = connect(server.address());
    stream.write_all(&get).unwrap();
    drop(server);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 10, "{rest:?}");
}

#[test]
fn gzip_follows_the_client_the_option_and_the_order() {
    let answer = |server: &Server, path: &str, accept: &str| {
        let auth = format!("{}{accept}", root(server));
        let answer = raw(server.address(), &request("GET", path, &auth, &Params::new())).unwrap();
        let gzip = answer.headers.contains(&"content-encoding: gzip".to_owned());
        assert_eq!(gzip, answer.body.starts_with(&[0x1f, 0x8b]));
        gzip
    };
    let (long, short, accept) =
        ("/api2/extjs/cluster/resources", "/api2/extjs/version", "Accept-Encoding: br, gzip\r\n");
    let (with, without) = (fast(), Server::start(Options { gzip: false, ..Options::default() }).unwrap());
    for (server, path, accept, expected) in [
        (&with, long, accept, true),
        (&with, long, "", false),
        (&with, short, accept, false),
        (&without, long, accept, false),
    ] {
        assert_eq!(answer(server, path, accept), expected, "{path} {accept}");
    }
    without.faults().add("GET /version", 1, Fault::Gzip);
    assert!(answer(&without, short, ""));
}

#[test]
fn a_huge_answer_has_the_length_it_says() {
    let server = fast();
    server.faults().add("GET /version", 1, Fault::Huge(5_000_001));
    let get = request("GET", "/api2/extjs/version", &root(&server), &Params::new());
    let data = raw(server.address(), &get).unwrap().data();
    assert_eq!(data.as_str().map(str::len), Some(5_000_001));
}

#[test]
fn what_the_api_has_and_the_sample_has_not_is_loud() {
    let server = fast();
    let known = "GET /cluster/acme/plugins";
    let body = send(&server, &root(&server), known, &[]).json();
    assert_eq!(body["status"], 501);
    assert!(
        body["message"].as_str().unwrap().contains("cluster/acme/plugins' not implemented by the sample")
    );
    // What the real API lacks as well is not a gap of the sample, and each gap is reported once.
    assert_eq!(send(&server, &root(&server), "GET /nope", &[]).json()["status"], 501);
    send(&server, &root(&server), known, &[]);
    assert_eq!(server.unhandled(), [known]);
}

#[test]
fn seen_requests_tell_their_connection_and_the_headers_of_interest() {
    let server = fast();
    let get = request(
        "GET",
        "/api2/extjs/version",
        &format!("{}User-Agent: me/1\r\n", root(&server)),
        &Params::new(),
    );
    let mut stream = connect(server.address());
    for _ in 0..2 {
        stream.write_all(&get).unwrap();
        read_answer(&mut stream).unwrap();
    }
    raw(server.address(), &get).unwrap();
    let seen = server.requests();
    assert!(seen[0].connection == seen[1].connection && seen[1].connection != seen[2].connection);
    assert_eq!(seen[0].headers, [("host", "demo".to_owned()), ("user-agent", "me/1".to_owned())]);
    assert!(!seen[0].csrf);
}

#[test]
fn without_quorum_each_kind_of_change_is_refused_in_its_own_words() {
    let server = fast();
    server.set_quorate(false);
    for (line, pairs, message) in [
        ("POST /nodes/pve1/qemu/100/status/start", &[][..], "cluster not ready - no quorum?\n"),
        (
            "PUT /nodes/pve1/qemu/101/config",
            &[("cores", "2")][..],
            "unable to open file '/etc/pve/nodes/pve1/qemu-server/101.conf.tmp.1': Permission denied\n",
        ),
        ("POST /access/users/alice@pve/token/t9", &[][..], "cfs-lock 'file-user_cfg' error: no quorum!\n"),
    ] {
        let body = send(&server, &root(&server), line, pairs).json();
        assert_eq!((&body["status"], &body["message"]), (&json!(500), &json!(message)), "{line}");
    }
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/101/config", &[])["cores"], 1);
}
