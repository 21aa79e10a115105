//! What a call of the API is about: the guests, node, storage and pool that rules about them have to look at. Reads the
//! call only, asks nobody.

use super::Request;

/// What a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The guests that it names: in its path, its parameters, or the names of its volumes.
    pub vmids: Vec<i64>,
    /// Whether it is about every guest of the node or cluster, as `stopall` without a list is.
    pub every_guest: bool,
    /// The node.
    pub node: Option<String>,
    /// The storage.
    pub storage: Option<String>,
    /// The pool of resources.
    pub pool: Option<String>,
    /// The snapshot.
    pub snapname: Option<String>,
    /// Whether the path ends at the guest, so that it is about all of it.
    pub whole_guest: bool,
}

/// Holes and parameters that hold one or several VMIDs.
const VMIDS: [&str; 5] = ["vmid", "vms", "guest", "target-vmid", "newid"];
/// Holes and parameters that hold volumes.
const VOLUMES: [&str; 4] = ["volume", "volid", "archive", "sid"];

impl Target {
    /// What a checked call is about.
    #[must_use]
    pub fn of(request: &Request) -> Target {
        let mut vmids: Vec<i64> = Vec::new();
        let mut add = |vmid: Option<i64>| vmids.extend(vmid.filter(|vmid| !vmids.contains(vmid)));
        let all = || {
            let of_path = request.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            of_path.chain(request.params.iter())
        };
        for (name, value) in all() {
            if VMIDS.contains(&name) {
                value.split([',', ';', ' ', '\0']).for_each(|part| add(part.trim().parse().ok()));
            } else if VOLUMES.contains(&name) {
                add(owner(value));
            }
        }
        let template = request.template();
        let of_job = template.contains("/replication/{id}");
        if of_job && let Some(id) = request.value("id") {
            add(id.split('-').next().and_then(|vmid| vmid.parse().ok()));
        }
        let everywhere = ["/startall", "/stopall", "/suspendall", "/migrateall", "/vzdump"];
        let bulk = template.starts_with("/cluster/bulk-action/guest/")
            || (template.starts_with("/nodes/{node}/")
                && everywhere.iter().any(|end| template.ends_with(end)));
        let text = |name: &str| request.any(name).map(str::to_owned);
        Target {
            every_guest: bulk && vmids.is_empty(),
            whole_guest: template.ends_with("/{vmid}")
                || template == "/nodes/{node}/qemu"
                || template == "/nodes/{node}/lxc",
            vmids,
            node: text("node"),
            storage: text("storage"),
            pool: text("poolid").or_else(|| text("pool")),
            snapname: text("snapname"),
        }
    }
}

/// The guest in the name of a volume, `local:vm-100-disk-0` or `store:backup/vzdump-qemu-100-…`, or of a resource,
/// `vm:100`.
fn owner(volume: &str) -> Option<i64> {
    let name = volume.rsplit(['/', ':']).next()?;
    if let Some(id) = volume.strip_prefix("vm:").or_else(|| volume.strip_prefix("ct:")) {
        return id.parse().ok();
    }
    let rest = ["vm-", "base-", "subvol-", "basevol-", "vzdump-qemu-", "vzdump-lxc-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))?;
    rest.split(['-', '.']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::{Args, api::CONTROLS};
    use serde_json::{Value, json};

    #[track_caller]
    fn check(call: Value, expected: Target) {
        let Value::Object(call) = call else { panic!("an object") };
        let args = Args::check(CONTROLS.iter(), call).unwrap();
        assert_eq!(Target::of(&Request::read(&args).unwrap()), expected);
    }

    #[test]
    fn calls_tell_what_they_are_about() {
        let node = || Some("pve1".to_owned());
        check(
            json!({"method": "DELETE", "path": "/nodes/pve1/qemu/100"}),
            Target { vmids: vec![100], node: node(), whole_guest: true, ..Target::default() },
        );
        check(
            json!({"method": "PUT", "path": "/nodes/{node}/lxc/{vmid}/config", "arguments": {"vmid": 200, "cores": 2}}),
            Target { vmids: vec![200], ..Target::default() },
        );
        check(
            json!({"method": "DELETE", "path": "/nodes/pve1/storage/local/content/local:vm-101-disk-0"}),
            Target { vmids: vec![101], node: node(), storage: Some("local".into()), ..Target::default() },
        );
        check(
            json!({"method": "DELETE", "path": "/nodes/pve1/storage/st/content/st:backup/vzdump-lxc-102-2026_01_01.tar.zst"}),
            Target { vmids: vec![102], node: node(), storage: Some("st".into()), ..Target::default() },
        );
        check(
            json!({"method": "POST", "path": "/nodes/pve1/stopall"}),
            Target { every_guest: true, node: node(), ..Target::default() },
        );
        check(
            json!({"method": "POST", "path": "/nodes/pve1/stopall", "arguments": {"vms": "100,101"}}),
            Target { vmids: vec![100, 101], node: node(), ..Target::default() },
        );
        check(
            json!({"method": "DELETE", "path": "/pools/web"}),
            Target { pool: Some("web".into()), ..Target::default() },
        );
        check(
            json!({"method": "DELETE", "path": "/cluster/ha/resources/vm:100"}),
            Target { vmids: vec![100], ..Target::default() },
        );
        check(
            json!({"method": "DELETE", "path": "/cluster/replication/100-0"}),
            Target { vmids: vec![100], ..Target::default() },
        );
        check(json!({"path": "/version"}), Target::default());
    }
}
