//! The sample cluster: state, tasks, logins, refusals and misbehaviour.

use crate::wire::{Answer, connect, raw, read_answer, request, ticket_headers, token_header};
use proxmox_mcp::{
    demo::{Fault, Options, Server},
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

/// A cluster whose clock all but stands still, so that what takes time is under way until the test moves it.
fn slow() -> Server {
    Server::start(Options { clock_speed: 1e-6, ..Options::default() }).unwrap()
}

/// A cluster on which everything, the delay of a 401 too, is over at once.
fn fast() -> Server {
    Server::start(Options { clock_speed: 1e3, ..Options::default() }).unwrap()
}

fn root(server: &Server) -> String {
    let (id, secret) = server.token();
    token_header(&id, secret.expose())
}

/// Sends a request with these header lines, its path without the format.
fn send(server: &Server, auth: &str, line: &str, pairs: &[(&str, &str)]) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let params = pairs.iter().fold(Params::new(), |params, (name, value)| params.with(*name, *value));
    raw(server.address(), &request(method, &format!("/api2/extjs{path}"), auth, &params)).unwrap()
}

/// The same as root, whose answer must be a success.
#[track_caller]
fn ask(server: &Server, line: &str, pairs: &[(&str, &str)]) -> Value {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 1, "{line}: {body}");
    body["data"].clone()
}

/// The same as root, which must be refused with this status and message.
#[track_caller]
fn refused(server: &Server, line: &str, pairs: &[(&str, &str)], status: u16, message: &str) {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 0, "{line}: {body}");
    assert_eq!(body["status"].to_string().trim_matches('"'), status.to_string(), "{line}: {body}");
    assert!(body["message"].as_str().unwrap().contains(message), "{line}: {body}");
}

/// Submits a change, lets a minute pass, and gives the task's exit status and log.
#[track_caller]
fn task(server: &Server, line: &str, pairs: &[(&str, &str)]) -> (String, Vec<String>) {
    let upid = ask(server, line, pairs).as_str().unwrap().to_owned();
    server.skip(60.0);
    end_of(server, &upid)
}

#[track_caller]
fn end_of(server: &Server, upid: &str) -> (String, Vec<String>) {
    let node = upid.split(':').nth(1).unwrap();
    let status = ask(server, &format!("GET /nodes/{node}/tasks/{upid}/status"), &[]);
    assert_eq!(status["status"], "stopped", "{status}");
    let log = ask(server, &format!("GET /nodes/{node}/tasks/{upid}/log"), &[("limit", "0")]);
    let lines = log.as_array().unwrap().iter().map(|line| line["t"].as_str().unwrap().to_owned());
    (status["exitstatus"].as_str().unwrap().to_owned(), lines.collect())
}

fn state_of(server: &Server, id: &str) -> Value {
    let list = ask(server, "GET /cluster/resources", &[("type", "vm")]);
    list.as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == id)
        .map_or(Value::Null, |row| row["status"].clone())
}

#[test]
fn a_started_guest_runs_and_the_task_ends() {
    let server = slow();
    for (path, id, kind) in [("qemu/100", "qemu/100", "qmstart"), ("lxc/200", "lxc/200", "vzstart")] {
        assert_eq!(state_of(&server, id), "stopped");
        let upid = ask(&server, &format!("POST /nodes/pve1/{path}/status/start"), &[]);
        let upid = upid.as_str().unwrap();
        assert!(upid.starts_with("UPID:pve1:") && upid.ends_with(":root@pam!demo:"), "{upid}");
        assert_eq!(upid.split(':').nth(5), Some(kind));
        // It runs as soon as the task is accepted, and the task is still under way.
        assert_eq!(state_of(&server, id), "running");
        let running = ask(&server, "GET /nodes/pve1/tasks", &[("source", "active")]);
        assert_eq!((&running[0]["upid"], &running[0]["status"]), (&json!(upid), &json!("RUNNING")));
        assert_eq!(ask(&server, &format!("GET /nodes/pve1/tasks/{upid}/status"), &[])["status"], "running");
        server.skip(0.5);
        assert_eq!(end_of(&server, upid), ("OK".into(), vec!["TASK OK".into()]));
        assert_eq!(ask(&server, "GET /nodes/pve1/tasks", &[("source", "active")]), json!([]));
        let (status, _) = task(&server, &format!("POST /nodes/pve1/{path}/status/stop"), &[]);
        assert_eq!((status.as_str(), state_of(&server, id)), ("OK", json!("stopped")));
    }
}

