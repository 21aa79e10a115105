//! Logging in with a password: tickets, renewal, the second factor.

use super::{get, password, post, settings};
use crate::tiny_http::{Request, Server, answer, data};
use proxmox_mcp::{
    pve::{Auth, Pve},
    secret::SecretSource,
};
use std::{
    fs,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Issues one ticket after the other and accepts only the last one.
struct Tickets {
    given: AtomicUsize,
    good: AtomicUsize,
}

impl Tickets {
    fn server() -> (Server, Arc<Tickets>) {
        let tickets = Arc::new(Tickets { given: AtomicUsize::new(0), good: AtomicUsize::new(1) });
        let shared = Arc::clone(&tickets);
        (Server::answering(move |request| shared.answer(request)), tickets)
    }

    fn answer(&self, request: &Request) -> Vec<u8> {
        if request.line() == "POST /api2/extjs/access/ticket" {
            let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
            return data(format!(
                r#"{{"ticket":"PVE:ops@pve:{number}","CSRFPreventionToken":"csrf{number}","username":"ops@pve"}}"#
            ));
        }
        let good = self.good.load(Ordering::SeqCst);
        let csrf = request.line().starts_with("GET")
            || request.header("CSRFPreventionToken") == Some(&*format!("csrf{good}"));
        if csrf && request.header("cookie") == Some(&*format!("PVEAuthCookie=PVE:ops@pve:{good}")) {
            data("1")
        } else {
            answer("401 permission denied - invalid PVE ticket", "", "")
        }
    }
}

#[test]
fn a_refused_ticket_is_renewed_once_for_all_threads() {
    let (server, tickets) = Tickets::server();
    let pve = Pve::new(settings(&server, password(None)));
    post(&pve, "/x").unwrap();
    get(&pve, "/x").unwrap();
    let login = &server.seen()[0];
    assert_eq!(login.body, "username=ops%40pve&password=p%3Ba%3Ds%2Bs%26w%25rd");
    assert_eq!((login.header("cookie"), login.header("authorization")), (None, None));
    assert_eq!(server.seen()[2].header("csrfpreventiontoken"), None);
    tickets.good.store(2, Ordering::SeqCst);
    let start = Barrier::new(6);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                start.wait();
                post(&pve, "/x").unwrap();
            });
        }
    });
    assert_eq!(tickets.given.load(Ordering::SeqCst), 2);
    // A new ticket is refused: one more login, then an error.
    tickets.good.store(99, Ordering::SeqCst);
    let error = get(&pve, "/x").unwrap_err();
    assert!(error.api_status() == Some(401) && error.to_string().contains("`ops@pve`"), "{error}");
    assert_eq!(tickets.given.load(Ordering::SeqCst), 3);
}

