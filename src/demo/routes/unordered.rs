//! The lists that Proxmox makes from the keys of a Perl hash, whose order differs with every answer. Lists that it
//! sorts, or keeps in the order of a file, are not among them.

use crate::demo::chance::Rng;
use serde_json::Value;

/// The part of an answer that has no order.
#[derive(Clone, Copy, Debug)]
enum Unordered {
    /// The rows of the list.
    Rows,
    /// The rows after the first one.
    RowsAfterFirst,
    /// The rows before the last one.
    RowsBeforeLast,
    /// Consecutive rows that have the same value under this key.
    RowsAlike(&'static str),
    /// The list under this key of the answer, or of each of its rows.
    List(&'static str),
    /// The comma-separated words under this key of the answer, or of each of its rows.
    Words(&'static str),
}

use Unordered::{List, Rows, RowsAfterFirst, RowsAlike, RowsBeforeLast, Words};

/// By path template; all of them are read with GET.
const UNORDERED: [(&str, &[Unordered]); 33] = [
    ("/access/acl", &[RowsAlike("path")]),
    ("/access/domains", &[Rows]),
    ("/access/groups", &[Rows]),
    ("/access/groups/{groupid}", &[List("members")]),
    ("/access/roles", &[Rows]),
    ("/access/users", &[Words("groups")]),
    ("/access/users/{userid}", &[List("groups")]),
    ("/access/users/{userid}/token", &[Rows]),
    ("/cluster/backup-info/not-backed-up", &[Rows]),
    ("/cluster/config/nodes", &[Rows]),
    ("/cluster/firewall/aliases", &[Rows]),
    ("/cluster/firewall/ipset", &[Rows]),
    ("/cluster/firewall/macros", &[Rows]),
    ("/cluster/firewall/refs", &[Rows]),
    ("/cluster/ha/resources", &[Rows]),
    // Guests are sorted, nodes are not, and each storage is listed once per node.
    ("/cluster/resources", &[RowsAlike("storage"), Words("content")]),
    ("/cluster/status", &[RowsAfterFirst]),
    ("/nodes", &[Rows]),
    ("/nodes/{node}/network", &[Rows]),
    ("/nodes/{node}/storage", &[Rows, Words("content")]),
    ("/nodes/{node}/storage/{storage}/status", &[Words("content")]),
    ("/nodes/{node}/{kind}", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/cloudinit", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/feature", &[List("nodes")]),
    ("/nodes/{node}/{kind}/{vmid}/firewall/aliases", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/firewall/ipset", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/firewall/refs", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/migrate", &[List("allowed_nodes"), List("local_disks")]),
    ("/nodes/{node}/{kind}/{vmid}/pending", &[Rows]),
    ("/nodes/{node}/{kind}/{vmid}/snapshot", &[RowsBeforeLast]),
    ("/pools", &[List("members")]),
    ("/pools/{poolid}", &[List("members")]),
    ("/storage", &[Words("content"), Words("nodes")]),
];

/// `/storage/{storage}` is like a row of `/storage`.
const LIKE: [(&str, &str); 1] = [("/storage/{storage}", "/storage")];

/// Shuffles the unordered parts of a path's answer.
pub(in crate::demo) fn shuffle_unordered(template: &str, data: &mut Value, chance: &mut Rng) {
    let template = LIKE.iter().find(|(path, _)| *path == template).map_or(template, |(_, other)| other);
    let Some((_, parts)) = UNORDERED.iter().find(|(path, _)| *path == template) else { return };
    for part in *parts {
        match (*part, &mut *data) {
            (Rows, Value::Array(rows)) => chance.shuffle(rows),
            (RowsAfterFirst, Value::Array(rows)) => {
                if let Some((_, rest)) = rows.split_first_mut() {
                    chance.shuffle(rest);
                }
            }
            (RowsBeforeLast, Value::Array(rows)) => {
                if let Some((_, rest)) = rows.split_last_mut() {
                    chance.shuffle(rest);
                }
            }
            (RowsAlike(key), Value::Array(rows)) => {
                // Nodes do not have this key; they are grouped by their type.
                let mark = |row: &Value| match row.get(key) {
                    Some(value) => Some(value.clone()),
                    None => row.get("type").filter(|kind| *kind == "node").cloned(),
                };
                let mut rest = &mut rows[..];
                while let Some(first) = rest.first().map(mark) {
                    let end = rest.iter().position(|row| mark(row) != first).unwrap_or(rest.len());
                    let (alike, others) = rest.split_at_mut(end);
                    if first.is_some() {
                        chance.shuffle(alike);
                    }
                    rest = others;
                }
            }
            (List(_) | Words(_), Value::Array(rows)) => {
                for row in rows {
                    within(*part, row, chance);
                }
            }
            (_, data) => within(*part, data, chance),
        }
    }
}

/// Shuffles the unordered parts inside one object.
fn within(part: Unordered, object: &mut Value, chance: &mut Rng) {
    match part {
        List(key) => {
            if let Some(Value::Array(items)) = object.get_mut(key) {
                chance.shuffle(items);
            }
        }
        Words(key) => {
            if let Some(Value::String(text)) = object.get_mut(key)
                && text.contains(',')
            {
                let mut words: Vec<&str> = text.split(',').collect();
                chance.shuffle(&mut words);
                *text = words.join(",");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{chance::RandomSource, routes::table::areas};
    use serde_json::json;

    #[track_caller]
    fn check(path: &str, data: &Value, fixed: &[&str], moving: &[&str]) {
        let seed = RandomSource::new(3);
        let answers: Vec<Value> = (0..100)
            .map(|_| {
                let mut data = data.clone();
                shuffle_unordered(path, &mut data, &mut seed.next(path));
                data
            })
            .collect();
        for pointer in fixed {
            assert!(
                answers.iter().all(|answer| answer.pointer(pointer) == data.pointer(pointer)),
                "{pointer}"
            );
        }
        for pointer in moving {
            assert!(
                answers.iter().any(|answer| answer.pointer(pointer) != data.pointer(pointer)),
                "{pointer}"
            );
        }
    }

    #[test]
    fn only_what_comes_from_a_hash_moves() {
        let rows = json!([{"id": 1, "path": "/a"}, {"id": 2, "path": "/b"}, {"id": 3, "path": "/b"}]);
        check("/nodes", &rows, &[], &["/0", "/1", "/2"]);
        check("/cluster/status", &rows, &["/0"], &["/1", "/2"]);
        check("/nodes/{node}/{kind}/{vmid}/snapshot", &rows, &["/2"], &["/0", "/1"]);
        check("/access/acl", &rows, &["/0"], &["/1", "/2"]);
        check("/nodes/{node}/tasks", &rows, &["/0", "/1", "/2"], &[]);
        let storage = json!({"content": "a,b,c", "nodes": "x,y", "path": "/p,q"});
        check("/storage/{storage}", &storage, &["/path"], &["/content", "/nodes"]);
        check("/pools", &json!([{"members": [1, 2, 3]}]), &[], &["/0/members"]);
        let resources = json!([{"type": "qemu", "id": 1}, {"type": "qemu", "id": 2}, {"type": "node", "id": 3},
            {"type": "node", "id": 4}, {"storage": "a", "id": 5}, {"storage": "a", "id": 6}, {"storage": "b"}]);
        check("/cluster/resources", &resources, &["/0", "/1", "/6"], &["/2", "/3", "/4", "/5"]);
        check("/pools", &Value::Null, &[""], &[]);
    }

    #[test]
    fn every_template_is_one_of_the_routes() {
        let known = |path: &str| areas().iter().copied().flatten().any(|route| route.path == path);
        for (path, _) in
            UNORDERED.iter().map(|(path, _)| (path, "")).chain(LIKE.iter().map(|(path, _)| (path, "")))
        {
            assert!(known(path), "{path}");
        }
    }
}
