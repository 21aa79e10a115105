//! Which connection a request uses, and connections that are opened before they are needed.

use super::*;
use std::sync::mpsc;

/// No operation in these tests takes this long.
const PATIENCE: Duration = Duration::from_secs(120);

fn over(server: &Server) -> Vec<usize> {
    server.seen().iter().map(|request| request.connection).collect()
}

#[test]
fn reading_and_a_change_share_a_connection_that_has_just_answered() {
    let server = Server::answering(|_| data("1"));
    let pve = client(&server);
    for _ in 0..3 {
        get(&pve, "/version").unwrap();
    }
    post(&pve, "/x").unwrap();
    post(&pve, "/y").unwrap();
    get(&pve, "/version").unwrap();
    assert_eq!(over(&server), [0; 6]);
}

#[test]
fn a_connection_that_was_closed_between_look_up_and_change_is_not_met() {
    let (closed, inbox) = mpsc::channel();
    let closed = Mutex::new(closed);
    let server = Server::new(move |connection| {
        while let Some(request) = connection.next() {
            connection.send(&data("1"));
            if request.line().starts_with("GET") {
                connection.close();
                closed.lock().unwrap().send(()).unwrap();
            }
        }
    });
    let pve = client(&server);
    get(&pve, "/cluster/resources").unwrap();
    inbox.recv_timeout(PATIENCE).unwrap();
    post(&pve, "/x").unwrap();
    assert_eq!(server.lines(), ["GET /api2/extjs/cluster/resources", "POST /api2/extjs/x"]);
    assert_eq!(over(&server), [0, 1]);
}

#[test]
fn a_change_that_a_kept_connection_breaks_under_may_have_been_carried_out_and_is_not_repeated() {
    for method in [Method::Post, Method::Put, Method::Delete] {
        let server = Server::new(|connection| {
            while let Some(request) = connection.next() {
                if !request.line().starts_with("GET") {
                    return;
                }
                connection.send(&data("1"));
            }
        });
        let other = Server::answering(|_| data("1"));
        let mut settings = settings(&server, token());
        settings.hosts.push(host(other.port));
        let pve = Pve::new(settings);
        get(&pve, "/version").unwrap();
        let error = pve.send(&Cancel::new(), method, "/x", &Params::new()).unwrap_err();
        assert!(error.may_have_been_carried_out(), "{error:?}");
        assert_eq!(over(&server), [0, 0], "{method}");
        assert_eq!(other.connections(), 0, "{method}");
    }
}

#[test]
fn a_refusal_that_closes_the_connection_costs_the_change_after_it_a_new_one() {
    let server = Server::new(|connection| {
        while let Some(request) = connection.next() {
            if request.line().ends_with("refused") {
                connection.send(&answer("400 no", "Connection: close\r\n", r#"{"message":"no"}"#));
                return;
            }
            connection.send(&data("1"));
        }
    });
    let pve = client(&server);
    get(&pve, "/refused").unwrap_err();
    post(&pve, "/x").unwrap();
    post(&pve, "/y").unwrap();
    assert_eq!(over(&server), [0, 1, 1]);
}

#[test]
fn a_connection_is_held_open_only_where_that_is_wanted_and_no_longer_than_the_client_lives() {
    let (beat, beats) = mpsc::channel();
    let (gone, goings) = mpsc::channel();
    let shared = Mutex::new((beat, gone));
    let server = Server::new(move |connection| {
        while let Some(request) = connection.next() {
            connection.send(&data("[]"));
            if request.line().ends_with("/access/domains") {
                assert_eq!(request.header("authorization"), None, "it needs no login");
                // The test may have seen enough.
                let _ = shared.lock().unwrap().0.send(connection.index);
            }
        }
        let _ = shared.lock().unwrap().1.send(());
    });
    let quiet = Server::answering(|_| data("1"));
    let short = |server: &Server, keep_warm| {
        let max_idle = Duration::from_secs(1) / 2;
        Pve::new(Settings { max_idle, keep_warm, ..settings(server, token()) })
    };
    let (pve, other) = (short(&server, true), short(&quiet, false));
    assert_eq!(server.connections(), 0, "nothing before the first call");
    get(&other, "/version").unwrap();
    get(&pve, "/version").unwrap();
    for _ in 0..3 {
        beats.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(quiet.lines(), ["GET /api2/extjs/version"]);
    drop(pve);
    for _ in 0..server.connections() {
        goings.recv_timeout(PATIENCE).unwrap();
    }
}
