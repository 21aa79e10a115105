//! Every tool under its own name, put together and sorted when this is compiled: finding one by its name, which every
//! call does, looks at seven names, however many tools there are.

use crate::{
    constant::{is_before, is_same},
    tools::{
        catalog::{GROUPS, entry::Entry},
        param::Kind,
        row::Name,
    },
};

static ENTRIES: [Entry; COUNT] = all();

/// The places of [`ENTRIES`], by name.
static BY_NAME: [usize; COUNT] = by_name();

/// Every tool, each under its own name, in the order of the groups.
pub fn entries() -> impl Iterator<Item = Entry> {
    ENTRIES.iter().copied()
}

/// The tool of that name.
#[must_use]
pub fn named(name: &str) -> Option<Entry> {
    let place = BY_NAME.binary_search_by(|place| ENTRIES[*place].name.cmp(name)).ok()?;
    Some(ENTRIES[BY_NAME[place]])
}

/// The tool of a name that stands in this program; there being none is an error when it is compiled as a constant.
pub const fn built_in(name: &str) -> &'static Entry {
    let mut place = 0;
    while place < COUNT {
        if is_same(ENTRIES[place].name, name) {
            return &ENTRIES[place];
        }
        place += 1;
    }
    panic!("there is no tool of that name");
}

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut tool = 0;
        while tool < GROUPS[group].tools.len() {
            count += match GROUPS[group].tools[tool].name {
                Name::One(_) => 1,
                Name::Guest(..) => 2,
            };
            tool += 1;
        }
        group += 1;
    }
    count
};

const fn all() -> [Entry; COUNT] {
    let none = Entry { tool: &GROUPS[0].tools[0], name: "", kind: None, toolset: "" };
    let mut entries = [none; COUNT];
    let (mut count, mut place) = (0, 0);
    while place < GROUPS.len() {
        let group = &GROUPS[place];
        let mut number = 0;
        while number < group.tools.len() {
            let tool = &group.tools[number];
            match tool.name {
                Name::One(name) => {
                    entries[count] = Entry { tool, name, kind: None, toolset: group.name };
                    count += 1;
                }
                Name::Guest(vm, container) => {
                    entries[count] = Entry { tool, name: vm, kind: Some(Kind::Vm), toolset: group.name };
                    let kind = Some(Kind::Container);
                    entries[count + 1] = Entry { tool, name: container, kind, toolset: group.containers };
                    count += 2;
                }
            }
            number += 1;
        }
        place += 1;
    }
    entries
}

/// Sorted by insertion, as a `const fn` can.
const fn by_name() -> [usize; COUNT] {
    let mut places = [0; COUNT];
    let mut number = 1;
    while number < COUNT {
        let mut to = number;
        while 0 < to && is_before(ENTRIES[number].name, ENTRIES[places[to - 1]].name) {
            places[to] = places[to - 1];
            to -= 1;
        }
        places[to] = number;
        number += 1;
    }
    places
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
