//! Applies the setting `deny_tools` to the whole API: a method is denied if every tool that sends it is denied. Jobs do
//! not count: they send the requests of many tools, and denied methods are denied to them too.

use crate::{
    pve::{Method, api::Row},
    tools::{
        catalog::{entry::Entry, index::entries, sends},
        run::pattern::fits,
    },
};

fn is_denied(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, name, |_| true))
}

/// Whether this tool counts when it is decided which methods are denied.
fn stands_for_its_methods(entry: &Entry) -> bool {
    !matches!(entry.toolset, "api" | "jobs")
}

/// The methods that are denied because every tool that sends them is denied.
#[must_use]
pub fn methods(patterns: &[String]) -> Vec<Row> {
    if patterns.is_empty() {
        return Vec::new();
    }
    let (denied, allowed): (Vec<_>, Vec<_>) =
        entries().filter(stands_for_its_methods).partition(|entry| is_denied(patterns, entry.name));
    let allowed: Vec<Row> = allowed.iter().flat_map(sends::methods).collect();
    let mut rows: Vec<Row> = Vec::new();
    for row in denied.iter().flat_map(sends::methods) {
        if !allowed.contains(&row) && !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// Warns where `deny_tools` does not prevent a change: one sentence for each denied tool whose requests another tool
/// can still send. There are no warnings if `proxmox_call_api` is denied too.
#[must_use]
pub fn warnings(patterns: &[String]) -> Vec<String> {
    if patterns.is_empty() || is_denied(patterns, "proxmox_call_api") {
        return Vec::new();
    }
    let denied = methods(patterns);
    let own = entries().filter(|entry| stands_for_its_methods(entry) && is_denied(patterns, entry.name));
    own.filter_map(|entry| {
        let left: Vec<String> = sends::methods(&entry)
            .iter()
            .filter(|row| row.method() != Method::Get && !denied.contains(row))
            .map(|row| format!("{} {}", row.method(), row.path()))
            .collect();
        (!left.is_empty()).then(|| {
            format!(
                "`deny_tools` forbids `{}`, but other tools send {} too, so it can still be called; deny those tools and `proxmox_call_api` as well, or use `access`, `only` and `protected`.",
                entry.name,
                left.join(", ")
            )
        })
    })
    .collect()
}
