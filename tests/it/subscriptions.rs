//! Resources that notify of changes, in both ways to subscribe, and how many requests that causes.

use crate::{
    cluster::{Sample, session},
    testbox::{Live, PATIENCE},
};
use proxmox_mcp::{
    demo,
    mcp::{About, Answer, Call, Order, ResourceError, Revision, Template, Toolbox},
};
use serde_json::{Map, Value, json, value::RawValue};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Changes a guest immediately, without a task that would cause notifications too.
const CHANGE: &str = "proxmox_update_container_config";
const UPDATED: &str = "notifications/resources/updated";
const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn initialize(version: &str) -> Value {
    let params =
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

fn listen(id: impl Into<Value>, notifications: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(id, "subscriptions/listen", json!({"_meta": meta, "notifications": notifications}))
}

fn guests(vmids: &[i64]) -> Value {
    json!({"resourceSubscriptions": vmids.iter().map(|vmid| guest(*vmid)).collect::<Vec<_>>()})
}

fn guest(vmid: i64) -> String {
    format!("pve://guest/{vmid}")
}

/// A session on a sample cluster.
fn start(options: demo::Options, version: Option<&str>) -> (Arc<Sample>, Live) {
    let sample = Arc::new(Sample::with(options, |_| {}));
    let live = Live::over(Arc::clone(&sample));
    if let Some(version) = version {
        live.send(&initialize(version));
        assert_eq!(live.receive()["result"]["capabilities"]["resources"]["subscribe"], true);
    }
    (sample, live)
}

fn quick() -> demo::Options {
    demo::Options { clock_speed: 50.0, ..demo::Options::default() }
}

/// Sends a request and returns the answer.
fn ask(live: &Live, message: &Value) -> Value {
    live.send(message);
    let answer = live.receive();
    assert_eq!(answer["id"], message["id"], "{answer}");
    answer
}

/// How often the cluster was asked for these paths.
fn asked(sample: &Sample) -> [usize; 2] {
    let seen = sample.server.requests();
    ["/cluster/resources", "/cluster/tasks"]
        .map(|path| seen.iter().filter(|one| one.path.ends_with(path)).count())
}

#[test]
fn a_guest_tells_clients_of_the_handshake_that_it_changed() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (sample, live) = start(quick(), Some(version));
        for (id, vmid) in [(1, 200), (2, 201)] {
            let answer = ask(&live, &request(id, "resources/subscribe", json!({"uri": guest(vmid)})));
            assert_eq!(answer["result"], json!({}), "{version}");
        }
        sample.ok(CHANGE, json!({"vmid": 200, "config": {"tags": "new"}}));
        let told = live.receive();
        assert_eq!(told, json!({"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": guest(200)}}));
        let answer = ask(&live, &request(3, "resources/unsubscribe", json!({"uri": guest(200)})));
        assert_eq!(answer["result"], json!({}), "{version}");
        // Of the changes after that, only the other one is notified.
        sample.ok(CHANGE, json!({"vmid": 200, "config": {"tags": "newer"}}));
        sample.ok(CHANGE, json!({"vmid": 201, "config": {"tags": "new"}}));
        assert_eq!(live.receive()["params"]["uri"], guest(201), "{version}");
        assert!(live.end().is_empty());
    }
}

#[test]
fn a_subscription_of_the_newest_revision_is_acknowledged_told_and_ended() {
    let (sample, live) = start(quick(), None);
    live.send(&listen("a", guests(&[200, 999])));
    let acknowledged = live.receive();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    assert_eq!(acknowledged["params"], json!({"_meta": {(ID): "a"}, "notifications": guests(&[200])}));
    live.send(&listen(7, guests(&[200, 201])));
    assert_eq!(live.receive()["params"]["_meta"][ID], 7);
    live.send(&listen(8, json!({"toolsListChanged": true})));
    assert_eq!(live.receive()["params"], json!({"_meta": {(ID): 8}, "notifications": {}}));

    sample.ok(CHANGE, json!({"vmid": 200, "config": {"tags": "new"}}));
    let told: Vec<Value> = (0..2).map(|_| live.receive()["params"].take()).collect();
    assert_eq!(
        told,
        [json!({"_meta": {(ID): "a"}, "uri": guest(200)}), json!({"_meta": {(ID): 7}, "uri": guest(200)})]
    );
    // After the client has ended a subscription, it receives no more notifications for it.
    live.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}}));
    live.ping();
    sample.ok(CHANGE, json!({"vmid": 200, "config": {"tags": "newer"}}));
    assert_eq!(live.receive()["params"]["_meta"][ID], 7);
    let left = live.end();
    assert_eq!(left, [json!(7), json!(8)], "those that are open are answered at the end of the input");
}

