//! The plan of a request: what it would do, and to what. Read from the live cluster just before a person is asked.

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, words::is_secret},
        values::{self, Volume},
    },
    tools::{
        answer::{
            Failure,
            canonical::{identity, natural, ordered},
            object,
        },
        param::Kind,
        run::{
            asked::Asked,
            context::Context,
            find,
            guest_facts::{self, Facts},
            inventory,
            request::Request,
        },
    },
};
use serde_json::{Map, Value, json};

/// What is shown before a person confirms.
#[derive(Debug)]
pub struct Plan {
    /// `VM 100 (web01)`, or the request if there is no better name.
    pub title: String,
    /// What would happen, as one sentence.
    pub sentence: String,
    /// The target and what would be lost, by name.
    pub lost: Map<String, Value>,
    /// What the person types to confirm: the VMID, or the last part of the path.
    pub word: String,
    /// A text that changes whenever the target changes.
    pub identity: String,
}

/// The most guests whose configurations are searched for uses of an object.
const MAX_SEARCHED: usize = 200;
/// The most entries of a list that are shown.
const MAX_SHOWN: usize = 20;

/// Returns the plan of a request that must be confirmed for these reasons.
///
/// # Errors
/// Fails if the guest that it is about does not exist, or if a request to Proxmox fails.
pub fn of(context: &Context<'_>, request: &Request, reasons: &[impl AsRef<str>]) -> Result<Plan, Failure> {
    let mut plan = read(context, request)?;
    let reasons: Vec<&str> = reasons.iter().map(AsRef::as_ref).collect();
    if !reasons.is_empty() {
        plan.lost.insert("lost".into(), reasons.join(" ").into());
    }
    plan.lost.insert("request".into(), request.title().into());
    if !request.params.is_empty() {
        plan.lost.insert("parameters".into(), request.to_json()["params"].take());
    }
    Ok(plan)
}

/// Returns the plan of what must be confirmed: the plan of the one request, or that of the job.
///
/// # Errors
/// Fails like [`of`].
pub fn of_asked(context: &Context<'_>, asked: &Asked) -> Result<Plan, Failure> {
    let whole = match asked {
        Asked::One(request, reasons) => return of(context, request, reasons),
        Asked::Whole(whole) => whole,
    };
    let mut lost = whole.shown.clone();
    lost.insert("lost".into(), whole.reasons.join(" ").into());
    Ok(Plan {
        title: asked.title(),
        sentence: whole.sentence.clone(),
        lost,
        word: whole.word.clone(),
        identity: whole.identity.clone(),
    })
}

fn read(context: &Context<'_>, request: &Request) -> Result<Plan, Failure> {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["nodes", _, "qemu" | "lxc", vmid, rest @ ..] if !rest.contains(&"firewall") => {
            guest(context, request, vmid.parse().unwrap_or_default(), rest)
        }
        ["nodes", _, "qemu" | "lxc"] if exists(context, request)? => {
            let vmid = request.params.get("vmid").and_then(|vmid| vmid.parse().ok()).unwrap_or_default();
            let mut plan = guest(context, request, vmid, &[])?;
            let archive = request.params.get("archive").or_else(|| request.params.get("ostemplate"));
            plan.sentence = format!("Overwrite {} with the backup.", plan.title);
            plan.lost.insert("backup".into(), archive.unwrap_or_default().into());
            Ok(plan)
        }
        _ => other(context, request, &parts),
    }
}

/// Returns whether the guest that the request would create already exists.
fn exists(context: &Context<'_>, request: &Request) -> Result<bool, Failure> {
    let vmid = request.params.get("vmid").unwrap_or_default();
    Ok(find::guests(context)?.iter().any(|guest| guest.vmid.to_string() == vmid))
}

