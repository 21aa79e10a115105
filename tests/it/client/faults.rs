//! Servers that break off, answer garbage, or do not answer.

use super::{SECRET, client, post, settings, token};
use crate::tiny_http::{Server, answer, data};
use proxmox_mcp::{
    cancel::Cancel,
    pve::{Error, Method, Params, Pve},
};
use std::{
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

/// How far a server gets before it hangs up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    OnAccept,
    AfterHead,
    AfterRequest,
    InStatusLine,
    InHeaders,
    InBody,
}

#[test]
fn nothing_is_sent_twice_wherever_the_connection_breaks() {
    for cut in
        [Cut::OnAccept, Cut::AfterHead, Cut::AfterRequest, Cut::InStatusLine, Cut::InHeaders, Cut::InBody]
    {
        for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
            let server = Server::new(move |connection| {
                match cut {
                    Cut::OnAccept => return,
                    Cut::AfterHead => {
                        connection.read_until(|bytes| bytes.ends_with(b"\r\n\r\n"));
                        return;
                    }
                    _ => connection.next(),
                };
                match cut {
                    Cut::InStatusLine => connection.send(b"HTTP/1.1 20"),
                    Cut::InHeaders => connection.send(b"HTTP/1.1 200 OK\r\nContent-Le"),
                    Cut::InBody => {
                        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"data\":1");
                    }
                    _ => {}
                }
            });
            let pve = client(&server);
            let error = pve.send(&Cancel::new(), method, "/x", &Params::new().with("a", "b")).unwrap_err();
            // A read is repeated once if the only host breaks off.
            let asked = if method == Method::Get { 2 } else { 1 };
            assert_eq!(server.connections(), asked, "{cut:?} {method}");
            let sent = matches!(error, Error::Unanswered { timed_out: false, .. });
            // A server that hangs up at once may do so before or after the request was handed to the operating system.
            assert!(
                sent || (cut == Cut::OnAccept && matches!(error, Error::NotSent { .. })),
                "{cut:?} {error:?}"
            );
            assert_eq!(error.may_have_been_carried_out(), sent && method != Method::Get, "{cut:?} {method}");
            assert_eq!(error.retryable(), !error.may_have_been_carried_out());
            let text = error.to_string();
            assert_eq!(
                text.contains("may have been carried out"),
                error.may_have_been_carried_out(),
                "{text}"
            );
        }
    }
}

#[track_caller]
fn check_error(method: Method, bytes: Vec<u8>, status: Option<u16>, may: bool, words: &[&str]) {
    let server = Server::new(move |connection| {
        connection.next();
        connection.send(&bytes);
        connection.hold();
    });
    let pve = client(&server);
    let path = "/nodes/pve2/qemu/100/status/start";
    let error = pve.send(&Cancel::new(), method, path, &Params::new()).unwrap_err();
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "{text:?} lacks {words:?}");
    }
    assert!(!text.contains(SECRET) && text.ends_with('.'), "{text}");
    assert_eq!((error.api_status(), error.may_have_been_carried_out()), (status, may), "{error:?}");
    // A read meets a temporary failure twice.
    let passing = method == Method::Get && (status == Some(596) || matches!(error, Error::Unanswered { .. }));
    assert_eq!(server.seen().len(), if passing { 2 } else { 1 });
}

