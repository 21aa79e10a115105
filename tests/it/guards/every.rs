//! Every method of the API with plausible and with hostile values under every access level: only the requests that the
//! table of effects permits reach the cluster.

use crate::cluster::Sample;
use proxmox_mcp::{
    demo,
    pve::{
        Method, Params,
        api::{
            self, Row,
            effect::{Class, Effect, Role, Touch},
        },
    },
    tools::run::{request::Request, risk},
};
use serde_json::{Map, Value, json};
use std::{sync::Mutex, thread};

/// Values that have broken parsers before.
const HOSTILE: [&str; 7] =
    ["105;100", "105 100,110", "a,b=c\"d", "../../etc", "local-lvm:vm-105-disk-0", "%2e%2e%2f", "0"];
/// The number of methods tested on one sample cluster: a change may remove what later calls would need.
const CHUNK: usize = 10;
/// The number of sample clusters at the same time.
const AT_ONCE: usize = 4;

/// A value that is valid for the parameter, according to its definition.
fn plausible(row: &Row, param: &api::Param) -> String {
    match param.name() {
        "vmid" if row.path().contains("/lxc") => return "200".into(),
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

/// The calls of a method: with the required parameters, with all of them, and with hostile values for all of them.
fn calls(row: &Row) -> Vec<Map<String, Value>> {
    let params = row.params();
    let in_path = |name: &str| row.path().contains(&format!("{{{name}}}"));
    let of = |wanted: &dyn Fn(&api::Param) -> bool, value: &dyn Fn(&api::Param) -> String| {
        let chosen = params.iter().filter(|param| wanted(param));
        chosen.map(|param| (param.name().replace("[n]", "0"), json!(value(param)))).collect::<Map<_, _>>()
    };
    let needed = |param: &api::Param| !param.is_optional() || in_path(param.name());
    let plausible = |param: &api::Param| plausible(row, param);
    let mut all = vec![of(&needed, &plausible), of(&|_| true, &plausible)];
    for hostile in HOSTILE {
        all.push(of(&|_| true, &|param| {
            if in_path(param.name()) { plausible(param) } else { hostile.to_owned() }
        }));
    }
    all
}

/// One call, its effect according to the table, and the requests that it caused.
struct Case {
    call: String,
    answer: String,
    effect: Effect,
    sent: Vec<demo::Seen>,
}

impl Case {
    /// The effects of the sent requests that do more than read.
    fn acts(&self) -> impl Iterator<Item = Effect> {
        self.sent.iter().map(effect_of).filter(|effect| effect.classes() != [Class::Read])
    }

    /// Whether it is a PUT that would lose settings which it cannot name, and is therefore refused whatever the guards
    /// say.
    fn is_incomplete(&self) -> bool {
        self.answer.contains(" removes whatever it does not name")
    }
}

/// The effect of a received request, according to the table.
fn effect_of(seen: &demo::Seen) -> Effect {
    let method = Method::from_word(&seen.method).unwrap();
    let mut params = Params::new();
    seen.pairs.iter().for_each(|(name, value)| params.push(name, value));
    let path = seen.path.trim_start_matches("/api2/extjs").to_owned();
    Request { method, path, params }.effect().expect("it was sent")
}

/// The effect of a call, according to the table.
fn effect_of_call(row: &Row, arguments: &Map<String, Value>) -> Effect {
    let mut params = Params::new();
    let mut path = row.path().to_owned();
    for (name, value) in arguments {
        let (hole, value) = (format!("{{{name}}}"), value.as_str().unwrap());
        if path.contains(&hole) {
            path = path.replace(&hole, &value.replace(':', "%3A").replace('/', "%2F").replace('@', "%40"));
        } else {
            params.push(name, value);
        }
    }
    Request { method: row.method(), path, params }.effect().expect("no value has a control character")
}

/// Makes every call of every method under that access level.
fn everything(keys: &Value) -> Vec<Case> {
    let rows: Vec<Row> = api::rows().filter(|row| risk::refusal(row).is_none()).collect();
    let (chunks, cases) = (Mutex::new(rows.chunks(CHUNK)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(chunk) = { chunks.lock().unwrap().next() } {
                    let of_chunk = those_of(keys, chunk);
                    cases.lock().unwrap().extend(of_chunk);
                }
            });
        }
    });
    let cases = cases.into_inner().unwrap();
    assert_eq!(rows.len(), 680 - 18);
    assert_eq!(cases.len(), rows.len() * (2 + HOSTILE.len()));
    cases
}

