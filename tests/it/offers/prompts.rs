//! The texts for models: prompts, instructions and hints mention only what exists.

use super::{ask, configured, result};
use crate::cluster::Sample;
use proxmox_mcp::{
    config::{Access, Config},
    mcp::{Revision, Toolbox},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PROMPTS: [&str; 6] =
    ["cluster_health", "guest_slow", "capacity_plan", "backup_audit", "upgrade_readiness", "security_review"];

/// Every tool that a text mentions.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("proxmox_")).map(str::to_owned).collect()
}

fn prompt(sample: &Sample, name: &str, arguments: Value) -> String {
    let got = result(sample, "prompts/get", json!({"name": name, "arguments": arguments}));
    got["messages"][0]["content"]["text"].as_str().expect("a text").to_owned()
}

#[test]
fn prompts_name_only_tools_that_are_listed() {
    let toolsets = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let all = toolsets(&["all"]);
    let mut offered = Vec::new();
    for (what, sample) in [
        ("core", Sample::start()),
        ("all", configured(|config| config.toolsets = all.clone())),
        ("one", configured(|config| config.toolsets = toolsets(&["snapshots"]))),
        ("two", configured(|config| config.toolsets = toolsets(&["storage", "nodes"]))),
        ("read-only", configured(|config| config.access = Access::ReadOnly)),
        ("no API", configured(|config| config.deny_tools = vec!["proxmox_*_api".into()])),
        ("no lists", configured(|config| config.deny_tools = vec!["proxmox_list_*".into(), "*_api".into()])),
    ] {
        let listed: BTreeSet<String> = sample.tools.listed().map(|entry| entry.name.to_owned()).collect();
        let prompts = sample.tools.prompts();
        for entry in prompts {
            let required = entry.arguments.iter().filter(|argument| argument.required);
            let arguments = required.map(|argument| (argument.name.to_owned(), json!("101"))).collect();
            let text = prompt(&sample, entry.name, arguments);
            let strangers: Vec<_> = named(&text).difference(&listed).cloned().collect();
            assert_eq!(strangers, Vec::<String>::new(), "{what}: {text}");
            assert!(!named(&text).is_empty(), "{what}: {text}");
        }
        offered.push((what, prompts.len()));
        let instructions = sample.tools.instructions();
        let strangers: Vec<_> = named(&instructions).difference(&listed).cloned().collect();
        assert_eq!(strangers, Vec::<String>::new(), "{what}: {instructions}");
    }
    let expected =
        [("core", 6), ("all", 6), ("one", 0), ("two", 6), ("read-only", 6), ("no API", 5), ("no lists", 4)];
    assert_eq!(offered, expected);
}

#[test]
fn every_step_of_a_prompt_can_be_taken_as_it_is_written() {
    // If every tool is listed, each step is a tool; if only the API tools are, each step is a path.
    let all = configured(|config| config.toolsets = vec!["all".into()]);
    let api = configured(|config| config.toolsets = vec!["api".into()]);
    for (sample, least) in [(&all, 35), (&api, 35)] {
        let mut taken = 0;
        for name in PROMPTS {
            let node = if name == "upgrade_readiness" { json!({"node": "pve1"}) } else { json!({}) };
            let arguments = if name == "guest_slow" { json!({"vmid": "101"}) } else { node };
            let text = prompt(sample, name, arguments);
            assert!(text.lines().any(|line| line.starts_with("1. `")), "{text}");
            for line in text.lines() {
                let Some((number, rest)) = line.split_once(". `") else { continue };
                if number.parse::<u32>().is_err() {
                    continue;
                }
                let (tool, rest) = rest.split_once("` ").expect("a tool");
                // VM 101 is known to be a VM, so what is written for containers does not apply.
                if rest.contains("if it is a container") {
                    continue;
                }
                let rest =
                    rest.replace("<node>", "pve1").replace("{node}", "pve1").replace("{storage}", "local");
                let arguments: Value =
                    serde_json::Deserializer::from_str(&rest).into_iter().next().unwrap().unwrap();
                sample.ok(tool, arguments);
                taken += 1;
            }
        }
        assert!(least <= taken, "{taken} steps were taken");
    }
}

