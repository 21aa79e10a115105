//! Evaluates the conditions of a row for one request, and finds the parameters that fulfil them.

use super::grammar::{Is, Row, Test, answers, placeholder_of};
use crate::pve::{
    Params,
    api::Found,
    values::{self, Disk, split_list},
};

/// A request with its row in the table.
pub(super) struct Request<'a> {
    pub(super) row: &'a Row<'static>,
    pub(super) found: &'a Found,
    given: Vec<(&'a str, &'a str)>,
}

/// The result of conditions that hold.
pub(super) struct Holds {
    /// The parameters that fulfil them.
    pub(super) by: Vec<String>,
    /// Whether they hold only if what the parameters name exists already.
    pub(super) if_present: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(row: &'a Row<'static>, found: &'a Found, params: &'a Params) -> Request<'a> {
        Request { row, found, given: params.iter().collect() }
    }

    /// The value of a placeholder of the path.
    pub(super) fn hole(&self, hole: &str) -> Option<&str> {
        self.found.values.iter().find(|(name, _)| *name == hole).map(|(_, value)| value.as_str())
    }

    /// The values of a placeholder or parameter, or of all parameters of a family, each with its name in the request.
    pub(super) fn values<'b>(&'b self, name: &'b str) -> Vec<(&'b str, &'b str)> {
        match placeholder_of(name) {
            Some(hole) => self.hole(hole).map(|value| (name, value)).into_iter().collect(),
            None => self.given.iter().filter(|(given, _)| answers(name, given)).copied().collect(),
        }
    }

    /// The parameters that the method does not have, or that contradict the path.
    pub(super) fn strange(&self) -> Vec<(&str, &str)> {
        let known = self.found.row.params();
        let is_strange = |name: &str, value: &str| match self.hole(name) {
            Some(in_path) => in_path != value,
            None => !self.found.row.open() && !known.iter().any(|param| param.answers_to(name)),
        };
        self.given.iter().filter(|(name, value)| is_strange(name, value)).copied().collect()
    }

    /// Whether all tests hold; `None` if not.
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

    /// The parameters that fulfil a test, which may be none; `None` if it does not hold.
    fn test(&self, test: &Test<'_>) -> Option<Vec<String>> {
        let values: Vec<(&str, &str)> = test.names.iter().flat_map(|name| self.values(name)).collect();
        // The test is about the whole value, or about one key of the property string.
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

    /// Whether a disk is, or may be, on a volume that belongs to another guest than that of the request.
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
