//! The words of the table of effects. `build.rs` reads the table by this file too, so it names nothing of the crate.

/// What a request can do. The order is that of the words in `words.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads, and nothing else.
    Read,
    /// Changes something, and nothing worse.
    Change,
    /// What runs stops, or is cut off from network, disk or users.
    Interrupt,
    /// Stored data or settings are lost.
    Destroy,
    /// Who may do what: accounts, roles, rights, tokens, passwords, keys.
    Rights,
    /// A program runs, or a file is written, in a guest or on a node.
    Execute,
    /// A server is made to talk to another host.
    Outbound,
    /// What protects a guest may be taken from it: its tags, its pool, its setting `protection`.
    Unguard,
}

/// The classes and their words.
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
    /// Its word in the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        CLASSES.iter().find(|(_, class)| *class == self).map_or("", |(word, _)| word)
    }
}

/// What something that a request touches is to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The request is about it: this is what changes, stops or is lost.
    Target,
    /// The target is on or in it.
    At,
    /// It is read or copied from.
    Source,
    /// Something is put on it or into it.
    Destination,
    /// The request makes it.
    New,
    /// The new value of a setting names it, as a backup job names guests.
    Member,
}

/// The roles and their words.
pub(super) const ROLES: [(&str, Role); 6] = [
    ("target", Role::Target),
    ("at", Role::At),
    ("source", Role::Source),
    ("destination", Role::Destination),
    ("new", Role::New),
    ("member", Role::Member),
];

/// How the value of a hole or parameter is read, and what it then names. `words.txt` explains each.
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

/// The kinds, their words, and whether they read values.
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

/// The holes that say what they are by their names.
pub(super) const HOLES: [(&str, Kind); 7] = [
    ("node", Kind::Node),
    ("vmid", Kind::Guest),
    ("storage", Kind::Storage),
    ("volume", Kind::Volume),
    ("poolid", Kind::Pool),
    ("sid", Kind::Sid),
    ("upid", Kind::Task),
];
