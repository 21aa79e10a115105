//! One change as it would go to Proxmox, and what can be told from it alone: whom it touches, whether data is
//! lost by it. So it matters not by which tool, name or path of the API somebody asks for it.

use crate::{
    pve::{
        Method, Params,
        api::{self, Lookup, words::is_secret},
    },
    tools::run::risk,
};
use serde_json::{Map, Value, json};

/// A change that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// POST, PUT or DELETE.
    pub method: Method,
    /// The path below `/api2/extjs`, its parts percent-encoded.
    pub path: String,
    /// The parameters.
    pub params: Params,
}

/// Whom a change touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Guests, by VMID: the one in the path, the one that is made, those that a parameter names.
    pub vmids: Vec<i64>,
    /// Nodes: the one in the path, the target of a move.
    pub nodes: Vec<String>,
    /// The pool in the path or that a new guest goes into.
    pub pools: Vec<String>,
    /// The tags that a new guest gets.
    pub tags: String,
    /// A guest is made that is not there yet.
    pub creates: bool,
    /// It is about every guest of the node or of the cluster, as `stopall` without a list is.
    pub every_guest: bool,
}

impl Request {
    /// The path's parts, decoded.
    fn parts(&self) -> Vec<String> {
        self.path.trim_matches('/').split('/').map(decode).collect()
    }

    /// `DELETE /nodes/pve1/qemu/100`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.method, decode(&self.path))
    }

    /// The path decoded, for people.
    #[must_use]
    pub fn last_part(&self) -> String {
        let parts = self.parts();
        match parts.iter().position(|part| part == "content") {
            // A volume's own slashes belong to it.
            Some(place) if place + 1 < parts.len() => parts[place + 1..].join("/"),
            _ => parts.last().cloned().unwrap_or_default(),
        }
    }

    /// `{"method":…,"path":…,"params":{…}}`, secrets as `***`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let params = gather(self.params.iter().map(|(name, value)| {
            let shown = if is_secret(name) { "***" } else { value };
            (name, shown)
        }));
        json!({"method": self.method.word(), "path": self.path, "params": params})
    }

    /// The parameters as an object, secrets among them.
    #[must_use]
    pub fn pairs(&self) -> Map<String, Value> {
        gather(self.params.iter())
    }

    /// Whom it touches, as far as path and parameters tell.
    #[must_use]
    pub fn touched(&self) -> Touched {
        let parts = self.parts();
        let part = |index: usize| parts.get(index).map(String::as_str).unwrap_or_default();
        let mut touched = Touched::default();
        if part(0) == "nodes" && 1 < parts.len() {
            touched.nodes.push(part(1).to_owned());
            match (part(2), part(3)) {
                ("qemu" | "lxc", "") => touched.creates = true,
                ("qemu" | "lxc", vmid) => touched.vmids.extend(vmid.parse::<i64>().ok()),
                ("tasks", upid) => {
                    touched.vmids.extend(upid.split(':').nth(6).and_then(|id| id.parse::<i64>().ok()));
                }
                _ if parts.iter().any(|part| part == "content") => {
                    touched.vmids.extend(owner(&self.last_part()));
                }
                _ => {}
            }
        }
        match (part(0), part(1), part(2), part(3)) {
            ("cluster", "ha", "resources", sid) => touched.vmids.extend(guest_of_sid(sid)),
            ("cluster", "replication", id, _) => {
                touched.vmids.extend(id.split('-').next().and_then(|vmid| vmid.parse::<i64>().ok()));
            }
            ("pools", pool, ..) if !pool.is_empty() => touched.pools.push(pool.to_owned()),
            _ => {}
        }
        for (name, value) in self.params.iter() {
            match name {
                "vmid" | "vms" | "newid" | "target-vmid" => {
                    touched.vmids.extend(value.split([',', ' ']).filter_map(|vmid| vmid.parse::<i64>().ok()));
                    touched.creates |= name == "newid";
                }
                "sid" => touched.vmids.extend(guest_of_sid(value)),
                "target" if part(0) == "nodes" => touched.nodes.push(value.to_owned()),
                "pool" | "poolid" => touched.pools.push(value.to_owned()),
                "tags" => value.clone_into(&mut touched.tags),
                _ => {}
            }
        }
        touched.vmids.dedup();
        let last = parts.last().map(String::as_str).unwrap_or_default();
        let bulk = self.path.starts_with("/cluster/bulk-action/")
            || matches!(last, "startall" | "stopall" | "suspendall" | "migrateall");
        touched.every_guest = bulk && touched.vmids.is_empty();
        touched
    }

    /// What is lost by it, as a sentence, if anything is.
    #[must_use]
    pub fn loss(&self) -> Option<&'static str> {
        match api::find(self.method, &self.path) {
            Lookup::Found(found) => risk::destroys(&found.row, &self.params),
            _ => Some("Nobody here knows what this path does, so it may be anything."),
        }
    }

    /// Whether data is lost by it: every DELETE but the two that only end something, and what the table of risks
    /// says of the others. Of a path that nobody knows anything may be expected.
    #[must_use]
    pub fn destroys(&self) -> bool {
        if self.method == Method::Get {
            return false;
        }
        // Ends a task; drops network changes that were never applied.
        let only_ends = match api::find(self.method, &self.path) {
            Lookup::Found(found) => {
                matches!(found.row.path(), "/nodes/{node}/tasks/{upid}" | "/nodes/{node}/network")
            }
            _ => false,
        };
        !(self.method == Method::Delete && only_ends) && self.loss().is_some()
    }
}

