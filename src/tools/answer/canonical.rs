//! Values of Proxmox by their meaning. Its API is Perl, whose hashes have no order: every answer has its keys in
//! another order, and so have the lists that are made from a hash. Whoever compares two answers compares their
//! [`identity`]; whoever shows one shows it [`ordered`].

use crate::order;
use serde_json::{Map, Value};
use std::{borrow::Cow, cmp::Ordering};

/// Keys whose value is a set, as a list or as text with commas: its order means nothing.
const SETS: &[&str] = &[
    "allowed_nodes",
    "content",
    "exclude",
    "exitnodes",
    "families",
    "groups",
    "local_disks",
    "members",
    "nodes",
    "not_allowed_nodes",
    "peers",
    "privs",
    "prune-backups",
    "resources",
    "roles",
    "storages",
    "tokens",
    "users",
    "vmids",
    "vms",
];

/// Keys of rows whose list has an order of its own.
const PLACES: [&str; 6] = ["pos", "n", "time", "starttime", "timestamp", "upid"];

/// Keys by which the rows of a list are named, the surest first.
const KEYS: [&str; 28] = [
    "id",
    "vmid",
    "volid",
    "volume",
    "storage",
    "iface",
    "userid",
    "tokenid",
    "groupid",
    "roleid",
    "poolid",
    "realm",
    "sid",
    "rule",
    "vnet",
    "zone",
    "subnet",
    "controller",
    "ipam",
    "key",
    "node",
    "name",
    "macro",
    "cidr",
    "group",
    "devpath",
    "service",
    "path",
];

/// What goes up and down by itself: no part of what a thing is.
const LIVE: &[&str] = &[
    "avail",
    "cpu",
    "disk",
    "diskread",
    "diskwrite",
    "freemem",
    "last-run-endtime",
    "loadavg",
    "mem",
    "memhost",
    "netin",
    "netout",
    "next-run",
    "pid",
    "uptime",
    "used",
    "used_fraction",
];

/// Whether the values of that key are sets.
#[must_use]
pub fn is_set(key: &str) -> bool {
    SETS.binary_search(&key).is_ok()
}

/// Whether the values of that key change by themselves.
#[must_use]
pub fn is_live(key: &str) -> bool {
    LIVE.binary_search(&key).is_ok() || key.starts_with("pressure")
}

/// A text that is the same for two values that mean the same, whatever the order of their keys and sets and whether a
/// number came as text.
#[must_use]
pub fn meaning(value: &Value) -> String {
    canonical("", value, false).to_string()
}

/// As [`meaning`], of an answer of Proxmox's: what changes by itself is left out.
#[must_use]
pub fn identity(value: &Value) -> String {
    canonical("", value, true).to_string()
}

/// Whether two values of a key mean the same.
#[must_use]
pub fn same(key: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    one == other
        || one.is_some()
            && other.is_some()
            && one.map(|value| canonical(key, value, false))
                == other.map(|value| canonical(key, value, false))
}

/// A value as it is shown: keys in the order of people (`net2` before `net10`), sets sorted.
#[must_use]
pub fn ordered(value: Value) -> Value {
    arranged("", value)
}

/// As [`ordered`], the value of a key.
#[must_use]
pub fn arranged(key: &str, value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            order::sort_by(&mut entries, |(one, _), (other, _)| natural(one, other));
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = arranged(&key, value);
                    (key, value)
                })
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(ordered).collect();
            if is_set(key) {
                sort(&mut items);
            }
            items.into()
        }
        Value::String(text) if is_set(key) => match sorted(&text) {
            Cow::Owned(text) => text.into(),
            Cow::Borrowed(_) => text.into(),
        },
        other => other,
    }
}

/// The rows of a list, whichever it is: those that have a position or a time come as they are, others by the key that
/// names them.
#[must_use]
pub fn ordered_rows(rows: Vec<Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().map(ordered).collect();
    let has = |key: &&&str| rows.iter().all(|row| row.get(**key).is_some());
    if rows.iter().all(Value::is_object) && !PLACES.iter().any(|key| has(&key)) {
        let key = KEYS.iter().find(has);
        let rank = |row: &Value| {
            let value =
                key.map(|key| row[*key].as_str().map_or_else(|| row[*key].to_string(), str::to_owned));
            (value.unwrap_or_default(), identity(row))
        };
        let mut ranked: Vec<((String, String), Value)> =
            rows.drain(..).map(|row| (rank(&row), row)).collect();
        order::sort_by(&mut ranked, |(one, _), (other, _)| {
            natural(&one.0, &other.0).then_with(|| one.1.cmp(&other.1))
        });
        rows.extend(ranked.into_iter().map(|(_, row)| row));
    }
    rows
}

/// The text of a set with its entries sorted.
#[must_use]
pub fn sorted(text: &str) -> Cow<'_, str> {
    let entries: Vec<&str> = split(text).collect();
    if entries.len() < 2 || entries.is_sorted_by(|one, other| natural(one, other) == Ordering::Less) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(joined(text))
}

/// The entries of a set, sorted and with commas between them.
fn joined(text: &str) -> String {
    let mut entries: Vec<&str> = split(text).collect();
    order::sort_by(&mut entries, |one, other| natural(one, other));
    entries.dedup();
    entries.join(",")
}

