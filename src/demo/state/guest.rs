//! VMs and containers, and what the cluster's inventory tells of them, which is some seconds old.

use crate::demo::state::digest::{of_map, size_in_bytes};
use serde_json::{Map, Value, json};

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
    /// What QEMU says of a VM that has a process but does not run: `paused`, `io-error`, `prelaunch`, `suspended`.
    pub(crate) qmp: Option<&'static str>,
    /// When it was changed, and what the inventory told before, which it goes on telling for a while: of a guest that
    /// was made then, nothing.
    pub(crate) before: Option<(f64, Option<Told>)>,
    pub(crate) pool: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
    /// How a node of another version, or in another state of repair, tells of it.
    pub(crate) oddities: Vec<Oddity>,
}

/// What the inventory tells of a guest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) template: bool,
    pub(crate) started: Option<f64>,
    pub(crate) qmp: Option<&'static str>,
    pub(crate) cpus: u64,
    pub(crate) memory: u64,
    pub(crate) disk: u64,
}

/// In what a guest differs from those of a node of 9.2 that is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// A container's addresses come as before 8.4: `inet` and `inet6`, and no list.
    OldInterfaces,
    /// Devices of mappings count as bound to their node, as before 8.4.
    MappedIsLocal,
    /// Its agent gives the numbers of processes as text.
    NumbersAreTexts,
}

/// Seconds until the cluster's inventory shows a change (pve.md section 6).
const LAG: f64 = 10.0;

/// A saved state of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) time: u64,
    pub(crate) parent: Option<String>,
    pub(crate) vmstate: bool,
    pub(crate) config: Map<String, Value>,
    /// `delete` or `prepare` when its task did not come to its end.
    pub(crate) state: Option<&'static str>,
}

impl Guest {
    /// A guest that is stopped and belongs to no pool.
    pub(crate) fn new(vmid: u32, kind: Kind, node: &str, config: Map<String, Value>) -> Guest {
        Guest {
            vmid,
            kind,
            node: node.into(),
            config,
            started: None,
            qmp: None,
            before: None,
            pool: None,
            snapshots: Vec::new(),
            oddities: Vec::new(),
        }
    }

    /// What there is to tell of it now.
    fn current(&self) -> Told {
        Told {
            name: self.name(),
            template: self.is_template(),
            started: self.started,
            qmp: self.qmp,
            cpus: self.cpus(),
            memory: self.memory(),
            disk: self.disk(),
        }
    }

    /// Keeps what the inventory goes on telling. To be called before anything is changed that it tells.
    pub(crate) fn remember(&mut self, now: f64) {
        if self.before.as_ref().is_none_or(|(changed, _)| LAG <= now - changed) {
            self.before = Some((now, Some(self.current())));
        }
    }

    /// What the inventory tells; nothing of a guest that was made a moment ago.
    pub(crate) fn told(&self, now: f64) -> Option<Told> {
        match &self.before {
            Some((changed, before)) if now - changed < LAG => before.clone(),
            _ => Some(self.current()),
        }
    }

    /// Starts it at that time, or stops it.
    pub(crate) fn set_started(&mut self, started: Option<f64>, now: f64) {
        self.remember(now);
        self.started = started;
        self.qmp = None;
    }

    /// Whether the node that it is on tells of it in this way.
    pub(crate) fn is_odd(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    /// Whether Windows runs in it, going by what it was set up for.
    pub(crate) fn is_windows(&self) -> bool {
        let system = self.config.get("ostype").and_then(Value::as_str).unwrap_or_default();
        system.starts_with('w')
    }

    /// Whether it was written to disk when it was suspended.
    pub(crate) fn is_hibernated(&self) -> bool {
        self.config.get("lock") == Some(&json!("suspended"))
    }

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
        of_map(&self.config)
    }
}
