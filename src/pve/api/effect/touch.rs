//! Determines what a request touches, by parsing each placeholder and parameter that its row lists.

use super::{grammar::Row, judge::Request, terms::Kind, terms::Role};
use crate::pve::values::{self, Disk, Node, Task, Unreadable, Volume, split_list};

/// Something that a request touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// A guest, by its VMID.
    Guest(u32),
    /// A node.
    Node(Node),
    /// A pool, by its full name; nested pools have their parent's name and a slash before their own.
    Pool(String),
    /// A storage, by its name.
    Storage(String),
    /// A volume, with the guests that it belongs to.
    Volume(Volume),
    /// Every guest of a node.
    GuestsOfNode(Node),
    /// Every guest of a pool and its nested pools.
    GuestsOfPool(String),
    /// Every guest with a volume on a storage.
    GuestsOfStorage(String),
    /// The guests that the backup job with that id selects.
    Job(String),
    /// Every guest of the cluster.
    EveryGuest,
    /// Every node of the cluster.
    EveryNode,
    /// The cluster as a whole, and no guest, node, pool or storage.
    Cluster,
    /// Anything in the cluster.
    Everything,
    /// A value that cannot be parsed, and so may refer to anything.
    Unreadable {
        /// The placeholder or parameter.
        name: String,
    },
}

impl Touch {
    /// Whether the guests depend on the state of the cluster.
    #[must_use]
    pub fn depends_on_cluster(&self) -> bool {
        use Touch::{EveryGuest, GuestsOfNode, GuestsOfPool, GuestsOfStorage, Job};
        matches!(self, GuestsOfNode(_) | GuestsOfPool(_) | GuestsOfStorage(_) | Job(_) | EveryGuest)
    }
}

/// Something that a request touches, with its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// What the request touches.
    pub what: Touch,
    /// Its role in the request.
    pub role: Role,
}

impl Touched {
    /// The guests that it names. For a volume: its owner, and as sources the guests whose volumes it is based on.
    pub fn guests(&self) -> impl Iterator<Item = (u32, Role)> {
        let (owner, others) = match &self.what {
            Touch::Guest(vmid) => (Some(*vmid), &[][..]),
            Touch::Volume(volume) => (volume.owner, volume.others.as_slice()),
            _ => (None, &[][..]),
        };
        let others = others.iter().map(|vmid| (*vmid, Role::Source));
        owner.map(|vmid| (vmid, self.role)).into_iter().chain(others)
    }
}

/// Everything that a request touches.
pub(super) fn of(request: &Request<'_>) -> Vec<Touched> {
    let mut found = Found { request, touches: Vec::new() };
    for (kind, hole, role) in request.row.touched_holes() {
        found.read(kind, &[&format!("{{{hole}}}")], role);
    }
    for touches in &request.row.body.touches {
        if request.holds(&touches.when).is_some() {
            found.read(touches.kind, &touches.names, touches.role);
        }
    }
    for (name, _) in request.strange() {
        found.unreadable(name);
    }
    // Every request must have a target.
    let about = |role: Role| matches!(role, Role::Target | Role::New);
    if !found.touches.iter().any(|touched| about(touched.role)) {
        let none = if is_about_nothing(request.row) { Touch::Cluster } else { Touch::Everything };
        found.add(none, Role::Target);
    }
    found.touches
}

/// Whether the requests of this row never have a guest, node, pool, storage or volume as their target.
fn is_about_nothing(row: &Row<'_>) -> bool {
    let said = row.body.touches.iter().map(|touches| touches.role);
    let holes = row.touched_holes();
    !said.chain(holes.iter().map(|(.., role)| *role)).any(|role| matches!(role, Role::Target | Role::New))
}

/// What has been found so far.
struct Found<'a> {
    request: &'a Request<'a>,
    touches: Vec<Touched>,
}

