//! Compares the sample cluster with recordings of a real one: the same requests must yield the same structure and
//! types, and errors the same words.

use crate::wire::{raw, request, ticket_headers, token_header};
use proxmox_mcp::{
    demo::{Options, Server},
    pve::Params,
};
use serde_json::Value;

const RECORDED: &str = include_str!("../data/read.jsonl");
const RECORDED_CHANGES: &str = include_str!("../data/change.jsonl");

#[test]
fn the_sample_answers_in_the_shapes_that_were_recorded() {
    let server = Server::start(Options { clock_speed: 1000.0, ..Options::default() }).unwrap();
    let (id, secret) = server.token();
    let root = token_header(&id, secret.expose());
    let login = |user: &str| ticket_headers(&server, user);
    let mut compared = 0;
    let mut problems = Vec::new();
    for line in RECORDED.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let name = recording["name"].as_str().unwrap();
        let auth = match name {
            "error: no ticket" | "realms without login" | "error: wrong password" => String::new(),
            "error: bad token" => token_header("root@pam!demo", "00000000-0000-0000-0000-000000000000"),
            "error: broken ticket" => "Cookie: PVEAuthCookie=broken\r\n".into(),
            "error: no csrf token" => cookie_of(&login("root@pam")),
            // A change needs the login's CSRF token too.
            "limited user: error 403 on change" => login("alice@pve"),
            name if name.starts_with("limited user") => cookie_of(&login("alice@pve")),
            _ => root.clone(),
        };
        let wanted = &recording["request"];
        let mut params = Params::new();
        for (key, value) in wanted["params"].as_object().unwrap() {
            params.push_json(key, value);
        }
        let (method, path) = (wanted["method"].as_str().unwrap(), wanted["path"].as_str().unwrap());
        let answer = raw(server.address(), &request(method, path, &auth, &params)).unwrap();
        // The recorded node names and guests all exist in the sample, so statuses and messages must be the same.
        let mut found = Vec::new();
        if answer.status != recording["status"] || *answer.reason != *recording["reason"].as_str().unwrap() {
            found.push(format!("answered {} {}", answer.status, answer.reason));
        }
        let body = answer.json();
        shape("", &recording["body"], &body, &mut found);
        for key in ["message", "status", "errors", "success"] {
            if recording["body"].get(key) != body.get(key) {
                found.push(format!(
                    "{key} is {:?}, recorded {:?}",
                    body.get(key),
                    recording["body"].get(key)
                ));
            }
        }
        compared += 1;
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(problems.is_empty(), "of {compared} answers these differ:\n{}", problems.join("\n"));
    assert!(80 <= compared, "only {compared} answers were compared");
}

/// Requests whose guests behaved differently when they were recorded: the sample's guests obey, and have no console.
const OTHERWISE: [&str; 2] = ["shutdown container", "vnc proxy"];