#[test]
fn the_end_of_the_input_answers_what_waits_and_what_is_open() {
    let answers = session(
        &Sample::start(),
        &[
            listen(1, guests(&[100])),
            initialize("2025-11-25"),
            request(2, "resources/subscribe", json!({"uri": guest(101)})),
        ],
    );
    let at = |wanted: &dyn Fn(&Value) -> bool| answers.iter().position(wanted).unwrap();
    let acknowledged = at(&|one| one["method"] == "notifications/subscriptions/acknowledged");
    let ended = at(&|one| one["id"] == 1);
    assert!(acknowledged < ended, "{answers:?}");
    let result = &answers[ended]["result"];
    assert_eq!((&result["resultType"], &result["_meta"][ID]), (&json!("complete"), &json!(1)), "{result}");
    assert_eq!(answers[at(&|one| one["id"] == 2)]["result"], json!({}));
    assert_eq!(answers.len(), 4, "{answers:?}");
}

#[test]
fn a_snapshot_a_task_and_a_deletion_are_told() {
    let (sample, live) = start(demo::Options { clock_speed: 1.0, ..demo::Options::default() }, None);
    let backup = sample.ok("proxmox_create_backup", json!({"vmid": 100, "storage": "shared", "wait": 0}));
    let upid = backup["upid"].as_str().unwrap();
    let uri = format!("pve://task/{}", upid.replace(':', "%3A").replace('@', "%40"));
    live.send(&listen(1, json!({"resourceSubscriptions": [uri]})));
    assert_eq!(live.receive()["params"]["notifications"]["resourceSubscriptions"], json!([uri]));
    sample.ok("proxmox_stop_task", json!({"upid": upid}));
    assert_eq!(live.receive()["params"]["uri"], uri, "it has ended");
    assert_eq!(live.end(), [json!(1)]);

    let (sample, live) = start(quick(), None);
    live.send(&listen(1, guests(&[100, 101])));
    live.receive();
    sample.ok("proxmox_create_snapshot", json!({"vmid": 101, "snapname": "s1"}));
    assert_eq!(live.receive()["params"]["uri"], guest(101), "a task of its own");
    sample.done("proxmox_delete_vm", json!({"vmid": 100}));
    while live.receive()["params"]["uri"] != guest(100) {}
    let left = live.end();
    assert_eq!(left.iter().filter(|id| **id == json!(1)).count(), 1);
}

#[test]
fn the_cluster_is_asked_once_for_all_and_only_while_somebody_listens() {
    let (sample, live) = start(quick(), None);
    assert_eq!(asked(&sample), [0, 0]);
    let vmids = [100, 101, 102, 103, 105, 200, 201, 202];
    live.send(&listen(1, guests(&vmids)));
    assert_eq!(live.receive()["params"]["notifications"], guests(&vmids));
    assert!(asked(&sample).into_iter().all(|count| (1..200).contains(&count)), "{:?}", asked(&sample));
    // Polling continues for as long as the subscription is open.
    let before = asked(&sample);
    while asked(&sample)[0] < before[0] + 5 {
        live.ping();
    }
    let [inventories, tasks] = asked(&sample);
    assert!(inventories.abs_diff(tasks) <= 1, "{inventories} {tasks}");
    live.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    // After the answer to this request, no poll is running.
    live.send(&listen(2, json!({})));
    live.receive();
    let after = asked(&sample);
    for _ in 0..50 {
        sample.ok("proxmox_get_version", json!({}));
    }
    assert_eq!(asked(&sample), after);
    assert_eq!(live.end(), [json!(2)]);
}

