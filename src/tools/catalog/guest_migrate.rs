//! Moving a guest to another node.

use crate::{
    pve::{Method, Params},
    tools::{
        answer::{Failure, Outcome},
        catalog::guest_change::about,
        param::{Kind, NODE, Param, VMID},
        run::{args::Args, context::Context, find, follow::follow, state::State},
    },
};
use serde_json::Value;

/// Parameters of a migration.
pub const PARAMS: &[Param] = &[
    VMID,
    Param::text("target"),
    Param::flag("with-local-disks").only(Kind::Vm),
    Param::text("targetstorage").unlisted(),
    Param::flag("online").unlisted(),
    NODE,
];

/// Migrates a VM that has a process online, and a running container by restarting it: Proxmox offers nothing else.
pub fn migrate(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    let target = args.text("target").unwrap_or_default();
    find::node_exists(context, target)?;
    if target == guest.node {
        return Err(Failure::new(format!("{} is on node `{target}` already.", guest.title())));
    }
    let path = format!("{}/migrate", guest.path()?);
    let mut params = Params::new().with("target", target);
    match guest.kind {
        Kind::Vm => {
            let before = context.get(&path, &Params::new().with("target", target))?.value();
            // The node's own answer is more recent: the inventory is some seconds old.
            let has_process = match &before["running"] {
                Value::Null => guest.state_now(context).has_process() == Some(true),
                running => is_true(running),
            };
            let found = obstacles(&before, target, has_process, args);
            if !found.is_empty() {
                return Err(Failure::new(format!(
                    "{} cannot move to `{target}`: {} Nothing was done.",
                    guest.title(),
                    found.join(" ")
                )));
            }
            if args.flag("online").unwrap_or(has_process) {
                params.push("online", 1);
            }
            if args.flag("with-local-disks") == Some(true) {
                params.push("with-local-disks", 1);
            }
            if let Some(storage) = args.text("targetstorage") {
                params.push("targetstorage", storage);
            }
        }
        Kind::Container => {
            if guest.state_now(context) != State::Stopped {
                params.push("restart", 1);
            }
            if let Some(storage) = args.text("targetstorage") {
                params.push("target-storage", storage);
            }
        }
    }
    let value = context.change(Method::Post, &path, &params)?.value();
    let mut facts = about(&guest);
    facts.insert("target".into(), target.into());
    follow(context, args, value.as_str().unwrap_or_default(), facts)
}

/// The obstacles that the preconditions (API path `…/migrate`, GET) report, as sentences.
fn obstacles(before: &Value, target: &str, has_process: bool, args: &Args) -> Vec<String> {
    let mut sentences = Vec::new();
    let mapped = |device: &str| {
        before["mapped-resource-info"].get(device).is_some()
            || words(&before["mapped-resources"]).contains(&device)
    };
    // Up to 8.3 mapped devices are listed as local ones too; they exist on every node that their mapping names.
    let local: Vec<&str> =
        words(&before["local_resources"]).into_iter().filter(|device| !mapped(device)).collect();
    if !local.is_empty() {
        sentences.push(format!("it uses devices of its node ({}).", local.join(", ")));
    }
    if has_process {
        let stuck: Vec<&str> =
            devices(before).into_iter().filter(|device| !moves_live(before, device)).collect();
        if !stuck.is_empty() {
            let stuck = stuck.join(", ");
            sentences
                .push(format!("its mapped devices ({stuck}) cannot move while it runs; shut it down first."));
        }
        let disks =
            before["local_disks"].as_array().into_iter().flatten().filter(|disk| !is_true(&disk["cdrom"]));
        let mut disks: Vec<&str> = disks.filter_map(|disk| disk["volid"].as_str()).collect();
        disks.sort();
        if !disks.is_empty() && args.flag("with-local-disks") != Some(true) {
            sentences.push(format!(
                "its disks {} are local; set with-local-disks to copy them along.",
                disks.join(", ")
            ));
        }
    }
    let lacks = &before["not_allowed_nodes"][target];
    let missing =
        |names: &[&str]| names.iter().flat_map(|name| words(&lacks[*name])).collect::<Vec<_>>().join(", ");
    let storages = missing(&["unavailable_storages", "unavailable-storages"]);
    if !storages.is_empty() && args.text("targetstorage").is_none() {
        sentences.push(format!(
            "that node lacks the storage {storages}; `targetstorage` names another one there."
        ));
    }
    let resources = missing(&["unavailable-resources", "unavailable_resources"]);
    if !resources.is_empty() {
        sentences.push(format!("that node has no mapping of {resources}."));
    }
    sentences
}