#[test]
fn arguments_of_prompts_are_checked() {
    let sample = Sample::start();
    for (params, words) in [
        (json!({}), &["`name`"][..]),
        (json!({"name": 7}), &["`name`"]),
        (json!({"name": "cluster_helth"}), &["cluster_helth", "cluster_health"]),
        (json!({"name": "guest_slow"}), &["guest_slow", "`vmid`"]),
        (json!({"name": "guest_slow", "arguments": {"vmid": ""}}), &["`vmid`"]),
        (json!({"name": "guest_slow", "arguments": {"vmid": 100}}), &["`vmid`", "string"]),
        (json!({"name": "guest_slow", "arguments": {"vmid": "web"}}), &["`web`", "VMID"]),
        (json!({"name": "guest_slow", "arguments": {"vmid": "99"}}), &["`99`", "100"]),
        (json!({"name": "guest_slow", "arguments": {"vmid": "100", "node": "pve1"}}), &["`node`"]),
        (json!({"name": "upgrade_readiness", "arguments": {"node": "pve1\nIgnore"}}), &["`node`"]),
        (json!({"name": "cluster_health", "arguments": []}), &["`arguments`", "object"]),
    ] {
        for revision in Revision::ALL {
            let error = &ask(&sample, revision, &[("prompts/get", params.clone())])[0]["error"];
            assert_eq!(error["code"], -32602, "{params}");
            let message = error["message"].as_str().unwrap();
            assert!(words.iter().all(|word| message.contains(word)), "{params}: {message}");
        }
    }
    for (params, word) in [
        (json!({"name": "upgrade_readiness", "arguments": {"node": "pve2"}}), "/nodes/pve2/status"),
        (json!({"name": "upgrade_readiness", "arguments": {"node": ""}}), "/nodes/{node}/status"),
        (json!({"name": "guest_slow", "arguments": {"vmid": " 101 "}}), "guest 101"),
    ] {
        let text = result(&sample, "prompts/get", params)["messages"][0]["content"]["text"].to_string();
        assert!(text.replace('\\', "").contains(word), "{text}");
    }
}

#[test]
fn instructions_are_short_and_true() {
    let selection = |config: &mut Config| config.only.vmids = vec![(100, 199)];
    for (access, toolsets, words, not) in [
        (
            Access::ReadOnly,
            "core",
            &["read-only", "nothing can be changed"][..],
            &["confirm", "proxmox_call_api"][..],
        ),
        (Access::Standard, "core", &["`confirm`", "`wait`", "proxmox_call_api", "`only`"], &["read-only"]),
        (Access::Full, "all", &["without asking", "`wait`"], &["`confirm`"]),
        (Access::Standard, "vms", &["`confirm`"], &["_api`", "proxmox_get_cluster_status"]),
    ] {
        let sample = configured(|config| {
            (config.access, config.toolsets) = (access, vec![toolsets.into()]);
            selection(config);
        });
        let text = sample.tools.instructions();
        assert!(text.chars().count() < 2048, "{} characters", text.chars().count());
        for word in words {
            assert!(text.contains(word), "{access:?} {toolsets} lacks {word}: {text}");
        }
        for word in not {
            assert!(!text.contains(word), "{access:?} {toolsets} has {word}: {text}");
        }
    }
}

#[test]
fn one_or_two_tools_are_never_loaded_on_demand_only() {
    let sample = Sample::start();
    for revision in Revision::ALL {
        let tools: Value = serde_json::from_str(sample.tools.list(revision).get()).unwrap();
        let kept: Vec<&str> = tools
            .as_array()
            .unwrap()
            .iter()
            .filter(|tool| tool["_meta"]["anthropic/alwaysLoad"] == true)
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        let expected: &[&str] =
            if revision.has_structured_content() { &["proxmox_get_cluster_status"] } else { &[] };
        assert_eq!(kept, expected, "{}", revision.name());
    }
}
