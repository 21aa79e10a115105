//! Which host is used, in which way, and which one is next.

use super::{get, host, password, post, settings, token};
use crate::tiny_http::{CLOSED_PORT, LOOPBACK, Request, Server, answer, data};
use proxmox_mcp::{
    cancel::Cancel,
    demo,
    pve::{Auth, Error, Host, Method, Params, Pve, Settings, Trust},
    secret::{Secret, SecretSource},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A server that hangs up after reading while it is `broken`.
fn fragile() -> (Server, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&broken);
    let server = Server::new(move |connection| {
        while connection.next().is_some() {
            if shared.load(Ordering::SeqCst) {
                return;
            }
            connection.send(&data("1"));
        }
    });
    (server, broken)
}

#[test]
fn a_host_that_failed_is_left_alone_for_a_while_and_asked_again_when_it_is_the_last() {
    let ((first, first_broken), (second, second_broken)) = (fragile(), fragile());
    let mut settings = settings(&first, token());
    settings.hosts.push(host(second.port));
    let pve = Pve::new(settings);
    let counts = || (first.seen().len(), second.seen().len());
    first_broken.store(true, Ordering::SeqCst);
    get(&pve, "/x").unwrap();
    assert_eq!(counts(), (1, 1));
    // The first host is not asked again, by any request.
    post(&pve, "/x").unwrap();
    get(&pve, "/x").unwrap();
    assert_eq!(counts(), (1, 3));
    // A change that may have been carried out ends there, even if another host could answer.
    second_broken.store(true, Ordering::SeqCst);
    first_broken.store(false, Ordering::SeqCst);
    let error = post(&pve, "/x").unwrap_err();
    assert!(error.may_have_been_carried_out(), "{error:?}");
    assert_eq!(counts(), (1, 4));
    // Both have failed, so they are asked in their configured order, and the first one answers.
    post(&pve, "/x").unwrap();
    assert_eq!(counts(), (2, 4));
    // All hosts fail: one sentence, and requests are not repeated over and over.
    first_broken.store(true, Ordering::SeqCst);
    let error = get(&pve, "/x").unwrap_err();
    assert!(matches!(error, Error::Unanswered { .. }) && error.retryable(), "{error:?}");
}

/// Requests `path` from a first host that answers 596 or the like, and from a second one that works. `asked` are the
/// requests that each of them receives.
#[track_caller]
fn check_status(status: &'static str, method: Method, path: &str, asked: (usize, usize)) {
    let first = Server::answering(move |_| answer(status, "", ""));
    let second = Server::answering(|_| data("1"));
    let mut settings = settings(&first, token());
    settings.hosts = vec![
        Host { name: LOOPBACK.into(), ..host(first.port) },
        Host { name: "127.0.0.1".into(), ..host(second.port) },
    ];
    let result = Pve::new(settings).send(&Cancel::new(), method, path, &Params::new());
    assert_eq!((first.seen().len(), second.seen().len()), asked, "{status} {method} {path}: {result:?}");
    assert_eq!(result.is_ok(), asked.1 != 0, "{status} {method} {path}: {result:?}");
}

#[test]
fn another_host_is_asked_when_one_cannot_reach_its_own_services_but_not_for_another_node() {
    use Method::{Get, Post};
    let (late, unreachable) = ("596 Connection timed out", "595 Connection refused");
    check_status(unreachable, Get, "/cluster/resources", (1, 1));
    check_status(unreachable, Post, "/cluster/firewall/groups", (1, 1));
    // The first 596 that comes quickly may be a certificate that was new to the node: the same host is asked once more.
    check_status(late, Get, "/cluster/resources", (2, 1));
    check_status(late, Post, "/cluster/firewall/groups", (1, 0));
    check_status(unreachable, Get, "/nodes/localhost/status", (1, 1));
    // The node is gone whichever host is asked for it.
    check_status("595 No route to host", Get, "/nodes/pve9/qemu", (1, 0));
    check_status("595 No route to host", Post, "/nodes/pve9/qemu/100/status/start", (1, 0));
    check_status("503 Service Unavailable", Post, "/x", (1, 0));
}