/// The mapped devices, from both forms in which Proxmox versions report them.
fn devices(before: &Value) -> Vec<&str> {
    let mut all = words(&before["mapped-resources"]);
    let told = before["mapped-resource-info"].as_object().into_iter().flatten();
    all.extend(told.map(|(device, _)| device.as_str()));
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether the mapping says that its devices can move with a running VM.
fn moves_live(before: &Value, device: &str) -> bool {
    is_true(&before["mapped-resource-info"][device]["live-migration"])
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn is_true(value: &Value) -> bool {
    *value == true || *value == 1 || *value == "1"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    #[track_caller]
    fn check(before: Value, has_process: bool, given: Value, expected: &[&str]) {
        let Value::Object(given) = given else { panic!("an object") };
        let given: Map<String, Value> = given
            .into_iter()
            .chain([("vmid".to_owned(), json!(100)), ("target".to_owned(), json!("b"))])
            .collect();
        let args = Args::check(PARAMS.iter(), &|_| false, given).unwrap();
        let found = obstacles(&before, "b", has_process, &args);
        assert_eq!(found.len(), expected.len(), "{before}: {found:?}");
        for (sentence, words) in found.iter().zip(expected) {
            assert!(sentence.contains(words), "{before}: {found:?}");
        }
    }

    #[test]
    fn only_what_cannot_move_stands_in_the_way() {
        let device = json!(["hostpci0"]);
        let info = |live: u8| json!({"hostpci0": {"name": "gpu", "live-migration": live}});
        check(json!({"local_resources": device}), false, json!({}), &["devices of its node (hostpci0)"]);
        // 8.0 to 8.3, and what came after.
        check(json!({"local_resources": device, "mapped-resources": device}), false, json!({}), &[]);
        check(json!({"local_resources": [], "mapped-resource-info": info(0)}), false, json!({}), &[]);
        check(
            json!({"local_resources": device, "mapped-resources": device}),
            true,
            json!({}),
            &["while it runs"],
        );
        check(
            json!({"mapped-resources": device, "mapped-resource-info": info(0)}),
            true,
            json!({}),
            &["while it runs"],
        );
        check(json!({"mapped-resources": device, "mapped-resource-info": info(1)}), true, json!({}), &[]);
        check(
            json!({"local_resources": ["hostpci0", "usb0"], "mapped-resources": device}),
            false,
            json!({}),
            &["(usb0)"],
        );
        let disks = json!([{"volid": "a:1", "cdrom": 0}, {"volid": "a:iso/x", "cdrom": 1}]);
        check(json!({"local_disks": disks}), true, json!({}), &["its disks a:1 are local"]);
        check(json!({"local_disks": disks}), true, json!({"with-local-disks": true}), &[]);
        check(json!({"local_disks": disks}), false, json!({}), &[]);
        let lacks = json!({"not_allowed_nodes": {"b": {"unavailable_storages": ["s1"], "unavailable-resources": ["gpu"]},
            "c": {"unavailable_storages": ["s2"]}}});
        check(lacks.clone(), false, json!({}), &["lacks the storage s1", "no mapping of gpu"]);
        check(lacks, false, json!({"targetstorage": "s3"}), &["no mapping of gpu"]);
    }
}
