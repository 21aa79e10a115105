//! The guests that were changed recently, so that `/cluster/resources` is not up to date for them.

use crate::{
    sync::lock,
    tools::{param::Kind, run::request::Request},
};
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long after a change the inventory is not trusted: one update cycle of 10 s, and some reserve.
const BEHIND: Duration = Duration::from_secs(15);

/// The guests that were changed recently, by VMID.
#[derive(Debug, Default)]
pub struct RecentChanges(Mutex<HashMap<i64, Change>>);

#[derive(Clone, Debug)]
struct Change {
    at: Instant,
    /// Its node and kind, if it was just created.
    made: Option<(String, Kind)>,
}

impl RecentChanges {
    /// Notes a request that is about to be sent.
    pub fn sent(&self, request: &Request) {
        self.changed(&request.guests());
        if let Some((vmid, node, kind)) = made_by(request) {
            lock(&self.0).insert(vmid, Change { at: Instant::now(), made: Some((node, kind)) });
        }
    }

    /// Notes that these guests have just been changed.
    pub fn changed(&self, vmids: &[i64]) {
        if vmids.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut changes = lock(&self.0);
        for vmid in vmids {
            changes.entry(*vmid).or_insert(Change { at: now, made: None }).at = now;
        }
    }

    /// Returns the guests that the inventory may be wrong about, by VMID, with the node and kind of new ones.
    #[must_use]
    pub fn all(&self) -> Vec<(i64, Option<(String, Kind)>)> {
        let mut changes = lock(&self.0);
        changes.retain(|_, change| change.at.elapsed() < BEHIND);
        let mut all: Vec<_> = changes.iter().map(|(vmid, change)| (*vmid, change.made.clone())).collect();
        drop(changes);
        all.sort_by_key(|one| one.0);
        all
    }
}

/// Returns the guest that a request creates, restores or clones, with its node and kind.
fn made_by(request: &Request) -> Option<(i64, String, Kind)> {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let (["nodes", node, kind] | ["nodes", node, kind, _, "clone"]) = parts[..] else { return None };
    let cloned = parts.len() == 5;
    let vmid = request.params.get(if cloned { "newid" } else { "vmid" })?.parse().ok()?;
    let target = if cloned { request.params.get("target") } else { None };
    Some((vmid, target.unwrap_or(node).to_owned(), Kind::from_api_type(kind)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::{Method, Params};

    #[test]
    fn what_a_request_makes_is_told_from_it() {
        for (path, params, expected) in [
            ("/nodes/pve1/qemu", &[("vmid", "900")][..], Some((900, "pve1", Kind::Vm))),
            ("/nodes/pve1/lxc", &[("vmid", "900")], Some((900, "pve1", Kind::Container))),
            ("/nodes/pve1/qemu/100/clone", &[("newid", "901")], Some((901, "pve1", Kind::Vm))),
            (
                "/nodes/pve1/lxc/200/clone",
                &[("newid", "901"), ("target", "pve2")],
                Some((901, "pve2", Kind::Container)),
            ),
            ("/nodes/pve1/qemu/100/config", &[("vmid", "100")], None),
            ("/nodes/pve1/vzdump", &[("vmid", "100")], None),
        ] {
            let params =
                params.iter().fold(Params::new(), |params, (name, value)| params.with(*name, *value));
            let request = Request { method: Method::Post, path: path.into(), params };
            let expected = expected.map(|(vmid, node, kind)| (vmid, node.to_owned(), kind));
            assert_eq!(made_by(&request), expected, "{path}");
        }
    }
}
