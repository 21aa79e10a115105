//! Work that continues after its call, returned as a task of the protocol: only in revision 2026-07-28, only for a
//! request that declared the extension, only if the call would answer that its work still runs.

use crate::{cluster::Sample, testbox::Live};
use proxmox_mcp::{demo, tools::Tools};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// A cluster whose clock stands still unless the test moves it, and calls that do not wait.
fn still(change: impl FnOnce(&mut proxmox_mcp::config::Config)) -> Arc<Sample> {
    let options = demo::Options { clock_speed: 1e-6, ..demo::Options::default() };
    Arc::new(Sample::with(options, |config| {
        config.wait = Duration::from_millis(1);
        config.state =
            config.approvals.as_ref().and_then(|folder| folder.parent()).map(|one| one.join("state"));
        change(config);
    }))
}

fn meta(declared: bool) -> Value {
    let extensions = if declared { json!({EXTENSION: {}}) } else { json!({}) };
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": extensions},
    })
}

/// One server, as a client sees it.
struct Server(Live);

impl Server {
    fn over(sample: &Arc<Sample>) -> Server {
        Server(Live::over(Arc::clone(sample)))
    }

    fn ask(&self, method: &str, mut params: Value, declared: bool) -> Value {
        params["_meta"] = meta(declared);
        self.0.send(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        self.0.receive()
    }

    fn call(&self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments}), true)["result"].take()
    }

    fn get(&self, id: &Value) -> Value {
        self.ask("tasks/get", json!({"taskId": id}), true)["result"].take()
    }
}

/// The same cluster and folders, with a newly started process.
fn restarted(sample: &Sample) -> Server {
    let tools = Tools::new(sample.tools.config().clone());
    Server(Live::over(Arc::new(tools)))
}

#[test]
fn long_work_is_a_task_that_ends_with_what_the_call_would_have_answered() {
    let sample = still(|_| {});
    let server = Server::over(&sample);
    let task = server.call("proxmox_start_vm", json!({"vmid": 100}));
    let id = &task["taskId"];
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{task}");
    assert_eq!(id.as_str().map(str::len), Some(32), "{task}");
    assert!(task["statusMessage"].as_str().unwrap().starts_with("UPID:pve1:"), "{task}");
    assert_eq!((&task["ttlMs"], &task["pollIntervalMs"]), (&json!(86_400_000), &json!(2000)));
    for time in ["createdAt", "lastUpdatedAt"] {
        let text = task[time].as_str().unwrap();
        assert!(text.len() == 24 && text.ends_with('Z') && text.contains('T'), "{text}");
    }
    assert!(task.get("content").is_none() && task.get("result").is_none(), "{task}");

    let working = server.get(id);
    assert_eq!((&working["resultType"], &working["status"]), (&json!("complete"), &json!("working")));
    // If it is asked again at once, the answer comes from what is already known.
    let before = sample.server.requests().len();
    for _ in 0..5 {
        assert_eq!(server.get(id)["status"], "working");
    }
    assert_eq!(sample.server.requests().len(), before);

    sample.server.skip(3600.0);
    let done = restarted(&sample).get(id);
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["createdAt"], task["createdAt"]);
    let result = &done["result"];
    assert_eq!((&result["resultType"], result.get("isError")), (&json!("complete"), None));
    let told = &result["structuredContent"];
    assert_eq!((&told["vmid"], &told["exitstatus"]), (&json!(100), &json!("OK")), "{done}");
    assert_eq!(serde_json::from_str::<Value>(result["content"][0]["text"].as_str().unwrap()).unwrap(), *told);
    assert!(told.get("task").is_none() && told.get("note").is_none(), "{done}");
}

#[test]
fn a_task_of_proxmox_that_fails_is_a_completed_one_with_an_error() {
    let sample = still(|_| {});
    let task = Server::over(&sample).call("proxmox_stop_container", json!({"vmid": 200}));
    sample.server.skip(3600.0);
    let done = restarted(&sample).get(&task["taskId"]);
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)), "{done}");
    assert!(done["result"]["content"][0]["text"].as_str().unwrap().contains("not running"), "{done}");
}

#[test]
fn a_cancelled_task_is_no_longer_waited_for_and_proxmox_goes_on() {
    let sample = still(|_| {});
    let server = Server::over(&sample);
    let id = server.call("proxmox_start_vm", json!({"vmid": 100}))["taskId"].take();
    for _ in 0..2 {
        let answer = server.ask("tasks/cancel", json!({"taskId": id}), true);
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        assert!(answer["result"].get("status").is_none(), "{answer}");
    }
    for server in [server, restarted(&sample)] {
        let task = server.get(&id);
        assert_eq!(task["status"], "cancelled", "{task}");
        assert!(task["statusMessage"].as_str().unwrap().contains("goes on: UPID:"), "{task}");
    }
    let sent = sample.wire();
    assert!(!sent.iter().any(|line| line.starts_with("DELETE")), "{sent:?}");
}