#[test]
fn what_cannot_be_subscribed_to_is_refused() {
    let (_sample, live) = start(quick(), Some("2025-11-25"));
    for (uri, code) in [
        (json!("pve://guest/999"), -32002),
        (json!("pve://guest/0100"), -32002),
        (json!("pve://node/nowhere"), -32002),
        (json!("pve://task/UPID:pve1"), -32002),
        (json!("ui://proxmox/cluster.html"), -32002),
        (json!("x".repeat(5000)), -32002),
        (json!(7), -32602),
        (Value::Null, -32602),
    ] {
        let answer = ask(&live, &request(1, "resources/subscribe", json!({"uri": uri})));
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert!(answer.to_string().len() < 12_000);
    }
    let answer = ask(&live, &request(1, "resources/unsubscribe", json!({"uri": "pve://guest/100"})));
    assert_eq!(answer["result"], json!({}), "nothing was subscribed to, and nothing is");
    for filter in [
        json!([]),
        json!({"resourceSubscriptions": "pve://guest/100"}),
        json!({"resourceSubscriptions": [1]}),
    ] {
        assert_eq!(ask(&live, &listen(1, filter))["error"]["code"], -32602);
    }
    let many: Vec<String> = (0..257).map(guest).collect();
    let answer = ask(&live, &listen(1, json!({"resourceSubscriptions": many})));
    assert!(answer["error"]["message"].as_str().unwrap().contains("at most 256"), "{answer}");
    // An id that has not been answered yet is in use.
    live.send(&listen(5, guests(&[100])));
    live.receive();
    assert_eq!(ask(&live, &listen(5, guests(&[100])))["error"]["code"], -32600);
    let call = json!({"name": "proxmox_get_version"});
    assert_eq!(ask(&live, &request(5, "tools/call", call))["error"]["code"], -32600);
    let open: Vec<i64> = (0..64).collect();
    let refused = open.iter().filter(|id| {
        live.send(&listen(100 + **id, json!({})));
        live.receive().get("error").is_some()
    });
    assert_eq!(refused.count(), 1, "64 are open at most");
    assert_eq!(live.end().len(), 64);

    let answers = session(
        &Sample::start(),
        &[initialize("2025-03-26"), json!([listen(1, guests(&[100])), request(2, "ping", json!({}))])],
    );
    let batch = answers[1].as_array().unwrap();
    let of = |id: i64| batch.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(of(1)["error"]["code"], -32600, "it would hold up the others: {batch:?}");
    assert_eq!(of(2)["result"], json!({}));
}

/// Polls that behave as their URIs say.
#[derive(Default)]
struct Looks {
    list: Option<Box<RawValue>>,
    count: AtomicUsize,
}

impl Toolbox for Looks {
    fn about(&self) -> About {
        About { name: "test", title: "Test", version: "1" }
    }

    fn instructions(&self) -> String {
        String::new()
    }

    fn list(&self, _: Revision) -> &RawValue {
        self.list.as_deref().unwrap_or(RawValue::NULL)
    }

    fn order(&self, _: &str, _: &Map<String, Value>) -> Result<Order, String> {
        Ok(Order::Read)
    }

    fn call(&self, _: &Call<'_>, _: &str, _: Map<String, Value>) -> Answer {
        Answer::Failure("none".into())
    }

    fn templates(&self) -> Vec<Template> {
        vec![Template { uri: "test:{x}", name: "x", title: "X", about: "X.", media_type: "text/plain" }]
    }

    fn supports_subscriptions(&self) -> bool {
        true
    }

    fn poll_interval(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    fn look(&self, call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let look = |uri: &String| match uri.as_str() {
            "test:panics" => panic!("as asked"),
            "test:lost" if 0 < count => {
                assert!(call.cancel.sleep(PATIENCE), "nobody ended the look");
                Err(ResourceError::Failed("It cannot be reached.".into()))
            }
            "test:fails" => Err(ResourceError::Failed("It cannot be reached.".into())),
            _ => Ok(String::new()),
        };
        uris.iter().map(look).collect()
    }
}

#[test]
fn a_look_that_fails_panics_or_hangs_costs_nobody_else_anything() {
    let live = Live::over(Arc::new(Looks::default()));
    live.send(&initialize("2025-11-25"));
    live.receive();
    for uri in ["test:fails", "test:panics"] {
        let answer = ask(&live, &request(1, "resources/subscribe", json!({"uri": uri})));
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
    }
    live.send(&listen(1, json!({"resourceSubscriptions": ["test:fails", "test:there"]})));
    assert_eq!(live.receive()["params"]["notifications"]["resourceSubscriptions"], json!(["test:there"]));
    live.ping();
    assert_eq!(live.end(), [json!(1)]);

    let looks = Arc::new(Looks::default());
    let live = Live::over(Arc::clone(&looks));
    live.send(&listen(1, json!({"resourceSubscriptions": ["test:lost"]})));
    live.receive();
    while looks.count.load(Ordering::SeqCst) < 2 {
        live.ping();
    }
    // A poll that never ends is running.
    assert_eq!(live.end(), [json!(1)]);

    let looks = Arc::new(Looks { count: 1.into(), ..Looks::default() });
    let live = Live::over(Arc::clone(&looks));
    live.send(&listen(1, json!({"resourceSubscriptions": ["test:lost"]})));
    while looks.count.load(Ordering::SeqCst) < 2 {
        live.ping();
    }
    // A signal also ends a poll that a request waits for.
    assert_eq!(live.stop().iter().filter(|id| **id == json!(1)).count(), 1);
}
