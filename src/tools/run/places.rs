//! The nodes on which guests were last seen. They are only used for requests that are safe if a guest has moved: a node
//! without the guest refuses such a request before anything is done (see [`at`](super::find::at)).

use crate::{
    pve::Method,
    sync::lock,
    tools::{
        param::Kind,
        run::{
            guest::{Guest, Place},
            request::Request,
        },
    },
};
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long a remembered node is used before the cluster is asked again.
const KEPT: Duration = Duration::from_secs(600);
/// How long a remembered name is used without reading it again; `/cluster/resources` itself is sometimes older than
/// that (pve.md section 6).
const NAMED: Duration = Duration::from_secs(5);

/// The nodes of one cluster's guests, by VMID.
#[derive(Debug, Default)]
pub struct LastKnownNodes(Mutex<HashMap<i64, Heard>>);

#[derive(Debug)]
struct Heard {
    node: String,
    kind: Kind,
    heard: Instant,
    name: String,
    /// When the name was read; `None` once a change may have renamed the guest.
    named: Option<Instant>,
}

impl LastKnownNodes {
    /// Replaces what is remembered: these are all the guests.
    pub fn heard<'a>(&self, guests: impl Iterator<Item = Place<'a>>) {
        let now = Instant::now();
        let mut places = lock(&self.0);
        for Place { vmid, name, node, kind } in guests {
            let named = (!name.is_empty()).then_some(now);
            match places.get_mut(&vmid) {
                // Of thousands of guests, nearly all are where they were.
                Some(place) if place.node == node && place.name == name && place.kind == kind => {
                    (place.heard, place.named) = (now, named);
                }
                _ => {
                    let (node, name) = (node.into_owned(), name.into_owned());
                    places.insert(vmid, Heard { node, kind, heard: now, name, named });
                }
            }
        }
        places.retain(|_, place| place.heard == now);
    }

    /// Returns where a guest was last seen; its status is empty because it is not known.
    #[must_use]
    pub fn last_known(&self, vmid: i64) -> Option<Guest> {
        let places = lock(&self.0);
        let place = places.get(&vmid).filter(|place| place.heard.elapsed() < KEPT)?;
        let (name, node) = (place.name.clone(), place.node.clone());
        Some(Guest { vmid, name, node, kind: place.kind, status: String::new() })
    }

    /// Returns whether the name of a guest was read recently enough to be used.
    #[must_use]
    pub fn is_named(&self, vmid: i64) -> bool {
        let named = lock(&self.0).get(&vmid).and_then(|place| place.named);
        named.is_some_and(|named| named.elapsed() < NAMED)
    }

    /// Remembers the name of a guest, which was just read.
    pub fn named(&self, vmid: i64, name: &str) {
        if let Some(place) = lock(&self.0).get_mut(&vmid) {
            name.clone_into(&mut place.name);
            place.named = Some(Instant::now());
        }
    }

    /// Notes that a guest may have been renamed.
    pub fn forget_name(&self, vmid: i64) {
        if let Some(place) = lock(&self.0).get_mut(&vmid) {
            place.named = None;
        }
    }

    /// Forgets a guest that is no longer on its node, or may not be.
    pub fn forget(&self, vmid: i64) {
        lock(&self.0).remove(&vmid);
    }

    /// Forgets whatever may no longer be true after a change that is about to be sent.
    pub fn sent(&self, request: &Request) {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let ["nodes", _, "qemu" | "lxc", rest @ ..] = &parts[..] else { return };
        let (vmid, action) = match rest {
            [] => (request.params.get("vmid").unwrap_or_default(), "migrate"),
            [vmid] if request.method == Method::Delete => (*vmid, "migrate"),
            [vmid] => (*vmid, ""),
            [vmid, action, ..] => (*vmid, *action),
        };
        let Ok(vmid) = vmid.parse() else { return };
        match action {
            "migrate" | "remote_migrate" => self.forget(vmid),
            "status" | "agent" | "firewall" => {}
            _ => self.forget_name(vmid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::Params;

    #[test]
    fn a_change_takes_along_what_it_may_make_untrue() {
        for (method, path, place, name) in [
            (Method::Post, "/nodes/pve1/qemu/100/status/start", true, true),
            (Method::Post, "/nodes/pve1/qemu/100/agent/exec", true, true),
            (Method::Post, "/nodes/pve1/qemu/100/config", true, false),
            (Method::Post, "/nodes/pve1/qemu/100/snapshot/a/rollback", true, false),
            (Method::Post, "/nodes/pve1/qemu/100/migrate", false, false),
            (Method::Delete, "/nodes/pve1/qemu/100", false, false),
            (Method::Post, "/nodes/pve2/qemu", false, false),
            (Method::Post, "/nodes/pve1/qemu/101/migrate", true, true),
            (Method::Put, "/cluster/options", true, true),
        ] {
            let places = LastKnownNodes::default();
            let (name_there, node) = ("web01".into(), "pve1".into());
            places.heard([Place { vmid: 100, name: name_there, node, kind: Kind::Vm }].into_iter());
            let params = Params::new().with("vmid", 100);
            places.sent(&Request { method, path: path.into(), params });
            assert_eq!((places.last_known(100).is_some(), places.is_named(100)), (place, name), "{path}");
        }
    }

    #[test]
    fn what_the_cluster_no_longer_lists_is_forgotten() {
        let places = LastKnownNodes::default();
        let kind = Kind::Container;
        let guest = |vmid, name: &'static str| Place { vmid, name: name.into(), node: "pve1".into(), kind };
        places.heard([guest(200, "db"), guest(201, "")].into_iter());
        let known = |name: &str| {
            let (name, node) = (name.to_owned(), "pve1".to_owned());
            Some(Guest { vmid: 200, name, node, kind, status: String::new() })
        };
        assert_eq!(places.last_known(200), known("db"));
        assert!(places.is_named(200) && !places.is_named(201));
        places.named(201, "mail");
        assert_eq!(places.last_known(201).map(|guest| guest.name), Some("mail".to_owned()));
        places.heard([guest(200, "db2"), guest(201, "mail")].into_iter());
        assert_eq!(places.last_known(200), known("db2"));
        places.heard([guest(201, "mail")].into_iter());
        assert_eq!(places.last_known(200), None);
        places.forget(201);
        assert_eq!(places.last_known(201), None);
    }
}
