//! A request that found its way, and the rows of the tables it is found in.

use crate::{
    demo::{
        outcome::Outcome,
        state::{access::Identity, cluster::Cluster, guest::Kind},
    },
    pve::Method,
};

/// Names and values in the order in which they came. A repeated name makes an array.
pub(crate) type Pairs = Vec<(String, String)>;

/// The values of a path's holes, by name.
pub(crate) type Holes = Vec<(&'static str, String)>;

/// A request that found its route.
pub(crate) struct Request {
    pub(crate) holes: Holes,
    pub(crate) params: Pairs,
    pub(crate) who: Identity,
    /// The size of the file that came along, in bytes.
    pub(crate) file_bytes: Option<u64>,
}

/// What answers a route.
pub(crate) type Handler = fn(&mut Cluster, &Request) -> Outcome;

/// One row: method, path template, what must be allowed (`/path, Privilege|Privilege`, or empty), handler.
/// A hole `{name*}` takes the rest of the path.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) need: &'static str,
    pub(crate) run: Handler,
}

/// A row of the table.
pub(crate) const fn route(method: Method, path: &'static str, need: &'static str, run: Handler) -> Route {
    Route { method, path, need, run }
}

impl Request {
    /// The value of a hole in the path; empty if the template has none of that name.
    pub(crate) fn hole(&self, name: &str) -> &str {
        self.holes.iter().find(|(hole, _)| *hole == name).map_or("", |(_, value)| value)
    }

    /// The node in the path.
    pub(crate) fn node(&self) -> &str {
        self.hole("node")
    }

    /// The VMID in the path; routes are only entered with one that is a number.
    pub(crate) fn vmid(&self) -> u32 {
        self.hole("vmid").parse().unwrap_or(0)
    }

    /// The kind of guest in the path.
    pub(crate) fn kind(&self) -> Kind {
        if self.hole("kind") == "lxc" { Kind::Lxc } else { Kind::Qemu }
    }

    /// A parameter; of several the first.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean parameter, as the form `1`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("1" | "true" | "yes" | "on"))
    }

    /// A number, if the parameter is there and is one.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.param(name)?.parse().ok()
    }
}