/// Compares as people do: digits by the number that they are.
#[must_use]
pub fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let (first, second) = (digits(left), digits(right));
        if first.is_empty() || second.is_empty() {
            match (left.chars().next(), right.chars().next()) {
                (Some(a), Some(b)) if a == b => {
                    (left, right) = (&left[a.len_utf8()..], &right[b.len_utf8()..]);
                }
                (a, b) => return a.cmp(&b),
            }
            continue;
        }
        let (a, b) = (first.trim_start_matches('0'), second.trim_start_matches('0'));
        let by_number = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        // Numbers that are equal but for noughts before them are told apart, so that the order is total.
        let order = by_number.then_with(|| first.len().cmp(&second.len()));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (&left[first.len()..], &right[second.len()..]);
    }
}

fn digits(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// The entries of a list as Proxmox splits it.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|mark: char| matches!(mark, ',' | ';' | '\0') || mark.is_whitespace())
        .filter(|entry| !entry.is_empty())
}

fn sort(items: &mut Vec<Value>) {
    let mut keyed: Vec<(String, Value)> = items.drain(..).map(|item| (meaning(&item), item)).collect();
    order::sort_by(&mut keyed, |(one, _), (other, _)| natural(one, other));
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

/// What a value comes down to, with or without what changes by itself.
fn canonical(key: &str, value: &Value, lasting: bool) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(&String, Value)> = object
                .iter()
                .filter(|(key, _)| !lasting || !is_live(key))
                .map(|(key, value)| (key, canonical(key, value, lasting)))
                .collect();
            order::sort_by(&mut entries, |(one, _), (other, _)| one.cmp(other));
            entries.into_iter().map(|(key, value)| (key.clone(), value)).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical("", item, lasting)).collect();
            // Objects in a list name themselves, by an id or a position.
            if is_set(key) || items.iter().all(Value::is_object) {
                sort(&mut items);
            }
            items.into()
        }
        Value::String(text) if is_set(key) => joined(text).into(),
        Value::Number(number) => number.to_string().into(),
        Value::Bool(flag) => u8::from(*flag).to_string().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tables_can_be_searched() {
        assert!(SETS.is_sorted() && LIVE.is_sorted());
    }

    #[test]
    fn values_are_the_same_by_their_meaning() {
        for (one, other, expected) in [
            (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"d": 3, "c": 2}, "a": 1}), true),
            (json!({"content": "iso,backup"}), json!({"content": "backup,iso"}), true),
            (json!({"content": "iso"}), json!({"content": "iso,backup"}), false),
            (json!({"vms": "100 101"}), json!({"vms": "101;100"}), true),
            (json!({"description": "b,a"}), json!({"description": "a,b"}), false),
            (json!({"groups": ["b", "a"]}), json!({"groups": ["a", "b"]}), true),
            (json!({"command": ["b", "a"]}), json!({"command": ["a", "b"]}), false),
            (json!([{"cidr": "b"}, {"cidr": "a"}]), json!([{"cidr": "a"}, {"cidr": "b"}]), true),
            (json!({"enable": "1"}), json!({"enable": 1}), true),
            (json!({"enable": true}), json!({"enable": 1}), true),
            (json!({"enable": 0}), json!({"enable": 1}), false),
            (json!({"uptime": 5, "name": "a"}), json!({"uptime": 6, "name": "a"}), true),
            (json!({"comment": null}), json!({}), false),
        ] {
            assert_eq!(identity(&one) == identity(&other), expected, "{one} {other}");
        }
        assert_ne!(meaning(&json!({"disk": "/dev/sda"})), meaning(&json!({"disk": "/dev/sdb"})));
        let (one, other) = (json!("images,backup"), json!("backup,images"));
        assert!(same("content", Some(&one), Some(&other)));
        assert!(!same("path", Some(&one), Some(&other)));
        assert!(!same("content", Some(&one), None) && same("content", None, None));
    }

    #[test]
    fn what_is_shown_is_in_the_order_of_people() {
        let shown = ordered(json!({
            "net10": "a", "net2": "b", "cores": 1, "content": "vztmpl,iso", "boot": "order=scsi0;net0",
            "members": [{"vmid": 200, "id": "lxc/200"}, {"id": "lxc/100", "vmid": 100}],
        }));
        assert_eq!(
            shown.to_string(),
            r#"{"boot":"order=scsi0;net0","content":"iso,vztmpl","cores":1,"members":[{"id":"lxc/100","vmid":100},{"id":"lxc/200","vmid":200}],"net2":"b","net10":"a"}"#
        );
        assert_eq!(ordered(shown.clone()), shown);
        for (rows, expected) in [
            (json!([{"userid": "b"}, {"userid": "a"}]), json!([{"userid": "a"}, {"userid": "b"}])),
            (
                json!([{"pos": 1, "name": "a"}, {"pos": 0, "name": "b"}]),
                json!([{"name": "a", "pos": 1}, {"name": "b", "pos": 0}]),
            ),
            (json!([{"b": 1}, {"a": 1}]), json!([{"a": 1}, {"b": 1}])),
            (json!(["b", "a"]), json!(["b", "a"])),
        ] {
            let Value::Array(rows) = rows else { unreachable!() };
            assert_eq!(Value::from(ordered_rows(rows)), expected);
        }
        for (one, other, expected) in [
            ("scsi9", "scsi10", Ordering::Less),
            ("a01", "a1", Ordering::Greater),
            ("a", "a1", Ordering::Less),
            ("é1", "é2", Ordering::Less),
            ("99999999999999999999998", "99999999999999999999999", Ordering::Less),
            ("", "", Ordering::Equal),
        ] {
            assert_eq!(natural(one, other), expected, "{one} {other}");
        }
    }
}
