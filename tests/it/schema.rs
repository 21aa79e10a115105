//! Every message of this server, validated against the official schemas.

use crate::cluster::{Sample, session};
use jsonschema::Validator;
use proxmox_mcp::mcp::Revision;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The schema of one revision, from which a validator for any of its definitions is built.
struct Schema {
    revision: Revision,
    document: Value,
    definitions: &'static str,
}

impl Schema {
    /// The schemas of all five revisions, without their descriptions.
    fn all() -> Vec<Schema> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/mcp-schema");
        let read = |revision: Revision| {
            let text = fs::read_to_string(folder.join(format!("{}.json", revision.name()))).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            let definitions = if document.get("$defs").is_some() { "$defs" } else { "definitions" };
            Schema { revision, document, definitions }
        };
        Revision::ALL.into_iter().map(read).collect()
    }

    fn validator(&self, definition: &str) -> Validator {
        assert!(self.document[self.definitions].get(definition).is_some(), "no {definition}");
        let mut schema = self.document.clone();
        schema.as_object_mut().unwrap().retain(|name, _| name == "$schema" || name == self.definitions);
        schema["$ref"] = json!(format!("#/{}/{definition}", self.definitions));
        jsonschema::validator_for(&schema).unwrap()
    }

    /// The definition that a message must match, according to what it answers.
    fn definition(&self, message: &Value, method: Option<&str>) -> &'static str {
        let newest_style = Revision::V2025_11_25 <= self.revision;
        match message.get("method").and_then(Value::as_str) {
            Some("notifications/subscriptions/acknowledged") => {
                return "SubscriptionsAcknowledgedNotification";
            }
            Some("notifications/resources/updated") => return "ResourceUpdatedNotification",
            Some(_) => return "ProgressNotification",
            None => {}
        }
        if message.get("error").is_some() {
            return if newest_style { "JSONRPCErrorResponse" } else { "JSONRPCError" };
        }
        match method {
            Some("initialize") => "InitializeResult",
            Some("server/discover") => "DiscoverResult",
            Some("tools/list") => "ListToolsResult",
            Some("tools/call") => "CallToolResult",
            Some("prompts/list") => "ListPromptsResult",
            Some("prompts/get") => "GetPromptResult",
            Some("resources/list") => "ListResourcesResult",
            Some("resources/templates/list") => "ListResourceTemplatesResult",
            Some("resources/read") => "ReadResourceResult",
            Some("completion/complete") => "CompleteResult",
            Some("subscriptions/listen") => "SubscriptionsListenResult",
            _ => "EmptyResult",
        }
    }
}

const GUEST: &str = "pve://guest/{vmid}";

/// The requests of a session in that revision, each with an id that names its method.
fn requests(revision: Revision) -> Vec<Value> {
    let request = |id: &str, method: &str, mut params: Value| {
        if revision.is_modern() {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(revision.name());
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        json!({"jsonrpc": "2.0", "id": format!("{method} {id}"), "method": method, "params": params})
    };
    let call = |id: &str, name: &str, arguments: Value| {
        let meta = json!({"progressToken": id});
        request(id, "tools/call", json!({"name": name, "arguments": arguments, "_meta": meta}))
    };
    let complete = |of: Value| json!({"ref": of, "argument": {"name": "vmid", "value": "1"}});
    let client = json!({"name": "t", "version": "1"});
    let first = if revision.is_modern() {
        request("1", "server/discover", json!({}))
    } else {
        let params = json!({"protocolVersion": revision.name(), "capabilities": {}, "clientInfo": client});
        request("1", "initialize", params)
    };
    vec![
        first,
        request("2", "ping", json!({})),
        request("3", "tools/list", json!({})),
        request("4", "no/such", json!({})),
        call("5", "proxmox_list_vms", json!({})),
        call("6", "proxmox_list_vms", json!({"vmdi": 1})),
        call("7", "no_such_tool", json!({})),
        call("8", "proxmox_stop_vm", json!({"vmid": 999})),
        call("9", "proxmox_start_vm", json!({"vmid": 101})),
        call("10", "proxmox_get_vm_info", json!({"vmid": 101})),
        request("11", "prompts/list", json!({})),
        request("12", "prompts/get", json!({"name": "guest_slow", "arguments": {"vmid": "101"}})),
        request("13", "prompts/get", json!({"name": "no_such_prompt"})),
        request("14", "resources/list", json!({})),
        request("15", "resources/templates/list", json!({})),
        request("16", "resources/read", json!({"uri": "pve://guest/101"})),
        request("17", "resources/read", json!({"uri": "pve://guest/999"})),
        request("18", "completion/complete", complete(json!({"type": "ref/prompt", "name": "guest_slow"}))),
        request("19", "completion/complete", complete(json!({"type": "ref/resource", "uri": GUEST}))),
        if revision.is_modern() {
            let filter = json!({"resourceSubscriptions": ["pve://guest/101"]});
            request("20", "subscriptions/listen", json!({"notifications": filter}))
        } else {
            request("20", "resources/subscribe", json!({"uri": "pve://guest/101"}))
        },
    ]
}

#[test]
fn what_the_server_writes_fits_the_official_schemas() {
    for schema in Schema::all() {
        let requests = requests(schema.revision);
        let answers = session(&Sample::start(), &requests);
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for answer in &answers {
            let method = answer["id"].as_str().and_then(|id| id.split(' ').next());
            let definition = schema.definition(answer, method);
            let result = answer.get("result").unwrap_or(answer);
            let verdict = schema.validator(definition).validate(result).map_err(|error| error.to_string());
            assert_eq!(verdict, Ok(()), "{} {definition}: {answer}", schema.revision.name());
            let message =
                schema.validator("JSONRPCMessage").validate(answer).map_err(|error| error.to_string());
            assert_eq!(message, Ok(()), "{} JSONRPCMessage: {answer}", schema.revision.name());
            *seen.entry(definition).or_default() += 1;
        }
        assert_eq!(seen.get("ListToolsResult"), Some(&1), "{}: {seen:?}", schema.revision.name());
        assert_eq!(seen.get("CallToolResult"), Some(&5), "{}: {seen:?}", schema.revision.name());
        for (definition, count) in [
            ("ListPromptsResult", 1),
            ("GetPromptResult", 1),
            ("ListResourcesResult", 1),
            ("ListResourceTemplatesResult", 1),
            ("ReadResourceResult", 1),
            ("CompleteResult", 2),
        ] {
            assert_eq!(seen.get(definition), Some(&count), "{}: {seen:?}", schema.revision.name());
        }
        let answered = answers.iter().filter(|answer| answer.get("id").is_some()).count();
        assert_eq!(answered, requests.len(), "each request has one answer");
    }
}
