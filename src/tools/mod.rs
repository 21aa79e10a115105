//! The tools: what each one is, what it sends, how its answer is shaped.
//!
//! In reading order: [`row`] (what a tool is), [`nodes`] (the plainest rows), [`args`] (arguments, checked),
//! [`record`] and [`table`] (lists), [`guests`] (rows that are two tools), [`toolbox`] (policy → find → check →
//! run), [`prompts`], [`resources`] and [`complete`] (for people). A toolset is a group of [`GROUPS`]; adding one is a
//! file, a `mod` line and a group.

pub mod access;
pub mod agent;
pub mod api;
pub mod args;
pub mod backups;
pub mod cluster;
pub mod cluster_status;
pub mod complete;
pub mod confirm;
pub mod container_exec;
pub mod context;
pub mod exec;
pub mod find;
pub mod firewall;
pub mod follow;
pub mod former;
pub mod fresh;
pub mod guest_change;
pub mod guest_clone;
pub mod guest_create;
pub mod guest_info;
pub mod guests;
pub mod ha;
pub mod index;
pub mod instructions;
pub mod journal;
pub mod logs;
pub mod members;
pub mod metrics;
pub mod network;
pub mod nodes;
pub mod object;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod pools;
pub mod prompts;
pub mod record;
pub mod request;
pub mod resources;
pub mod restore;
pub mod reviews;
pub mod row;
pub mod seals;
pub mod snapshots;
pub mod spec;
pub mod storage;
pub mod table;
pub mod tasks;
pub mod toolbox;
pub mod undo;
pub mod upload;

pub use args::Args;
pub use context::Context;
pub use row::{Effect, Kind, Name, Param, Run, Tool};
pub use toolbox::Tools;

use crate::pve;
use proxmox_mcp_json as json;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A toolset: rows under the name that the configuration lists them by.
#[derive(Debug)]
pub struct Group {
    /// The toolset's name; for rows that are two tools, the virtual machines' one.
    pub name: &'static str,
    /// The toolset of the containers' half of such rows.
    pub containers: &'static str,
    /// Its rows.
    pub tools: &'static [Tool],
}

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
    Group::new("api", api::TOOLS),
];

impl Group {
    const fn new(name: &'static str, tools: &'static [Tool]) -> Group {
        Group { name, containers: name, tools }
    }
}

/// What came of a tool: a JSON object, or a failure to be told.
pub type Outcome = Result<Box<RawValue>, Failure>;

/// Finished sentences for the model to read: what happened, and what to do next.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// A failure that says this.
    pub fn new(sentences: impl Into<String>) -> Failure {
        Failure(sentences.into())
    }
}

impl From<pve::Error> for Failure {
    fn from(error: pve::Error) -> Failure {
        Failure(error.to_string())
    }
}

/// The rows of a list, borrowed from the answer that holds them.
///
/// # Errors
/// The answer is no list of objects.
pub fn rows(reply: &pve::Reply) -> Result<Vec<record::Record<'_>>, Failure> {
    if reply.data == "null" {
        return Ok(Vec::new());
    }
    if let Some(rows) = json::objects(&reply.data) {
        return Ok(rows.into_iter().map(record::Record::new).collect());
    }
    serde_json::from_str(&reply.data)
        .map_err(|error| Failure(format!("Proxmox answered something that is no list of objects: {error}.")))
}

/// A value as an answer.
///
/// # Errors
/// Never for values with text keys; said anyway rather than assumed.
pub fn answer(value: &impl Serialize) -> Outcome {
    to_raw_value(value).map_err(|error| Failure(format!("The answer could not be written as JSON: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::{
        index::entries,
        row::{Effect, Run},
        spec,
    };
    use crate::{mcp::Revision, pve::Method};
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_whole() {
        let mut names = BTreeSet::new();
        for entry in entries() {
            let (name, tool) = (entry.name, entry.tool);
            assert!(names.insert(name), "{name} stands twice");
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
                assert!(params.insert(param.name), "{name}: `{}` stands twice", param.name);
            }
            let request = match tool.run {
                Run::Api(method, path) => Some((method, path)),
                Run::List(path, _) => Some((Method::Get, path)),
                Run::With(_) | Run::Own(_) => None,
            };
            if let Some((method, path)) = request {
                assert_eq!(
                    method == Method::Get,
                    tool.effect == Effect::Read,
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
            assert!(
                schema.contains_key("properties") || schema["additionalProperties"] == false,
                "{}",
                entry.name
            );
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

    /// What a client pays for: names, descriptions and schemas. `scripts/count_tokens.mjs` counts tokens; a token
    /// is about four of these bytes.
    #[test]
    fn the_list_stays_within_its_budget() {
        let bytes = |entry: &spec::Entry| {
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
