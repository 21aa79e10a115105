//! Every method that can, according to the table, interrupt, destroy or run something in a guest, with the guest
//! written in every way that Proxmox accepts, under each kind of rule: no spelling bypasses a rule.

use crate::cluster::Sample;
use proxmox_mcp::pve::{
    Method,
    api::{self, Row},
};
use serde_json::{Map, Value, json};

/// Rules that match the guest: VM 105 on pve1, with the tag `prod`, in the pool `infra`.
const RULES: [&str; 4] = ["105", "100-110", "tag:prod", "pool:infra"];

/// Ways to write the guest in a parameter of that name; empty if the parameter does not name guests.
fn spellings(param: &str) -> &'static [&'static str] {
    match param {
        "vmid" | "vms" | "vmids" | "guests" => {
            &["105", "105,106", "106;105", "106 105", "106\t105", "106,, 105;", " 105 "]
        }
        "newid" | "target-vmid" => &["105"],
        "sid" | "resources" => &["vm:105", "105", "ct:200,vm:105"],
        "archive" | "volume" | "target" => &[
            "shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst",
            "local-lvm:vm-105-disk-0",
            "shared:105/vm-105-disk-0.qcow2",
            "shared:base-105-disk-0/vm-106-disk-0",
            "pbs:backup/vm/105/2026-11-20T01:00:00Z",
        ],
        _ => &[],
    }
}

/// Whether a method has a disk parameter to which a volume can be attached.
fn takes_disks(row: &Row) -> bool {
    row.path().ends_with("/config") && row.path().contains("{vmid}") && row.method() != Method::Get
}

/// The methods that affect guests and do more than change settings, with each spelling: method, path, arguments.
fn cases() -> Vec<(Method, String, Map<String, Value>)> {
    let mut cases = Vec::new();
    for row in api::rows().filter(|row| row.method() != Method::Get) {
        let holes: Vec<&str> =
            row.path().split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let value = |hole: &str| match hole {
            "node" => "pve1",
            "vmid" => "105",
            "sid" => "vm:105",
            "storage" => "shared",
            "volume" => "shared:backup/vzdump-qemu-105-2026_11_20-01_00_00.vma.zst",
            "upid" => "UPID:pve1:00000001:00000001:69000000:qmstart:105:root@pam:",
            "snapname" => "first",
            "poolid" => "infra",
            _ => "x",
        };
        let filled = holes.iter().fold(row.path().to_owned(), |path, hole| {
            path.replace(&format!("{{{hole}}}"), &encoded(value(hole)))
        });
        let named_by_path = holes.iter().any(|hole| matches!(*hole, "vmid" | "sid"));
        let mut required = Map::new();
        for param in
            row.params().iter().filter(|param| !param.is_optional() && !holes.contains(&param.name()))
        {
            required.insert(param.name().replace("[n]", "0"), json!(needed(param)));
        }
        if named_by_path {
            cases.push((row.method(), filled.clone(), required.clone()));
            if takes_disks(&row) {
                let other = filled.replace("/105/", "/110/");
                cases.push((
                    row.method(),
                    other,
                    Map::from_iter([("scsi9".into(), json!("local-lvm:vm-105-disk-0"))]),
                ));
            }
        }
        for param in row.params() {
            for spelling in spellings(param.name()).iter().filter(|_| !holes.contains(&param.name())) {
                let mut arguments = required.clone();
                arguments.insert(param.name().to_owned(), json!(spelling));
                cases.push((row.method(), filled.clone(), arguments));
            }
        }
    }
    cases
}

fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F").replace('@', "%40")
}

fn needed(param: &api::Param) -> String {
    match (param.choices().and_then(|mut words| words.next()), param.kind()) {
        (Some(word), _) => word.into(),
        (None, "integer" | "number") => param.range().0.unwrap_or("1").into(),
        (None, "boolean") => "1".into(),
        (None, _) => "x".into(),
    }
}

/// Makes the calls that the rule must stop according to `held`, under these settings, until one reaches the cluster;
/// returns how many were made, and the one that reached it.
fn sent(keys: &Value, held: impl Fn(&api::effect::Effect) -> bool) -> (usize, Vec<String>) {
    let (mut sent, mut tried) = (Vec::new(), 0);
    let fresh = || {
        let sample = Sample::configured(&json!({"access": "full"}));
        sample.ok("proxmox_create_pool", json!({"poolid": "infra"}));
        sample.ok("proxmox_update_pool", json!({"poolid": "infra", "vms": "105"}));
        sample
    };
    let base = fresh();
    let guarded = base.tools_under(keys);
    for (method, path, arguments) in cases() {
        let request = request(method, &path, &arguments);
        let Ok(effect) = request.effect() else { continue };
        if !held(&effect) {
            continue;
        }
        tried += 1;
        let before = base.changes().len();
        let call = json!({"method": method.word(), "path": path, "arguments": arguments, "unchecked": true, "wait": 0});
        let answer = crate::cluster::call(&guarded, "proxmox_call_api", call);
        if base.changes().len() != before {
            sent.push(format!("{method} {path} {arguments:?}: {answer:?}"));
            break;
        }
    }
    (tried, sent)
}

fn request(
    method: Method,
    path: &str,
    arguments: &Map<String, Value>,
) -> proxmox_mcp::tools::run::request::Request {
    let mut params = proxmox_mcp::pve::Params::new();
    arguments.iter().for_each(|(name, value)| params.push_json(name, value));
    proxmox_mcp::tools::run::request::Request { method, path: path.to_owned(), params }
}

#[test]
fn no_spelling_of_a_protected_guest_gets_round_the_rule() {
    use proxmox_mcp::pve::api::effect::{Class, Role};
    for rule in RULES {
        let held = |effect: &api::effect::Effect| {
            let harms = [Class::Interrupt, Class::Destroy, Class::Execute];
            let hits =
                effect.guests().any(|(vmid, role)| vmid == 105 && !matches!(role, Role::Source | Role::New));
            let every = effect.touches_everything()
                || effect.touches.iter().any(|touched| touched.what.depends_on_cluster());
            let certain =
                effect.reasons.iter().any(|reason| harms.contains(&reason.class) && !reason.if_present);
            certain && (hits || every)
        };
        let (tried, sent) = sent(&json!({"protected": [rule], "access": "full"}), held);
        assert!(100 < tried, "{rule}: {tried}");
        assert_eq!(sent, Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn no_spelling_of_a_guest_outside_gets_round_only() {
    use proxmox_mcp::pve::api::effect::{Class, Role};
    for rule in ["106", "110-120", "tag:none", "pool:dev", "node:pve3"] {
        let held = |effect: &api::effect::Effect| {
            let hits =
                effect.guests().any(|(vmid, role)| vmid == 105 && !matches!(role, Role::Source | Role::New));
            effect.classes() != [Class::Read] && hits
        };
        let (tried, sent) = sent(&json!({"only": [rule], "access": "full"}), held);
        assert!(150 < tried, "{rule}: {tried}");
        assert_eq!(sent, Vec::<String>::new(), "{rule}");
    }
}
