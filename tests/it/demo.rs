//! The behaviour of the sample cluster: guests, tasks, snapshots, privileges, offline nodes.

use crate::wire::{Answer, raw, request, ticket_headers, token_header};
use proxmox_mcp::{
    demo::{Options, Server},
    pve::Params,
};
use serde_json::{Value, json};

/// A cluster whose clock almost stands still, so that tasks keep running until the test moves it.
pub fn slow() -> Server {
    Server::start(Options { clock_speed: 1e-6, ..Options::default() }).unwrap()
}

/// A cluster on which everything, even the delay of a 401, is over at once.
pub fn fast() -> Server {
    Server::start(Options { clock_speed: 1e3, ..Options::default() }).unwrap()
}

pub fn root(server: &Server) -> String {
    let (id, secret) = server.token();
    token_header(&id, secret.expose())
}

/// Sends a request with these header lines; its path is given without the format.
pub fn send(server: &Server, auth: &str, line: &str, pairs: &[(&str, &str)]) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let params = pairs.iter().fold(Params::new(), |params, (name, value)| params.with(*name, *value));
    raw(server.address(), &request(method, &format!("/api2/extjs{path}"), auth, &params)).unwrap()
}

/// Like [`send`], as root; the answer must be a success.
#[track_caller]
pub fn ask(server: &Server, line: &str, pairs: &[(&str, &str)]) -> Value {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 1, "{line}: {body}");
    body["data"].clone()
}

/// Like [`send`], as root; the answer must be this status and message.
#[track_caller]
fn refused(server: &Server, line: &str, pairs: &[(&str, &str)], status: u16, message: &str) {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!(body["success"], 0, "{line}: {body}");
    assert_eq!(body["status"].to_string().trim_matches('"'), status.to_string(), "{line}: {body}");
    assert!(body["message"].as_str().unwrap().contains(message), "{line}: {body}");
}

/// Submits a change, skips a minute, and returns the task's exit status and log.
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
        // The guest runs as soon as the task is accepted, and the task is still running; the inventory shows it later.
        let now = ask(&server, &format!("GET /nodes/pve1/{path}/status/current"), &[]);
        assert_eq!((&now["status"], state_of(&server, id)), (&json!("running"), json!("stopped")));
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
    check("POST /nodes/pve1/qemu/110/status/start", "VM 110 already running");
    check("POST /nodes/pve2/qemu/104/status/start", "you can't start a vm if it's a template");
    check(
        "POST /nodes/pve1/qemu/999/status/start",
        "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
    );
    check("POST /nodes/pve1/qemu/101/snapshot/nope/rollback", "snapshot 'nope' does not exist");
    check("DELETE /nodes/pve1/qemu/101/snapshot/nope", "snapshot 'nope' does not exist");
    let (status, _) = task(&server, "POST /nodes/pve1/lxc/200/snapshot", &[("snapname", "s1")]);
    assert_eq!(status, "snapshot feature is not available");
    let errors = ask(&server, "GET /nodes/pve1/tasks", &[("errors", "1"), ("vmid", "110")]);
    assert_eq!(errors[0]["status"], "VM 110 already running");
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
fn a_lost_node_is_not_reached_and_its_guests_are_forgotten_after_five_minutes() {
    let server = slow();
    server.set_offline("pve2");
    let answer = send(&server, &root(&server), "GET /nodes/pve2/qemu", &[]);
    assert_eq!((answer.status, answer.reason.as_str(), answer.body.len()), (595, "No route to host", 0));
    let nodes = ask(&server, "GET /nodes", &[]);
    let lost = nodes.as_array().unwrap().iter().find(|node| node["node"] == "pve2").unwrap();
    assert_eq!((&lost["status"], &lost["maxmem"]), (&json!("offline"), &Value::Null));
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
fn what_ha_manages_is_stopped_by_its_manager_in_the_next_cycle() {
    let server = slow();
    let upid = ask(&server, "POST /nodes/pve1/qemu/105/status/stop", &[]);
    let upid = upid.as_str().unwrap();
    assert_eq!(upid.split(':').nth(5), Some("hastop"));
    assert_eq!(state_of(&server, "qemu/105"), "running");
    assert_eq!(ask(&server, "GET /cluster/ha/resources", &[])[0]["state"], "stopped");
    server.skip(11.0);
    assert_eq!(end_of(&server, upid).0, "OK");
    server.skip(11.0);
    assert_eq!(state_of(&server, "qemu/105"), "stopped");
    let newest = ask(&server, "GET /nodes/pve1/tasks", &[("limit", "1")]);
    assert_eq!((&newest[0]["type"], &newest[0]["user"]), (&json!("qmstop"), &json!("root@pam")));
}

#[test]
fn rules_of_a_guests_firewall_are_kept_by_position() {
    let server = fast();
    let rules = "/nodes/pve1/qemu/101/firewall/rules";
    for port in ["22", "443"] {
        let rule = [("type", "in"), ("action", "ACCEPT"), ("proto", "tcp"), ("dport", port)];
        ask(&server, &format!("POST {rules}"), &rule);
    }
    let list = ask(&server, &format!("GET {rules}"), &[]);
    let seen =
        [0, 1].map(|at| (list[at]["dport"].clone(), list[at]["pos"].clone(), list[at]["enable"].clone()));
    assert_eq!(seen, [(json!("443"), json!(0), json!(0)), (json!("22"), json!(1), json!(0))]);
    ask(&server, &format!("DELETE {rules}/0"), &[]);
    assert_eq!(ask(&server, &format!("GET {rules}"), &[])[0]["dport"], "22");
    let nonsense = [("type", "in"), ("action", "ACCEPT"), ("nonsense", "1")];
    refused(&server, &format!("POST {rules}"), &nonsense, 400, "Parameter verification failed.\n");
}