/// Answers as a cluster of two nodes; connections to [`LOOPBACK`] are closed while `down` is set.
fn two_nodes(down: Arc<AtomicBool>) -> Server {
    Server::new(move |connection| {
        while let Some(request) = connection.next() {
            if down.load(Ordering::SeqCst) && is_to_configured(&request) {
                return;
            }
            connection.send(&if request.line().ends_with("/cluster/status") {
                data(r#"[{"type":"cluster","name":"c"},{"type":"node","name":"pve2","ip":"127.0.0.1"}]"#)
            } else {
                data("1")
            });
        }
    })
}

fn is_to_configured(request: &Request) -> bool {
    request.header("host").unwrap().starts_with(&format!("{LOOPBACK}:"))
}

#[test]
fn addresses_that_the_cluster_tells_are_asked_only_where_the_settings_say_so() {
    for wanted in [false, true] {
        let down = Arc::new(AtomicBool::new(false));
        let server = two_nodes(Arc::clone(&down));
        let mut settings = settings(&server, token());
        settings.hosts[0].name = LOOPBACK.into();
        settings.cluster_addresses = wanted;
        let pve = Pve::new(settings);
        get(&pve, "/x").unwrap();
        post(&pve, "/x").unwrap();
        let told = server.lines().iter().filter(|line| line.ends_with("/cluster/status")).count();
        assert_eq!(told, usize::from(wanted));
        down.store(true, Ordering::SeqCst);
        assert_eq!(get(&pve, "/x").is_ok(), wanted);
        assert_eq!(server.seen().iter().any(|request| !is_to_configured(request)), wanted);
    }
}

#[test]
fn a_reverse_proxy_gets_its_path_before_that_of_the_api() {
    let server = Server::answering(|request| {
        if request.line().contains("/access/ticket") {
            data(r#"{"ticket":"PVE:x","CSRFPreventionToken":"c"}"#)
        } else {
            data("1")
        }
    });
    let mut settings = settings(&server, password(None));
    settings.base_path = "/infra/pve".into();
    let pve = Pve::new(settings);
    get(&pve, "/version").unwrap();
    post(&pve, "/x").unwrap();
    let lines = server.lines();
    let expected = [
        "POST /infra/pve/api2/extjs/access/ticket",
        "GET /infra/pve/api2/extjs/version",
        "POST /infra/pve/api2/extjs/x",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn this_computer_is_reached_without_the_proxy_and_so_is_what_the_rules_name() {
    let closed = CLOSED_PORT;
    let server = Server::answering(|_| data("1"));
    let mut settings = settings(&server, token());
    settings.proxy = Some(SecretSource::Value(Secret::new(format!("http://127.0.0.1:{closed}"))));
    get(&Pve::new(settings.clone()), "/x").unwrap();
    settings.hosts[0].name = "no.such.host.invalid".into();
    let text = get(&Pve::new(settings.clone()), "/x").unwrap_err().to_string();
    assert!(text.contains("connection to the HTTP proxy"), "{text}");
    settings.no_proxy = vec![".host.invalid".into()];
    let text = get(&Pve::new(settings.clone()), "/x").unwrap_err().to_string();
    assert!(text.contains("cannot be resolved") && text.contains("Correct the host"), "{text}");
    for address in ["socks5://127.0.0.1:1", "", "http://"] {
        settings.no_proxy.clear();
        settings.proxy = Some(SecretSource::Value(Secret::new(address)));
        let text = get(&Pve::new(settings.clone()), "/x").unwrap_err().to_string();
        assert!(text.contains("The proxy's address is not valid"), "{address}: {text}");
    }
}

#[test]
fn an_ipv6_address_is_asked_like_any_other() {
    let Some(server) = Server::on("[::1]:0", |_| data("1")) else {
        println!("skipped: this computer has no IPv6");
        return;
    };
    let mut settings = settings(&server, token());
    settings.hosts[0].name = "::1".into();
    let pve = Pve::new(settings);
    get(&pve, "/x").unwrap();
    post(&pve, "/x").unwrap();
    for request in server.seen() {
        assert_eq!(request.header("host"), Some(&*format!("[::1]:{}", server.port)));
    }
}

fn of_sample(server: &demo::Server, auth: Auth) -> Pve {
    let address = server.address();
    Pve::new(Settings::new(vec![host(address.port())], auth, Trust::System))
}

#[test]
fn connections_that_the_server_ends_after_a_hundred_requests_are_not_noticed() {
    let server = demo::Server::start(demo::Options::default()).unwrap();
    let (id, secret) = server.token();
    let pve = of_sample(&server, Auth::Token { id, secret: SecretSource::Value(secret) });
    for _ in 0..250 {
        get(&pve, "/version").unwrap();
    }
    let seen = server.requests();
    let connections = seen.last().unwrap().connection;
    assert_eq!((seen.len(), connections), (250, 3));
}

#[test]
fn a_login_outlives_tickets_and_clocks_that_jump() {
    let server =
        demo::Server::start(demo::Options { clock_speed: 50.0, ..demo::Options::default() }).unwrap();
    let password = SecretSource::Value(Secret::new("demo"));
    let pve = of_sample(&server, Auth::Password { user: "root@pam".into(), password, totp: None });
    let start = "/nodes/pve1/qemu/100/status/start";
    get(&pve, "/version").unwrap();
    // After a ticket's two hours, and once more after all tickets were made invalid.
    server.skip(36_000.0);
    pve.send(&Cancel::new(), Method::Post, start, &Params::new()).unwrap();
    server.expire_tickets();
    get(&pve, "/version").unwrap();
    let count = |end: &str| server.requests().iter().filter(|seen| seen.path.ends_with(end)).count();
    assert_eq!(count("/access/ticket"), 3);
    // The change was refused for its ticket once and carried out once.
    assert_eq!(count(start), 2);
    let upids = get(&pve, "/nodes/pve1/tasks").unwrap().value();
    let starts = upids.as_array().unwrap().iter().filter(|task| task["type"] == "qmstart").count();
    assert_eq!(starts, 1);
}

#[test]
fn a_browser_goes_where_requests_go_with_the_path_of_the_proxy() {
    let named = |name: &str, port| Host { name: name.into(), port, plain: false };
    let web = |hosts: Vec<Host>, base_path: &str| {
        let settings = Settings::new(hosts, token(), Trust::System);
        Pve::new(Settings { base_path: base_path.into(), ..settings }).web_interface()
    };
    for (hosts, base_path, expected) in [
        (vec![named("pve.example.com", 443)], "/pve", Some("https://pve.example.com:443/pve")),
        (vec![named("2001:db8::1", 8006), named("pve2", 8006)], "", Some("https://[2001:db8::1]:8006")),
        (vec![host(8006)], "/a/b", Some("http://127.0.0.1:8006/a/b")),
        (Vec::new(), "/pve", None),
    ] {
        assert_eq!(web(hosts, base_path).as_deref(), expected);
    }
    // Not to the first host if that has just failed.
    let (working, _) = fragile();
    let mut settings = settings(&working, token());
    settings.hosts.insert(0, host(CLOSED_PORT));
    let pve = Pve::new(settings);
    get(&pve, "/x").unwrap();
    assert_eq!(pve.web_interface().unwrap(), format!("http://127.0.0.1:{}", working.port));
}