/// Makes every call of some methods.
fn those_of(keys: &Value, rows: &[Row]) -> Vec<Case> {
    let sample = Sample::configured(keys);
    let mut cases = Vec::new();
    for row in rows {
        for arguments in calls(row) {
            let effect = effect_of_call(row, &arguments);
            let tool = if row.method() == Method::Get { "proxmox_get_api" } else { "proxmox_call_api" };
            let mut call = json!({"path": row.path(), "arguments": arguments, "unchecked": true});
            if row.method() != Method::Get {
                call["method"] = row.method().word().into();
                // A change to high availability takes effect in its next cycle, for which a call would wait.
                call["wait"] = 0.into();
            }
            let call_text = format!("{} {call}", row.method());
            let answer = match sample.call(tool, call) {
                Ok(answer) => answer.to_string(),
                Err(sentences) => sentences,
            };
            cases.push(Case { call: call_text, answer, effect, sent: sample.server.take_requests() });
        }
    }
    cases
}

/// Checks that a call that does more than read is sent exactly once if it is allowed, and otherwise not at all; reads
/// are always allowed.
#[track_caller]
fn check(case: &Case, may: Option<bool>) {
    let (call, answer) = (&case.call, &case.answer);
    let acts: Vec<Effect> = case.acts().collect();
    if case.effect.classes() == [Class::Read] {
        assert!(acts.is_empty() && !case.sent.is_empty(), "{call} only reads: {:?}, {answer}", case.sent);
        return;
    }
    match may {
        Some(true) if !case.is_incomplete() => assert_eq!(acts.len(), 1, "{call} may run: {answer}"),
        Some(false) => assert!(acts.is_empty(), "{call} must not run: {:?}", case.sent),
        _ => assert!(acts.len() <= 1, "{call}: {:?}", case.sent),
    }
    for act in acts {
        let classes = act.classes();
        let known = |class: &Class| classes.contains(class) || *class == Class::Read;
        assert!(case.effect.classes().iter().all(known), "{call}: {:?} is not what was called", case.sent);
    }
}

#[test]
fn reading_only_every_method_reads_and_does_nothing_else() {
    for case in everything(&json!({"access": "read-only"})) {
        check(&case, Some(false));
        let refused = case.effect.classes() != [Class::Read];
        assert_eq!(
            refused,
            case.answer.contains("`access` is `read-only`"),
            "{}: {}",
            case.call,
            case.answer
        );
    }
}

#[test]
fn in_standard_no_method_does_unasked_what_is_to_be_asked_for() {
    for case in everything(&json!({})) {
        // The first logins of a guest are set by whoever creates it.
        let makes = case.effect.guests().any(|(_, role)| role == Role::New);
        let may = case.effect.reasons.iter().map(|reason| match reason.class {
            Class::Rights if makes => None,
            Class::Destroy | Class::Outbound | Class::Rights if reason.if_present => None,
            Class::Destroy | Class::Outbound | Class::Rights => Some(false),
            Class::Interrupt if is_wide(&case.effect) => Some(false),
            _ => Some(true),
        });
        let may: Vec<Option<bool>> = may.collect();
        let may = if may.contains(&Some(false)) {
            Some(false)
        } else if may.contains(&None) {
            None
        } else {
            Some(true)
        };
        check(&case, may);
        // A guest that does not exist cannot be asked about.
        let is_there = !case.answer.contains(" has no snapshot ");
        if may == Some(false) && is_there && !case.is_incomplete() {
            assert!(case.answer.contains("confirmation_needed"), "{} asks: {}", case.call, case.answer);
        }
    }
}

/// Whether it affects a whole node, or more than one guest.
fn is_wide(effect: &Effect) -> bool {
    let mut guests: Vec<u32> =
        effect.guests().filter(|(_, role)| *role == Role::Target).map(|(vmid, _)| vmid).collect();
    guests.sort_unstable();
    guests.dedup();
    let narrow = |touch: &Touch| {
        matches!(touch, Touch::Guest(_) | Touch::Volume(_) | Touch::Storage(_) | Touch::Pool(_))
    };
    let about = |role: Role| role == Role::Target;
    1 < guests.len() || effect.touches.iter().any(|touched| about(touched.role) && !narrow(&touched.what))
}

#[test]
fn in_full_every_method_is_sent_once_and_as_it_was_called() {
    for case in everything(&json!({"access": "full"})) {
        check(&case, Some(true));
    }
}
