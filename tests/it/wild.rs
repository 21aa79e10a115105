//! What clients and frameworks do with valid input, or need of it: see the table in CONTRIBUTING.md and `findings/`.

use crate::{
    cluster::{Sample, session},
    long::{call, initialize},
    requests::every_call,
};
use proxmox_mcp::tools::{catalog::index::named, run::args::Args};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What these requests are answered with after the handshake.
fn answers(sample: &Sample, requests: Vec<Value>) -> Vec<Value> {
    let count = requests.len();
    let mut messages = vec![initialize()];
    messages.extend(requests);
    let mut answers = session(sample, &messages);
    answers.retain(|answer| answer["id"] != 0);
    assert_eq!(answers.len(), count);
    answers
}

/// CrewAI sends null for every argument that was left out (`findings/crewai-nulls-for-what-was-left-out.sh`).
#[test]
fn null_is_as_good_as_an_argument_that_was_left_out() {
    for (tool, arguments) in every_call() {
        let entry = named(&tool).unwrap();
        let check = |given: Map<String, Value>| {
            let args = Args::check(entry.params(), &|_| false, given)?;
            Ok::<_, String>(
                args.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect::<BTreeMap<_, _>>(),
            )
        };
        let given = arguments.as_object().unwrap();
        let mut nulls: Map<String, Value> = entry
            .params()
            .filter(|param| !param.required)
            .map(|param| (param.name.to_owned(), Value::Null))
            .collect();
        nulls.extend(given.clone());
        assert_eq!(check(nulls), check(given.clone()), "{tool}");
    }
}

/// Frameworks lose a tool, or all of them, whose schema has no `properties` or a list of types, and read only the first page
/// (`findings/smolagents-*.sh`, `findings/autogen-list-of-types.sh`).
#[test]
fn every_schema_is_one_that_frameworks_can_read() {
    let sample = Sample::configured(&json!({"toolsets": ["all"]}));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let answer = answers(&sample, vec![list]).remove(0);
    assert!(answer["result"]["nextCursor"].is_null());
    let tools = answer["result"]["tools"].as_array().unwrap();
    assert!(tools.len() > 100, "{}", tools.len());
    for tool in tools {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert!(schema["properties"].is_object() && tool.get("outputSchema").is_none(), "{tool}");
        has_one_type(schema, &tool["name"]);
    }
}

fn has_one_type(schema: &Value, tool: &Value) {
    match schema {
        Value::Object(keys) => {
            assert!(!keys.get("type").is_some_and(Value::is_array), "{tool}: {schema}");
            keys.values().for_each(|value| has_one_type(value, tool));
        }
        Value::Array(values) => values.iter().for_each(|value| has_one_type(value, tool)),
        _ => {}
    }
}

/// A link makes AutoGen lose the result, and the TypeScript SDK validates the structured content of an error
/// (`findings/autogen-link-becomes-error.sh`, `findings/ts-sdk-1-output-schema-dialect.sh`).
#[test]
fn results_have_no_links_and_errors_only_text() {
    let sample = Sample::start();
    let calls: Vec<Value> = [
        ("proxmox_list_vms", json!({})),
        ("proxmox_get_vm_info", json!({"vmid": 100})),
        ("proxmox_get_vm_info", json!({"vmid": 999})),
        ("proxmox_get_vm_info", json!({"vmid": "x"})),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, arguments), id)| call(id, name, arguments))
    .collect();
    for answer in answers(&sample, calls) {
        let result = &answer["result"];
        let blocks = result["content"].as_array().unwrap_or_else(|| panic!("no result: {answer}"));
        assert!(!blocks.is_empty() && blocks.iter().all(|block| block["type"] == "text"), "{answer}");
        if result["isError"] == true {
            assert!(result.get("structuredContent").is_none(), "{answer}");
        }
    }
}
