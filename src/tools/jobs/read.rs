//! What jobs read from the cluster before they plan: its nodes, guests and storages in one request, and what in a
//! guest's configuration decides where it can run.

use crate::{
    pve::Params,
    tools::{
        answer::{Failure, record::Record, rows},
        run::{Context, guest, guest::Guest, inventory},
    },
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many configurations are read in parallel.
const AT_ONCE: usize = 32;
/// The configuration keys of volumes, without their numbers.
const VOLUMES: [&str; 9] = ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "rootfs", "mp", "unused"];

/// The cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Its nodes, by name.
    pub nodes: Vec<Node>,
    /// Its guests, by VMID.
    pub guests: Vec<ClusterGuest>,
    /// Its storages on each node.
    pub storages: Vec<Store>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it is online.
    pub online: bool,
    /// Memory, in bytes.
    pub memory: u64,
    /// Memory in use, in bytes.
    pub used: u64,
    /// CPUs.
    pub cpus: f64,
    /// Seconds since it booted.
    pub uptime: u64,
}

/// A guest with the resources it has.
#[derive(Clone, Debug)]
pub struct ClusterGuest {
    /// The guest, with its node.
    pub guest: Guest,
    /// Memory, in bytes.
    pub memory: u64,
    /// Virtual CPUs.
    pub cpus: f64,
    /// Its tags, as Proxmox writes them.
    pub tags: String,
    /// Its pool; empty if it has none.
    pub pool: String,
    /// Whether it is a template.
    pub template: bool,
    /// Whether high availability manages it.
    pub ha: bool,
}

/// A storage on a node.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its name.
    pub name: String,
    /// The node.
    pub node: String,
    /// Whether all nodes share its content.
    pub shared: bool,
    /// Whether it can be used now.
    pub available: bool,
    /// Free space, in bytes.
    pub free: u64,
    /// The kinds of content it may contain.
    pub content: Vec<String>,
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes and seconds are not negative"
)]
fn whole(record: &Record<'_>, key: &str) -> u64 {
    record.number(key).unwrap_or(0.0).max(0.0) as u64
}

/// Reads the cluster.
///
/// # Errors
/// Fails if a request fails.
pub fn cluster(context: &Context<'_>) -> Result<Cluster, Failure> {
    let reply = context.get("/cluster/resources", &Params::new())?;
    // Recently changed guests are read again individually.
    let records =
        if context.fresh.all().is_empty() { rows(&reply)? } else { inventory::inventory(context, &reply)? };
    let mut cluster = Cluster { nodes: Vec::new(), guests: Vec::new(), storages: Vec::new() };
    for record in &records {
        match record.text("type").as_ref() {
            "node" => cluster.nodes.push(Node {
                name: record.text("node").into_owned(),
                online: record.text("status") == "online",
                memory: whole(record, "maxmem"),
                used: whole(record, "mem"),
                cpus: record.number("maxcpu").unwrap_or(0.0),
                uptime: whole(record, "uptime"),
            }),
            "storage" => cluster.storages.push(Store {
                name: record.text("storage").into_owned(),
                node: record.text("node").into_owned(),
                shared: record.has("shared"),
                available: record.text("status") == "available",
                free: whole(record, "maxdisk").saturating_sub(whole(record, "disk")),
                content: record.text("content").split(',').map(str::to_owned).collect(),
            }),
            _ => cluster.guests.extend(guest::read(record).map(|guest| ClusterGuest {
                guest,
                memory: whole(record, "maxmem"),
                cpus: record.number("maxcpu").unwrap_or(0.0),
                tags: record.text("tags").into_owned(),
                pool: record.text("pool").into_owned(),
                template: record.has("template"),
                ha: record.has("hastate"),
            })),
        }
    }
    cluster.nodes.sort_by(|one, other| one.name.cmp(&other.name));
    cluster.guests.sort_by_key(|resident| resident.guest.vmid);
    cluster.storages.sort_by(|one, other| (&one.name, &one.node).cmp(&(&other.name, &other.node)));
    Ok(cluster)
}