/// The plan of a request about a whole guest, one of its snapshots, or its configuration.
fn guest(context: &Context<'_>, request: &Request, vmid: i64, rest: &[&str]) -> Result<Plan, Failure> {
    let Facts { reply, config, snapshots, replication, storages } =
        guest_facts::read(context, request, rest)?;
    let kind = Kind::from_api_type(request.path.split('/').nth(3).unwrap_or_default());
    let records = inventory::inventory(context, &reply)?;
    let guests = records.iter().filter_map(find::read).collect();
    let guest = find::guest_among(guests, vmid, None, kind)?;
    let path = guest.path()?;
    let [config, snapshots] = match (config, snapshots) {
        (Some(config), Some(snapshots)) => {
            if !format!("{}/", request.path).starts_with(&format!("{path}/")) {
                return Err(Failure::new(format!(
                    "{} is on node `{}` now, so {} would not find it. Nothing was done; call again.",
                    guest.title(),
                    guest.node,
                    request.title()
                )));
            }
            [config, snapshots]
        }
        _ => context.get_all([&format!("{path}/config"), &format!("{path}/snapshot")]),
    };
    let config = object::object(config?.value())?;
    let snapshots = snapshots?.value();
    let snapshots: Vec<&Value> =
        snapshots.as_array().into_iter().flatten().filter(|entry| entry["name"] != "current").collect();
    let mut names: Vec<&str> = snapshots.iter().filter_map(|entry| entry["name"].as_str()).collect();
    names.sort_by(|one, other| natural(one, other));
    let word = vmid.to_string();
    let mut lost = Map::new();
    lost.insert("guest".into(), guest.title().into());
    lost.insert("node".into(), guest.node.clone().into());
    lost.insert("status".into(), guest.status.clone().into());
    let sentence = match rest {
        ["snapshot", name, action @ ..] => {
            let Some(entry) = snapshots.iter().find(|entry| entry["name"] == *name) else {
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                return Err(Failure::new(format!(
                    "{} has no snapshot `{}`. It has: {known}.",
                    guest.title(),
                    name.escape_debug()
                )));
            };
            lost.insert("snapshot".into(), (*name).into());
            lost.insert("snaptime".into(), entry["snaptime"].clone());
            if action.is_empty() {
                format!("Delete snapshot {name} of {}.", guest.title())
            } else {
                lost.insert("disks".into(), disks(&config).into());
                let mut newer: Vec<&str> = snapshots
                    .iter()
                    .filter(|other| other["snaptime"].as_f64() > entry["snaptime"].as_f64())
                    .filter_map(|other| other["name"].as_str())
                    .collect();
                newer.sort_by(|one, other| natural(one, other));
                if !newer.is_empty() {
                    lost.insert("newer_snapshots".into(), json!(newer));
                }
                format!("Roll {} back to snapshot {name}: everything since then is lost.", guest.title())
            }
        }
        ["config" | "unlink", ..] => {
            let named = ["delete", "idlist"].iter().filter_map(|name| request.params.get(name));
            let gone: Vec<&str> = named.flat_map(values::split_list).collect();
            let set = request.params.iter().map(|(name, _)| name).filter(|name| config.contains_key(*name));
            for key in gone.iter().copied().chain(set) {
                lost.insert(key.into(), config.get(key).cloned().unwrap_or_default());
            }
            if gone.is_empty() {
                format!("Change the configuration of {}.", guest.title())
            } else {
                format!("Remove {} of {}, with the data on it.", gone.join(", "), guest.title())
            }
        }
        [_, ..] => format!("Send {} ({}).", request.title(), guest.title()),
        [] => {
            lost.insert("disks".into(), disks(&config).into());
            for (name, list) in [("stays", staying(&config)), ("not_in_backup", left_out(kind, &config))] {
                if !list.is_empty() {
                    lost.insert(name.into(), list.into());
                }
            }
            lost.insert("snapshots".into(), json!(names));
            let record = records.iter().find(|record| record.text("vmid") == word);
            for key in ["pool", "hastate"] {
                if let Some(record) = record.filter(|record| record.has(key)) {
                    lost.insert(key.into(), record.text(key).into());
                }
            }
            lost.insert("newest_backup".into(), guest_facts::newest_backup(context, vmid, storages));
            let jobs = replication.unwrap_or_else(|| context.read(guest_facts::REPLICATION, &Params::new()));
            if let Ok(jobs) = jobs {
                let jobs = jobs.value();
                let of_guest = |job: &&Value| job["guest"].to_string().trim_matches('"') == word;
                let jobs: Vec<_> = jobs
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(of_guest)
                    .map(|job| job["id"].clone())
                    .collect();
                if !jobs.is_empty() {
                    lost.insert("replication".into(), jobs.into());
                }
            }
            format!("Delete {} with its disks.", guest.title())
        }
    };
    let digest = config.get("digest").and_then(Value::as_str).unwrap_or_default();
    // Without the name: the inventory gets that later than the guest itself, and the digest covers it.
    let identity = format!("{} {} {digest} {}", guest.node, guest.status, names.join(","));
    Ok(Plan { title: guest.title(), sentence, lost, word, identity })
}

