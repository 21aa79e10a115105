//! The tool catalog: one row per tool, one file per toolset. Each toolset is a group in [`GROUPS`]; to add one, add a
//! file, a `mod` line and a group.

pub mod access;
pub mod agent;
pub mod aliases;
pub mod api;
pub mod backups;
pub mod cluster;
pub mod cluster_status;
pub mod container_exec;
pub mod deny;
pub mod does;
pub mod entry;
pub mod exec;
pub mod firewall;
pub mod guest_addresses;
pub mod guest_boot;
pub mod guest_change;
pub mod guest_clone;
pub mod guest_create;
pub mod guest_info;
pub mod guest_migrate;
pub mod guests;
pub mod ha;
pub mod index;
pub mod jobs;
mod listed;
pub mod logs;
pub mod metrics;
pub mod metrics_plot;
pub mod network;
pub mod nodes;
pub mod own;
pub mod pools;
pub mod restore;
pub mod screen;
pub mod sends;
pub mod snapshots;
pub mod storage;
pub mod tasks;
pub mod undo;
pub mod upload;
pub mod upload_file;
pub mod view_confirm;
pub mod views;

use crate::tools::row::Group;

/// Every toolset, in the order in which they are listed.
pub const GROUPS: &[Group] = &[
    Group::new("cluster", cluster::TOOLS),
    Group::new("nodes", nodes::TOOLS),
    Group { name: "vms", containers: "containers", tools: guests::TOOLS },
    Group::new("snapshots", snapshots::TOOLS),
    Group::new("backups", backups::TOOLS),
    Group::new("agent", agent::TOOLS),
    Group::new("agent", container_exec::TOOLS),
    Group::new("storage", storage::TOOLS),
    Group::new("network", network::TOOLS),
    Group::new("firewall", firewall::TOOLS),
    Group::new("access", access::TOOLS),
    Group::new("pools", pools::TOOLS),
    Group::new("ha", ha::TOOLS),
    Group::new("tasks", tasks::TOOLS),
    Group::new("undo", undo::TOOLS),
    Group::new("jobs", jobs::TOOLS),
    Group::new("api", api::TOOLS),
];

#[cfg(test)]
mod tests {
    use super::{entry, index::entries};
    use crate::{
        mcp::Revision,
        pve::Method,
        tools::{param::Effect, row::Run},
    };
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_complete() {
        let mut names = BTreeSet::new();
        for entry in entries() {
            let (name, tool) = (entry.name, entry.tool);
            assert!(names.insert(name), "{name} is listed twice");
            assert!(
                name.starts_with("proxmox_") && name.len() <= 40,
                "{name}: proxmox_<verb>_<noun>, at most 40 characters"
            );
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}: snake_case");
            let about = entry.about();
            assert!(
                about.ends_with('.') && about.starts_with(char::is_uppercase),
                "{name}: a sentence, not `{about}`"
            );
            assert!(!about.contains('{') && !about.contains('|'), "{name}: `{about}`");
            let mut params = BTreeSet::new();
            for param in entry.params() {
                assert!(params.insert(param.name), "{name}: `{}` is listed twice", param.name);
            }
            let request = match tool.run {
                Run::Api(method, path) => Some((method, path)),
                Run::List(path, _) => Some((Method::Get, path)),
                Run::With(_) | Run::Own(_) => None,
            };
            if let Some((method, path)) = request {
                assert_eq!(
                    method == Method::Get,
                    tool.effect == Effect::Read || (method == Method::Get && tool.effect == Effect::Ask),
                    "{name}: {method} does not fit its effect"
                );
                for hole in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                    let guest = tool.params.iter().any(|param| param.name == "vmid");
                    let found = guest && (hole == "type" || hole == "node");
                    let given = tool.params.iter().any(|param| param.name == hole && param.required);
                    assert!(found || given, "{name}: nothing fills {{{hole}}} in {path}");
                }
            }
        }
    }

    #[test]
    fn schemas_are_flat_and_all_hints_are_given() {
        for entry in entries() {
            let spec = entry.spec(Revision::NEWEST_HANDSHAKE, &[]);
            let schema = spec["inputSchema"].as_object().expect("an object");
            assert_eq!(schema["type"], "object", "{}", entry.name);
            // Some clients reject the whole server if a schema lacks them.
            let properties = schema["properties"].as_object().expect("properties");
            for (name, property) in properties.iter().filter(|(_, property)| property["type"] == "object") {
                let about = property["description"].as_str().unwrap_or_default();
                assert!(!about.is_empty(), "{}: nothing says what `{name}` holds", entry.name);
            }
            for word in ["oneOf", "anyOf", "allOf", "not", "if", "$ref", "enum", "$schema"] {
                assert!(!schema.contains_key(word), "{}: `{word}` at the root", entry.name);
            }
            for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
                assert!(spec["annotations"][hint].is_boolean(), "{}: {hint}", entry.name);
            }
            let bare = entry.spec(Revision::V2024_11_05, &[]);
            assert!(bare.get("annotations").is_none() && bare.get("title").is_none());
        }
    }

    /// Names, descriptions and schemas cost a client tokens. `scripts/count_tokens.mjs` counts them; a token is about
    /// four of these bytes.
    #[test]
    fn the_list_stays_within_its_budget() {
        let bytes = |entry: &entry::Entry| {
            let spec = entry.spec(Revision::NEWEST_HANDSHAKE, &[]);
            entry.name.len() + entry.about().len() + spec["inputSchema"].to_string().len()
        };
        let core: Vec<_> = entries().filter(|entry| entry.tool.core).collect();
        assert!(core.len() <= 40, "{} core tools; clients cap at 40", core.len());
        let (core, all): (usize, usize) =
            (core.iter().map(bytes).sum(), entries().map(|entry| bytes(&entry)).sum());
        assert!(core <= 11_500, "core costs {core} bytes");
        assert!(all <= 32_000, "all cost {all} bytes");
    }

    #[test]
    fn lists_choose_columns_and_page() {
        for entry in entries().filter(|entry| entry.name.starts_with("proxmox_list_")) {
            for name in ["fields", "limit", "offset"] {
                assert!(
                    entry.tool.all_params().any(|param| param.name == name),
                    "{}: no `{name}`",
                    entry.name
                );
            }
        }
    }
}