impl Cluster {
    /// The node of that name.
    ///
    /// # Errors
    /// Fails if there is none; the sentence lists the nodes.
    pub fn node(&self, name: &str) -> Result<&Node, Failure> {
        self.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::new(format!(
                "There is no node `{}`. There are: {}. Nothing was done.",
                name.escape_debug(),
                names.join(", ")
            ))
        })
    }

    /// A storage on a node.
    #[must_use]
    pub fn store(&self, name: &str, node: &str) -> Option<&Store> {
        self.storages.iter().find(|store| store.name == name && store.node == node)
    }

    /// Free memory of a node, in bytes: neither in use nor assigned to a guest that runs there. The memory in use is
    /// rounded up to a sixteenth of the node's, so that repeated reads give the same number.
    #[must_use]
    pub fn free(&self, node: &Node) -> u64 {
        let here =
            self.guests.iter().filter(|one| one.guest.node == node.name && one.guest.status == "running");
        let promised: u64 = here.map(|one| one.memory).sum();
        let part = (node.memory / 16).max(1);
        let used = node.used.div_ceil(part) * part;
        node.memory.saturating_sub(used.max(promised))
    }

    /// The number of virtual CPUs of the guests that run on a node.
    #[must_use]
    pub fn busy(&self, node: &Node) -> f64 {
        let here =
            self.guests.iter().filter(|one| one.guest.node == node.name && one.guest.status == "running");
        here.map(|one| one.cpus).sum()
    }

    /// The storage of a node with the most free space for that kind of content.
    #[must_use]
    pub fn storage_with_most_space(&self, node: &str, content: &str) -> Option<&Store> {
        let holds = |store: &&Store| {
            store.node == node && store.available && store.content.iter().any(|kind| kind == content)
        };
        self.storages.iter().filter(holds).max_by_key(|store| (store.free, std::cmp::Reverse(&store.name)))
    }
}

/// Free VMIDs: from the wanted one on, or from the next free one.
///
/// # Errors
/// Fails if the wanted one is taken or a request fails.
pub fn free_vmids(
    context: &Context<'_>,
    cluster: &Cluster,
    wanted: Option<i64>,
    count: usize,
) -> Result<Vec<i64>, Failure> {
    let next = match wanted {
        Some(vmid) => vmid,
        None => {
            let next = context.get("/cluster/nextid", &Params::new())?.value();
            next.as_i64().or_else(|| next.as_str()?.parse().ok()).ok_or_else(|| {
                Failure::new("Proxmox returned no free VMID; give `vmid`. Nothing was done.")
            })?
        }
    };
    let taken = |vmid: &i64| cluster.guests.binary_search_by_key(vmid, |one| one.guest.vmid).is_ok();
    let free: Vec<i64> = (next..).filter(|vmid| !taken(vmid)).take(count).collect();
    if wanted.is_some_and(|vmid| free[0] != vmid) {
        return Err(Failure::new(format!(
            "VMID {next} is taken; the next free one is {}. Nothing was done.",
            free[0]
        )));
    }
    // Some guests may be hidden from this account: Proxmox itself is asked for each.
    for vmid in &free {
        context.get("/cluster/nextid", &Params::new().with("vmid", vmid))?;
    }
    Ok(free)
}

/// The configurations of guests, in their order.
///
/// # Errors
/// Fails if one of them cannot be read.
pub fn configs(context: &Context<'_>, guests: &[&ClusterGuest]) -> Result<Vec<Map<String, Value>>, Failure> {
    let mut configs = Vec::new();
    for part in guests.chunks(AT_ONCE) {
        let paths: Vec<String> = part
            .iter()
            .map(|one| Ok(format!("{}/config", one.guest.path()?)))
            .collect::<Result<_, Failure>>()?;
        for reply in context.get_each(&paths, &Params::new()) {
            match reply?.value() {
                Value::Object(config) => configs.push(config),
                _ => return Err(Failure::new("Proxmox returned a configuration that is not an object.")),
            }
        }
    }
    Ok(configs)
}

/// A volume of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its key, such as `scsi0`.
    pub key: String,
    /// The storage; empty for a path of the node.
    pub storage: String,
    /// Size, in bytes.
    pub size: u64,
    /// Whether it is a CD image.
    pub cd: bool,
}

/// The volumes of a configuration.
#[must_use]
pub fn volumes(config: &Map<String, Value>) -> Vec<Volume> {
    let family = |key: &str| key.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
    let volumes = config.iter().filter(|(key, _)| VOLUMES.contains(&family(key).as_str()));
    volumes
        .filter_map(|(key, value)| {
            let text = value.as_str()?;
            let name = text.split(',').next()?;
            // Proxmox creates the cloud-init drive itself and moves it like a disk.
            let cd = text.contains("media=cdrom") && !name.contains("cloudinit");
            // An empty drive is on no storage; for a path, `shared=1` means that the administrator shares it.
            if name == "none" || text.contains("shared=1") {
                return None;
            }
            let size = text.split(',').find_map(|part| part.strip_prefix("size=")).map_or(0, bytes);
            let storage = name.split_once(':').map_or("", |(storage, _)| storage);
            Some(Volume { key: key.clone(), storage: storage.to_owned(), size, cd })
        })
        .collect()
}

