//! With several clusters, everything offered names the cluster that it is from.

use super::{ask_newest, result};
use crate::clusters::three;
use proxmox_mcp::{
    config::Access,
    mcp::{Revision, Toolbox},
};
use serde_json::{Value, json};

#[test]
fn addresses_name_their_cluster_and_lead_to_no_other() {
    let (lab, prod, _silent) = three(|_, prod| prod.deny_tools = vec!["proxmox_get_container_info".into()]);
    let templates = result(&lab, "resources/templates/list", json!({}))["resourceTemplates"].to_string();
    for uri in ["pve://{cluster}/guest/{vmid}", "pve://{cluster}/node/{node}", "pve://{cluster}/task/{upid}"]
    {
        assert!(templates.contains(uri), "{templates}");
    }
    let read = result(&lab, "resources/read", json!({"uri": "pve://prod/guest/101"}));
    assert_eq!(read["contents"][0]["uri"], "pve://prod/guest/101");
    let asked = prod.wire().len();
    assert!(lab.wire().is_empty() && 0 < asked, "only the one that is named is asked");
    result(&lab, "resources/read", json!({"uri": "pve://lab/guest/101"}));
    assert_eq!((lab.wire().len(), prod.wire().len()), (asked, asked));
    for uri in ["pve://guest/101", "pve://prd/guest/101", "pve://prod/guest/207", "pve://prod/node/pve9"] {
        let error = &ask_newest(&lab, "resources/read", json!({"uri": uri}))["error"];
        assert_eq!(error["code"], -32002, "{uri}: {error}");
    }
}

#[test]
fn the_list_holds_each_cluster_that_answers() {
    let (lab, _prod, _silent) = three(|_, _| {});
    let listed = result(&lab, "resources/list", json!({}))["resources"].as_array().unwrap().clone();
    let of = |cluster: &str| {
        let base = format!("pve://{cluster}/");
        listed.iter().filter(|entry| entry["uri"].as_str().unwrap().starts_with(&base)).count()
    };
    assert!(3 < of("lab"));
    assert_eq!((of("prod"), of("lost"), listed.len()), (of("lab"), 0, 2 * of("lab")));
    assert!(listed[0]["title"].as_str().unwrap().ends_with(" in lab"), "{}", listed[0]);
}

#[test]
fn prompts_take_a_cluster_and_pass_it_on() {
    let (lab, _prod, _silent) = three(|_, _| {});
    for prompt in lab.tools.prompts() {
        assert_eq!(prompt.arguments.last().unwrap().name, "cluster", "{}", prompt.name);
        let mut arguments = json!({"cluster": "prod"});
        if prompt.name == "guest_slow" {
            arguments["vmid"] = "101".into();
        }
        let got = result(&lab, "prompts/get", json!({"name": prompt.name, "arguments": arguments}));
        let text = got["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.lines().next().unwrap().contains("`prod`"), "{text}");
        let mut steps = 0;
        for line in text.lines() {
            let Some((_, rest)) = line.split_once(". `") else { continue };
            let (tool, rest) = rest.split_once("` ").expect("a tool");
            let arguments: Value =
                serde_json::Deserializer::from_str(rest).into_iter().next().unwrap().unwrap();
            assert_eq!(arguments["cluster"], "prod", "{tool} {arguments}");
            steps += 1;
        }
        assert!(4 < steps, "{text}");
    }
    let (strict, _prod, _silent) = three(|_, prod| prod.deny_tools = vec!["proxmox_list_nodes".into()]);
    for (cluster, named) in [("lab", true), ("prod", false)] {
        let params = json!({"name": "cluster_health", "arguments": {"cluster": cluster}});
        let text = result(&strict, "prompts/get", params)["messages"].to_string();
        assert_eq!(text.contains("proxmox_list_nodes"), named, "{cluster}: {text}");
    }
    let wrong = json!({"name": "cluster_health", "arguments": {"cluster": "prd"}});
    let error = ask_newest(&lab, "prompts/get", wrong)["error"].clone();
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("`prod`"), "{error}");
}

#[test]
fn completions_look_into_the_cluster_that_is_named() {
    let (lab, prod, _silent) = three(|_, _| {});
    let guest = json!({"type": "ref/resource", "uri": "pve://{cluster}/guest/{vmid}"});
    for (argument, typed, known, expected, asked) in [
        ("cluster", "", json!({}), json!(["lab", "prod", "lost"]), (0, 0)),
        ("cluster", "PR", json!({}), json!(["prod"]), (0, 0)),
        ("vmid", "db01", json!({"cluster": "prod"}), json!(["101"]), (0, 1)),
        ("vmid", "db01", json!({"cluster": "lab"}), json!(["101"]), (1, 0)),
        ("vmid", "db01", json!({}), json!(["101"]), (1, 0)),
    ] {
        let before = (lab.wire().len(), prod.wire().len());
        let argument = json!({"name": argument, "value": typed});
        let params = json!({"ref": guest, "argument": argument, "context": {"arguments": known}});
        let found = result(&lab, "completion/complete", params);
        assert_eq!(found["completion"]["values"], expected, "{typed} {known}");
        assert_eq!(
            (lab.wire().len(), prod.wire().len()),
            (before.0 + asked.0, before.1 + asked.1),
            "{known}"
        );
    }
}

#[test]
fn instructions_tell_the_access_of_each() {
    for (lab, prod, words, not) in [
        (
            Access::Standard,
            Access::ReadOnly,
            &["lab, prod (read only), lost", "`confirm`"][..],
            &["at once"][..],
        ),
        (Access::ReadOnly, Access::ReadOnly, &["nothing can be changed"], &["`confirm`", "`wait`"]),
        (
            Access::Full,
            Access::Standard,
            &["lab (full), prod", "`confirm`", "Where access is full"],
            &["be sure"],
        ),
        (Access::Full, Access::Full, &["lab (full), prod (full)", "without asking"], &["`confirm`"]),
    ] {
        let (sample, _prod, _silent) = three(|first, second| (first.access, second.access) = (lab, prod));
        let text = sample.tools.instructions();
        assert!(text.chars().count() < 2048, "{} characters", text.chars().count());
        assert!(words.iter().all(|word| text.contains(word)), "{lab:?} {prod:?}: {text}");
        assert!(!not.iter().any(|word| text.contains(word)), "{lab:?} {prod:?}: {text}");
    }
    let (sample, _prod, _silent) = three(|_, _| {});
    let many = |count: usize| {
        let mut config = sample.tools.config().clone();
        let one = config.clone();
        config.clusters =
            (0..count).map(|number| (format!("a-rather-long-name-{number}"), one.clone())).collect();
        proxmox_mcp::tools::Tools::new(config)
    };
    let text = many(200).instructions();
    assert!(text.chars().count() < 2048 && text.contains(" more."), "{} characters: {text}", text.len());
    assert!(many(2).list(Revision::NEWEST_HANDSHAKE).get().contains("a-rather-long-name-1"));
}
