//! All tools by name, built once from the rows of [`GROUPS`].

use crate::tools::{
    catalog::{GROUPS, entry::Entry},
    param::Kind,
    row::Name,
};
use std::{collections::HashMap, sync::LazyLock};

/// Every tool, in the order of the groups.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let rows: usize = GROUPS.iter().map(|group| group.tools.len()).sum();
    let mut entries = Vec::with_capacity(2 * rows);
    for group in GROUPS {
        for tool in group.tools {
            match tool.name {
                Name::One(name) => entries.push(Entry { tool, name, kind: None, toolset: group.name }),
                Name::Guest(vm, container) => {
                    entries.push(Entry { tool, name: vm, kind: Some(Kind::Vm), toolset: group.name });
                    let kind = Some(Kind::Container);
                    entries.push(Entry { tool, name: container, kind, toolset: group.containers });
                }
            }
        }
    }
    entries
});

static BY_NAME: LazyLock<HashMap<&str, &Entry>> =
    LazyLock::new(|| ENTRIES.iter().map(|entry| (entry.name, entry)).collect());

/// Every tool, each under its own name, in the order of the groups.
pub fn entries() -> impl Iterator<Item = Entry> {
    ENTRIES.iter().copied()
}

/// The tool of that name.
#[must_use]
pub fn named(name: &str) -> Option<Entry> {
    BY_NAME.get(name).map(|entry| **entry)
}

/// Returns a tool that another part of this program refers to by name.
///
/// # Panics
/// Panics if there is no tool of that name; tests look up every name that the program uses.
#[must_use]
pub fn built_in(name: &str) -> &'static Entry {
    BY_NAME.get(name).copied().unwrap_or_else(|| panic!("there is no tool `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_found_by_its_name_and_no_other_is() {
        for (place, entry) in ENTRIES.iter().enumerate() {
            let found = named(entry.name).unwrap();
            let same = (found.name, found.kind, found.toolset) == (entry.name, entry.kind, entry.toolset);
            assert!(same && std::ptr::eq(found.tool, entry.tool), "{}", entry.name);
            assert!(
                ENTRIES[..place].iter().all(|earlier| earlier.name != entry.name),
                "{} twice",
                entry.name
            );
        }
        for wrong in ["", "proxmox_", "proxmox_start_vmm", "zzz", "PROXMOX_START_VM"] {
            assert!(named(wrong).is_none(), "{wrong}");
        }
    }
}
