//! Invisible text from the cluster, appended to every string of every answer of the API: it never appears in the
//! server's output, whichever tool, resource, prompt, completion or question it is in.

use crate::{
    cluster::{Sample, session},
    requests::every_call,
};
use proxmox_mcp::{
    demo::{self, TextInjection},
    mcp::{Revision, Toolbox},
};
use serde_json::{Map, Value, json};

/// An escape sequence, a C1 control, DEL, a bare carriage return, a change of direction, zero-width characters, a tag
/// character, a soft hyphen.
const MARK: &str = "\u{1b}[2J\u{9b}\u{7f}\rx\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{ad}";
/// Keys by which objects are identified; a second round spares none of them.
const NAMES: &[&str] =
    &["content", "digest", "id", "node", "status", "storage", "type", "upid", "vmid", "volid", "target"];

fn sample(except: &'static [&'static str]) -> Sample {
    let plant = Some(TextInjection { mark: MARK, except });
    let options = demo::Options { clock_speed: 1e4, plant, ..demo::Options::default() };
    Sample::with(options, |config| {
        config.toolsets = vec!["all".into()];
        config.wait = std::time::Duration::ZERO;
    })
}

/// A request of a client that supports elicitation, or does not.
fn request(id: usize, method: &str, mut params: Value, asks: bool) -> Value {
    let capabilities = if asks { json!({"elicitation": {}}) } else { json!({}) };
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": Revision::V2026_07_28.name(),
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "progressToken": id,
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// Collects the texts with invisible characters, including those inside JSON in a string.
fn hidden(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let bad = |letter: char| {
                MARK.contains(letter) && !"[2Jx".contains(letter)
                    || letter.is_control() && !"\n\t\r".contains(letter)
            };
            if text.replace("\r\n", "\n").chars().any(bad) {
                found.push(text.clone());
            }
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                hidden(&inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| hidden(item, found)),
        Value::Object(object) => {
            for (key, value) in object {
                hidden(&Value::from(key.as_str()), found);
                hidden(value, found);
            }
        }
        _ => {}
    }
}

/// Sends these messages and checks everything that comes back; returns how often the mark was written as an escape.
#[track_caller]
fn ask(sample: &Sample, requests: &[(&str, Value)], asks: bool) -> (Vec<Value>, usize) {
    let messages: Vec<Value> =
        (1..).zip(requests).map(|(id, (method, params))| request(id, method, params.clone(), asks)).collect();
    let came = session(sample, &messages);
    let mut shown = 0;
    for message in &came {
        let mut found = Vec::new();
        hidden(message, &mut found);
        let about = message["id"].as_u64().and_then(|id| requests.get(usize::try_from(id).ok()? - 1));
        assert_eq!(found, Vec::<String>::new(), "{about:?}");
        shown += message.to_string().matches("u{202e}").count();
    }
    (came, shown)
}

fn calls() -> Vec<(&'static str, Value)> {
    every_call()
        .map(|(name, arguments)| ("tools/call", json!({"name": name, "arguments": arguments})))
        .collect()
}

#[test]
fn no_tool_writes_what_nobody_sees() {
    for (except, asks) in [(NAMES, false), (NAMES, true), (&[], false)] {
        let (came, shown) = ask(&sample(except), &calls(), asks);
        let answered = came.iter().filter(|message| message["result"].is_object()).count();
        assert_eq!(answered, calls().len());
        assert!(500 < shown, "the mark was planted and is seen: {shown}");
        let asked = came.iter().filter(|message| message["result"]["resultType"] == "input_required").count();
        assert_eq!(asked != 0, asks, "{asked} questions");
    }
}

#[test]
fn nothing_offered_beside_tools_writes_what_nobody_sees() {
    for except in [NAMES, &[]] {
        let sample = sample(except);
        let (listed, shown) = ask(
            &sample,
            &["resources/list", "resources/templates/list", "prompts/list", "tools/list"]
                .map(|method| (method, json!({}))),
            false,
        );
        // Without the words for types, nothing is recognized as a node or a guest.
        assert!(except.is_empty() || 10 < shown, "{shown}");
        let resources = listed.iter().find_map(|message| message["result"]["resources"].as_array()).unwrap();
        let mut requests: Vec<(&str, Value)> =
            resources.iter().map(|one| ("resources/read", json!({"uri": one["uri"]}))).collect();
        let (tasks, _) = ask(
            &sample,
            &[("tools/call", json!({"name": "proxmox_list_tasks", "arguments": {"fields": "upid"}}))],
            false,
        );
        let tasks = tasks[0]["result"]["structuredContent"]["rows"].as_array().unwrap().clone();
        requests.extend(tasks.iter().take(20).map(|row| {
            let upid = row[0].as_str().unwrap();
            ("resources/read", json!({"uri": format!("pve://task/{upid}")}))
        }));
        for prompt in sample.tools.prompts() {
            let arguments: Map<String, Value> = prompt
                .arguments
                .iter()
                .map(|one| (one.name.to_owned(), json!(if one.name == "node" { "pve1" } else { "101" })))
                .collect();
            requests.push(("prompts/get", json!({"name": prompt.name, "arguments": arguments})));
            for one in prompt.arguments.iter() {
                requests.push((
                    "completion/complete",
                    json!({"ref": {"type": "ref/prompt", "name": prompt.name}, "argument": {"name": one.name, "value": ""}}),
                ));
            }
        }
        for (uri, name) in
            [("pve://node/{node}", "node"), ("pve://guest/{vmid}", "vmid"), ("pve://task/{upid}", "upid")]
        {
            requests.push((
                "completion/complete",
                json!({"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": name, "value": ""}}),
            ));
        }
        let (came, shown) = ask(&sample, &requests, false);
        assert_eq!(came.len(), requests.len());
        assert!(20 < shown, "{shown}");
    }
}
