//! Confirming in a view, as seen on the wire: the plan reaches the view beside the answer, the word typed there carries
//! it out once, and a client without views receives nothing of it.

use crate::{cluster::Sample, testbox::Live};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const UI: &str = "io.modelcontextprotocol/ui";
const AGREE: &str = "proxmox_view_confirm";
const DELETE: &str = "proxmox_delete_vm";

/// How a client declares its support.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Era {
    Handshake,
    EachRequest,
}

const ERAS: [Era; 2] = [Era::Handshake, Era::EachRequest];

/// A session on a sample cluster.
struct Host {
    sample: Arc<Sample>,
    live: Live,
    meta: Option<Value>,
    id: std::cell::Cell<u64>,
}

impl Host {
    fn start(era: Era, views: bool, keys: &Value) -> Host {
        let extensions = json!({UI: {"mimeTypes": ["text/html;profile=mcp-app"]}});
        let capabilities = if views { json!({"extensions": extensions}) } else { json!({}) };
        let sample = Arc::new(Sample::configured(keys));
        let live = Live::over(Arc::clone(&sample));
        let meta = match era {
            Era::Handshake => {
                let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
                live.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
                live.receive();
                None
            }
            Era::EachRequest => Some(json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": capabilities,
            })),
        };
        Host { sample, live, meta, id: 1.into() }
    }

    fn request(&self, method: &str, mut params: Value) -> Value {
        let id = self.id.replace(self.id.get() + 1);
        if let Some(meta) = &self.meta {
            params["_meta"] = meta.clone();
        }
        self.live.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.live.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn call(&self, name: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({"name": name, "arguments": arguments}))["result"].take()
    }

    /// The data for the view of a plan.
    #[track_caller]
    fn plan(&self, name: &str, arguments: Value) -> Value {
        let result = self.call(name, arguments);
        let view = result["_meta"]["proxmox-mcp/view"].clone();
        assert_eq!(view["kind"], "confirm", "{result}");
        view
    }

    /// What a view sends after its user has typed that word.
    fn agree(&self, view: &Value, word: &str) -> Value {
        let mut arguments = view["agree"]["arguments"].clone();
        arguments["word"] = word.into();
        self.call(view["agree"]["tool"].as_str().unwrap(), arguments)
    }

    #[track_caller]
    fn refused(&self, result: &Value, words: &str) {
        let text = text(result);
        assert_eq!(result["isError"], true, "{result}");
        assert!(text.contains(words) && text.contains("Nothing was done"), "{text}");
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

/// The tools of a list, by name.
fn tools(list: &Value) -> Map<String, Value> {
    let tools = list["result"]["tools"].as_array().unwrap().iter();
    tools.map(|tool| (tool["name"].as_str().unwrap().to_owned(), tool.clone())).collect()
}

#[test]
fn the_word_typed_in_a_view_carries_the_plan_out_once() {
    for era in ERAS {
        let host = Host::start(era, true, &json!({}));
        let result = host.call(DELETE, json!({"vmid": 100}));
        let view = &result["_meta"]["proxmox-mcp/view"];
        assert_eq!(view["title"], "VM 100 (web01)");
        assert_eq!((&view["word"], &view["action"]), (&json!("100"), &json!("Delete")));
        assert!(view["sentence"].as_str().unwrap().starts_with("Delete VM 100"), "{view}");
        assert!(view["lost"]["disks"][0].as_str().unwrap().contains("vm-100-disk-0"), "{view}");
        assert_eq!(view["agree"]["tool"], AGREE);
        // What only the view may know is not in anything given to a model; the model's answer is complete all the same.
        let secret = view["agree"]["arguments"]["plan"].as_str().unwrap();
        assert_eq!(secret.len(), 32);
        assert!(!result["content"].to_string().contains(secret));
        assert!(!result["structuredContent"].to_string().contains(secret));
        let told: Value = serde_json::from_str(text(&result)).unwrap();
        let token = told["confirm"].as_str().unwrap();
        assert!(told["confirmation_needed"]["disks"].is_array(), "{told}");
        assert_eq!(host.sample.changes(), Vec::<String>::new());

        let done = host.agree(view, " 100 ");
        assert_eq!(done.get("isError"), None, "{done}");
        assert_eq!(host.sample.changes(), ["DELETE /nodes/pve1/qemu/100"]);
        host.refused(&host.agree(view, "100"), "used already");
        // The token of the same plan is used up with it.
        let again = host.call(DELETE, json!({"vmid": 100, "confirm": token}));
        assert_eq!(again["isError"], true, "{again}");
        assert_eq!(host.sample.changes().len(), 1, "{era:?}");
    }
}

#[test]
fn what_was_agreed_to_by_the_token_is_not_done_again_by_the_view() {
    // This can be repeated any number of times, and leaves no trace in the target.
    let host = Host::start(Era::EachRequest, true, &json!({"ask": ["execute"]}));
    let mut arguments = json!({"vmid": 105, "command": "id"});
    let result = host.call("proxmox_execute_vm_command", arguments.clone());
    let view = result["_meta"]["proxmox-mcp/view"].clone();
    let told: Value = serde_json::from_str(text(&result)).unwrap();
    arguments["confirm"] = told["confirm"].clone();
    let done = host.call("proxmox_execute_vm_command", arguments);
    assert_eq!(done.get("isError"), None, "{done}");
    let changes = host.sample.changes();
    assert_eq!(changes.len(), 1, "{changes:?}");
    host.refused(&host.agree(&view, "105"), "used already");
    assert_eq!(host.sample.changes(), changes);
}

#[test]
fn a_plan_takes_its_own_word_and_is_gone_after_another() {
    let host = Host::start(Era::Handshake, true, &json!({}));
    for word in ["101", "yes", "1000"] {
        let view = host.plan(DELETE, json!({"vmid": 100}));
        host.refused(&host.agree(&view, word), &format!("`{word}` was typed instead of `100`"));
        host.refused(&host.agree(&view, "100"), "used already");
    }
    let view = host.plan(DELETE, json!({"vmid": 100}));
    for (arguments, words) in [
        (json!({}), "`plan`"),
        (json!({"plan": view["agree"]["arguments"]["plan"]}), "`word`"),
        (json!({"plan": view["agree"]["arguments"]["plan"], "word": "100", "dry_run": true}), "`dry_run`"),
        (json!({"plan": "0".repeat(32), "word": "100"}), "used already or has expired"),
    ] {
        let result = host.call(AGREE, arguments);
        assert_eq!(result["isError"], true, "{result}");
        assert!(text(&result).contains(words), "{result}");
    }
    // The target has changed: the plan that was read is not what would be done.
    host.call("proxmox_update_vm_config", json!({"vmid": 100, "config": {"description": "changed"}}));
    host.refused(&host.agree(&view, "100"), "another state of the target");
    assert!(!host.sample.changes().iter().any(|line| line.starts_with("DELETE")));
}

#[test]
fn where_a_person_must_agree_the_view_says_how_and_agrees_to_nothing() {
    let host = Host::start(Era::Handshake, true, &json!({"confirm": "person", "wait": 0}));
    let result = host.call(DELETE, json!({"vmid": 100}));
    let view = &result["_meta"]["proxmox-mcp/view"];
    let told: Value = serde_json::from_str(text(&result)).unwrap();
    let name = told["approve"].as_str().unwrap();
    let instead = view["instead"].as_str().unwrap();
    assert!(instead.contains(&format!("proxmox-mcp approve {name}")), "{instead}");
    assert_eq!((view.get("agree"), view.get("word")), (None, None));
    host.refused(&host.call(AGREE, json!({"plan": name, "word": "100"})), "used already");

    let host = Host::start(Era::Handshake, true, &json!({"deny_tools": [AGREE]}));
    let view = host.plan(DELETE, json!({"vmid": 100}));
    assert!(view["instead"].as_str().unwrap().contains("assistant") && view.get("agree").is_none(), "{view}");
    let result = host.call(AGREE, json!({"plan": "0".repeat(32), "word": "100"}));
    assert!(text(&result).contains("forbidden"), "{result}");
    assert!(!tools(&host.request("tools/list", json!({}))).contains_key(AGREE));
    assert_eq!(host.sample.changes(), Vec::<String>::new());
}

#[test]
fn what_always_asks_names_the_view_and_only_views_have_the_tool_to_agree() {
    for era in ERAS {
        let host = Host::start(era, true, &json!({"toolsets": ["all"]}));
        let seen = tools(&host.request("tools/list", json!({})));
        let view = |name: &str| seen[name]["_meta"]["ui"]["resourceUri"].clone();
        for name in [DELETE, "proxmox_delete_container", "proxmox_rollback_snapshot", "proxmox_call_api"] {
            assert_eq!(view(name), "ui://proxmox/confirm.html", "{name}");
        }
        for name in ["proxmox_start_vm", "proxmox_list_vms", "proxmox_create_vm"] {
            assert_eq!(view(name), Value::Null, "{name}");
        }
        assert_eq!(view("proxmox_get_vm_info"), "ui://proxmox/guest.html");
        let ui = &seen[AGREE]["_meta"]["ui"];
        assert_eq!(*ui, json!({"visibility": ["app"]}));
        let read = host.request("resources/read", json!({"uri": "ui://proxmox/confirm.html"}));
        assert!(read["result"]["contents"][0]["text"].as_str().unwrap().starts_with("<!doctype html>"));

        let plain = Host::start(era, false, &json!({"toolsets": ["all"]}));
        let others = tools(&plain.request("tools/list", json!({})));
        assert!(others.keys().all(|name| !name.starts_with("proxmox_view_")));
        for (name, tool) in &others {
            // The same tool except for the reference to its view.
            let mut same = seen[name].clone();
            if let Some(meta) = same.get_mut("_meta").and_then(Value::as_object_mut) {
                meta.retain(|name, _| !matches!(name.as_str(), "ui" | "ui/resourceUri"));
                if meta.is_empty() {
                    same.as_object_mut().unwrap().shift_remove("_meta");
                }
            }
            assert_eq!(*tool, same, "{name}");
        }
        let unknown =
            plain.request("tools/call", json!({"name": AGREE, "arguments": {"plan": "0", "word": "0"}}));
        assert!(unknown["error"]["message"].as_str().unwrap().starts_with("Unknown tool"), "{unknown}");
        let mut result = plain.call(DELETE, json!({"vmid": 100}));
        if era == Era::EachRequest {
            result["_meta"].as_object_mut().unwrap().shift_remove("io.modelcontextprotocol/serverInfo");
            assert_eq!(result.as_object_mut().unwrap().shift_remove("_meta"), Some(json!({})));
        }
        assert_eq!(result.get("_meta"), None, "{result}");
        let told: Value = serde_json::from_str(text(&result)).unwrap();
        assert_eq!(
            told.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["confirmation_needed", "confirm", "note"]
        );
    }
}
