//! `check` with set-ups that are broken in one way each: the failing step says what is wrong and how to fix it.

use crate::{
    setup_box::{Authority, Home, mode},
    tiny_http::{self, CLOSED_PORT, data},
};
use proxmox_mcp::demo;
use serde_json::{Value, json};
use std::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

/// The expectation of one row: step, result, and words of its message.
type Expected<'a> = (&'a str, &'a str, &'a [&'a str]);

/// Runs `check`; a step with the expected name and result must contain all the words.
#[track_caller]
fn check(config: &Value, expected: Expected<'_>) -> Vec<Value> {
    check_in(&Home::new(), config, expected)
}

#[track_caller]
fn check_in(home: &Home, config: &Value, (step, result, words): Expected<'_>) -> Vec<Value> {
    let (code, steps) = home.check(config);
    let mut found = steps.iter().filter(|one| one["step"] == step && one["result"] == result);
    let says = |one: &Value| {
        let text = one.to_string().replace("\\\"", "\"");
        words.iter().all(|word| text.contains(word))
    };
    assert!(found.any(says), "no {result} of {step} says {words:?} in {steps:#?}");
    let fails = steps.iter().any(|one| one["result"] == "failure");
    assert_eq!(code, Some(i32::from(fails)), "{steps:#?}");
    assert!(!steps.iter().any(|one| one.to_string().contains("planted")), "{steps:#?}");
    steps
}

/// A sample cluster with TLS, its certificate pinned.
fn secure(clock_speed: f64) -> (demo::Server, Value) {
    let (fingerprint, tls) = Authority::new().server("127.0.0.1", 2090);
    let server = demo::Server::start(demo::Options {
        tls: Some(demo::Tls::new(tls)),
        clock_speed,
        ..demo::Options::default()
    })
    .unwrap();
    let (id, secret) = server.token();
    let config = json!({"host": "127.0.0.1", "port": server.address().port(), "fingerprint": fingerprint,
        "token_id": id, "token_secret": secret.expose()});
    (server, config)
}

fn with(config: &Value, changes: Value) -> Value {
    let mut config = config.clone();
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

/// The same configuration, but with a user and a password.
fn as_user(config: &Value, user: &str, password: &str) -> Value {
    let mut config = with(config, json!({"user": user, "password": password}));
    config.as_object_mut().unwrap().retain(|name, _| !name.starts_with("token"));
    config
}

const UUID: &str = "12345678-90ab-cdef-1234-567890abcdef";

#[test]
fn a_sound_set_up_passes_every_step() {
    let (_server, config) = secure(1.0);
    let steps =
        check(&config, ("tls", "ok", &["signed by `CN=Proxmox Virtual", "2090-01-01", "SHA-256", "matches"]));
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names[..9],
        [
            "config",
            "port",
            "tls",
            "login",
            "clock",
            "version",
            "quorum",
            "permissions",
            "permissions:cluster"
        ]
    );
    assert!(steps.iter().all(|step| step["result"] == "ok"), "{steps:#?}");
}

#[test]
fn what_is_wrong_on_the_way_to_the_host() {
    let closed = CLOSED_PORT;
    let config = json!({"host": "127.0.0.1", "port": closed, "token_id": "a@pve!t", "token_secret": UUID});
    check(&config, ("port", "failure", &["Nothing listens on port", "8006", "restart pveproxy"]));
    let config = with(&config, json!({"host": "pve1.invalid"}));
    check(&config, ("name", "failure", &["`pve1.invalid` cannot be resolved", "Correct `host`"]));
}

/// A listener with a full queue drops further connections, as a firewall does.
#[test]
fn a_firewall_that_drops_packets_is_recognized() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 20_000, "the queue has an end");
    }
    let config = json!({"host": "127.0.0.1", "port": address.port(), "token_id": "a@pve!t", "token_secret": UUID,
        "connect_timeout": 1});
    check(
        &config,
        ("port", "failure", &["within 1 s", "firewall that drops packets", "pve-firewall status", "nc -vz"]),
    );
}

