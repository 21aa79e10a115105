//! Which privileges each tool needs, derived from the requests that it sends and the privileges that the API table
//! lists for them.
//!
//! The requests of each tool come from the golden file in which a test records what every tool sends.

use crate::{
    pve::{Method, api::Privilege},
    tools::{
        catalog::{
            entry::Entry,
            sends::{self, Seen},
        },
        param::Effect,
    },
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A privilege on a path of the permission tree; the path may have placeholders such as `{vmid}`.
pub type RequiredPrivilege = (&'static str, &'static str);

/// Privileges that methods check in their own code, beyond those in the table: most of these methods are open to every
/// user and then show or do only what the caller may see or change.
const CHECKED_IN_CODE: &[(Method, &str, &[RequiredPrivilege])] = &[
    (
        Method::Get,
        RESOURCES,
        &[
            ("/vms/{vmid}", "VM.Audit"),
            ("/nodes/{node}", "Sys.Audit"),
            ("/storage/{storage}", "Datastore.Audit"),
            ("/pool/{pool}", "Pool.Audit"),
        ],
    ),
    (Method::Get, "/cluster/options", &[("/", "Sys.Audit")]),
    (Method::Get, "/cluster/log", &[("/", "Sys.Audit")]),
    (Method::Get, "/cluster/tasks", &[("/", "Sys.Audit")]),
    (Method::Get, "/cluster/replication", &[("/vms/{vmid}", "VM.Audit")]),
    (Method::Get, "/cluster/sdn/zones", &[("/sdn/zones/{zone}", "SDN.Audit")]),
    (Method::Get, "/cluster/sdn/vnets", &[("/sdn/zones/{zone}", "SDN.Audit")]),
    (Method::Get, "/cluster/sdn/vnets/{vnet}/subnets", &[("/sdn/zones/{zone}", "SDN.Audit")]),
    (Method::Get, "/nodes", &[("/nodes/{node}", "Sys.Audit")]),
    (Method::Get, "/nodes/{node}/network", &[("/sdn/zones/{zone}", "SDN.Audit")]),
    (Method::Get, "/nodes/{node}/replication", &[("/vms/{vmid}", "VM.Audit")]),
    (Method::Get, "/nodes/{node}/tasks/{upid}/status", &[("/nodes/{node}", "Sys.Audit")]),
    (Method::Get, "/nodes/{node}/tasks/{upid}/log", &[("/nodes/{node}", "Sys.Audit")]),
    (Method::Delete, "/nodes/{node}/tasks/{upid}", &[("/nodes/{node}", "Sys.Modify")]),
    (Method::Get, "/pools", &[("/pool/{pool}", "Pool.Audit")]),
    (Method::Get, "/access/users", &[("/access/groups", "Sys.Audit")]),
    (Method::Post, "/nodes/{node}/qemu", CREATE),
    (Method::Post, "/nodes/{node}/lxc", CREATE),
    (Method::Post, "/nodes/{node}/qemu/{vmid}/clone", COPY),
    (Method::Post, "/nodes/{node}/lxc/{vmid}/clone", COPY),
    (
        Method::Post,
        "/nodes/{node}/vzdump",
        &[("/vms/{vmid}", "VM.Backup"), ("/storage/{storage}", "Datastore.AllocateSpace")],
    ),
    (
        Method::Get,
        "/nodes/{node}/vzdump/extractconfig",
        &[("/vms/{vmid}", "VM.Backup"), ("/storage/{storage}", "Datastore.AllocateSpace")],
    ),
    (
        Method::Put,
        "/nodes/{node}/storage/{storage}/content/{volume}",
        &[("/storage/{storage}", "Datastore.Allocate")],
    ),
    (
        Method::Delete,
        "/nodes/{node}/storage/{storage}/content/{volume}",
        &[("/storage/{storage}", "Datastore.Allocate")],
    ),
];

/// Creating a guest, with every kind of setting.
const CREATE: &[RequiredPrivilege] = &[
    ("/vms/{vmid}", "VM.Allocate"),
    ("/vms/{vmid}", "VM.Config.CDROM"),
    ("/vms/{vmid}", "VM.Config.CPU"),
    ("/vms/{vmid}", "VM.Config.Cloudinit"),
    ("/vms/{vmid}", "VM.Config.Disk"),
    ("/vms/{vmid}", "VM.Config.HWType"),
    ("/vms/{vmid}", "VM.Config.Memory"),
    ("/vms/{vmid}", "VM.Config.Network"),
    ("/vms/{vmid}", "VM.Config.Options"),
    ("/storage/{storage}", "Datastore.AllocateSpace"),
    ("/sdn/zones/{zone}", "SDN.Use"),
];

/// Cloning a guest.
const COPY: &[RequiredPrivilege] =
    &[("/storage/{storage}", "Datastore.AllocateSpace"), ("/sdn/zones/{zone}", "SDN.Use")];

const RESOURCES: &str = "/cluster/resources";

/// The privileges that the method of a request checks in its own code, if this tool depends on them.
pub fn checked_in_code(
    entry: &Entry,
    request: &Seen,
) -> impl Iterator<Item = &'static RequiredPrivilege> + use<> {
    let Seen { row, only } = *request;
    // A tool that changes something reads other objects only to choose or to check; it also works without them.
    let matters = entry.tool.effect == Effect::Read || row.method() != Method::Get || row.path() == RESOURCES;
    let own = |(method, path, _): &&(Method, &str, _)| *method == row.method() && *path == row.path();
    let needs =
        CHECKED_IN_CODE.iter().filter(move |_| matters).find(own).map_or(&[][..], |(_, _, needs)| needs);
    let tree = only.map(|only| format!("/{only}"));
    needs.iter().filter(move |(path, _)| tree.as_ref().is_none_or(|tree| path.starts_with(tree)))
}

