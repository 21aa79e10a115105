//! Several clusters behind one server: each call reaches the cluster that it names and no other, each cluster has its
//! own rules, and one that does not answer does not slow down the others.

use crate::cluster::{Sample, session};
use proxmox_mcp::{
    config::{Access, Config, Selection},
    demo,
    mcp::{Revision, Toolbox},
    pve::Host,
    setup::{check, finding::Verdict},
    tools::Tools,
};
use serde_json::{Value, json};
use std::{fs, net::TcpListener, time::Duration};

/// `lab`, the default, which `sample` serves; `prod`, whose server is returned too; `lost`, which never answers.
pub fn three(change: impl FnOnce(&mut Config, &mut Config)) -> (Sample, Sample, TcpListener) {
    let (config, mut sample, prod, silent) = configured(change);
    sample.tools = Tools::new(config);
    (sample, prod, silent)
}

/// Their configuration, as a file would contain it, and their servers.
fn configured(change: impl FnOnce(&mut Config, &mut Config)) -> (Config, Sample, Sample, TcpListener) {
    let options = || demo::Options { clock_speed: 50.0, ..demo::Options::default() };
    let prod = Sample::with(options(), |_| {});
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let sample = Sample::with(options(), |_| {});
    let mut configs = (sample.tools.config().clone(), prod.tools.config().clone());
    change(&mut configs.0, &mut configs.1);
    let mut lost = configs.0.clone();
    let address = silent.local_addr().unwrap();
    lost.settings_mut().hosts =
        vec![Host { name: address.ip().to_string(), port: address.port(), plain: true }];
    lost.settings_mut().timeout = Duration::from_secs(1);
    let mut config = configs.0.clone();
    config.clusters = vec![("lab".into(), configs.0), ("prod".into(), configs.1), ("lost".into(), lost)];
    (config, sample, prod, silent)
}

/// The number of requests that changed something, or tried to.
fn posts(sample: &Sample) -> usize {
    sample.wire().iter().filter(|line| !line.starts_with("GET")).count()
}

#[test]
fn a_call_reaches_the_cluster_it_names_and_no_other() {
    let (lab, prod, _silent) = three(|_, _| {});
    lab.ok("proxmox_start_vm", json!({"vmid": 105, "wait": 0}));
    assert!(lab.wire().contains(&"POST /nodes/pve1/qemu/105/status/start".to_owned()));
    assert_eq!(prod.wire(), Vec::<String>::new());
    let done = lab.ok("proxmox_start_vm", json!({"vmid": 105, "wait": 0, "cluster": "prod"}));
    assert_eq!(done["cluster"], "prod", "whoever waits for the task must know: {done}");
    assert_eq!(posts(&lab), 1, "the call before");
    assert!(prod.wire().contains(&"POST /nodes/pve1/qemu/105/status/start".to_owned()));
    for (wrong, words) in [
        (json!("prd"), ["no cluster `prd`", "`prod`"]),
        (json!(7), ["no cluster `7`", "lab, prod, lost"]),
        (json!("all"), ["Only `proxmox_get_cluster_status`", "takes the name of one"]),
    ] {
        lab.fails("proxmox_start_vm", json!({"vmid": 105, "cluster": wrong}), &words);
    }
    assert_eq!((posts(&lab), posts(&prod)), (1, 1), "nothing more was sent");
}

