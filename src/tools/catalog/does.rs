//! What a tool can do: the effect classes of the requests it sends, from the table of effects. Hints, README and the
//! command `tools` are derived from it.

use crate::{
    pve::{
        Method,
        api::effect::{self, Class},
    },
    tools::{
        catalog::{entry::Entry, sends},
        param::Effect,
        row::Run,
    },
};
use std::{collections::HashMap, sync::LazyLock};

/// One line per tool: its name and the effect classes of its requests. A test writes it from the table of effects, so
/// that listing the tools does not have to read the whole table.
const CLASSES: &str = include_str!("../../../tests/golden/classes.txt");

/// The classes that need confirmation by default, whatever they affect.
pub const ASKED: [Class; 3] = [Class::Destroy, Class::Rights, Class::Outbound];

/// All classes.
const ALL: [Class; 8] = [
    Class::Read,
    Class::Change,
    Class::Interrupt,
    Class::Destroy,
    Class::Rights,
    Class::Execute,
    Class::Outbound,
    Class::Unguard,
];

/// The effect classes that a tool can have, depending on its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Does(Vec<Class>);

/// Returns the effect classes of a tool.
#[must_use]
pub fn of(entry: &Entry) -> Does {
    static KNOWN: LazyLock<HashMap<&str, Does>> = LazyLock::new(|| {
        let class = |word: &str| ALL.into_iter().find(|class| class.word() == word);
        let lines = CLASSES.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, Does(words.filter_map(class).collect())))
        });
        lines.collect()
    });
    match entry.tool.run {
        Run::Own(_) => by_table(entry),
        _ => KNOWN.get(entry.name).cloned().unwrap_or_default(),
    }
}

/// Like [`of`], but computed from the table of effects.
#[must_use]
pub fn by_table(entry: &Entry) -> Does {
    let methods = sends::methods(entry);
    let more = methods.iter().any(|row| row.method() != Method::Get || !effect::only_reads(row.path()));
    // The tool sends whatever its arguments say, or works by other means than the API.
    if entry.tool.effect != Effect::Read && (!more || entry.name == ANY) {
        return Does(ALL[1..].to_vec());
    }
    let possible = methods.iter().flat_map(effect::possible).map(|possible| possible.class);
    let mut classes: Vec<Class> = possible.collect();
    classes.sort_unstable();
    classes.dedup();
    Does(classes)
}

/// The tool that calls any method that changes something.
const ANY: &str = "proxmox_call_api";

impl Does {
    /// The classes, in the order of [`Class`].
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.0
    }

    fn can(&self, classes: &[Class]) -> bool {
        self.0.iter().any(|class| classes.contains(class))
    }

    /// Whether it changes nothing; it may contact other hosts.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        self.0.iter().all(|class| matches!(class, Class::Read | Class::Outbound))
    }

    /// Whether it can do harm beyond a change that can be reverted.
    #[must_use]
    pub fn harms(&self) -> bool {
        self.can(&[Class::Interrupt, Class::Destroy, Class::Rights, Class::Execute, Class::Unguard])
    }

    /// Whether it can make a node or guest contact another host.
    #[must_use]
    pub fn contacts_other_hosts(&self) -> bool {
        self.can(&[Class::Execute, Class::Outbound])
    }

    /// The most severe class, as a verb.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        let verbs = [
            (Class::Destroy, "destroys"),
            (Class::Interrupt, "interrupts"),
            (Class::Rights, "rights"),
            (Class::Execute, "executes"),
            (Class::Change, "changes"),
        ];
        verbs.into_iter().find(|(class, _)| self.can(&[*class])).map_or("reads", |(_, verb)| verb)
    }
}