impl Found<'_> {
    fn add(&mut self, what: Touch, role: Role) {
        let touched = Touched { what, role };
        if !self.touches.contains(&touched) {
            self.touches.push(touched);
        }
    }

    fn unreadable(&mut self, name: &str) {
        self.add(Touch::Unreadable { name: name.to_owned() }, Role::Target);
    }

    /// Parses all values of these names.
    fn read(&mut self, kind: Kind, names: &[&str], role: Role) {
        let request = self.request;
        let values: Vec<(&str, &str)> = names.iter().flat_map(|name| request.values(name)).collect();
        let missing = values.iter().all(|(_, value)| split_list(value).next().is_none());
        match kind {
            Kind::AllGuests => self.add(Touch::EveryGuest, role),
            Kind::AllNodes => self.add(Touch::EveryNode, role),
            Kind::Cluster => self.add(Touch::Cluster, role),
            Kind::Everything => self.add(Touch::Everything, role),
            Kind::GuestsOrAll if missing => self.add(Touch::EveryGuest, role),
            Kind::GuestsOrNode if missing => match Node::read(request.hole("node").unwrap_or_default()) {
                Ok(node) => self.add(Touch::GuestsOfNode(node), role),
                Err(Unreadable) => self.unreadable("node"),
            },
            _ => {
                for (name, value) in values {
                    if self.read_one(kind, value, role).is_err() {
                        self.unreadable(name.trim_matches(['{', '}']));
                    }
                }
            }
        }
    }

    /// Parses one value.
    fn read_one(&mut self, kind: Kind, value: &str, role: Role) -> Result<(), Unreadable> {
        match kind {
            Kind::Guest => self.add(Touch::Guest(values::vmid(value)?), role),
            Kind::Guests | Kind::GuestsOrNode | Kind::GuestsOrAll => {
                values::vmids(value)?.into_iter().for_each(|vmid| self.add(Touch::Guest(vmid), role));
            }
            Kind::Node => self.add(Touch::Node(Node::read(value)?), role),
            Kind::Nodes => {
                values::nodes(value)?.into_iter().for_each(|node| self.add(Touch::Node(node), role));
            }
            Kind::NodeGuests => self.add(Touch::GuestsOfNode(Node::read(value)?), role),
            Kind::Pool => self.add(Touch::Pool(values::pool(value)?.to_owned()), role),
            Kind::PoolGuests => self.add(Touch::GuestsOfPool(values::pool(value)?.to_owned()), role),
            Kind::Storage => self.add(Touch::Storage(values::storage(value)?.to_owned()), role),
            Kind::StorageGuests => self.add(Touch::GuestsOfStorage(values::storage(value)?.to_owned()), role),
            Kind::Storages => {
                for storage in split_list(value) {
                    self.add(Touch::Storage(values::storage(storage)?.to_owned()), role);
                }
            }
            Kind::StorageMap => {
                for storage in values::storage_map(value)? {
                    self.add(Touch::Storage(storage.to_owned()), role);
                }
            }
            Kind::Sid => self.add(Touch::Guest(values::ha_guest(value)?), role),
            Kind::Sids => {
                for sid in split_list(value) {
                    self.add(Touch::Guest(values::ha_guest(sid)?), role);
                }
            }
            Kind::Replication => self.add(Touch::Guest(values::replicated_guest(value)?), role),
            Kind::Task => self.read_task(&Task::read(value)?, role),
            Kind::Volume => {
                let on = self.request.hole("storage").unwrap_or_default();
                self.add(Touch::Volume(Volume::read_on(on, value)?), role);
            }
            Kind::Archive => self.add(Touch::Volume(Volume::read(value)?), role),
            Kind::Disk => self.read_disk(value, role)?,
            Kind::Job => self.add(Touch::Job(value.to_owned()), role),
            Kind::AclPath => self.read_acl_path(value, role)?,
            Kind::AllGuests | Kind::AllNodes | Kind::Cluster | Kind::Everything => {}
        }
        Ok(())
    }

    fn read_task(&mut self, task: &Task, role: Role) {
        match task.guest {
            Some(vmid) => self.add(Touch::Guest(vmid), role),
            None if task.kind.starts_with("bulk") => self.add(Touch::EveryGuest, role),
            None if task.may_concern_many() => self.add(Touch::GuestsOfNode(task.node.clone()), role),
            None => self.add(Touch::Node(task.node.clone()), role),
        }
        self.add(Touch::Node(task.node.clone()), Role::At);
    }

    fn read_disk(&mut self, value: &str, role: Role) -> Result<(), Unreadable> {
        for disk in Disk::read(value) {
            match disk {
                Disk::Nothing | Disk::Path(_) => {}
                Disk::Made { storage } => self.add(Touch::Storage(storage), Role::Destination),
                // A CD image is only read.
                Disk::Volume(volume) if volume.owner.is_none() => {
                    self.add(Touch::Volume(volume), Role::Source);
                }
                Disk::Volume(volume) => self.add(Touch::Volume(volume), role),
                Disk::Imported(volume) => self.add(Touch::Volume(volume), Role::Source),
                Disk::Unreadable(_) => return Err(Unreadable),
            }
        }
        Ok(())
    }

    fn read_acl_path(&mut self, path: &str, role: Role) -> Result<(), Unreadable> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [] => self.add(Touch::Everything, role),
            ["vms"] => self.add(Touch::EveryGuest, role),
            ["vms", vmid] => self.add(Touch::Guest(values::vmid(vmid)?), role),
            ["nodes"] => self.add(Touch::EveryNode, role),
            ["nodes", node] => self.add(Touch::Node(Node::read(node)?), role),
            ["pool", rest @ ..] if !rest.is_empty() => {
                let pool = rest.join("/");
                self.add(Touch::GuestsOfPool(values::pool(&pool)?.to_owned()), role);
                self.add(Touch::Pool(pool), role);
            }
            ["storage", storage] => self.add(Touch::Storage(values::storage(storage)?.to_owned()), role),
            ["pool"] => self.add(Touch::EveryGuest, role),
            _ => self.add(Touch::Cluster, role),
        }
        Ok(())
    }
}
