//! What the sample cluster consists of, as plain data. Knows no HTTP; how it is filled is in `sample`.

use crate::demo::{
    outcome::ApiError,
    state::{
        access::Access,
        agent::Agent,
        clock::{Clock, whole},
        task::Tasks,
    },
};
use ring::digest;
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
    pub(crate) pools: Vec<String>,
    pub(crate) access: Access,
    pub(crate) tasks: Tasks<Cluster>,
    /// What the guest agents of VMs hold, by VMID.
    pub(crate) agents: BTreeMap<u32, Agent>,
    /// Firewalls by scope: `cluster`, `nodes/pve1`, `guests/100`.
    pub(crate) firewalls: BTreeMap<String, Firewall>,
    /// HA resources, backup jobs and replication jobs as the API lists them.
    pub(crate) ha: Vec<Map<String, Value>>,
    pub(crate) backup_jobs: Vec<Map<String, Value>>,
    pub(crate) replication: Vec<Map<String, Value>>,
    /// Whatever else is defined, by collection: `ha/rules`, `sdn/zones`, `dns/pve1`, `network/pve1`.
    pub(crate) kept: BTreeMap<String, Vec<Map<String, Value>>>,
    /// The datacenter's options.
    pub(crate) options: Map<String, Value>,
    /// Whether more than half of the nodes are together; without it nothing can be changed.
    pub(crate) quorate: bool,
    pub(crate) log: VecDeque<LogLine>,
    pub(crate) log_count: u64,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ip: String,
    /// When it was lost; `None` while it is there.
    pub(crate) lost: Option<f64>,
    pub(crate) cpus: u64,
    pub(crate) memory: u64,
    /// Bytes of its root file system.
    pub(crate) disk: u64,
    pub(crate) booted: f64,
}

/// The two kinds of guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Qemu,
    Lxc,
}

impl Kind {
    /// `qemu` or `lxc`, as in paths.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Qemu => "qemu",
            Kind::Lxc => "lxc",
        }
    }

    /// `VM` or `CT`, as in messages.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Qemu => "VM",
            Kind::Lxc => "CT",
        }
    }
}

/// A VM or a container.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) vmid: u32,
    pub(crate) kind: Kind,
    pub(crate) node: String,
    pub(crate) config: Map<String, Value>,
    /// When it was started; `None` while it is stopped.
    pub(crate) started: Option<f64>,
    /// When that changed, and what it was before: the cluster's inventory shows it only later.
    pub(crate) before: Option<(f64, Option<f64>)>,
    pub(crate) paused: bool,
    pub(crate) pool: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
}

/// Seconds until the cluster's inventory shows a change of state (pve.md section 6).
const LAG: f64 = 10.0;

impl Guest {
    /// Starts it at that time, or stops it.
    pub(crate) fn set_started(&mut self, started: Option<f64>, now: f64) {
        if self.before.is_none_or(|(changed, _)| LAG <= now - changed) {
            self.before = Some((now, self.started));
        }
        self.started = started;
    }

    /// Since when the inventory shows it running.
    pub(crate) fn shown_started(&self, now: f64) -> Option<f64> {
        match self.before {
            Some((changed, before)) if now - changed < LAG => before,
            _ => self.started,
        }
    }
}

/// A saved state of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) time: u64,
    pub(crate) parent: Option<String>,
    pub(crate) vmstate: bool,
    pub(crate) config: Map<String, Value>,
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
    /// What else its definition says: path, server, pool …
    pub(crate) more: Map<String, Value>,
}

/// A file or block device on a storage.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) volid: String,
    /// The node it is on; `None` on a shared storage.
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
    /// The guest of that kind on that node, or Proxmox's words for there being none.
    pub(crate) fn guest(&self, kind: Kind, node: &str, vmid: u32) -> Result<&Guest, ApiError> {
        let found = self.guests.get(&vmid).filter(|guest| guest.kind == kind && guest.node == node);
        found.ok_or_else(|| missing(kind, node, vmid))
    }

    /// The same, to change it.
    pub(crate) fn guest_mut(&mut self, kind: Kind, node: &str, vmid: u32) -> Result<&mut Guest, ApiError> {
        let found = self.guests.get_mut(&vmid).filter(|guest| guest.kind == kind && guest.node == node);
        found.ok_or_else(|| missing(kind, node, vmid))
    }

    /// A collection of definitions, empty at first.
    pub(crate) fn kept(&mut self, name: &str) -> &mut Vec<Map<String, Value>> {
        self.kept.entry(name.to_owned()).or_default()
    }

    /// Writes a line into the cluster's log.
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

    /// The state of HA for a guest, as its status shows it.
    pub(crate) fn ha_of(&self, guest: &Guest) -> Value {
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

impl Guest {
    /// The guest's name as lists show it.
    pub(crate) fn name(&self) -> String {
        let key = if self.kind == Kind::Qemu { "name" } else { "hostname" };
        let bare = || format!("{}{}", self.kind.label(), self.vmid);
        self.config.get(key).and_then(Value::as_str).map_or_else(bare, str::to_owned)
    }

    /// Whether it is a template, which cannot be started.
    pub(crate) fn is_template(&self) -> bool {
        self.config.get("template") == Some(&json!(1))
    }

    /// A number of its configuration, also where it is kept as a string.
    pub(crate) fn number(&self, key: &str, default: u64) -> u64 {
        match self.config.get(key) {
            Some(Value::String(text)) => text.parse().unwrap_or(default),
            Some(value) => value.as_u64().unwrap_or(default),
            None => default,
        }
    }

    /// Virtual processors.
    pub(crate) fn cpus(&self) -> u64 {
        self.number("sockets", 1) * self.number("cores", 1)
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> u64 {
        self.number("memory", 512) << 20
    }

    /// Bytes of its first disk.
    pub(crate) fn disk(&self) -> u64 {
        let key = if self.kind == Kind::Qemu { "scsi0" } else { "rootfs" };
        let disk = self.config.get(key).or_else(|| self.config.get("virtio0")).and_then(Value::as_str);
        disk.and_then(|disk| disk.split(',').find_map(|part| part.strip_prefix("size=")))
            .map_or(0, size_in_bytes)
    }

    /// The lock that a task has left in the configuration while it runs.
    pub(crate) fn check_lock(&self) -> Result<(), String> {
        match self.config.get("lock").and_then(Value::as_str) {
            Some(lock) => Err(format!("{} is locked ({lock})", self.kind.label())),
            None => Ok(()),
        }
    }

    /// The lock file under which its tasks run.
    pub(crate) fn lock_file(&self) -> String {
        match self.kind {
            Kind::Qemu => format!("/var/lock/qemu-server/lock-{}.conf", self.vmid),
            Kind::Lxc => format!("/run/lock/lxc/pve-config-{}.lock", self.vmid),
        }
    }

    /// SHA-1 of the configuration, 40 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        sha1_hex(&serde_json::to_vec(&self.config).unwrap_or_default())
    }
}

/// SHA-1 in hexadecimal, as Proxmox marks versions of its files.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A size such as `32G` in bytes; without a unit it is bytes. What is no size is 0.
pub(crate) fn size_in_bytes(text: &str) -> u64 {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K')) => (&text[..at], 10),
        Some((at, 'M')) => (&text[..at], 20),
        Some((at, 'G')) => (&text[..at], 30),
        Some((at, 'T')) => (&text[..at], 40),
        _ => (text, 0),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)).unwrap_or(0)
}