#[test]
fn a_life_of_changes_goes_as_it_was_recorded() {
    let server = Server::start(Options { clock_speed: 1e-6, ..Options::default() }).unwrap();
    let auth = ticket_headers(&server, "root@pam");
    let mut problems = Vec::new();
    // Recorded values, and what the sample has instead: task ids, volumes named by the time.
    let mut names: Vec<(String, String)> = Vec::new();
    let mut compared = 0;
    for line in RECORDED_CHANGES.lines() {
        let recording: Value = serde_json::from_str(line).unwrap();
        let name = recording["name"].as_str().unwrap();
        let here = |text: &str| {
            names.iter().fold(text.to_owned(), |text, (recorded, own)| text.replace(recorded, own))
        };
        let wanted = &recording["request"];
        let mut params = Params::new();
        // Repeated parameters were recorded as a list of pairs.
        let pairs: Vec<(&str, &Value)> = match &wanted["params"] {
            Value::Array(pairs) => pairs.iter().map(|pair| (pair[0].as_str().unwrap(), &pair[1])).collect(),
            params => params.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value)).collect(),
        };
        for (key, value) in pairs {
            match value {
                Value::String(text) => params = params.with(key, here(text)),
                value => params.push_json(key, value),
            }
        }
        let (method, path) = (wanted["method"].as_str().unwrap(), wanted["path"].as_str().unwrap());
        let answer = raw(server.address(), &request(method, &here(path), &auth, &params)).unwrap();
        let body = answer.json();
        let recorded = &recording["body"];
        if let (Some(recorded), Some(own)) = (recorded["data"].as_str(), body["data"].as_str())
            && recorded.starts_with("UPID:")
        {
            names.push((recorded.to_owned(), own.to_owned()));
            names.push((recorded.replace(':', "%3A").replace('@', "%40"), own.replace(':', "%3A")));
            server.skip(60.0);
        }
        let file = |body: &Value| {
            let volids = body["data"].as_array()?.iter().filter_map(|row| row["volid"].as_str());
            volids.into_iter().find(|volid| volid.contains("-101-")).map(str::to_owned)
        };
        if name == "storage content, backups"
            && let (Some(recorded), Some(own)) = (file(recorded), file(&body))
        {
            let encoded = |volid: &str| volid.replace(':', "%3A").replace('/', "%2F");
            names.push((encoded(&recorded), encoded(&own)));
            names.push((recorded, own));
        }
        if OTHERWISE.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let mut found = Vec::new();
        if answer.status != recording["status"] {
            found.push(format!("answered {} {}", answer.status, answer.reason));
        }
        shape("", recorded, &body, &mut found);
        for pointer in
            ["/success", "/status", "/message", "/errors", "/data/status", "/data/exitstatus", "/data/type"]
        {
            if recorded.pointer(pointer) != body.pointer(pointer) {
                found.push(format!(
                    "{pointer} is {:?}, recorded {:?}",
                    body.pointer(pointer),
                    recorded.pointer(pointer)
                ));
            }
        }
        compared += 1;
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(problems.is_empty(), "of {compared} answers these differ:\n{}", problems.join("\n"));
    assert!(110 <= compared, "only {compared} answers were compared");
}

fn cookie_of(headers: &str) -> String {
    format!("{}\r\n", headers.lines().next().unwrap())
}

/// Collects what a recording has and an answer lacks: every key must be present, with the same JSON type. Every
/// recorded row of a list must have a matching row in the answer.
fn shape(path: &str, recorded: &Value, answered: &Value, problems: &mut Vec<String>) {
    match (recorded, answered) {
        (Value::Object(recorded), Value::Object(answered)) => {
            for (key, value) in recorded {
                match answered.get(key) {
                    Some(other) => shape(&format!("{path}/{key}"), value, other, problems),
                    None => problems.push(format!("{path}/{key} is not there")),
                }
            }
        }
        (Value::Array(recorded), Value::Array(answered)) => {
            for (at, row) in recorded.iter().enumerate() {
                let attempts = answered.iter().map(|other| {
                    let mut inner = Vec::new();
                    shape(&format!("{path}[{at}]"), row, other, &mut inner);
                    inner
                });
                // The problem is reported for the row that matches best.
                match attempts.min_by_key(Vec::len) {
                    Some(best) => problems.extend(best),
                    None => problems.push(format!("{path} is empty")),
                }
            }
        }
        (recorded, answered) if kind(recorded) != kind(answered) => {
            problems.push(format!("{path} is {answered}, recorded was {recorded}"));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

#[test]
fn the_comparison_itself_sees_what_is_missing_or_of_another_type() {
    let check = |recorded: Value, answered: Value, expected: usize| {
        let mut problems = Vec::new();
        shape("", &recorded, &answered, &mut problems);
        assert_eq!(problems.len(), expected, "{problems:?}");
    };
    check(
        serde_json::json!({"a": 1, "b": [{"c": "x"}]}),
        serde_json::json!({"a": 2, "b": [{"c": "y", "d": 1}]}),
        0,
    );
    check(serde_json::json!({"a": "1"}), serde_json::json!({"a": 1}), 1);
    check(serde_json::json!({"a": 1}), serde_json::json!({}), 1);
    check(serde_json::json!([{"a": 1}]), serde_json::json!([]), 1);
}
