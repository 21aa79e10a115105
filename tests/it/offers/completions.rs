//! Completions of partly typed arguments.

use super::{ask_newest, large, result};
use crate::cluster::Sample;
use serde_json::{Value, json};

/// The completions of an argument of a reference for the text typed so far.
fn completed(sample: &Sample, reference: Value, argument: &str, typed: &str, known: Value) -> Value {
    let argument = json!({"name": argument, "value": typed});
    let params = json!({"ref": reference, "argument": argument, "context": {"arguments": known}});
    result(sample, "completion/complete", params)["completion"].clone()
}

#[test]
fn arguments_complete_to_what_is_there() {
    let sample = Sample::start();
    let slow = || json!({"type": "ref/prompt", "name": "guest_slow"});
    let upgrade = || json!({"type": "ref/prompt", "name": "upgrade_readiness"});
    let of = |uri: &str| json!({"type": "ref/resource", "uri": uri});
    let vms = sample.ok("proxmox_list_vms", json!({"fields": "vmid,name,node"}));
    let (vmid, name) = (vms["rows"][0][0].to_string(), vms["rows"][0][1].as_str().unwrap().to_owned());
    let node = vms["rows"][0][2].as_str().unwrap();
    for (reference, argument, typed, first) in [
        (slow(), "vmid", vmid.as_str(), Some(vmid.as_str())),
        (slow(), "vmid", &name, Some(&vmid)),
        (slow(), "vmid", &name.to_uppercase(), Some(&vmid)),
        (slow(), "vmid", &name[1..], Some(&vmid)),
        (slow(), "vmid", "no such guest", None),
        (upgrade(), "node", "", Some("pve1")),
        (upgrade(), "node", "PVE2", Some("pve2")),
        (upgrade(), "node", "x", None),
        (of("pve://guest/{vmid}"), "vmid", &name, Some(&vmid)),
        (of("pve://node/{node}"), "node", "pve3", Some("pve3")),
    ] {
        let found = completed(&sample, reference.clone(), argument, typed, json!({}));
        assert_eq!(found["values"].get(0).and_then(Value::as_str), first, "{reference} {typed}");
        assert_eq!(found["total"], found["values"].as_array().unwrap().len());
        assert_eq!(found["hasMore"], false);
    }
    let here = completed(&sample, slow(), "vmid", "", json!({"node": node}))["total"].as_u64();
    assert!(here < completed(&sample, slow(), "vmid", "", json!({}))["total"].as_u64());
    sample.ok("proxmox_start_vm", json!({"vmid": 100}));
    let tasks = completed(&sample, of("pve://task/{upid}"), "upid", "qmstart:100", json!({}));
    assert!(tasks["values"][0].as_str().unwrap().starts_with("UPID:"), "{tasks}");
}

#[test]
fn completions_are_a_hundred_at_most() {
    let sample = large();
    let reference = json!({"type": "ref/prompt", "name": "guest_slow"});
    let found = completed(&sample, reference, "vmid", "", json!({}));
    assert_eq!(found["values"].as_array().unwrap().len(), 100);
    assert_eq!((&found["total"], &found["hasMore"]), (&json!(450), &json!(true)));
}

#[test]
fn wishes_for_values_are_checked() {
    let sample = Sample::start();
    let slow = json!({"type": "ref/prompt", "name": "guest_slow"});
    let argument = json!({"name": "vmid", "value": ""});
    for params in [
        json!({}),
        json!({"ref": slow}),
        json!({"ref": "x", "argument": argument}),
        json!({"ref": {"type": "ref/tool", "name": "x"}, "argument": argument}),
        json!({"ref": {"type": "ref/prompt", "name": "none"}, "argument": argument}),
        json!({"ref": {"type": "ref/prompt"}, "argument": argument}),
        json!({"ref": {"type": "ref/resource", "uri": "pve://nothing/{x}"}, "argument": argument}),
        json!({"ref": {"type": "ref/resource", "uri": "pve://node/{node}"}, "argument": argument}),
        json!({"ref": slow, "argument": {"name": "node", "value": ""}}),
        json!({"ref": slow, "argument": {"name": "vmid"}}),
        json!({"ref": slow, "argument": {"name": "vmid", "value": 1}}),
    ] {
        let answer = ask_newest(&sample, "completion/complete", params.clone());
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
    }
}