#[test]
fn everybody_else_is_answered_as_before() {
    let sample = still(|_| {});
    let server = Server::over(&sample);
    let waits = |answer: &Value| {
        let told = &answer["result"]["structuredContent"];
        told["task"] == "running"
            && told["note"].as_str().is_some_and(|note| note.contains("proxmox_wait_task"))
    };
    let start = |wait: Value| json!({"name": "proxmox_start_vm", "arguments": {"vmid": 100, "wait": wait}});
    let undeclared = server.ask("tools/call", start(json!(1)), false);
    assert!(waits(&undeclared), "{undeclared}");
    let at_once = server.ask("tools/call", start(json!(0)), true);
    assert!(waits(&at_once), "{at_once}");
    // Some clients declare it in the handshake of a revision that does not have it.
    let capabilities = json!({"extensions": {EXTENSION: {}}, "tasks": {}});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
    server.0.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
    let answer = server.0.receive();
    assert!(answer["result"]["capabilities"]["extensions"].get(EXTENSION).is_none(), "{answer}");
    server.0.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": start(json!(1))}));
    let legacy = server.0.receive();
    assert!(waits(&legacy), "{legacy}");
}

#[test]
fn where_nothing_can_be_kept_nothing_is_handed_out() {
    let sample = still(|config| {
        config.sample = false;
        config.state = None;
    });
    let answer = Server::over(&sample).call("proxmox_start_vm", json!({"vmid": 100}));
    assert_eq!(
        (&answer["resultType"], &answer["structuredContent"]["task"]),
        (&json!("complete"), &json!("running"))
    );
}

#[test]
fn requests_about_tasks_are_refused_as_the_extension_says() {
    let sample = still(|_| {});
    let server = Server::over(&sample);
    let unknown = json!({"taskId": "0".repeat(32)});
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let undeclared = &server.ask(method, unknown.clone(), false)["error"];
        assert_eq!(undeclared["code"], -32021, "{method}: {undeclared}");
        assert_eq!(undeclared["data"]["requiredCapabilities"]["extensions"], json!({EXTENSION: {}}));
        for params in [unknown.clone(), json!({"taskId": "../../etc/passwd"}), json!({"taskId": ""})] {
            let error = &server.ask(method, params, true)["error"];
            assert_eq!(error["code"], -32602, "{method}: {error}");
            assert_eq!(error["message"], "Failed to retrieve task: Task not found");
        }
        let error = &server.ask(method, json!({}), true)["error"];
        assert_eq!(error["code"], -32602, "{method}: {error}");
    }
    for method in ["tasks/list", "tasks/result"] {
        assert_eq!(server.ask(method, unknown.clone(), true)["error"]["code"], -32601, "{method}");
    }
    let known = server.call("proxmox_start_vm", json!({"vmid": 100}))["taskId"].take();
    let update = json!({"taskId": known, "inputResponses": {"nobody_asked": {"action": "accept"}}});
    assert_eq!(server.ask("tasks/update", update, true)["result"]["resultType"], "complete");
    assert_eq!(server.get(&known)["status"], "working");
    // A session of a revision with a handshake has no such methods.
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    server.0.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
    server.0.receive();
    server.0.send(&json!({"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"taskId": known}}));
    assert_eq!(server.0.receive()["error"]["code"], -32601);
}

#[test]
fn a_task_that_cannot_be_looked_at_goes_on() {
    let sample = still(|_| {});
    let task = Server::over(&sample).call("proxmox_start_vm", json!({"vmid": 100}));
    sample.server.set_offline("pve1");
    let lost = restarted(&sample).get(&task["taskId"]);
    assert_eq!(lost["status"], "working", "{lost}");
    sample.server.set_online("pve1");
    sample.server.skip(3600.0);
    let done = restarted(&sample).get(&task["taskId"]);
    assert_eq!(done["status"], "completed", "{done}");
}

#[test]
fn a_job_takes_its_next_steps_when_its_task_is_asked_for() {
    let sample = still(|config| config.access = proxmox_mcp::config::Access::Full);
    let server = Server::over(&sample);
    let mut task = server.call("proxmox_drain_node", json!({"node": "pve2", "with-local-disks": true}));
    assert_eq!(task["status"], "working", "{task}");
    let id = task["taskId"].take();
    let mut last = Value::Null;
    for _ in 0..60 {
        sample.server.skip(600.0);
        last = restarted(&sample).get(&id);
        if last["status"] != "working" {
            break;
        }
    }
    assert_eq!(last["status"], "completed", "{last}");
    assert!(last["result"].get("isError").is_none(), "{last}");
    let guests = sample.ok("proxmox_list_vms", json!({"where": "node=pve2", "fields": "vmid,status"}));
    assert!(guests["rows"].as_array().unwrap().iter().all(|row| row[1] != "running"), "{guests}");
}
