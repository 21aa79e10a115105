//! The faults, and the expected answer of each call.

use super::{
    Cell, Fault, Kind,
    Known::{self, Done, Failed, Maybe, Running},
    Row, Stage,
};
use crate::tiny_http::{CLOSED_PORT, LOOPBACK};
use proxmox_mcp::secret::Secret;
use std::time::Duration;

/// Longer than anything here waits for.
const LONG: Duration = Duration::from_secs(3600);

fn cell((known, reached, words): (Known, isize, &'static str)) -> Cell {
    Cell { known: vec![known], reached: usize::try_from(reached).ok(), words }
}

/// A number that depends on timing.
const SOME: isize = -1;

type Expected = (Known, isize, &'static str);

fn row(
    fault: &'static str,
    arrange: fn(&mut Stage),
    read: Expected,
    change: Expected,
    wait: Expected,
) -> Row {
    Row { fault, arrange, cells: [cell(read), cell(change), cell(wait)] }
}

/// A row in which every call gets the same answer.
fn same(fault: &'static str, arrange: fn(&mut Stage), every: Expected) -> Row {
    row(fault, arrange, every, every, every)
}

const OK_READ: Expected = (Done, 1, "9.2");
const OK_CHANGE: Expected = (Done, 1, "UPID:pve1");
const OK_WAIT: Expected = (Done, SOME, r#""exitstatus":"OK""#);

pub(super) fn rows() -> Vec<Row> {
    let mut rows = connecting();
    rows.extend(breaking());
    rows.push(closed_in_between());
    rows.extend(strange());
    rows.extend(refusing());
    rows
}

fn connecting() -> Vec<Row> {
    vec![
        row("none", |_| {}, OK_READ, OK_CHANGE, OK_WAIT),
        same("nobody listens", |stage| stage.host().port = CLOSED_PORT, (Failed, 0, "pveproxy runs")),
        same(
            "the name is unknown",
            |stage| stage.host().name = "no.such.host.invalid".into(),
            (Failed, 0, "cannot be resolved"),
        ),
        same(
            "no handshake",
            |stage| {
                let port = stage.silent_port();
                let host = stage.host();
                (host.port, host.plain) = (port, false);
            },
            (Failed, 0, "the TLS handshake did not finish within"),
        ),
        same(
            "no TLS on the port",
            |stage| stage.host().plain = false,
            (Failed, 0, "the TLS handshake did not finish"),
        ),
        same(
            "the proxy is down",
            |stage| stage.proxy(format!("http://127.0.0.1:{CLOSED_PORT}")),
            (Failed, 0, "to the HTTP proxy"),
        ),
        same(
            "the proxy's name is unknown",
            |stage| stage.proxy("http://no.such.proxy.invalid:3128".into()),
            (Failed, 0, "Correct the `proxy`"),
        ),
        same(
            "the proxy refuses",
            |stage| {
                let proxy = stage.server.address();
                stage.proxy(format!("http://{proxy}"));
            },
            (Failed, 0, "proxy"),
        ),
        row(
            "the first of two hosts is down",
            |stage| stage.first_host("127.0.0.1", CLOSED_PORT),
            OK_READ,
            OK_CHANGE,
            OK_WAIT,
        ),
        row(
            "the first of two hosts breaks off after acting",
            |stage| {
                let port = stage.server.address().port();
                stage.first_host(LOOPBACK, port);
                stage.once(Fault::DropAfterActing);
            },
            (Done, 2, "9.2"),
            (Maybe, 1, "broke"),
            (Done, SOME, "OK"),
        ),
        row(
            "the first of two hosts gives up (596) at once",
            |stage| {
                let port = stage.server.address().port();
                stage.first_host(LOOPBACK, port);
                stage.once(Fault::ActThenEmpty(596, "Connection timed out"));
            },
            (Done, 2, "9.2"),
            (Maybe, 1, "(596)"),
            (Done, SOME, "OK"),
        ),
    ]
}

fn breaking() -> Vec<Row> {
    vec![
        same(
            "closed before the request is read",
            |stage| stage.server.faults().add("", usize::MAX, Fault::DropBeforeReading),
            (Failed, 0, "only reads"),
        ),
        row(
            "reset before acting",
            |stage| stage.always(Fault::Reset),
            (Failed, 0, "only reads"),
            (Maybe, 0, "broke"),
            (Failed, 0, "only reads"),
        ),
        row(
            "reset after acting",
            |stage| stage.always(Fault::ResetAfterActing),
            (Failed, 2, "only reads"),
            (Maybe, 1, "broke"),
            (Failed, SOME, "only reads"),
        ),
        row(
            "closed before acting",
            |stage| stage.always(Fault::DropAfterReading),
            (Failed, 2, "only reads"),
            (Maybe, 1, "broke"),
            (Failed, SOME, "only reads"),
        ),
        row(
            "closed after acting",
            |stage| stage.always(Fault::DropAfterActing),
            (Failed, 2, "only reads"),
            (Maybe, 1, "broke"),
            (Failed, SOME, "only reads"),
        ),
        row(
            "closed after acting, once",
            |stage| stage.once(Fault::DropAfterActing),
            (Done, 2, "9.2"),
            (Maybe, 1, "broke"),
            (Done, SOME, "OK"),
        ),
        row(
            "half an answer",
            |stage| stage.always(Fault::DropMidAnswer),
            (Failed, 2, "broke off"),
            (Maybe, 1, "broke off"),
            (Failed, SOME, "broke off"),
        ),
        row(
            "half an answer, once",
            |stage| stage.once(Fault::DropMidAnswer),
            (Done, 2, "9.2"),
            (Maybe, 1, "broke off"),
            (Done, SOME, "OK"),
        ),
        row(
            "no answer",
            |stage| stage.always(Fault::Delay(LONG)),
            (Failed, 1, "no answer came within"),
            (Maybe, 1, "no answer came within"),
            (Failed, SOME, "no answer came within"),
        ),
        row(
            "the answer stops",
            |stage| stage.always(Fault::Stall),
            (Failed, 1, "its answer stopped for"),
            (Maybe, 1, "its answer stopped for"),
            (Failed, SOME, "its answer stopped for"),
        ),
        row(
            "the answer trickles",
            |stage| stage.always(Fault::Trickle(Duration::from_millis(50))),
            (Failed, 1, "its answer was not complete within"),
            (Maybe, 1, "its answer was not complete within"),
            (Failed, 1, "its answer was not complete within"),
        ),
        row(
            "slow, but in time",
            |stage| stage.always(Fault::Delay(Duration::from_millis(100))),
            OK_READ,
            OK_CHANGE,
            OK_WAIT,
        ),
        row(
            "the task goes on",
            |stage| {
                if stage.kind == Kind::Wait {
                    let body = r#"{"success":1,"data":{"status":"running","upid":"x"}}"#;
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    stage.always(Fault::Raw(format!("{head}{body}").into_bytes()));
                }
            },
            OK_READ,
            OK_CHANGE,
            (Running, SOME, "proxmox_wait_task"),
        ),
        row("gzip", |stage| stage.always(Fault::Gzip), OK_READ, OK_CHANGE, OK_WAIT),
        row("chunks", |stage| stage.always(Fault::Chunked), OK_READ, OK_CHANGE, OK_WAIT),
    ]
}

/// The connection used for the look-up is closed without notice. If that is noticed in time, the change is sent on
/// another one; if not, its outcome is unknown.
fn closed_in_between() -> Row {
    let mut closed = row(
        "closed between look-up and change",
        |stage| {
            let guest =
                r#"{"id":"qemu/100","type":"qemu","vmid":100,"node":"pve1","status":"stopped","name":"a"}"#;
            let body = format!(r#"{{"success":1,"data":[{guest}]}}"#);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let answer = Fault::Raw(format!("{head}{body}").into_bytes());
            stage.server.faults().add("GET /cluster/resources", 1, answer);
        },
        OK_READ,
        (Done, SOME, ""),
        OK_WAIT,
    );
    closed.cells[1].known.push(Maybe);
    closed
}

fn strange() -> Vec<Row> {
    vec![
        row(
            "broken JSON",
            |stage| stage.always(Fault::BrokenJson),
            (Failed, 1, "JSON that is invalid"),
            (Maybe, 1, "JSON that is invalid"),
            (Failed, 1, "JSON that is invalid"),
        ),
        row(
            "an HTML page with 200",
            |stage| stage.always(Fault::Html(200)),
            (Failed, 1, "HTML page `200`"),
            (Maybe, 1, "HTML page `200`"),
            (Failed, 1, "HTML page `200`"),
        ),
        same("an HTML page with 403", |stage| stage.always(Fault::Html(403)), (Failed, 1, "HTML page `403`")),
        row(
            "an HTML page with 502",
            |stage| stage.always(Fault::Html(502)),
            (Failed, 1, "try again later"),
            (Maybe, 1, "lost the server"),
            (Failed, SOME, "try again later"),
        ),
        row(
            "502 after acting",
            |stage| stage.always(Fault::ActThenEmpty(502, "Bad Gateway")),
            (Failed, 1, "(502 Bad Gateway)"),
            (Maybe, 1, "(502 Bad Gateway)"),
            (Failed, SOME, "(502 Bad Gateway)"),
        ),
        row(
            "504 after acting",
            |stage| stage.always(Fault::ActThenEmpty(504, "Gateway Time-out")),
            (Failed, 1, "(504 Gateway Time-out)"),
            (Maybe, 1, "(504 Gateway Time-out)"),
            (Failed, SOME, "(504 Gateway Time-out)"),
        ),
        row(
            "503",
            |stage| stage.always(Fault::Empty(503, "Service Unavailable")),
            (Failed, 1, "try again later"),
            (Failed, 1, "try again later"),
            (Failed, SOME, "try again later"),
        ),
        row(
            "503, to be asked again at once",
            |stage| stage.once(Fault::Busy(503, 0)),
            (Done, 2, "9.2"),
            (Failed, 1, "try again later"),
            (Done, SOME, "OK"),
        ),
        row(
            "429, to be left alone for an hour",
            |stage| stage.always(Fault::Busy(429, 3600)),
            (Failed, 1, "wait 3600 s"),
            (Failed, 1, "wait 3600 s"),
            (Failed, SOME, "wait 3600 s"),
        ),
        same(
            "a redirect",
            |stage| stage.always(Fault::Redirect("https://elsewhere.example/login".into())),
            (Failed, 1, "`https://elsewhere.example/login`"),
        ),
        row(
            "200 MB",
            |stage| stage.always(Fault::Huge(200_000_000)),
            (Failed, 1, "larger than 1048576 bytes"),
            (Maybe, 1, "larger than 1048576 bytes"),
            (Failed, 1, "larger than 1048576 bytes"),
        ),
        row(
            "not HTTP",
            |stage| stage.always(Fault::Raw(b"SSH-2.0-OpenSSH_10.0\r\n\r\n".to_vec())),
            (Failed, 1, "not HTTP"),
            (Maybe, 1, "not HTTP"),
            (Failed, 1, "not HTTP"),
        ),
        row(
            "a head without an end",
            |stage| {
                let line = format!("X-More: {}\r\n", "x".repeat(1000));
                stage.always(Fault::Raw(format!("HTTP/1.1 200 OK\r\n{}", line.repeat(2000)).into_bytes()));
            },
            (Failed, 1, "not HTTP"),
            (Maybe, 1, "not HTTP"),
            (Failed, 1, "not HTTP"),
        ),
        row(
            "broken gzip",
            |stage| {
                let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n";
                stage.always(Fault::Raw(format!("{head}{{\"data\":null").into_bytes()));
            },
            (Failed, 2, "broke off"),
            (Maybe, 1, "broke off"),
            (Failed, SOME, "broke off"),
        ),
    ]
}

fn refusing() -> Vec<Row> {
    vec![
        row(
            "no quorum",
            |stage| stage.server.set_quorate(false),
            OK_READ,
            (Failed, 1, "lost its quorum"),
            OK_WAIT,
        ),
        row(
            "the node is offline (595)",
            |stage| stage.server.set_offline("pve1"),
            OK_READ,
            (Failed, 1, "to node `pve1` (595): No route to host."),
            (Failed, SOME, "to node `pve1` (595): No route to host."),
        ),
        row(
            "a node's certificate is new to another (596 at once)",
            |stage| stage.once(Fault::Empty(596, "Connection timed out")),
            (Done, 2, "9.2"),
            (Maybe, 1, "(596)"),
            (Done, SOME, "OK"),
        ),
        row(
            "the node gives up while it works (596)",
            |stage| stage.always(Fault::ActThenEmpty(596, "Connection timed out")),
            (Failed, 2, "after 30 s"),
            (Maybe, 1, "the work may go on"),
            (Failed, SOME, "after 30 s"),
        ),
        row(
            "half an answer from another node (597)",
            |stage| stage.always(Fault::ActThenEmpty(597, "Broken pipe")),
            (Failed, 1, "(597)"),
            (Maybe, 1, "(597)"),
            (Failed, SOME, "(597)"),
        ),
        same(
            "500 without a body",
            |stage| stage.always(Fault::Empty(500, "got no worker upid")),
            (Failed, 1, "(500): got no worker upid."),
        ),
        row(
            "the token is wrong",
            |stage| stage.token("root@pam!demo", Secret::new("00000000-0000-0000-0000-000000000000")),
            (Failed, 1, "pveum user token list 'root@pam'"),
            (Failed, 0, "pveum user token list 'root@pam'"),
            (Failed, 1, "pveum user token list 'root@pam'"),
        ),
        row(
            "the token may not",
            |stage| {
                let secret = stage.server.token_secret("alice@pve!ro").unwrap();
                stage.token("alice@pve!ro", secret);
            },
            OK_READ,
            (Failed, 0, "it may lack VM.Audit"),
            (Failed, 1, "Permission check failed"),
        ),
        same(
            "the password is wrong",
            |stage| stage.login("root@pam", "nope"),
            (Failed, 0, "Check user, realm and password"),
        ),
        same(
            "a second factor that is not configured",
            |stage| stage.login("otto@pve", "demo"),
            (Failed, 0, "Set `totp`"),
        ),
        row(
            "a ticket that is refused once",
            |stage| {
                stage.login("root@pam", "demo");
                stage.turned_away = 1;
                stage.once(Fault::Empty(401, "permission denied - invalid PVE ticket"));
            },
            (Done, 2, "9.2"),
            (Done, 2, "UPID:pve1"),
            (Done, SOME, "OK"),
        ),
        same(
            "tickets that are always refused",
            |stage| {
                stage.login("root@pam", "demo");
                stage.turned_away = 1;
                stage.always(Fault::Empty(401, "permission denied - invalid PVE ticket"));
            },
            (Failed, 2, "even after a new login"),
        ),
        row(
            "the login breaks off, once",
            |stage| {
                stage.login("root@pam", "demo");
                stage.server.faults().add("POST /access/ticket", 1, Fault::DropAfterActing);
            },
            OK_READ,
            OK_CHANGE,
            OK_WAIT,
        ),
    ]
}