#[test]
fn every_kind_of_failure_has_its_sentence() {
    use Method::{Get, Post};
    let extjs = |body: &str| answer("200 OK", "", body);
    check_error(
        Post,
        extjs(
            r#"{"success":0,"status":400,"message":"Parameter verification failed.\n","errors":{"vmid":"no such\n"},"data":null}"#,
        ),
        Some(400),
        false,
        &["Parameter verification failed.", "`vmid`: no such.", "`POST /nodes/pve2/qemu/100/status/start`"],
    );
    check_error(
        Post,
        extjs(
            r#"{"success":0,"status":"403","message":"Permission check failed (/vms/100, VM.PowerMgmt)\n","data":null}"#,
        ),
        Some(403),
        false,
        &["pveum acl modify /vms/100 --tokens 'ops@pve!ai' --roles PVEVMUser"],
    );
    check_error(Post, extjs(r#"{"success":0,"message":"boom"}"#), Some(500), false, &["(500): boom."]);
    let unauthorized = || answer("401 permission denied - invalid PVE ticket", "", "");
    check_error(
        Post,
        unauthorized(),
        Some(401),
        false,
        &["permission denied - invalid PVE ticket", "ops@pve!ai"],
    );
    let inside = || extjs(r#"{"success":0,"status":401,"message":"invalid token\n"}"#);
    check_error(Post, inside(), Some(401), false, &["rejected the API token `ops@pve!ai`", "invalid token."]);
    let no_route = || answer("595 No route to host", "", "");
    check_error(Post, no_route(), Some(595), false, &["node `pve2`", "No route to host"]);
    let late = || answer("596 Connection timed out", "", "");
    check_error(Post, late(), Some(596), true, &["Connection timed out", "may have been carried out"]);
    check_error(Get, late(), Some(596), false, &["Connection timed out"]);
    let html = "<html><title>Welcome to nginx</title></html>";
    check_error(Get, answer("200 OK", "", html), None, false, &["HTML page `Welcome to nginx`", "8006"]);
    check_error(Post, answer("502 Bad Gateway", "", html), None, true, &["try again later"]);
    check_error(Post, answer("503 Service Unavailable", "", ""), None, false, &["try again later"]);
    check_error(Get, answer("429 Too Many Requests", "", ""), None, false, &["try again later"]);
    let redirect = answer("301 Moved", "Location: https://elsewhere:8006/\r\n", "");
    check_error(Post, redirect, None, false, &["https://elsewhere:8006/", "not followed"]);
    check_error(Get, extjs("{\"data\":"), None, false, &["invalid"]);
    check_error(Get, extjs(""), None, false, &["it sent nothing"]);
    check_error(Get, extjs("[1]"), None, false, &["not JSON"]);
    check_error(Get, b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec(), None, false, &["not HTTP"]);
    let wrong_gzip = answer("200 OK", "Content-Encoding: gzip\r\n", "{\"data\":1}");
    check_error(Get, wrong_gzip, None, false, &["the answer broke off"]);
}

#[test]
fn nothing_waits_for_ever() {
    for (partial, words) in
        [("", "no answer came within 1 s"), ("HTTP/1.1 200 OK\r\nA: b\r\n", "was not complete within")]
    {
        let server = Server::new(move |connection| {
            connection.next();
            connection.send(partial.as_bytes());
            connection.hold();
        });
        let mut settings = settings(&server, token());
        settings.timeout = Duration::from_secs(1);
        let pve = Pve::new(settings);
        let error = post(&pve, "/x").unwrap_err();
        assert!(matches!(error, Error::Unanswered { timed_out: true, .. }), "{error:?}");
        assert!(error.to_string().contains(words) && error.may_have_been_carried_out(), "{error}");
    }
    // A host that accepts the connection but never completes the TLS handshake.
    let server = Server::new(|connection| connection.hold());
    let mut settings = settings(&server, token());
    settings.hosts[0].plain = false;
    settings.connect_timeout = Duration::from_millis(200);
    let error = post(&Pve::new(settings), "/x").unwrap_err();
    assert!(error.to_string().contains("the TLS handshake did not finish within 0.2 s"), "{error}");
    assert!(error.retryable());
}

#[test]
fn cancelling_ends_a_request_within_100_ms() {
    for plain in [true, false] {
        let (asked, inbox) = mpsc::channel();
        let asked = Mutex::new(asked);
        let server = Server::new(move |connection| {
            connection.read_until(|bytes| !bytes.is_empty());
            let _ = asked.lock().unwrap().send(());
            connection.hold();
        });
        let mut settings = settings(&server, token());
        settings.hosts[0].plain = plain;
        let pve = Pve::new(settings);
        // The best of many attempts: other processes may occupy the CPU for a while.
        let mut times = (0..100).map(|_| {
            let cancel = Cancel::new();
            thread::scope(|scope| {
                let call = scope.spawn(|| {
                    let error = pve.send(&cancel, Method::Post, "/x", &Params::new()).unwrap_err();
                    (error, Instant::now())
                });
                inbox.recv().unwrap();
                let cancelled = Instant::now();
                cancel.cancel();
                let (error, ended) = call.join().unwrap();
                assert!(error.is_cancelled());
                if !plain {
                    assert!(!error.may_have_been_carried_out(), "hands were not shaken yet");
                }
                ended - cancelled
            })
        });
        assert!(times.any(|time| time < Duration::from_millis(100)), "plain: {plain}");
    }
    let server = Server::answering(|_| data("1"));
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(client(&server).get(&cancel, "/x", &Params::new()).unwrap_err().is_cancelled());
    assert_eq!(server.connections(), 0);
}