/// The privileges that a role must have for a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Privileges and their paths.
    pub needs: BTreeSet<RequiredPrivilege>,
    /// Only root@pam may use it, whatever the role.
    pub root: bool,
    /// It cannot be used with API tokens.
    pub no_token: bool,
}

/// The privileges that a role must have for a tool. If one of several is enough, the least powerful one is chosen.
#[must_use]
pub fn wanted(entry: &Entry) -> Wanted {
    let mut wanted = Wanted::default();
    for request in sends::seen(entry) {
        wanted.no_token |= !request.row.allow_token();
        wanted.needs.extend(checked_in_code(entry, request));
        add(&request.row.privileges(), &mut wanted);
    }
    wanted
}

fn add(privilege: &Privilege, wanted: &mut Wanted) {
    match privilege {
        Privilege::Root => wanted.root = true,
        Privilege::World | Privilege::AnyUser => {}
        Privilege::Perm { path, privileges, any, .. } => {
            // The caller chooses which part of a configuration is changed, so all of them are needed.
            let each = !*any || privileges.iter().all(|name| name.starts_with("VM.Config."));
            let least = privileges.iter().find(|name| name.ends_with(".Audit")).or(privileges.first());
            match each {
                true => wanted.needs.extend(privileges.iter().map(|name| (*path, *name))),
                false => wanted.needs.extend(least.map(|name| (*path, *name))),
            }
        }
        // Proxmox lists the usual check first; alternatives that need more privileges or certain parameters follow.
        Privilege::Or(ways) => ways.iter().take(1).for_each(|way| add(way, wanted)),
        Privilege::And(parts) => parts.iter().for_each(|part| add(part, wanted)),
        Privilege::Other(raw) => wanted.needs.extend(other(raw)),
    }
}

/// The privilege that a check of another kind requires.
#[must_use]
pub fn other(raw: &'static str) -> Option<RequiredPrivilege> {
    let check: Vec<Value> = serde_json::from_str(raw).ok()?;
    match (check.first()?.as_str()?, check.get(1)?) {
        ("perm-modify", _) => Some(("/", "Permissions.Modify")),
        ("userid-param", Value::String(name)) if name == "Realm.AllocateUser" => {
            Some(("/access/realm/{realm}", "Realm.AllocateUser"))
        }
        ("userid-group", _) => Some(("/access/groups", "User.Modify")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::api;
    use crate::tools::catalog::index::{entries, named};

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        let entry = named(name).expect("a tool");
        let needs: Vec<_> = wanted(&entry).needs.into_iter().map(|(_, privilege)| privilege).collect();
        for privilege in expected {
            assert!(needs.contains(privilege), "{name}: {privilege} is missing in {needs:?}");
        }
    }

    #[test]
    fn what_a_tool_needs_follows_from_what_it_sends() {
        check("proxmox_start_vm", &["VM.PowerMgmt", "VM.Audit"]);
        check("proxmox_clone_vm", &["VM.Clone", "VM.Allocate", "Datastore.AllocateSpace"]);
        check("proxmox_update_vm_config", &["VM.Config.Disk", "VM.Config.Cloudinit"]);
        check("proxmox_get_node_info", &["Sys.Audit"]);
        check("proxmox_update_acl", &["Permissions.Modify"]);
        check("proxmox_create_access", &["User.Modify", "Realm.AllocateUser"]);
        check("proxmox_delete_volume", &["Datastore.Allocate"]);
        check("proxmox_execute_vm_command", &["VM.GuestAgent.Unrestricted"]);
    }

    #[test]
    fn every_method_with_needs_of_its_own_exists() {
        for (method, path, _) in CHECKED_IN_CODE {
            assert!(api::find_template(*method, path).is_some(), "{method} {path}");
        }
    }

    #[test]
    fn tools_that_only_read_need_nothing_that_changes_but_where_proxmox_asks_for_it() {
        let changes = |(_, privilege): &RequiredPrivilege| {
            let last = privilege.rsplit('.').next().unwrap_or_default();
            ["Modify", "Allocate", "PowerMgmt"].contains(&last)
        };
        let reading = entries().filter(|entry| entry.tool.effect == Effect::Read);
        let found: Vec<&str> =
            reading.filter(|entry| wanted(entry).needs.iter().any(changes)).map(|entry| entry.name).collect();
        assert_eq!(found, WITH_MORE);
    }

    /// The API's own rules: package lists need Sys.Modify, a storage's definition Datastore.Allocate.
    const WITH_MORE: &[&str] = &["proxmox_list_node_items", "proxmox_get_storage"];
}
