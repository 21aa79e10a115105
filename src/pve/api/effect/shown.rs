//! The possible effects of a method, independent of a request, for documentation and for people who choose methods.

use super::{
    Class, EFFECTS,
    grammar::{Is, Test},
    row_of,
};
use crate::pve::api::Row;

/// A class that the requests of a method have, always or under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleClass {
    /// The class.
    pub class: Class,
    /// The condition, as a clause: "with `force` on". `None` if it always applies.
    pub when: Option<String>,
    /// A sentence on what is changed, lost or cut off. Empty for `read` and `change`.
    pub why: &'static str,
}

/// Every class that a method can have, beginning with those that always apply.
#[must_use]
pub fn possible(row: &Row) -> Vec<PossibleClass> {
    let row = row_of(row);
    let always = row.classes.iter().map(|class| PossibleClass { class: *class, when: None, why: row.why });
    let raised = row.body.raises.iter().flat_map(|raise| {
        let when = raise.when.iter().map(clause).collect::<Vec<_>>().join(" and ");
        raise.classes.iter().map(move |class| PossibleClass {
            class: *class,
            when: Some(when.clone()),
            why: raise.why,
        })
    });
    always.chain(raised).collect()
}

/// A condition in words.
fn clause(test: &Test<'_>) -> String {
    let written = test.text.split(' ').next().unwrap_or_default();
    let subject = any_of(written, true);
    let values = |list: &[&str]| list.join(" or ");
    match &test.is {
        Is::Given => format!("with {subject}"),
        Is::Missing => format!("without {subject}"),
        Is::On => format!("with {subject} on"),
        Is::Off => format!("with {subject} off"),
        Is::NotOn => format!("without {subject} on"),
        Is::OneOf(list) => format!("with {subject} as {}", values(list)),
        Is::NoneOf(list) => format!("with {subject} other than {}", values(list)),
        Is::Names(_) => {
            let words = test.text.rsplit(' ').next().unwrap_or_default();
            format!("when {subject} names {}", any_of(words, false))
        }
        Is::GetsOther => format!("when {subject} gets a volume of another guest, or one of unknown owner"),
        Is::GetsPath => format!("when {subject} gets a disk, file or folder of the node"),
        Is::Present => "when that exists already".to_owned(),
    }
}

/// `a|@set` as "`a` or a disk". A set of parameters is followed by the parameters that it stands for.
fn any_of(written: &str, with_names: bool) -> String {
    let (names, key) = written.split_once('.').map_or((written, None), |(names, key)| (names, Some(key)));
    let one = |name: &str| {
        let label = match EFFECTS.table.words.iter().find(|words| words.name == name) {
            Some(words) if with_names => format!("{} (`{}`)", words.label, words.words.join("`, `")),
            Some(words) => words.label.to_owned(),
            None => format!("`{name}`"),
        };
        key.map_or(label.clone(), |key| format!("`{key}` of {label}"))
    };
    names.split('|').map(one).collect::<Vec<_>>().join(" or ")
}
