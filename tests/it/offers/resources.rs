//! Resources: URIs, what is read from them, and what is not.

use super::{ask, ask_newest, configured, large, result};
use crate::cluster::Sample;
use proxmox_mcp::mcp::Revision;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn resources_are_what_the_tools_of_the_same_purpose_answer() {
    let whole = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let sample = Sample::start();
    let listed = result(&sample, "resources/list", json!({}))["resources"].as_array().unwrap().clone();
    assert_eq!(listed[0]["uri"], "pve://node/pve1");
    let mut kinds = BTreeSet::new();
    for resource in &listed {
        let uri = resource["uri"].as_str().unwrap();
        let read = &result(&sample, "resources/read", json!({"uri": uri}))["contents"][0];
        assert_eq!((&read["uri"], &read["mimeType"]), (&resource["uri"], &json!("application/json")));
        let text: Value = serde_json::from_str(read["text"].as_str().unwrap()).unwrap();
        let (kind, name) = uri.strip_prefix("pve://").unwrap().split_once('/').unwrap();
        if kind == "node" {
            let told = sample.ok("proxmox_get_node_info", json!({"node": name}));
            assert_eq!(whole(&text), whole(&told));
        } else {
            assert_eq!(text["vmid"].to_string(), name);
            kinds.insert(text["type"].to_string());
        }
    }
    assert_eq!(kinds.len(), 2, "VMs and containers: {kinds:?}");
    let read = &result(&sample, "resources/read", json!({"uri": "pve://guest/101"}))["contents"][0];
    let read: Value = serde_json::from_str(read["text"].as_str().unwrap()).unwrap();
    let told = sample.ok("proxmox_get_vm_info", json!({"vmid": 101}));
    assert_eq!((whole(&read), &read["config"]), (whole(&told), &told["config"]));
}

#[test]
fn a_task_is_read_by_its_plain_and_its_encoded_address() {
    let sample = Sample::start();
    sample.ok("proxmox_start_vm", json!({"vmid": 100}));
    let tasks = sample.ok("proxmox_list_tasks", json!({"vmid": 100, "fields": "upid"}));
    let upid = tasks["rows"][0][0].as_str().unwrap();
    let told = sample.ok("proxmox_get_task_log", json!({"upid": upid}));
    let lines: Vec<&str> = told["lines"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(!lines.is_empty());
    for address in [upid.to_owned(), upid.replace(':', "%3A").replace('@', "%40")] {
        let uri = format!("pve://task/{address}");
        let read = result(&sample, "resources/read", json!({"uri": uri}));
        let expected = json!([{"uri": uri, "mimeType": "text/plain", "text": lines.join("\n")}]);
        assert_eq!(read["contents"], expected);
    }
}

#[test]
fn what_is_not_there_has_the_code_of_its_revision() {
    let sample = Sample::start();
    let forgotten = "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:";
    for uri in [
        "nosuch://nothing/at/all",
        "",
        "pve://guest",
        "pve://guest/",
        "pve://guest/999",
        "pve://guest/0101",
        "pve://guest/101/config",
        "pve://guest/101?x",
        "pve://guest/99999999999999999999",
        "pve://node/pve9",
        "pve://node/..%2Fpve1",
        "pve://node/%",
        "pve://storage/local",
        "pve://task/UPID:x",
        "pve://task/UPID:pve9:000002AE:000ADB4F:6B00EC8C:qmstart:100:root@pam:",
        &format!("pve://task/{forgotten}"),
    ] {
        for revision in Revision::ALL {
            let error = &ask(&sample, revision, &[("resources/read", json!({"uri": uri}))])[0]["error"];
            assert_eq!(error["code"], if revision.is_modern() { -32602 } else { -32002 }, "{uri}: {error}");
            assert_eq!(error["data"]["uri"], uri);
        }
    }
    for params in [json!({}), json!({"uri": 7})] {
        assert_eq!(ask_newest(&sample, "resources/read", params)["error"]["code"], -32602);
    }
}

#[test]
fn what_is_denied_as_a_tool_is_denied_as_a_resource() {
    let sample = configured(|config| config.deny_tools = vec!["proxmox_get_vm_info".into()]);
    let listed = result(&sample, "resources/list", json!({}))["resources"].to_string();
    assert!(listed.contains("pve://guest/2") && !listed.contains("pve://guest/101\""), "{listed}");
    let error = &ask_newest(&sample, "resources/read", json!({"uri": "pve://guest/101"}))["error"];
    assert_eq!(error["code"], -32002);
    let sample = configured(|config| config.deny_tools = vec!["proxmox_get_task_log".into()]);
    let templates = result(&sample, "resources/templates/list", json!({}))["resourceTemplates"].to_string();
    assert!(templates.contains("pve://node/{node}") && !templates.contains("pve://task"), "{templates}");
}

#[test]
fn resources_keep_to_the_limit_of_answers() {
    let sample = configured(|config| config.max_answer_bytes = 1024);
    sample
        .ok("proxmox_update_vm_config", json!({"vmid": 101, "config": {"description": "long ".repeat(600)}}));
    for uri in ["pve://guest/101", "pve://node/pve1"] {
        let read = &result(&sample, "resources/read", json!({"uri": uri}))["contents"][0];
        let text = read["text"].as_str().unwrap();
        assert!(text.len() <= 1024, "{uri} has {} bytes", text.len());
    }
    let read = &result(&sample, "resources/read", json!({"uri": "pve://guest/101"}))["contents"][0];
    assert!(read["text"].as_str().unwrap().contains("max_answer_bytes"), "what is cut is said: {read}");
}

#[test]
fn many_resources_come_in_pages() {
    let sample = large();
    let mut uris = BTreeSet::new();
    let (mut cursor, mut pages) = (Value::Null, 0);
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
        let page = result(&sample, "resources/list", params);
        let resources = page["resources"].as_array().unwrap();
        assert!(resources.len() <= 200);
        uris.extend(resources.iter().map(|resource| resource["uri"].to_string()));
        pages += 1;
        cursor = page.get("nextCursor").cloned().unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((pages, uris.len()), (3, 453));
    for cursor in [json!("7"), json!("0"), json!("-200"), json!("x"), json!("600"), json!(200), json!("")] {
        for method in ["resources/list", "prompts/list", "resources/templates/list"] {
            let error = &ask_newest(&sample, method, json!({"cursor": cursor}))["error"];
            assert_eq!(error["code"], -32602, "{method} {cursor}");
        }
    }
}