#[test]
fn what_cannot_be_done_is_accepted_and_fails_in_the_task() {
    let server = slow();
    let check = |line: &str, problem: &str| {
        let (status, log) = task(&server, line, &[]);
        assert_eq!(status, problem, "{line}");
        assert_eq!(log.last().unwrap(), &format!("TASK ERROR: {problem}"));
    };
    check("POST /nodes/pve1/qemu/105/status/start", "VM 105 already running");
    check("POST /nodes/pve2/qemu/104/status/start", "you can't start a vm if it's a template");
    check(
        "POST /nodes/pve1/qemu/999/status/start",
        "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
    );
    check("POST /nodes/pve1/qemu/101/snapshot/nope/rollback", "snapshot 'nope' does not exist");
    check("DELETE /nodes/pve1/qemu/101/snapshot/nope", "snapshot 'nope' does not exist");
    let (status, _) = task(&server, "POST /nodes/pve1/lxc/200/snapshot", &[("snapname", "s1")]);
    assert_eq!(status, "snapshot feature is not available");
    let errors = ask(&server, "GET /nodes/pve1/tasks", &[("errors", "1"), ("vmid", "105")]);
    assert_eq!(errors[0]["status"], "VM 105 already running");
    refused(&server, "POST /nodes/pve1/qemu/101/status/suspend", &[], 500, "VM 101 not running\n");
}

#[test]
fn two_changes_of_one_guest_run_one_after_the_other() {
    let server = slow();
    let first = ask(&server, "POST /nodes/pve1/qemu/100/status/start", &[]);
    let second = ask(&server, "POST /nodes/pve1/qemu/100/status/start", &[]);
    server.skip(60.0);
    assert_eq!(end_of(&server, first.as_str().unwrap()).0, "OK");
    assert_eq!(end_of(&server, second.as_str().unwrap()).0, "VM 100 already running");
}

#[test]
fn a_snapshot_locks_its_guest_until_it_is_taken_and_can_be_gone_back_to() {
    let server = slow();
    let config = "/nodes/pve1/qemu/101/config";
    let upid =
        ask(&server, "POST /nodes/pve1/qemu/101/snapshot", &[("snapname", "before"), ("description", "d")]);
    assert_eq!(ask(&server, &format!("GET {config}"), &[])["lock"], "snapshot");
    refused(&server, &format!("PUT {config}"), &[("cores", "2")], 500, "VM is locked (snapshot)");
    server.skip(1.0);
    let (status, log) = end_of(&server, upid.as_str().unwrap());
    assert_eq!(
        (status.as_str(), log[0].as_str()),
        ("OK", "snapshotting 'drive-scsi0' (shared:101/vm-101-disk-0.qcow2)")
    );
    assert_eq!(ask(&server, &format!("PUT {config}"), &[("cores", "2")]), Value::Null);
    let after = ask(&server, &format!("GET {config}"), &[]);
    assert_eq!(
        (&after["cores"], &after["parent"], &after["lock"]),
        (&json!(2), &json!("before"), &Value::Null)
    );
    assert_eq!(task(&server, "POST /nodes/pve1/qemu/101/snapshot/before/rollback", &[]).0, "OK");
    assert_eq!(ask(&server, &format!("GET {config}"), &[])["cores"], 1);
    let (status, _) = task(&server, "POST /nodes/pve1/qemu/101/snapshot", &[("snapname", "before")]);
    assert_eq!(status, "snapshot name 'before' already used");
    assert_eq!(task(&server, "DELETE /nodes/pve1/qemu/101/snapshot/before", &[]).0, "OK");
    let list = ask(&server, "GET /nodes/pve1/qemu/101/snapshot", &[]);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (1, &json!("current")));
}