#[test]
fn what_is_wrong_with_a_certificate() {
    let home = Home::new();
    let authority = Authority::new();
    let ca = home.file("ca.pem", &authority.pem());
    let ca = json!({"ca_file": ca});
    for (name, year, trust, words) in [
        (
            "127.0.0.1",
            2090,
            json!({}),
            &["CA that is not trusted", "/etc/pve/pve-root-ca.pem", "\"ca_file\"", "\"fingerprint\": \"FP\""]
                [..],
        ),
        (
            "127.0.0.1",
            2002,
            ca.clone(),
            &["has expired", "expired on 2002-01-01", "pvecm updatecerts --force"],
        ),
        (
            "pve1.example",
            2090,
            ca.clone(),
            &["not valid for the name `127.0.0.1`", "Set `host`", "`pve1.example`"],
        ),
        (
            "127.0.0.1",
            2090,
            json!({"fingerprint": "00".repeat(32)}),
            &[
                "has the fingerprint FP",
                "If the certificate was renewed, set \"fingerprint\": \"FP\"",
                "--trust-ca",
            ],
        ),
    ] {
        let (fingerprint, tls) = authority.server(name, year);
        let server = tiny_http::Server::secure(tls, |_| data("[]"));
        let config =
            json!({"host": "127.0.0.1", "port": server.port, "token_id": "a@pve!t", "token_secret": UUID});
        let words: Vec<String> = words.iter().map(|word| word.replace("FP", &fingerprint)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let steps = check_in(&home, &with(&config, trust), ("tls", "failure", &words));
        assert_eq!(steps.last().unwrap()["step"], "tls", "nothing is sent to a stranger");
        assert!(server.seen().is_empty());
    }
    let (fingerprint, tls) = authority.server("127.0.0.1", 2090);
    let server = tiny_http::Server::secure(tls, |_| data("[]"));
    let config = json!({"host": "127.0.0.1", "port": server.port, "token_id": "a@pve!t", "token_secret": UUID,
        "ssl_verify": false});
    check(&config, ("tls", "warning", &["not checked", &format!("set \"fingerprint\": \"{fingerprint}\"")]));
    let plain = tiny_http::Server::answering(|_| data("[]"));
    let config = json!({"host": "127.0.0.1", "port": plain.port, "token_id": "a@pve!t", "token_secret": UUID,
        "connect_timeout": 1});
    check(&config, ("tls", "failure", &["Set `host` and `port`"]));
}

#[test]
fn what_is_wrong_with_a_login() {
    let (server, config) = secure(50.0);
    for (config, words) in [
        (as_user(&config, "alice@ldap", "demo"), &["no realm `ldap`", "pam, pve", "`alice@pve`"][..]),
        (as_user(&config, "alice@pve", "planted"), &["authentication failure", "Correct `password`"]),
        (as_user(&config, "otto@pve", "demo"), &["one-time password", "Set `totp`", "token-recipe"]),
        (with(&config, json!({"token_secret": UUID})), &["(401)", "pveum user token list 'root@pam'"]),
        (with(&config, json!({"token_id": "root@pve-pam!demo"})), &["no realm `pve-pam`", "`root@pam`"]),
    ] {
        check(&config, ("login", "failure", words));
    }
    assert!(!server.requests().is_empty());
}

#[test]
fn what_is_wrong_with_the_cluster() {
    let (server, config) = secure(1.0);
    server.skip(600.0);
    check(&config, ("clock", "warning", &["s ahead of", "NTP"]));
    server.set_offline("pve3");
    check(&config, ("quorum", "warning", &["2 of 3 nodes", "Offline: pve3", "pvecm status"]));
    server.set_quorate(false);
    check(&config, ("quorum", "failure", &["no quorum", "read but not changed", "pvecm status"]));
}

/// A cluster that gives these answers.
fn answering(
    version: &'static str,
    status: &'static str,
    permissions: &'static str,
) -> (tiny_http::Server, Value) {
    let (fingerprint, tls) = Authority::new().server("127.0.0.1", 2090);
    let server = tiny_http::Server::secure(tls, move |request| {
        let line = request.line();
        match line.split('?').next().unwrap() {
            "GET /api2/extjs/access/domains" => data(r#"[{"realm":"pve"}]"#),
            "GET /api2/extjs/version" => data(version),
            "GET /api2/extjs/cluster/status" => data(status),
            "GET /api2/extjs/access/permissions" => data(permissions),
            other => panic!("{other}"),
        }
    });
    let config = json!({"host": "127.0.0.1", "port": server.port, "fingerprint": fingerprint,
        "token_id": "a@pve!t", "token_secret": UUID});
    (server, config)
}

const NEW: &str = r#"{"version":"9.2.11","release":"9.2"}"#;
const ALONE: &str = r#"[{"type":"node","name":"pve","online":1}]"#;

#[test]
fn what_is_old_or_odd() {
    let all = r#"{"/":{"VM.Audit":1,"Sys.Audit":1}}"#;
    let (_server, config) = answering(r#"{"version":"6.4-15","release":"6.4"}"#, ALONE, all);
    check(&config, ("version", "warning", &["6.4-15", "7.0 and newer", "Upgrade"]));
    check(&config, ("quorum", "ok", &["A single node, pve"]));
    let (_server, config) = answering("[]", ALONE, all);
    check(&config, ("version", "failure", &["is this Proxmox VE?"]));
}

#[test]
fn what_an_account_may_not_do() {
    let (_server, config) = answering(NEW, ALONE, "{}");
    check(
        &config,
        (
            "permissions",
            "failure",
            &[
                "`a@pve!t` has no privileges",
                "every list comes back empty",
                "--tokens 'a@pve!t'",
                "--users 'a@pve'",
                "token-recipe --access standard --toolsets core",
            ],
        ),
    );
    let (server, config) = secure(1.0);
    let secret = server.token_secret("alice@pve!ro").unwrap();
    let separated = with(&config, json!({"token_id": "alice@pve!ro", "token_secret": secret.expose()}));
    check(
        &separated,
        (
            "permissions",
            "failure",
            &[
                "although its user `alice@pve` has some. With privilege separation",
                "--tokens 'alice@pve!ro'",
                "--privsep 0",
            ],
        ),
    );
    let little = with(&as_user(&config, "alice@pve", "demo"), json!({"toolsets": ["vms", "storage"]}));
    check(
        &little,
        (
            "permissions:vms",
            "warning",
            &["On some objects only: proxmox_list_vms", "Missing: ", "VM.Allocate on /vms/{vmid}"],
        ),
    );
    check(&little, ("permissions:storage", "warning", &["Datastore.Audit on /storage/{storage}"]));
    check(&little, ("permissions", "warning", &["token-recipe --access standard --toolsets vms,storage"]));
    let reading = with(&little, json!({"access": "read-only", "toolsets": ["vms"]}));
    let steps = check(&reading, ("permissions:vms", "ok", &["tools that read"]));
    assert!(!steps.iter().any(|step| step.to_string().contains("that change")), "{steps:#?}");
}

#[test]
fn what_is_wrong_with_the_configuration() {
    let home = Home::new();
    let (_server, config) = secure(1.0);
    check(&json!({}), ("config", "failure", &["lacks `host`", "proxmox-mcp init"]));
    check(&json!({"hots": "a"}), ("config", "failure", &["`hots`", "Did you mean `host`?"]));
    check(&with(&config, json!({"toolsets": ["vm"]})), ("config", "warning", &["no toolset `vm`", "vms"]));
    let secret = home.file("secret.txt", "planted");
    let from_file = with(&config, json!({"token_secret": {"file": secret}}));
    let expected = ("secret", "warning", &["does not look like the secret of a token"][..]);
    check_in(&home, &with(&from_file, json!({"connect_timeout": 1})), expected);
    mode(&secret, 0o644);
    check_in(&home, &from_file, ("secret", "warning", &["can be read by other users", "chmod 600 '"]));
    let gone = with(&config, json!({"token_secret": {"file": home.path("gone.txt")}}));
    check_in(&home, &gone, ("secret", "failure", &["gone.txt", "cannot be read"]));
    let ran = home.run(&["check", "--config", home.path("gone.json").to_str().unwrap()], "");
    assert!(
        ran.code == Some(1) && ran.out.contains("failure config") && ran.out.contains("does not exist"),
        "{ran:?}"
    );
    let file = home.file("open.json", &config.to_string());
    mode(&file, 0o644);
    let ran = home.run(&["check", "--config", file.to_str().unwrap()], "");
    assert!(ran.code == Some(0) && ran.out.contains("→ chmod 600 '"), "{ran:?}");
}
