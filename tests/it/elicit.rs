//! Confirmation by the person at the client, as seen on the wire, in every way in which a client can be asked.

use crate::{
    cluster::{Sample, session},
    testbox::Live,
};
use proxmox_mcp::config::Confirm;
use serde_json::{Value, json};
use std::sync::Arc;

/// The requests that reached the API and were not GET.
fn changes(sample: &Sample) -> Vec<String> {
    sample.wire().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

fn initialize(version: &str, capabilities: Value) -> Value {
    let params = json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

fn call(id: u64, name: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

/// A live session on a sample cluster whose client supports elicitation. An immediate answer may not come from a
/// person, so only the client's answer may continue the call.
fn asking(version: &str) -> (Arc<Sample>, Live) {
    let sample = Arc::new(Sample::with(Default::default(), |config| config.confirm = Confirm::Strict));
    let live = Live::over(Arc::clone(&sample));
    live.send(&initialize(version, json!({"elicitation": {}})));
    assert_eq!(live.receive()["result"]["protocolVersion"], version);
    (sample, live)
}

/// Requests the deletion of a VM; returns the question as the client receives it.
fn question(live: &Live, vmid: i64) -> Value {
    live.send(&call(1, "proxmox_delete_vm", json!({"vmid": vmid, "wait": 0})));
    let question = live.receive();
    assert_eq!(question["method"], "elicitation/create", "{question}");
    question
}

fn text(answer: &Value) -> String {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_client_of_the_handshake_is_asked_and_what_the_person_does_decides() {
    for (reaction, expected) in [
        (json!({"result": {"action": "accept", "content": {"confirm": "100"}}}), None),
        (json!({"result": {"action": "accept", "content": {"confirm": 100}}}), None),
        (json!({"result": {"action": "accept", "content": {"confirm": " 100 "}}}), None),
        (
            json!({"result": {"action": "accept", "content": {"confirm": "101"}}}),
            Some("`101` was typed instead of `100`"),
        ),
        (json!({"result": {"action": "accept", "content": {"confirm": "yes"}}}), Some("`yes` was typed")),
        (json!({"result": {"action": "accept", "content": {}}}), Some("`` was typed")),
        (json!({"result": {"action": "accept"}}), Some("`` was typed")),
        (json!({"result": {"action": "decline"}}), Some("declined")),
        (json!({"result": {"action": "cancel"}}), Some("closed or not answered")),
        (json!({"result": {"action": "maybe"}}), Some("closed or not answered")),
        (json!({"result": 7}), Some("closed or not answered")),
        (json!({"error": {"code": -32603, "message": "no"}}), Some("closed or not answered")),
    ] {
        let (sample, live) = asking("2025-11-25");
        let question = question(&live, 100);
        let message = question["params"]["message"].as_str().unwrap();
        for words in ["VM 100 (web01)", "vm-100-disk-0", "newest_backup", "Type 100 to confirm"] {
            assert!(message.contains(words), "`{message}` lacks `{words}`");
        }
        assert!(question["params"].get("mode").is_none(), "form is said by leaving `mode` out");
        assert_eq!(changes(&sample), Vec::<String>::new(), "nothing is sent before the answer");
        // Other calls continue while a person thinks.
        live.send(&call(2, "proxmox_get_version", json!({})));
        assert_eq!(live.receive()["id"], 2);
        let mut answer = json!({"jsonrpc": "2.0", "id": question["id"]});
        answer.as_object_mut().unwrap().extend(reaction.as_object().unwrap().clone());
        live.send(&answer);
        let done = live.receive();
        assert_eq!(done["id"], 1);
        match expected {
            None => {
                assert!(done["result"].get("isError").is_none(), "{done}");
                assert_eq!(changes(&sample), ["DELETE /nodes/pve1/qemu/100"]);
            }
            Some(words) => {
                assert_eq!(done["result"]["isError"], true, "{reaction}: {done}");
                let text = text(&done);
                assert!(text.contains(words) && text.contains("Nothing was done"), "{reaction}: {text}");
                assert_eq!(changes(&sample), Vec::<String>::new(), "{reaction}");
            }
        }
        assert!(live.end().is_empty());
    }
}

#[test]
fn a_question_ends_with_its_call_and_strangers_answers_are_nobodys() {
    let (sample, live) = asking("2025-06-18");
    let asked = question(&live, 100);
    live.send(&json!({"jsonrpc": "2.0", "id": "elicit-77", "result": {"action": "accept", "content": {"confirm": "100"}}}));
    live.cancel(1);
    let told = live.receive();
    assert_eq!(told["method"], "notifications/cancelled");
    assert_eq!(told["params"]["requestId"], asked["id"]);
    // Too late: nothing waits for it any more.
    live.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"confirm": "100"}}}));
    live.ping();
    assert_eq!(changes(&sample), Vec::<String>::new());
    assert!(live.end().is_empty());

    let (sample, live) = asking("2025-11-25");
    question(&live, 100);
    let left = live.end();
    assert!(left.contains(&json!(1)), "the end of input answers the call: {left:?}");
    assert_eq!(changes(&sample), Vec::<String>::new());
}

