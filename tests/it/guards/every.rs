//! Every method of the API with plausible and with hostile values under every access level: what reaches the cluster is
//! what the table of effects lets through, and nothing else.

use crate::cluster::Sample;
use proxmox_mcp::{
    demo,
    pve::{
        Method, Params,
        api::{self, Row, effect::Class},
    },
    tools::run::{request::Request, risk},
};
use serde_json::{Map, Value, json};

/// Values that have broken readers of values before.
const HOSTILE: [&str; 7] =
    ["105;100", "105 100,110", "a,b=c\"d", "../../etc", "local-lvm:vm-105-disk-0", "%2e%2e%2f", "0"];

/// A value that the parameter takes, as far as its definition tells.
fn plausible(param: &api::Param) -> String {
    match param.name() {
        "node" | "target" | "target_node" => return "pve1".into(),
        "vmid" | "newid" | "target-vmid" => return "105".into(),
        "vms" => return "105".into(),
        "storage" => return "shared".into(),
        "upid" => return "UPID:pve1:00000001:00000001:69000000:qmstart:105:root@pam:".into(),
        "volume" | "archive" => return "shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst".into(),
        "sid" => return "vm:105".into(),
        "poolid" | "pool" => return "dev".into(),
        "userid" => return "bob@pve".into(),
        "id" => return "105-0".into(),
        _ => {}
    }
    if let Some(first) = param.choices().and_then(|mut choices| choices.next()) {
        return first.into();
    }
    match param.kind() {
        "boolean" => "1".into(),
        "integer" | "number" => param.range().0.unwrap_or("1").into(),
        _ => "x".into(),
    }
}

/// The calls of a method: with what it needs, with everything, and with everything hostile.
fn calls(row: &Row) -> Vec<Map<String, Value>> {
    let params = row.params();
    let in_path = |name: &str| row.path().contains(&format!("{{{name}}}"));
    let of = |wanted: &dyn Fn(&api::Param) -> bool, value: &dyn Fn(&api::Param) -> String| {
        let chosen = params.iter().filter(|param| wanted(param));
        chosen.map(|param| (param.name().replace("[n]", "0"), json!(value(param)))).collect::<Map<_, _>>()
    };
    let mut all = vec![of(&|param| !param.is_optional(), &plausible), of(&|_| true, &plausible)];
    for hostile in HOSTILE {
        all.push(of(&|_| true, &|param| {
            if in_path(param.name()) { plausible(param) } else { hostile.to_owned() }
        }));
    }
    all
}

/// The classes of a request that was seen on the wire, with those that only a look tells.
fn classes(seen: &demo::Seen) -> Vec<(Class, bool)> {
    let method = Method::from_word(&seen.method).unwrap();
    let mut params = Params::new();
    seen.pairs.iter().for_each(|(name, value)| params.push(name, value));
    let path = seen.path.trim_start_matches("/api2/extjs").to_owned();
    let effect = Request { method, path, params }.effect().expect("it was sent");
    effect.reasons.iter().map(|reason| (reason.class, reason.if_present)).collect()
}

/// Calls everything under that access level; gives back how many calls there were, and what was sent.
fn everything(keys: &Value) -> (usize, Vec<demo::Seen>) {
    let (mut sample, mut count, mut seen) = (Sample::configured(keys), 0, Vec::new());
    for (at, row) in api::rows().enumerate() {
        if risk::refusal(&row).is_some() {
            continue;
        }
        for arguments in calls(&row) {
            let tool = if row.method() == Method::Get { "proxmox_get_api" } else { "proxmox_call_api" };
            let mut call = json!({"path": row.path(), "arguments": arguments, "unchecked": true});
            if row.method() != Method::Get {
                call["method"] = row.method().word().into();
                call["wait"] = 0.into();
            }
            let _ = sample.call(tool, call);
            count += 1;
        }
        // The sample remembers only so many requests, and what was deleted is missed later.
        if at % 20 == 19 {
            seen.append(&mut sample.server.requests());
            sample = Sample::configured(keys);
        }
    }
    seen.append(&mut sample.server.requests());
    (count, seen)
}

#[test]
fn reading_only_every_method_reads_and_does_nothing_else() {
    let (count, seen) = everything(&json!({"access": "read-only"}));
    assert!(5000 < count, "{count}");
    assert!(200 < seen.len());
    for seen in &seen {
        assert_eq!(classes(seen), [(Class::Read, false)], "{seen:?}");
    }
}

#[test]
fn in_standard_no_method_does_unasked_what_is_to_be_asked_for() {
    let (_, seen) = everything(&json!({}));
    let mut changes = 0;
    for seen in &seen {
        changes += usize::from(seen.method != "GET");
        // The first logins of a guest are given by whoever makes it.
        let makes = seen.method == "POST" && ["/qemu", "/lxc"].iter().any(|end| seen.path.ends_with(end));
        let asked = |(class, if_present): &(Class, bool)| {
            let harms = matches!(class, Class::Destroy | Class::Outbound);
            (harms || (*class == Class::Rights && !makes)) && !if_present
        };
        assert!(!classes(seen).iter().any(asked), "{seen:?} was sent unasked");
    }
    assert!(100 < changes, "{changes}");
}
