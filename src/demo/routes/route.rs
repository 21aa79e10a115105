//! A request with its route, and the rows of the route tables.

use crate::{
    demo::{
        outcome::Outcome,
        state::{access::Identity, cluster::Cluster, guest::Kind},
    },
    pve::Method,
};

/// Names and values in the order in which they were sent. A repeated name forms an array.
pub(crate) type Pairs = Vec<(String, String)>;

/// The values of a path template's placeholders, by name.
pub(crate) type Holes = Vec<(&'static str, String)>;

/// A request whose route was found.
pub(crate) struct Request {
    pub(crate) holes: Holes,
    pub(crate) params: Pairs,
    pub(crate) who: Identity,
    /// The size of the uploaded file in bytes.
    pub(crate) file_bytes: Option<u64>,
}

/// The function that answers a route.
pub(crate) type Handler = fn(&mut Cluster, &Request) -> Outcome;

/// One row: method, path template, required privilege (`/path, Privilege|Privilege`, or empty), handler. A placeholder
/// `{name*}` takes the rest of the path.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) need: &'static str,
    pub(crate) run: Handler,
}

/// Creates a row of a route table.
pub(crate) const fn route(method: Method, path: &'static str, need: &'static str, run: Handler) -> Route {
    Route { method, path, need, run }
}

impl Request {
    /// The value of a placeholder in the path; empty if the template has none with that name.
    pub(crate) fn hole(&self, name: &str) -> &str {
        self.holes.iter().find(|(hole, _)| *hole == name).map_or("", |(_, value)| value)
    }

    /// The node in the path.
    pub(crate) fn node(&self) -> &str {
        self.hole("node")
    }

    /// The VMID in the path; routes are only entered if it is a number.
    pub(crate) fn vmid(&self) -> u32 {
        self.hole("vmid").parse().unwrap_or(0)
    }

    /// The kind of guest in the path.
    pub(crate) fn kind(&self) -> Kind {
        if self.hole("kind") == "lxc" { Kind::Lxc } else { Kind::Qemu }
    }

    /// A parameter; of several with this name, the first.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a boolean parameter is true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("1" | "true" | "yes" | "on"))
    }

    /// A parameter as a number, if it is given and valid.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.param(name)?.parse().ok()
    }
}
