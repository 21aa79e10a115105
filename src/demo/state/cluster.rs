//! The data that the sample cluster consists of. Knows no HTTP; `sample` fills it.

use crate::demo::{
    list::split_list,
    outcome::ApiError,
    state::{
        access::Access,
        agent::Agent,
        clock::{Clock, whole},
        console::Proxies,
        guest::{Guest, Kind},
        task::Tasks,
    },
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// The whole cluster.
pub(crate) struct Cluster {
    pub(crate) clock: Clock,
    pub(crate) nodes: Vec<Node>,
    /// The CA's certificate in PEM form.
    pub(crate) ca: String,
    pub(crate) guests: BTreeMap<u32, Guest>,
    pub(crate) storages: Vec<Storage>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) access: Access,
    pub(crate) tasks: Tasks<Cluster>,
    /// The state of the VMs' guest agents, by VMID.
    pub(crate) agents: BTreeMap<u32, Agent>,
    /// Firewalls by scope: `cluster`, `nodes/pve1`, `guests/100`.
    pub(crate) firewalls: BTreeMap<String, Firewall>,
    /// HA resources, backup jobs and replication jobs as the API lists them.
    pub(crate) ha: Vec<Map<String, Value>>,
    pub(crate) backup_jobs: Vec<Map<String, Value>>,
    pub(crate) replication: Vec<Map<String, Value>>,
    /// All other definitions, by collection: `ha/rules`, `sdn/zones`, `dns/pve1`, `network/pve1`.
    pub(crate) kept: BTreeMap<String, Vec<Map<String, Value>>>,
    /// Open VNC and terminal proxies that wait for their websocket.
    pub(crate) proxies: Proxies,
    /// The datacenter's options.
    pub(crate) options: Map<String, Value>,
    /// Whether more than half of the nodes are online; without quorum nothing can be changed.
    pub(crate) quorate: bool,
    pub(crate) log: VecDeque<LogLine>,
    pub(crate) log_count: u64,
    /// Whether line numbers in task logs are strings.
    pub(crate) log_numbers_as_text: bool,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ip: String,
    /// When the node went offline; `None` while it is online.
    pub(crate) lost: Option<f64>,
    pub(crate) cpus: u64,
    pub(crate) memory: u64,
    /// Size of its root file system in bytes.
    pub(crate) disk: u64,
    pub(crate) booted: f64,
}

/// A pool. A nested pool's name begins with its parent's name and a slash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) comment: Option<String>,
    pub(crate) storages: Vec<String>,
}

/// A storage, as defined for the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) shared: bool,
    pub(crate) total: u64,
    pub(crate) used: u64,
    /// The rest of its definition: path, server, pool …
    pub(crate) more: Map<String, Value>,
}

impl Storage {
    /// Whether it can be used on a node: it is not disabled, and not restricted to other nodes.
    pub(crate) fn is_enabled(&self, node: &str) -> bool {
        let nodes = self.more.get("nodes").and_then(Value::as_str);
        !self.is_disabled() && nodes.is_none_or(|nodes| split_list(nodes).any(|one| one == node))
    }

    /// Whether it is disabled everywhere.
    pub(crate) fn is_disabled(&self) -> bool {
        self.more.get("disable") == Some(&json!(1))
    }

    /// Checks that a storage can be used on a node.
    pub(crate) fn check(&self, node: &str) -> Result<(), String> {
        match self.is_enabled(node) {
            true => Ok(()),
            false if self.is_disabled() => Err(format!("storage '{}' is disabled", self.name)),
            false => Err(format!("storage '{}' is not available on node '{node}'", self.name)),
        }
    }

    /// Whether its definition allows content of this type.
    pub(crate) fn takes(&self, content: &str) -> bool {
        split_list(&self.content).any(|one| one == content)
    }
}

/// A file or block device on a storage.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) volid: String,
    /// The node that it is on; `None` on a shared storage.
    pub(crate) node: Option<String>,
    pub(crate) content: &'static str,
    pub(crate) format: String,
    pub(crate) size: u64,
    pub(crate) used: u64,
    pub(crate) ctime: u64,
    pub(crate) vmid: Option<u32>,
    pub(crate) notes: Option<String>,
    pub(crate) protected: bool,
}

impl Volume {
    /// The storage's name, before the colon.
    pub(crate) fn storage(&self) -> &str {
        self.volid.split(':').next().unwrap_or_default()
    }
}

/// The firewall of the cluster, a node or a guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Firewall {
    pub(crate) options: Map<String, Value>,
    pub(crate) rules: Vec<Map<String, Value>>,
    pub(crate) aliases: Vec<Map<String, Value>>,
    pub(crate) ipsets: Vec<Map<String, Value>>,
    pub(crate) groups: Vec<Map<String, Value>>,
    /// The entries of each IP set, by its name.
    pub(crate) entries: BTreeMap<String, Vec<Map<String, Value>>>,
}

/// A line of the cluster's log.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    pub(crate) number: u64,
    pub(crate) node: String,
    pub(crate) user: String,
    pub(crate) tag: String,
    pub(crate) message: String,
    pub(crate) time: u64,
}

impl Cluster {
    /// The guest of that kind on that node, or the error with which Proxmox reports that there is none.
    pub(crate) fn guest(&self, kind: Kind, node: &str, vmid: u32) -> Result<&Guest, ApiError> {
        let found = self.guests.get(&vmid).filter(|guest| guest.kind == kind && guest.node == node);
        found.ok_or_else(|| missing(kind, node, vmid))
    }

    /// Like [`Cluster::guest`], but mutable.
    pub(crate) fn guest_mut(&mut self, kind: Kind, node: &str, vmid: u32) -> Result<&mut Guest, ApiError> {
        let found = self.guests.get_mut(&vmid).filter(|guest| guest.kind == kind && guest.node == node);
        found.ok_or_else(|| missing(kind, node, vmid))
    }

    /// A collection of definitions; created empty if there is none yet.
    pub(crate) fn kept(&mut self, name: &str) -> &mut Vec<Map<String, Value>> {
        self.kept.entry(name.to_owned()).or_default()
    }

    /// Adds a line to the cluster log.
    pub(crate) fn note(&mut self, node: &str, user: &str, tag: &str, message: &str, time: f64) {
        self.log_count += 1;
        if 500 <= self.log.len() {
            self.log.pop_front();
        }
        self.log.push_back(LogLine {
            number: self.log_count,
            node: node.into(),
            user: user.into(),
            tag: tag.into(),
            message: message.into(),
            time: whole(time),
        });
    }

    /// The HA state of a guest, as shown in its status.
    pub(crate) fn ha_state(&self, guest: &Guest) -> Value {
        let word = if guest.kind == Kind::Qemu { "vm" } else { "ct" };
        let sid = json!(format!("{word}:{}", guest.vmid));
        match self.ha.iter().find(|resource| resource.get("sid") == Some(&sid)) {
            Some(resource) => json!({"managed": 1, "state": resource.get("state")}),
            None => json!({"managed": 0}),
        }
    }
}

fn missing(kind: Kind, node: &str, vmid: u32) -> ApiError {
    let folder = if kind == Kind::Qemu { "qemu-server" } else { "lxc" };
    ApiError::failed(format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist"))
}
