//! One request held against its row: which conditions hold, by which parameters.

use super::grammar::{Is, Row, Test, answers, hole_of};
use crate::pve::{
    Params,
    api::Found,
    values::{self, Disk, split_list},
};

/// A request, as far as its row asks about it.
pub(super) struct Request<'a> {
    pub(super) row: &'a Row<'static>,
    pub(super) found: &'a Found,
    given: Vec<(&'a str, &'a str)>,
}

/// That conditions hold, and why.
pub(super) struct Holds {
    /// The parameters that make them hold.
    pub(super) by: Vec<String>,
    /// Only if what they name is there already.
    pub(super) if_present: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(row: &'a Row<'static>, found: &'a Found, params: &'a Params) -> Request<'a> {
        Request { row, found, given: params.iter().collect() }
    }

    /// The value of a hole of the path.
    pub(super) fn hole(&self, hole: &str) -> Option<&str> {
        self.found.values.iter().find(|(name, _)| *name == hole).map(|(_, value)| value.as_str())
    }

    /// The values of a hole or parameter, or of all of a family, each with the name that it was given under.
    pub(super) fn values<'b>(&'b self, name: &'b str) -> Vec<(&'b str, &'b str)> {
        match hole_of(name) {
            Some(hole) => self.hole(hole).map(|value| (name, value)).into_iter().collect(),
            None => self.given.iter().filter(|(given, _)| answers(name, given)).copied().collect(),
        }
    }

    /// The parameters that its method does not have, or that say otherwise than its path.
    pub(super) fn strange(&self) -> Vec<(&str, &str)> {
        let known = self.found.row.params();
        let is_strange = |name: &str, value: &str| match self.hole(name) {
            Some(in_path) => in_path != value,
            None => !self.found.row.open() && !known.iter().any(|param| param.answers_to(name)),
        };
        self.given.iter().filter(|(name, value)| is_strange(name, value)).copied().collect()
    }

    /// Whether all of the tests hold.
    pub(super) fn holds(&self, when: &[Test<'_>]) -> Option<Holds> {
        let mut holds = Holds { by: Vec::new(), if_present: false };
        for test in when {
            if test.is == Is::Present {
                holds.if_present = true;
                continue;
            }
            for name in self.test(test)? {
                if !holds.by.contains(&name) {
                    holds.by.push(name);
                }
            }
        }
        Some(holds)
    }

    /// The parameters that make a test hold, which may be none; `None` if it does not hold.
    fn test(&self, test: &Test<'_>) -> Option<Vec<String>> {
        let values: Vec<(&str, &str)> = test.names.iter().flat_map(|name| self.values(name)).collect();
        // Of a value, the whole is asked about, or what a key of the property string has.
        let by = |holds: &dyn Fn(&str) -> bool| -> Option<Vec<String>> {
            let fits = |value: &str| match test.key {
                None => holds(value),
                Some(key) => values::properties(value).any(|(known, part)| known == key && holds(part)),
            };
            let names = values.iter().filter(|(_, value)| fits(value)).map(|(name, _)| (*name).to_owned());
            let names: Vec<String> = names.collect();
            (!names.is_empty()).then_some(names)
        };
        let any_of = |list: &[&str], item: &str| list.iter().any(|one| one.eq_ignore_ascii_case(item));
        match &test.is {
            Is::Given => by(&|_| true),
            Is::Missing => values.iter().all(|(_, value)| value.trim().is_empty()).then(Vec::new),
            Is::On => by(&values::may_be_on),
            Is::Off => by(&values::may_be_off),
            Is::NotOn => match test.key {
                None => values.iter().all(|(_, value)| values::may_be_off(value)).then(Vec::new),
                Some(key) => {
                    let is_on = |value: &str| {
                        values::properties(value)
                            .any(|(known, part)| known == key && !values::may_be_off(part))
                    };
                    let found = values.iter().filter(|(_, value)| !is_on(value));
                    let names: Vec<String> = found.map(|(name, _)| (*name).to_owned()).collect();
                    (!names.is_empty()).then_some(names)
                }
            },
            Is::OneOf(list) => by(&|value| split_list(value).any(|item| any_of(list, item))),
            Is::NoneOf(list) => by(&|value| split_list(value).any(|item| !any_of(list, item))),
            Is::Names(words) => {
                let is_named = |item: &&str| words.iter().any(|word| answers(word, item));
                let items = values.iter().flat_map(|(_, value)| split_list(value).filter(is_named));
                let items: Vec<String> = items.map(str::to_owned).collect();
                (!items.is_empty()).then_some(items)
            }
            Is::GetsOther => by(&|value| Disk::read(value).iter().any(|disk| self.is_others(disk))),
            Is::GetsPath => by(&|value| Disk::read(value).iter().any(|disk| matches!(disk, Disk::Path(_)))),
            Is::Present => None,
        }
    }

    /// Whether a disk is on a volume of another guest than the one that the request is about, or maybe is.
    fn is_others(&self, disk: &Disk) -> bool {
        let own = self.hole("vmid").or_else(|| self.values("vmid").first().map(|(_, value)| *value));
        let own = own.and_then(|text| values::vmid(text).ok());
        match disk {
            Disk::Volume(volume) => volume.owner.is_some() && volume.owner != own,
            Disk::Unreadable(_) => true,
            Disk::Nothing | Disk::Made { .. } | Disk::Imported(_) | Disk::Path(_) => false,
        }
    }
}