/// The plan of any other request: what a GET of the same path answers, and what uses the object.
fn other(context: &Context<'_>, request: &Request, parts: &[&str]) -> Result<Plan, Failure> {
    let word = named(request);
    let mut lost = Map::new();
    let mut identity = String::new();
    // A request that creates something is sent to the path that lists the other objects.
    let makes =
        request.method == Method::Post && !DISKS.iter().any(|name| request.params.get(name).is_some());
    let readable = !makes && matches!(api::find(Method::Get, &request.path), Lookup::Found(_));
    if readable {
        // A nested pool is named by a parameter, because its name contains a slash.
        let mut which = Params::new();
        if let Some(pool) = request.params.get("poolid").filter(|_| request.path == "/pools") {
            which.push("poolid", pool);
        }
        match context.get(&request.path, &which) {
            Ok(reply) => {
                let mut value = reply.value();
                identity = what_it_is(request, &value);
                value = ordered(value);
                if let Value::Array(items) = &mut value {
                    items.truncate(MAX_SHOWN);
                }
                if let Value::Object(facts) = &mut value {
                    facts
                        .iter_mut()
                        .filter(|(name, _)| is_secret(name))
                        .for_each(|(_, fact)| *fact = "***".into());
                }
                lost.insert("is_now".into(), value);
            }
            Err(Failure(why)) => {
                lost.insert("unread".into(), why.into());
            }
        }
    }
    match parts {
        ["nodes", node, "storage", storage, "content", ..] => {
            let uses = |text: &str| text.contains(&word);
            let owner = Volume::read_on(storage, &word).ok().and_then(|volume| volume.owner);
            lost.insert("used_by".into(), used_by(context, |_| true, &uses, owner.map(i64::from)));
            lost.insert("on".into(), format!("storage {storage}, node {node}").into());
        }
        ["storage", storage] => {
            let uses = |text: &str| text.starts_with(&format!("{storage}:"));
            lost.insert("used_by".into(), used_by(context, |_| true, &uses, None));
        }
        ["nodes", node, "network", iface] => {
            let bridge = format!("bridge={iface}");
            let uses = |text: &str| text.split(',').any(|part| part == bridge);
            lost.insert("used_by".into(), used_by(context, |at| at == *node, &uses, None));
        }
        ["cluster", "firewall", "aliases" | "ipset" | "groups", name, ..] => {
            if let Ok(reply) = context.get("/cluster/firewall/rules", &Params::new()) {
                let rules = reply.value();
                let uses = |rule: &&Value| {
                    ["source", "dest", "action"]
                        .iter()
                        .any(|key| rule[*key].as_str().is_some_and(|text| text.contains(name)))
                };
                let mut used: Vec<_> = rules
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(uses)
                    .map(|rule| rule["pos"].clone())
                    .collect();
                used.sort_by_key(|one| one.as_i64());
                lost.insert("used_by_cluster_rules".into(), used.into());
            }
        }
        _ => {}
    }
    lost.insert("request".into(), request.title().into());
    Ok(Plan { title: format!("`{word}`"), sentence: sentence_of(request, &word), lost, word, identity })
}