#[test]
fn with_one_cluster_there_is_no_such_argument() {
    let sample = Sample::start();
    assert!(!sample.tools.list(Revision::NEWEST_HANDSHAKE).get().contains(r#""cluster""#));
    sample.fails("proxmox_list_vms", json!({"cluster": "lab"}), &["`cluster`"]);
    let (several, _, _silent) = three(|_, _| {});
    let list: Value = serde_json::from_str(several.tools.list(Revision::NEWEST_HANDSHAKE).get()).unwrap();
    for tool in list.as_array().unwrap() {
        let mut names = vec!["lab", "prod", "lost"];
        names.extend((tool["name"] == "proxmox_get_cluster_status").then_some("all"));
        assert_eq!(tool["inputSchema"]["properties"]["cluster"]["enum"], json!(names), "{tool}");
    }
}

#[test]
fn each_has_its_own_access_and_protection() {
    let (lab, prod, _silent) = three(|lab, prod| {
        lab.protected = Selection { vmids: vec![(100, 100)], ..Selection::default() };
        prod.access = Access::ReadOnly;
    });
    lab.fails(
        "proxmox_start_vm",
        json!({"vmid": 105, "cluster": "prod"}),
        &["`access` of cluster `prod`", "`read-only`"],
    );
    assert_eq!(prod.wire(), Vec::<String>::new());
    lab.fails("proxmox_stop_vm", json!({"vmid": 100}), &["protected"]);
    assert!(lab.tools.listed().any(|entry| entry.name == "proxmox_start_vm"), "some cluster allows it");
    let words = lab.tools.instructions();
    for part in ["Clusters: lab, prod (read only), lost.", "lab if not given"] {
        assert!(words.contains(part), "{words}");
    }
    assert!(words.len() < 2048);
}

#[test]
fn a_confirmation_holds_for_one_cluster_only() {
    let (lab, prod, _silent) = three(|_, _| {});
    let plan = lab.ok("proxmox_delete_vm", json!({"vmid": 100, "cluster": "prod"}));
    assert_eq!(plan["confirmation_needed"]["cluster"], "prod", "{plan}");
    let token = &plan["confirm"];
    lab.fails("proxmox_delete_vm", json!({"vmid": 100, "confirm": token}), &["not accepted"]);
    assert!(!lab.wire().iter().any(|line| line.starts_with("DELETE")));
    lab.ok("proxmox_delete_vm", json!({"vmid": 100, "cluster": "prod", "confirm": token}));
    assert!(prod.wire().contains(&"DELETE /nodes/pve1/qemu/100".to_owned()));
    assert!(!lab.wire().iter().any(|line| line.starts_with("DELETE")));
}

#[test]
fn what_was_changed_is_undone_where_it_was_changed_and_logged_with_its_cluster() {
    let log = std::env::temp_dir().join(format!("proxmox-mcp-it-clusters-{}.jsonl", std::process::id()));
    let _ = fs::remove_file(&log);
    let (lab, prod, _silent) = three(|lab, prod| {
        lab.audit = Some(crate::cluster::plain_log(&log));
        prod.audit = Some(crate::cluster::plain_log(&log));
    });
    let done =
        lab.ok("proxmox_update_vm_config", json!({"vmid": 105, "config": {"cores": 3}, "cluster": "prod"}));
    let id = &done["undo"][0];
    let other = lab.ok("proxmox_update_vm_config", json!({"vmid": 105, "config": {"cores": 4}}));
    assert_ne!(&other["undo"][0], id, "a number without its cluster must not take back another change");
    let (in_lab, in_prod) = (posts(&lab), posts(&prod));
    lab.fails("proxmox_undo", json!({"id": id}), &["no change", "to undo"]);
    lab.ok("proxmox_undo", json!({"id": id, "cluster": "prod"}));
    assert_eq!((posts(&lab), posts(&prod)), (in_lab, in_prod + 1));
    let text = fs::read_to_string(&log).unwrap();
    let names: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["cluster"].clone()).collect();
    assert_eq!(names, ["prod", "prod", "lab", "lab", "prod", "prod"]);
    fs::remove_file(log).unwrap();
}

#[test]
fn one_that_does_not_answer_holds_up_nobody_and_costs_only_its_part_of_the_sum() {
    let (lab, _prod, _silent) = three(|_, _| {});
    let call = |id: u64, name: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
    let mut messages = vec![
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        call(1, "proxmox_start_vm", json!({"vmid": 105, "cluster": "lost"})),
    ];
    messages.extend((2..10).map(|id| call(id, "proxmox_list_nodes", json!({"cluster": "lost"}))));
    messages.push(call(10, "proxmox_start_vm", json!({"vmid": 105})));
    messages.push(call(11, "proxmox_list_vms", json!({"cluster": "prod"})));
    messages.push(call(12, "proxmox_get_cluster_status", json!({"cluster": "all"})));
    let answers = session(&lab, &messages);
    let place = |id: u64| answers.iter().position(|answer| answer["id"] == id).unwrap();
    assert!(place(10) < place(1) && place(11) < place(1), "they waited for a cluster that is lost");
    let all = &answers[place(12)]["result"]["structuredContent"]["clusters"];
    assert_eq!(all["lab"]["quorate"], true, "{all}");
    assert_eq!(all["prod"]["quorate"], true, "{all}");
    assert!(all["lost"]["error"].as_str().unwrap().contains("no answer came within 1 s"), "{all}");
}

#[test]
fn a_check_goes_through_all_of_them() {
    let (config, _lab, _prod, _silent) = configured(|_, _| {});
    let mut findings = Vec::new();
    let fine = check::run(Ok(config), &mut |finding| findings.push(finding));
    assert!(!fine);
    let failed: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failure)
        .map(|finding| finding.step.as_str())
        .collect();
    assert_eq!(failed, ["lost/login"], "{findings:?}");
    assert!(findings.iter().any(|finding| finding.step == "prod/quorum"));
}
