//! The keywords of the table of effects. `build.rs` includes this file too, so it must not use the rest of the crate.

/// What a request can do. The order is that of the keywords in `words.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Only reads.
    Read,
    /// Changes something, with none of the effects below.
    Change,
    /// Something that runs stops, or is cut off from network, disk or users.
    Interrupt,
    /// Stored data or settings are lost.
    Destroy,
    /// Access rights change: accounts, roles, permissions, tokens, passwords, keys.
    Rights,
    /// A program runs, or a file is written, in a guest or on a node.
    Execute,
    /// A server connects to another host.
    Outbound,
    /// A guest may lose what protects it: its tags, its pool, its setting `protection`.
    Unguard,
}

/// The classes and their keywords.
pub(super) const CLASSES: [(&str, Class); 8] = [
    ("read", Class::Read),
    ("change", Class::Change),
    ("interrupt", Class::Interrupt),
    ("destroy", Class::Destroy),
    ("rights", Class::Rights),
    ("execute", Class::Execute),
    ("outbound", Class::Outbound),
    ("unguard", Class::Unguard),
];

impl Class {
    /// Its keyword in the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        CLASSES.iter().find(|(_, class)| *class == self).map_or("", |(word, _)| word)
    }
}

/// The role that something has in a request that touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The object of the request: what changes, stops or is lost.
    Target,
    /// The target is on or in it.
    At,
    /// Something is read or copied from it.
    Source,
    /// Something is put onto or into it.
    Destination,
    /// The request creates it.
    New,
    /// The new value of a setting names it, such as a guest in a backup job.
    Member,
}

/// The roles and their keywords.
pub(super) const ROLES: [(&str, Role); 6] = [
    ("target", Role::Target),
    ("at", Role::At),
    ("source", Role::Source),
    ("destination", Role::Destination),
    ("new", Role::New),
    ("member", Role::Member),
];

/// How to parse the value of a placeholder or parameter, and what it names. `words.txt` explains each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Guest,
    Guests,
    GuestsOrNode,
    GuestsOrAll,
    Node,
    Nodes,
    Pool,
    PoolGuests,
    Storage,
    Storages,
    StorageMap,
    StorageGuests,
    Sid,
    Sids,
    Replication,
    Task,
    Volume,
    Archive,
    Disk,
    Job,
    AclPath,
    NodeGuests,
    AllGuests,
    AllNodes,
    Cluster,
    Everything,
}

/// The kinds, their keywords, and whether they have values to parse.
pub(super) const KINDS: [(&str, Kind, bool); 26] = [
    ("guest", Kind::Guest, true),
    ("guests", Kind::Guests, true),
    ("guests-or-node", Kind::GuestsOrNode, true),
    ("guests-or-all", Kind::GuestsOrAll, true),
    ("node", Kind::Node, true),
    ("nodes", Kind::Nodes, true),
    ("pool", Kind::Pool, true),
    ("pool-guests", Kind::PoolGuests, true),
    ("storage", Kind::Storage, true),
    ("storages", Kind::Storages, true),
    ("storage-map", Kind::StorageMap, true),
    ("storage-guests", Kind::StorageGuests, true),
    ("sid", Kind::Sid, true),
    ("sids", Kind::Sids, true),
    ("replication", Kind::Replication, true),
    ("task", Kind::Task, true),
    ("volume", Kind::Volume, true),
    ("archive", Kind::Archive, true),
    ("disk", Kind::Disk, true),
    ("job", Kind::Job, true),
    ("acl-path", Kind::AclPath, true),
    ("node-guests", Kind::NodeGuests, true),
    ("all-guests", Kind::AllGuests, false),
    ("all-nodes", Kind::AllNodes, false),
    ("cluster", Kind::Cluster, false),
    ("everything", Kind::Everything, false),
];

/// The placeholders whose names determine their kind.
pub(super) const HOLES: [(&str, Kind); 7] = [
    ("node", Kind::Node),
    ("vmid", Kind::Guest),
    ("storage", Kind::Storage),
    ("volume", Kind::Volume),
    ("poolid", Kind::Pool),
    ("sid", Kind::Sid),
    ("upid", Kind::Task),
];