#[test]
fn a_wrong_password_is_said_and_not_tried_again() {
    let server = Server::answering(|_| {
        answer("200 OK", "", r#"{"success":0,"status":401,"message":"authentication failure\n","data":null}"#)
    });
    let error = post(&Pve::new(settings(&server, password(None))), "/x").unwrap_err();
    assert_eq!(error.message(), Some("authentication failure"));
    assert!(error.to_string().contains("Check user, realm and password"), "{error}");
    assert!(!error.may_have_been_carried_out());
    // The list of realms can be read without a login; it is read for a more helpful error than Proxmox's.
    assert_eq!(server.lines(), ["POST /api2/extjs/access/ticket", "GET /api2/extjs/access/domains"]);
}

#[test]
fn a_login_that_is_not_answered_leaves_no_doubt_about_the_request() {
    let server = Server::new(|connection| drop(connection.next()));
    let error = post(&Pve::new(settings(&server, password(None))), "/x").unwrap_err();
    assert!(!error.may_have_been_carried_out() && error.retryable(), "{error:?}");
}

#[test]
fn a_second_factor_is_answered_by_the_servers_clock() {
    let offers = |kinds: &'static str| {
        Server::answering(move |request| {
            if request.body.contains("tfa-challenge") {
                return data(r#"{"ticket":"PVE:whole","CSRFPreventionToken":"c"}"#);
            }
            if request.line().contains("ticket") {
                let half = format!("PVE:!tfa!{kinds}:6B::x").replace('"', "\\\"");
                let body = format!(
                    r#"{{"success":1,"data":{{"NeedTFA":1,"ticket":"{half}","CSRFPreventionToken":"c"}}}}"#
                );
                return answer("200 OK", "Date: Thu, 01 Jan 1970 00:00:59 GMT\r\n", body);
            }
            data("1")
        })
    };
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let server = offers(r#"{"totp":true}"#);
    get(&Pve::new(settings(&server, password(Some(secret)))), "/x").unwrap();
    let second = &server.seen()[1].body;
    assert!(
        second.contains("&password=totp%3A287082") && second.contains("tfa-challenge=PVE%3A%21tfa%21"),
        "{second}"
    );
    assert_eq!(server.seen()[2].header("cookie"), Some("PVEAuthCookie=PVE:whole"));
    for (kinds, totp, words) in [
        (r#"{"totp":true}"#, None, "Set `totp`"),
        (r#"{"webauthn":{"a":1}}"#, Some(secret), "(webauthn)"),
        (r#"{"totp":true}"#, Some("!!"), "TOTP secret"),
    ] {
        let server = offers(kinds);
        let error = get(&Pve::new(settings(&server, password(totp))), "/x").unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_refused_login_says_what_the_realms_tell() {
    for (realms, words) in [
        (r#"[{"realm":"pam","type":"pam"},{"realm":"pve","type":"openid"}]"#, "OpenID Connect"),
        (
            r#"[{"realm":"pam","type":"pam"},{"realm":"corp","type":"ad"}]"#,
            "There is no realm `pve`; the realms are `corp`, `pam`",
        ),
        (r#"[{"realm":"pve","type":"ldap"}]"#, "Check user, realm and password"),
        ("7", "Check user, realm and password"),
    ] {
        let server = Server::answering(move |request| {
            if request.line().ends_with("/access/domains") {
                assert_eq!((request.header("cookie"), request.header("authorization")), (None, None));
                return data(realms);
            }
            answer("200 OK", "", r#"{"success":0,"status":401,"message":"authentication failure\n"}"#)
        });
        let error = post(&Pve::new(settings(&server, password(None))), "/x").unwrap_err();
        assert!(error.to_string().contains(words) && !error.may_have_been_carried_out(), "{error}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn a_token_that_was_replaced_is_read_again_and_one_that_was_not_is_not_tried_again() {
    static GOOD: AtomicUsize = AtomicUsize::new(1);
    let server = Server::answering(|request| {
        let expected = format!("PVEAPIToken=ops@pve!ai=secret{}", GOOD.load(Ordering::SeqCst));
        match request.header("authorization") {
            Some(shown) if shown == expected => data("1"),
            _ => answer("401 invalid token value!", "", ""),
        }
    });
    let file = std::env::temp_dir().join(format!("proxmox-mcp-token-{}", std::process::id()));
    fs::write(&file, "secret1\n").unwrap();
    let auth = Auth::Token { id: "ops@pve!ai".into(), secret: SecretSource::File(file.clone()) };
    let pve = Pve::new(settings(&server, auth));
    post(&pve, "/x").unwrap();
    GOOD.store(2, Ordering::SeqCst);
    let error = post(&pve, "/x").unwrap_err();
    assert!(error.api_status() == Some(401) && error.to_string().contains("`ops@pve!ai`"), "{error}");
    assert_eq!(server.seen().len(), 2);
    fs::write(&file, "secret2\n").unwrap();
    post(&pve, "/x").unwrap();
    // This one was refused and sent again with the new secret.
    assert_eq!(server.seen().len(), 4);
    let _ = fs::remove_file(&file);
}
