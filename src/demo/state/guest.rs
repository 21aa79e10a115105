//! VMs and containers, and how the cluster's inventory shows them, which lags some seconds behind.

use crate::demo::state::digest::{of_map, size_in_bytes};
use serde_json::{Map, Value, json};

/// The two kinds of guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Qemu,
    Lxc,
}

impl Kind {
    /// `qemu` or `lxc`, as in API paths.
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
    /// QEMU's state of a VM that has a process but does not run: `paused`, `io-error`, `prelaunch`, `suspended`.
    pub(crate) qmp: Option<&'static str>,
    /// When it was last changed, and what the inventory showed before, which it keeps showing for a while; `None` for a
    /// guest that did not exist before.
    pub(crate) before: Option<(f64, Option<Told>)>,
    pub(crate) pool: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
    /// Deviations in how its node reports it, because of another version or a fault.
    pub(crate) oddities: Vec<Oddity>,
}

/// What the cluster's inventory shows of a guest.
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

/// A difference from a guest on a healthy node of Proxmox VE 9.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// A container's addresses are reported as before 8.4: in `inet` and `inet6`, without a list.
    OldInterfaces,
    /// Mapped devices count as local to their node, as before 8.4.
    MappedIsLocal,
    /// Its agent returns process ids as strings.
    NumbersAreTexts,
}

/// Seconds until the cluster's inventory shows a change (pve.md section 6).
const LAG: f64 = 10.0;

/// A snapshot of a guest.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) time: u64,
    pub(crate) parent: Option<String>,
    pub(crate) vmstate: bool,
    pub(crate) config: Map<String, Value>,
    /// `delete` or `prepare` if its task did not finish.
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

    /// Its present state.
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

    /// Remembers what the inventory keeps showing. Call this before changing anything that the inventory shows.
    pub(crate) fn remember(&mut self, now: f64) {
        if self.before.as_ref().is_none_or(|(changed, _)| LAG <= now - changed) {
            self.before = Some((now, Some(self.current())));
        }
    }

    /// What the inventory shows; `None` for a guest that was created less than [`LAG`] seconds ago.
    pub(crate) fn told(&self, now: f64) -> Option<Told> {
        match &self.before {
            Some((changed, before)) if now - changed < LAG => before.clone(),
            _ => Some(self.current()),
        }
    }

    /// Marks it as started at that time, or as stopped.
    pub(crate) fn set_started(&mut self, started: Option<f64>, now: f64) {
        self.remember(now);
        self.started = started;
        self.qmp = None;
    }

    /// Whether its node reports it in this deviating way.
    pub(crate) fn has_oddity(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    /// Whether it runs Windows, according to its configured `ostype`.
    pub(crate) fn is_windows(&self) -> bool {
        let system = self.config.get("ostype").and_then(Value::as_str).unwrap_or_default();
        system.starts_with('w')
    }

    /// Whether it was suspended to disk.
    pub(crate) fn is_hibernated(&self) -> bool {
        self.config.get("lock") == Some(&json!("suspended"))
    }

    /// The guest's name as in lists.
    pub(crate) fn name(&self) -> String {
        let key = if self.kind == Kind::Qemu { "name" } else { "hostname" };
        let bare = || format!("{}{}", self.kind.label(), self.vmid);
        self.config.get(key).and_then(Value::as_str).map_or_else(bare, str::to_owned)
    }

    /// Whether it is a template, which cannot be started.
    pub(crate) fn is_template(&self) -> bool {
        self.config.get("template") == Some(&json!(1))
    }

    /// A number from its configuration, even if it is stored as a string.
    pub(crate) fn number(&self, key: &str, default: u64) -> u64 {
        match self.config.get(key) {
            Some(Value::String(text)) => text.parse().unwrap_or(default),
            Some(value) => value.as_u64().unwrap_or(default),
            None => default,
        }
    }

    /// The number of virtual CPUs.
    pub(crate) fn cpus(&self) -> u64 {
        self.number("sockets", 1) * self.number("cores", 1)
    }

    /// Memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.number("memory", 512) << 20
    }

    /// Size of its first disk in bytes.
    pub(crate) fn disk(&self) -> u64 {
        let key = if self.kind == Kind::Qemu { "scsi0" } else { "rootfs" };
        let disk = self.config.get(key).or_else(|| self.config.get("virtio0")).and_then(Value::as_str);
        disk.and_then(|disk| disk.split(',').find_map(|part| part.strip_prefix("size=")))
            .map_or(0, size_in_bytes)
    }

    /// Fails if a running task has locked the configuration.
    pub(crate) fn check_lock(&self) -> Result<(), String> {
        match self.config.get("lock").and_then(Value::as_str) {
            Some(lock) => Err(format!("{} is locked ({lock})", self.kind.label())),
            None => Ok(()),
        }
    }

    /// The lock file that its tasks hold.
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
