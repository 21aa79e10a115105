//! Prompts, resources and completions: what is offered besides tools, in every revision.

mod clusters;
mod completions;
mod prompts;
mod resources;

use crate::{
    cluster::{Sample, session},
    testbox::{options, parse_lines},
};
use proxmox_mcp::{
    config::{Config, ConfigError},
    demo,
    mcp::{Revision, serve},
    tools::Tools,
};
use serde_json::{Value, json};

/// A request in that revision.
fn request(revision: Revision, id: usize, method: &str, mut params: Value) -> Value {
    if revision.is_modern() {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": revision.name(),
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The first message of a session in that revision.
fn greeting(revision: Revision) -> Value {
    if revision.is_modern() {
        return request(revision, 0, "server/discover", json!({}));
    }
    let client = json!({"name": "t", "version": "1"});
    let params = json!({"protocolVersion": revision.name(), "capabilities": {}, "clientInfo": client});
    request(revision, 0, "initialize", params)
}

/// The answers to these requests, in their order.
fn ask(sample: &Sample, revision: Revision, requests: &[(&str, Value)]) -> Vec<Value> {
    let mut messages = vec![greeting(revision)];
    messages.extend(
        (1..).zip(requests).map(|(id, (method, params))| request(revision, id, method, params.clone())),
    );
    let mut answers = session(sample, &messages);
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!(answers.len(), messages.len(), "each request has one answer: {answers:?}");
    answers.split_off(1)
}

fn ask_newest(sample: &Sample, method: &str, params: Value) -> Value {
    ask(sample, Revision::V2025_11_25, &[(method, params)]).remove(0)
}

#[track_caller]
fn result(sample: &Sample, method: &str, params: Value) -> Value {
    let answer = ask_newest(sample, method, params);
    assert!(answer.get("result").is_some(), "{answer}");
    answer["result"].clone()
}

fn configured(change: impl FnOnce(&mut Config)) -> Sample {
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, change)
}

fn large() -> Sample {
    Sample::with(demo::Options { guests: 450, ..demo::Options::default() }, |_| {})
}

#[test]
fn capabilities_are_those_that_are_served() {
    let open = Sample::start();
    let shut = configured(|config| config.deny_tools = vec!["*".into()]);
    let no_logs = configured(|config| config.deny_tools = vec!["proxmox_get_*".into()]);
    for revision in Revision::ALL {
        let of =
            |sample: &Sample| session(sample, &[greeting(revision)])[0]["result"]["capabilities"].clone();
        let mut expected = json!({"tools": {}, "prompts": {}, "resources": {"subscribe": true}});
        if revision.has_annotations() {
            expected["completions"] = json!({});
        }
        assert_eq!(of(&open), expected, "{}", revision.name());
        assert_eq!(of(&shut), json!({"tools": {}}), "{}", revision.name());
        assert!(of(&no_logs).get("resources").is_none() && of(&no_logs).get("prompts").is_some());
        let methods = ["prompts/list", "prompts/get", "resources/list", "resources/templates/list"];
        for method in methods.into_iter().chain(["resources/read", "completion/complete"]) {
            let answer = &ask(&shut, revision, &[(method, json!({}))])[0];
            assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
        }
        let of_one_era = ["resources/subscribe", "resources/unsubscribe", "subscriptions/listen"];
        for (method, modern) in of_one_era.into_iter().zip([false, false, true]) {
            let code = if modern == revision.is_modern() { -32602 } else { -32601 };
            assert_eq!(ask(&open, revision, &[(method, json!({}))])[0]["error"]["code"], code, "{method}");
            assert_eq!(ask(&shut, revision, &[(method, json!({}))])[0]["error"]["code"], -32601, "{method}");
        }
        assert_eq!(ask(&open, revision, &[("prompts/set", json!({}))])[0]["error"]["code"], -32601);
    }
}

#[test]
fn results_carry_what_their_revision_wants() {
    let sample = Sample::start();
    let listed = [("prompts/list", "prompts"), ("resources/list", "resources")];
    for revision in Revision::ALL {
        for (method, key) in listed.into_iter().chain([("resources/templates/list", "resourceTemplates")]) {
            let answer = &ask(&sample, revision, &[(method, json!({}))])[0]["result"];
            assert!(!answer[key].as_array().unwrap().is_empty(), "{answer}");
            for entry in answer[key].as_array().unwrap() {
                assert_eq!(entry.get("title").is_some(), revision.has_structured_content(), "{entry}");
            }
            assert_eq!(answer.get("ttlMs").is_some(), revision.is_modern(), "{method}");
            assert_eq!(answer.get("cacheScope").is_some(), revision.is_modern(), "{method}");
        }
        let reference = json!({"type": "ref/resource", "uri": "pve://node/{node}"});
        let requests = [
            ("resources/read", json!({"uri": "pve://node/pve1"})),
            ("prompts/get", json!({"name": "cluster_health"})),
            ("completion/complete", json!({"ref": reference, "argument": {"name": "node", "value": ""}})),
        ];
        let answers = ask(&sample, revision, &requests);
        for (answer, cached) in answers.iter().zip([true, false, false]) {
            let modern = revision.is_modern();
            assert_eq!(answer["result"].get("resultType").is_some(), modern, "{answer}");
            assert_eq!(answer["result"].get("ttlMs").is_some(), modern && cached, "{answer}");
        }
        assert_eq!(answers[2]["result"]["completion"]["values"], json!(["pve1", "pve2", "pve3"]));
    }
}

#[test]
fn what_needs_no_cluster_asks_none() {
    let sample = Sample::start();
    let requests = [
        ("prompts/list", json!({})),
        ("prompts/get", json!({"name": "backup_audit"})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({"uri": "pve://nothing/1"})),
    ];
    ask(&sample, Revision::V2026_07_28, &requests);
    assert_eq!(sample.wire(), Vec::<String>::new());
    ask(&sample, Revision::V2026_07_28, &[("resources/list", json!({}))]);
    assert_eq!(sample.wire(), ["GET /cluster/resources"]);
}

#[test]
fn a_cluster_that_cannot_be_asked_is_an_error_with_its_reason() {
    let error = ConfigError { file: None, problems: vec!["`host` is missing.".into()] };
    let tools = Tools::new(Config::broken(&error));
    let reference = json!({"type": "ref/resource", "uri": "pve://node/{node}"});
    let messages = [
        greeting(Revision::V2025_11_25),
        request(Revision::V2025_11_25, 1, "prompts/list", json!({})),
        request(Revision::V2025_11_25, 2, "resources/list", json!({})),
        request(Revision::V2025_11_25, 3, "resources/read", json!({"uri": "pve://node/pve1"})),
        request(
            Revision::V2025_11_25,
            4,
            "completion/complete",
            json!({"ref": reference, "argument": {"name": "node", "value": ""}}),
        ),
    ];
    let input: String = messages.iter().map(|message| format!("{message}\n")).collect();
    let mut output = Vec::new();
    serve(input.as_bytes(), &mut output, &tools, options(false)).unwrap();
    let mut answers = parse_lines(&output);
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert!(answers[1].get("result").is_some(), "{answers:?}");
    for answer in &answers[2..] {
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("`host` is missing."), "{answer}");
    }
}

#[test]
fn a_batch_holds_them_too() {
    let sample = Sample::start();
    let revision = Revision::V2025_03_26;
    let batch = json!([
        request(revision, 1, "resources/list", json!({})),
        request(revision, 2, "prompts/list", json!({})),
        request(revision, 3, "resources/read", json!({"uri": "pve://node/pve1"})),
    ]);
    let answers = session(&sample, &[greeting(revision), batch]);
    let results = answers[1].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|answer| answer.get("result").is_some()), "{results:?}");
}
