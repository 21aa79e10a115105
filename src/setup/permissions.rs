//! Compares the privileges of an account with those that tools need. Reads the answer of `/access/permissions`; sends
//! no request.

use crate::{
    pve::api::Privilege,
    setup::required_privileges::{checked_in_code, other},
    tools::catalog::{entry::Entry, sends},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Privileges by path: 1 if they propagate to the paths below it, 0 if they apply to that path only.
#[derive(Clone, Debug, Default)]
pub struct Permissions(pub Map<String, Value>);

/// Where something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nowhere.
    Nowhere,
    /// On some objects.
    Somewhere,
    /// On all of them.
    Everywhere,
}

/// Where a tool may be used, and which privileges are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct May {
    /// The most restricted reach of all its requests.
    pub reach: Reach,
    /// Missing privileges, such as `VM.Clone on /vms/{vmid}`.
    pub lacking: BTreeSet<String>,
}

impl Permissions {
    /// Whether the account has no privileges at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|names| names.as_object().is_none_or(Map::is_empty))
    }

    /// Where a privilege is granted on a path template, whose `{…}` segments stand for any object.
    #[must_use]
    pub fn reach(&self, template: &str, privilege: &str) -> Reach {
        let wanted: Vec<&str> = segments(template).collect();
        let mut best = Reach::Nowhere;
        for (path, names) in &self.0 {
            let Some(spreads) = names.get(privilege).map(|flag| flag.as_u64() != Some(0)) else { continue };
            let have: Vec<&str> = segments(path).collect();
            let fits = have.iter().zip(&wanted).all(|(have, wanted)| have == wanted || is_hole(wanted));
            let whole = have.len() == wanted.len();
            if !fits || wanted.len() < have.len() || (!whole && !spreads) {
                continue;
            }
            let everywhere = have.iter().zip(&wanted).all(|(have, wanted)| have == wanted);
            best = best.max(if everywhere { Reach::Everywhere } else { Reach::Somewhere });
        }
        best
    }

    /// Where a tool's requests are allowed.
    #[must_use]
    pub fn may(&self, entry: &Entry) -> May {
        let mut may = May { reach: Reach::Everywhere, lacking: BTreeSet::new() };
        for request in sends::seen(entry) {
            may.add(self.judge(&request.row.privileges()));
            for (path, privilege) in checked_in_code(entry, request) {
                may.add(self.need(path, privilege));
            }
        }
        may
    }

    fn need(&self, path: &str, privilege: &str) -> May {
        let reach = self.reach(path, privilege);
        let lacking = (reach == Reach::Nowhere).then(|| format!("{privilege} on {path}"));
        May { reach, lacking: lacking.into_iter().collect() }
    }

    fn judge(&self, privilege: &Privilege) -> May {
        let all = |parts: Vec<May>| {
            let mut may = May { reach: Reach::Everywhere, lacking: BTreeSet::new() };
            parts.into_iter().for_each(|part| may.add(part));
            may
        };
        // The first of equals: `max_by_key` alone would return the last.
        let best = |ways: Vec<May>| {
            ways.into_iter().rev().max_by_key(|may| may.reach).unwrap_or_else(|| all(Vec::new()))
        };
        match privilege {
            Privilege::World | Privilege::AnyUser => all(Vec::new()),
            // An approximation: an account that may change permissions is treated like root@pam. The API decides.
            Privilege::Root => self.need("/", "Permissions.Modify"),
            Privilege::Perm { path, privileges, any, .. } => {
                let each = privileges.iter().map(|name| self.need(path, name)).collect();
                if *any { best(each) } else { all(each) }
            }
            Privilege::Or(ways) => best(ways.iter().map(|way| self.judge(way)).collect()),
            Privilege::And(parts) => all(parts.iter().map(|part| self.judge(part)).collect()),
            Privilege::Other(raw) => {
                all(other(raw).map(|(path, privilege)| self.need(path, privilege)).into_iter().collect())
            }
        }
    }
}

impl May {
    fn add(&mut self, part: May) {
        self.reach = self.reach.min(part.reach);
        self.lacking.extend(part.lacking);
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn is_hole(segment: &str) -> bool {
    segment.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::catalog::index::named;
    use serde_json::json;

    fn granted(value: Value) -> Permissions {
        serde_json::from_value(value).map(Permissions).expect("an object")
    }

    #[track_caller]
    fn check(given: Value, template: &str, expected: Reach) {
        assert_eq!(granted(given).reach(template, "A.B"), expected, "{template}");
    }

    #[test]
    fn privileges_count_where_they_were_given_and_below() {
        let vm = "/vms/{vmid}";
        check(json!({"/": {"A.B": 1}}), vm, Reach::Everywhere);
        check(json!({"/": {"A.B": 0}}), vm, Reach::Nowhere);
        check(json!({"/": {"A.B": 0}}), "/", Reach::Everywhere);
        check(json!({"/vms": {"A.B": 1}}), vm, Reach::Everywhere);
        check(json!({"/vms/102": {"A.B": 0}}), vm, Reach::Somewhere);
        check(json!({"/vms/102": {"A.C": 1}}), vm, Reach::Nowhere);
        check(json!({"/storage": {"A.B": 1}}), vm, Reach::Nowhere);
        check(json!({"/vms/102": {"A.B": 1}}), "/", Reach::Nowhere);
        check(json!({"/sdn/zones/z": {"A.B": 1}}), "/sdn/zones/{zone}/{vnet}", Reach::Somewhere);
    }

    #[test]
    fn a_tool_may_what_all_of_its_requests_may() {
        let tool = |name| named(name).expect("a tool");
        let one = granted(json!({"/vms/102": {"VM.Audit": 1, "VM.PowerMgmt": 1}}));
        let may = one.may(&tool("proxmox_start_vm"));
        assert_eq!((may.reach, may.lacking.len()), (Reach::Somewhere, 0), "{may:?}");
        let may = one.may(&tool("proxmox_get_cluster_status"));
        assert!(may.lacking.contains("Sys.Audit on /nodes/{node}"), "{may:?}");
        let all =
            granted(json!({"/": {"VM.Audit": 1, "VM.PowerMgmt": 1, "Sys.Audit": 1, "Datastore.Audit": 1,
            "Pool.Audit": 1}}));
        assert_eq!(all.may(&tool("proxmox_start_vm")).reach, Reach::Everywhere);
        assert_eq!(
            all.may(&tool("proxmox_delete_vm")).lacking,
            ["VM.Allocate on /vms/{vmid}".to_owned()].into()
        );
        assert!(granted(json!({"/": {}})).is_empty());
    }
}