/// Returns the identity of the answer of a path. The digest is left out, because it usually covers a whole file, which
/// also changes with other objects; but for objects that are named by position it is kept, because it shows whether
/// positions have shifted.
fn what_it_is(request: &Request, value: &Value) -> String {
    let mut value = value.clone();
    let objects = match &mut value {
        Value::Array(items) => items.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for object in objects.iter_mut().filter_map(Value::as_object_mut).filter(|_| !request.by_position()) {
        object.shift_remove("digest");
    }
    identity(&value)
}

/// Parameters that name a disk.
const DISKS: [&str; 3] = ["disk", "devices", "dev"];
/// Parameters that name the object of a request if its path does not.
const NAMES: [&str; 12] = [
    "disk", "devices", "dev", "userid", "groupid", "roleid", "realm", "storage", "poolid", "filename", "id",
    "name",
];

/// Returns the name of a request's object: that of a disk to wipe or an account to create, otherwise the last part of
/// the path.
fn named(request: &Request) -> String {
    let name = NAMES.iter().find_map(|name| request.params.get(name)).filter(|name| !name.trim().is_empty());
    match request.method {
        Method::Delete => request.last_part(),
        _ => name.map_or_else(|| request.last_part(), |name| name.trim().to_owned()),
    }
}

fn sentence_of(request: &Request, word: &str) -> String {
    match request.method {
        Method::Delete => format!("Delete {word} permanently ({}).", request.title()),
        _ => format!("Send {}.", request.title()),
    }
}

/// Lists the guests whose configurations use the object, such as `VM 100 (web01): scsi0`.
fn used_by(
    context: &Context<'_>,
    on_node: impl Fn(&str) -> bool,
    uses: &dyn Fn(&str) -> bool,
    only: Option<i64>,
) -> Value {
    let Ok(guests) = find::guests(context) else { return "unknown: the guests could not be listed".into() };
    let guests: Vec<_> = guests
        .into_iter()
        .filter(|guest| on_node(&guest.node) && only.is_none_or(|vmid| vmid == guest.vmid))
        .collect();
    if MAX_SEARCHED < guests.len() {
        return format!("not searched: {} guests are more than {MAX_SEARCHED}", guests.len()).into();
    }
    let Ok(paths) = guests
        .iter()
        .map(|guest| Ok(format!("{}/config", guest.path()?)))
        .collect::<Result<Vec<_>, Failure>>()
    else {
        return Value::Null;
    };
    let replies = context.get_each(&paths, &Params::new());
    let mut found = Vec::new();
    for (guest, reply) in guests.iter().zip(replies) {
        let Ok(Value::Object(config)) = reply.map(|reply| reply.value()) else { continue };
        for (key, value) in &config {
            if value.as_str().is_some_and(uses) {
                found.push(format!("{}: {key}", guest.title()));
            }
        }
    }
    if MAX_SHOWN < found.len() {
        let more = found.len() - MAX_SHOWN;
        found.truncate(MAX_SHOWN);
        found.push(format!("and {more} more"));
    }
    if found.is_empty() { "no guest".into() } else { found.into() }
}

/// Returns the disks and mount points of a configuration with their keys; CD drives are left out.
fn mounted(config: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    const FAMILIES: [&str; 9] =
        ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "mp", "unused", "rootfs"];
    config
        .iter()
        .filter(|(key, _)| FAMILIES.contains(&key.trim_end_matches(|letter: char| letter.is_ascii_digit())))
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .filter(|(_, text)| !text.contains("media=cdrom"))
}

/// Returns whether it is a mounted directory or a passed-through device of the node, which Proxmox does not delete with
/// the guest.
fn is_of_the_node(text: &str) -> bool {
    text.trim_start_matches("volume=").trim_start_matches("file=").starts_with('/')
}

/// Formats a disk, such as `scsi0: local-lvm:vm-100-disk-0, 32G`.
fn shown((key, text): (&str, &str)) -> String {
    let volume = text.split(',').next().unwrap_or_default();
    match text.split(',').find_map(|part| part.strip_prefix("size=")) {
        Some(size) => format!("{key}: {volume}, {size}"),
        None => format!("{key}: {volume}"),
    }
}

/// Returns the volumes of a configuration.
fn disks(config: &Map<String, Value>) -> Vec<String> {
    mounted(config).filter(|(_, text)| !is_of_the_node(text)).map(shown).collect()
}

/// Returns what belongs to the node and is kept when the guest is deleted.
fn staying(config: &Map<String, Value>) -> Vec<String> {
    mounted(config).filter(|(_, text)| is_of_the_node(text)).map(shown).collect()
}

/// Returns the volumes that are not in backups of the guest: a VM's disks with `backup=0`, and a container's mount
/// points without `backup=1`.
fn left_out(kind: Option<Kind>, config: &Map<String, Value>) -> Vec<String> {
    let has = |text: &str, flag: &str| text.split(',').any(|part| part == flag);
    let missing = |(key, text): &(&str, &str)| match kind {
        Some(Kind::Container) => key.starts_with("mp") && !has(text, "backup=1"),
        _ => has(text, "backup=0"),
    };
    mounted(config).filter(|(_, text)| !is_of_the_node(text)).filter(missing).map(shown).collect()
}
