//! Canonical forms of Proxmox's values. Its API is written in Perl, whose hashes have no order: keys come in a
//! different order in every answer, and so do lists that are made from a hash. Compare two answers by their
//! [`identity`], and show an answer [`ordered`].

use serde_json::{Map, Value};
use std::{borrow::Cow, cmp::Ordering};

/// Keys whose value is a set, as a list or as comma-separated text: its order has no meaning.
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

/// Keys of rows that give their list a meaningful order.
const PLACES: [&str; 6] = ["pos", "n", "time", "starttime", "timestamp", "upid"];

/// Keys that identify the rows of a list, the most reliable first.
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

/// Values that change by themselves: they are not part of an object's identity.
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

/// Returns whether the values of that key are sets.
#[must_use]
pub fn is_set(key: &str) -> bool {
    SETS.binary_search(&key).is_ok()
}

/// Returns whether the values of that key change by themselves.
#[must_use]
pub fn is_live(key: &str) -> bool {
    LIVE.binary_search(&key).is_ok() || key.starts_with("pressure")
}

/// Returns a text that is equal for values with the same meaning, regardless of the order of keys and sets, and of
/// whether numbers are sent as text.
#[must_use]
pub fn meaning(value: &Value) -> String {
    canonical("", value, false).to_string()
}

/// Like [`meaning`], for an answer of Proxmox: leaves out values that change by themselves.
#[must_use]
pub fn identity(value: &Value) -> String {
    canonical("", value, true).to_string()
}

/// Returns whether two values of a key mean the same.
#[must_use]
pub fn same(key: &str, one: Option<&Value>, other: Option<&Value>) -> bool {
    one == other
        || one.is_some()
            && other.is_some()
            && one.map(|value| canonical(key, value, false))
                == other.map(|value| canonical(key, value, false))
}

/// Returns a value as it is shown: keys in natural order (`net2` before `net10`), sets sorted.
#[must_use]
pub fn ordered(value: Value) -> Value {
    ordered_value("", value)
}

/// Like [`ordered`], for the value of a key.
#[must_use]
pub fn ordered_value(key: &str, value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            entries.sort_by(|(one, _), (other, _)| natural(one, other));
            entries
                .into_iter()
                .map(|(key, value)| {
                    let value = ordered_value(&key, value);
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

/// Sorts the rows of any list by the key that identifies them; rows with a position or a time keep their order.
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
        ranked.sort_by(|(one, _), (other, _)| natural(&one.0, &other.0).then_with(|| one.1.cmp(&other.1)));
        rows.extend(ranked.into_iter().map(|(_, row)| row));
    }
    rows
}

/// Returns the text of a set with its entries sorted.
#[must_use]
pub fn sorted(text: &str) -> Cow<'_, str> {
    let entries: Vec<&str> = split(text).collect();
    if entries.len() < 2 || entries.is_sorted_by(|one, other| natural(one, other) == Ordering::Less) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(joined(text))
}

/// Returns the entries of a set, sorted and comma-separated.
fn joined(text: &str) -> String {
    let mut entries: Vec<&str> = split(text).collect();
    entries.sort_by(|one, other| natural(one, other));
    entries.dedup();
    entries.join(",")
}

/// Compares texts in natural order: digits by their numeric value.
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
        // Numbers that differ only in leading zeros are not equal, so that the order is total.
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

/// Splits a list like Proxmox does.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|mark: char| matches!(mark, ',' | ';' | '\0') || mark.is_whitespace())
        .filter(|entry| !entry.is_empty())
}

fn sort(items: &mut Vec<Value>) {
    let mut keyed: Vec<(String, Value)> = items.drain(..).map(|item| (meaning(&item), item)).collect();
    keyed.sort_by(|(one, _), (other, _)| natural(one, other));
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

/// Returns the canonical form of a value; if `lasting`, without values that change by themselves.
fn canonical(key: &str, value: &Value, lasting: bool) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(&String, Value)> = object
                .iter()
                .filter(|(key, _)| !lasting || !is_live(key))
                .map(|(key, value)| (key, canonical(key, value, lasting)))
                .collect();
            entries.sort_by_key(|(one, _)| *one);
            entries.into_iter().map(|(key, value)| (key.clone(), value)).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical("", item, lasting)).collect();
            // Objects in a list carry their own id or position, so their order does not matter.
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