/// Names and values as an object; a repeated name is a list.
fn gather<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in pairs {
        match object.get_mut(name) {
            None => {
                object.insert(name.into(), value.into());
            }
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = json!([first.clone(), value]),
        }
    }
    object
}

fn guest_of_sid(sid: &str) -> Option<i64> {
    sid.rsplit(':').next()?.parse().ok()
}

/// The guest that a volume or a backup belongs to, by its name.
#[must_use]
pub fn owner(volume: &str) -> Option<i64> {
    let marks = [
        "vm-",
        "base-",
        "subvol-",
        "basevol-",
        "vzdump-qemu-",
        "vzdump-lxc-",
        "backup/vm/",
        "backup/ct/",
        "images/",
    ];
    marks.iter().find_map(|mark| {
        let (_, rest) = volume.split_once(mark)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// Percent-decoding; what is no UTF-8 is shown as it came.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = hex.and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Request {
        let mut words = line.split(' ');
        let method = match words.next().unwrap() {
            "POST" => Method::Post,
            "PUT" => Method::Put,
            _ => Method::Delete,
        };
        let path = words.next().unwrap().to_owned();
        let mut params = Params::new();
        for pair in words {
            let (name, value) = pair.split_once('=').unwrap();
            params.push(name, value);
        }
        Request { method, path, params }
    }

    #[test]
    fn what_loses_data_is_told_from_the_request() {
        for (line, expected) in [
            ("DELETE /nodes/pve1/qemu/100", true),
            ("DELETE /access/users/bob%40pve", true),
            ("DELETE /nodes/pve1/tasks/UPID%3Ax", false),
            ("DELETE /nodes/pve1/network", false),
            ("DELETE /nodes/pve1/network/vmbr1", true),
            ("POST /nodes/pve1/qemu/100/status/stop", false),
            ("POST /nodes/pve1/lxc/200/snapshot/a/rollback", true),
            ("POST /nodes/pve1/qemu archive=x vmid=100", false),
            ("POST /nodes/pve1/qemu archive=x vmid=100 force=1", true),
            ("PUT /nodes/pve1/qemu/100/config delete=net1", false),
            ("PUT /nodes/pve1/qemu/100/config delete=net1,unused0", true),
            ("PUT /nodes/pve1/qemu/100/config delete=scsi1 force=1", true),
            ("POST /nodes/pve1/qemu/100/config cores=1", false),
            ("POST /nodes/pve1/nobody/knows", true),
            ("PUT /nodes/pve1/qemu/100/unlink idlist=scsi1 force=1", true),
            ("PUT /nodes/pve1/disks/wipedisk disk=/dev/sdb", true),
            ("POST /nodes/pve1/disks/zfs name=tank", true),
            ("POST /nodes/pve1/ceph/osd dev=/dev/sdb", true),
            ("POST /nodes/pve1/ceph/pool name=x", false),
            ("PUT /access/acl path=/ delete=1", false),
        ] {
            assert_eq!(request(line).destroys(), expected, "{line}");
        }
    }

    #[test]
    fn whom_a_request_touches() {
        for (line, vmids, nodes, pools) in [
            ("DELETE /nodes/pve1/qemu/100", &[100][..], &["pve1"][..], &[][..]),
            ("POST /nodes/pve1/qemu vmid=900 pool=dev", &[900], &["pve1"], &["dev"]),
            ("POST /nodes/pve1/qemu/100/clone newid=101 target=pve2", &[100, 101], &["pve1", "pve2"], &[]),
            ("POST /nodes/pve1/vzdump vmid=100,101", &[100, 101], &["pve1"], &[]),
            (
                "DELETE /nodes/pve1/storage/local/content/local%3Abackup%2Fvzdump-qemu-105-x.vma",
                &[105],
                &["pve1"],
                &[],
            ),
            ("DELETE /nodes/pve1/storage/lvm/content/lvm%3Avm-105-disk-0", &[105], &["pve1"], &[]),
            ("DELETE /cluster/ha/resources/vm%3A100", &[100], &[], &[]),
            ("PUT /pools/dev vms=100,101", &[100, 101], &[], &["dev"]),
            ("POST /cluster/ha/resources sid=ct:200", &[200], &[], &[]),
            (
                "DELETE /nodes/pve1/tasks/UPID%3Apve1%3A00000001%3A00000001%3A69000000%3Aqmstart%3A100%3Aroot@pam%3A",
                &[100],
                &["pve1"],
                &[],
            ),
            ("PUT /cluster/options console=html5", &[], &[], &[]),
        ] {
            let touched = request(line).touched();
            assert_eq!(
                (touched.vmids.as_slice(), touched.pools),
                (vmids, pools.iter().map(ToString::to_string).collect()),
                "{line}"
            );
            assert_eq!(touched.nodes, nodes, "{line}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = request("POST /x password=a cipassword=b name=c name=d").to_json();
        assert_eq!(shown["params"], json!({"password": "***", "cipassword": "***", "name": ["c", "d"]}));
    }
}