/// Parses a size as Proxmox writes it, such as `80G`, to bytes.
#[must_use]
pub fn bytes(text: &str) -> u64 {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.as_bytes().last() {
        Some(b'K') => 1 << 10,
        Some(b'M') => 1 << 20,
        Some(b'G') => 1 << 30,
        Some(b'T') => 1 << 40,
        _ => 1,
    };
    digits.parse::<u64>().unwrap_or(0).saturating_mul(unit)
}

/// Formats a number of bytes for people.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
pub fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// The rules of high availability that say where guests may run.
#[derive(Debug, Default)]
pub struct Rules {
    /// Nodes that a guest must be on, by VMID.
    pub only_on: BTreeMap<i64, BTreeSet<String>>,
    /// Guests that prefer nodes, by VMID.
    pub prefer: BTreeMap<i64, BTreeSet<String>>,
    /// Guests that must be on different nodes.
    pub apart: Vec<BTreeSet<i64>>,
    /// Guests that must be on one node.
    pub together: Vec<BTreeSet<i64>>,
}

/// The rules of high availability; a group of an older version counts as a rule.
#[must_use]
pub fn rules(context: &Context<'_>) -> Rules {
    let mut all = Rules::default();
    let [rules, groups, resources] =
        context.get_all(["/cluster/ha/rules", "/cluster/ha/groups", "/cluster/ha/resources"]);
    let list = |reply: Result<crate::pve::Reply, crate::pve::Error>| match reply.map(|reply| reply.value()) {
        Ok(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let on = |value: &Value| value == 1 || value == "1" || value == true;
    for rule in list(rules).iter().filter(|rule| !on(&rule["disable"])) {
        let guests: BTreeSet<i64> = names(&rule["resources"]).iter().filter_map(|sid| vmid(sid)).collect();
        match (rule["type"].as_str(), rule["affinity"].as_str()) {
            (Some("node-affinity"), _) => {
                for guest in guests {
                    let nodes = nodes(&rule["nodes"]);
                    let place = if on(&rule["strict"]) { &mut all.only_on } else { &mut all.prefer };
                    place.insert(guest, nodes);
                }
            }
            (Some("resource-affinity"), Some("negative")) => all.apart.push(guests),
            (Some("resource-affinity"), _) => all.together.push(guests),
            _ => {}
        }
    }
    let groups = list(groups);
    for resource in list(resources) {
        let group = groups.iter().find(|group| group["group"] == resource["group"]);
        let (Some(group), Some(guest)) = (group, resource["sid"].as_str().and_then(vmid)) else { continue };
        let place = if on(&group["restricted"]) { &mut all.only_on } else { &mut all.prefer };
        place.insert(guest, nodes(&group["nodes"]));
    }
    all
}

fn names(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split([',', ' ', ';']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The names of nodes, without their priorities.
fn nodes(value: &Value) -> BTreeSet<String> {
    names(value).iter().filter_map(|name| name.split(':').next().map(str::to_owned)).collect()
}

fn vmid(sid: &str) -> Option<i64> {
    sid.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn volumes_are_read_from_a_configuration() {
        let Value::Object(config) = json!({
            "scsi0": "local-lvm:vm-1-disk-0,size=80G", "ide2": "local:iso/a.iso,media=cdrom,size=4M",
            "ide3": "none,media=cdrom", "mp0": "/srv/data,mp=/data", "mp1": "/srv/x,mp=/x,shared=1",
            "rootfs": "shared:200/vm-200-disk-0.raw,size=102M", "scsihw": "virtio-scsi-single",
        }) else {
            panic!("an object")
        };
        let told: Vec<String> = volumes(&config)
            .iter()
            .map(|volume| format!("{} {} {} {}", volume.key, volume.storage, volume.size, volume.cd))
            .collect();
        assert_eq!(
            told,
            [
                "scsi0 local-lvm 85899345920 false",
                "ide2 local 4194304 true",
                "mp0  0 false",
                "rootfs shared 106954752 false"
            ]
        );
    }
}