#[test]
fn a_task_can_be_killed_and_does_not_finish_its_work() {
    let server = slow();
    let upid = ask(&server, "POST /nodes/pve1/qemu/101/snapshot", &[("snapname", "s1")]);
    let upid = upid.as_str().unwrap();
    ask(&server, &format!("DELETE /nodes/pve1/tasks/{upid}"), &[]);
    server.skip(60.0);
    assert_eq!(end_of(&server, upid).0, "unexpected status");
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/101/snapshot", &[]).as_array().unwrap().len(), 1);
    assert_eq!(ask(&server, "GET /nodes/pve1/qemu/101/config", &[])["lock"], Value::Null);
    let unknown = "DELETE /nodes/pve1/tasks/UPID:pve1:00000001:00000001:69000000:qmstart:100:root@pam:";
    refused(&server, unknown, &[], 400, "Parameter verification failed.\n");
}

#[test]
fn deleting_asks_for_a_stopped_unprotected_guest() {
    let server = slow();
    let gone = "DELETE /nodes/pve3/qemu/103";
    refused(&server, "DELETE /nodes/pve2/qemu/106", &[], 500, "VM 106 is running - destroy failed\n");
    refused(&server, "DELETE /nodes/pve1/qemu/105", &[], 500, "protection mode enabled");
    let (status, log) = task(&server, gone, &[("purge", "1")]);
    assert_eq!((status.as_str(), log[0].as_str()), ("OK", "purging VM 103 from related configurations.."));
    assert_eq!(state_of(&server, "qemu/103"), Value::Null);
    assert_eq!(ask(&server, "GET /cluster/nextid", &[]), "103");
    refused(&server, gone, &[], 500, "Configuration file 'nodes/pve3/qemu-server/103.conf' does not exist\n");
}

#[test]
fn what_only_root_may_set_no_token_may() {
    let server = fast();
    let change = [("args", "-S")];
    refused(&server, "PUT /nodes/pve1/qemu/101/config", &change, 500, "only root can set 'args' config\n");
    let ticket = ticket_headers(&server, "root@pam");
    assert_eq!(send(&server, &ticket, "PUT /nodes/pve1/qemu/101/config", &change).json()["success"], 1);
}

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
fn a_separated_token_sees_nothing_and_its_user_sees_one_guest() {
    let server = fast();
    let token = token_header("alice@pve!ro", server.token_secret("alice@pve!ro").unwrap().expose());
    assert_eq!(send(&server, &token, "GET /cluster/resources", &[("type", "vm")]).data(), json!([]));
    let ticket = ticket_headers(&server, "alice@pve");
    let seen = send(&server, &ticket, "GET /cluster/resources", &[("type", "vm")]).data();
    assert_eq!(seen.as_array().unwrap().iter().map(|row| &row["vmid"]).collect::<Vec<_>>(), [102]);
    assert_eq!(send(&server, &ticket, "POST /nodes/pve2/qemu/102/status/start", &[]).json()["success"], 1);
    let body = send(&server, &ticket, "POST /nodes/pve1/qemu/100/status/start", &[]).json();
    assert_eq!(body["message"], "Permission check failed (/vms/100, VM.PowerMgmt)\n");
    let made = ask(&server, "POST /access/users/alice@pve/token/t1", &[("privsep", "0")]);
    let made = token_header("alice@pve!t1", made["value"].as_str().unwrap());
    let seen = send(&server, &made, "GET /cluster/resources", &[("type", "vm")]).data();
    assert_eq!(seen.as_array().unwrap().len(), 1);
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