#[test]
fn a_target_that_changes_while_the_person_thinks_is_left_alone() {
    let (sample, live) = asking("2025-11-25");
    let asked = question(&live, 100);
    live.send(&call(2, "proxmox_update_vm_config", json!({"vmid": 100, "config": {"cores": 3}})));
    assert_eq!(live.receive()["id"], 2);
    live.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"confirm": "100"}}}));
    let done = live.receive();
    assert!(text(&done).contains("changed while the question was open"), "{done}");
    assert!(!changes(&sample).iter().any(|line| line.starts_with("DELETE")));
}

/// A call according to revision 2026-07-28.
fn modern(id: u64, arguments: Value, capabilities: Value, more: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let mut params = json!({"name": "proxmox_delete_vm", "arguments": arguments, "_meta": meta});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

fn accepted(state: &Value, typed: &str) -> Value {
    json!({"requestState": state, "inputResponses": {"confirm": {"action": "accept", "content": {"confirm": typed}}}})
}

#[test]
fn in_2026_07_28_the_call_is_answered_with_the_question_and_comes_again() {
    let sample = Sample::with(Default::default(), |config| config.confirm = Confirm::Strict);
    let forms = json!({"elicitation": {}});
    let delete = json!({"vmid": 100, "wait": 0});
    let one = |message: Value| session(&sample, &[message]).remove(0);
    let asked = one(modern(1, delete.clone(), forms.clone(), json!({})));
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    assert_eq!(result["inputRequests"]["confirm"]["method"], "elicitation/create");
    assert_eq!(result["inputRequests"]["confirm"]["params"]["mode"], "form");
    let state = result["requestState"].clone();
    assert_eq!(changes(&sample), Vec::<String>::new());

    let mut tampered = state.as_str().unwrap().to_owned();
    let last = if tampered.ends_with('0') { "1" } else { "0" };
    tampered.replace_range(tampered.len() - 1.., last);
    for (arguments, more, words) in [
        (delete.clone(), accepted(&json!(tampered), "100"), "not accepted"),
        (delete.clone(), accepted(&json!(""), "100"), "not accepted"),
        (json!({"vmid": 101, "wait": 0}), accepted(&state, "101"), "not accepted"),
        (json!({"vmid": 100, "purge": true}), accepted(&state, "100"), "not accepted"),
    ] {
        let refused = one(modern(2, arguments, forms.clone(), more));
        assert!(text(&refused).contains(words), "{refused}");
    }
    let again = one(modern(3, delete.clone(), forms.clone(), json!({"requestState": state})));
    assert_eq!(again["result"]["resultType"], "input_required", "no answer came along: {again}");
    let declined = json!({"requestState": again["result"]["requestState"], "inputResponses": {"confirm": {"action": "decline"}}});
    assert!(text(&one(modern(4, delete.clone(), forms.clone(), declined))).contains("declined"));
    let wrong = one(modern(5, delete.clone(), forms.clone(), json!({"requestState": 5})));
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    assert_eq!(changes(&sample), Vec::<String>::new());

    let done = one(modern(6, delete.clone(), forms.clone(), accepted(&state, "100")));
    assert!(done["result"].get("isError").is_none(), "{done}");
    assert_eq!(changes(&sample), ["DELETE /nodes/pve1/qemu/100"]);
    let replayed = one(modern(7, delete.clone(), forms, accepted(&state, "100")));
    assert_eq!(replayed["result"]["isError"], true, "{replayed}");
    let plain = one(modern(8, json!({"vmid": 101}), json!({}), json!({})));
    assert!(text(&plain).contains("`confirm` is `strict`"), "nobody can be asked: {plain}");
}

#[test]
fn strict_refuses_where_nobody_can_be_asked_and_a_token_is_no_way_around_the_person() {
    let strict = Sample::with(Default::default(), |config| config.confirm = Confirm::Strict);
    strict.fails("proxmox_delete_vm", json!({"vmid": 100}), &["Nothing was done", "`confirm` is `strict`"]);
    assert_eq!(changes(&strict), Vec::<String>::new());
    let sample = Arc::new(Sample::start());
    let token = sample.ok("proxmox_delete_vm", json!({"vmid": 100}))["confirm"].clone();
    let live = Live::over(Arc::clone(&sample));
    live.send(&initialize("2025-11-25", json!({"elicitation": {}})));
    live.receive();
    live.send(&call(1, "proxmox_delete_vm", json!({"vmid": 100, "confirm": token})));
    assert_eq!(live.receive()["method"], "elicitation/create");
    assert_eq!(changes(&sample), Vec::<String>::new());
}
