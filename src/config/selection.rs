//! A selection of guests and nodes: VMIDs, ranges of them, tags, pools, nodes. Does no input or output.

use crate::pve::values::split_list;
use serde_json::Value;

/// The value of `protected` and `only`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// VMIDs, from the first to the last of each range.
    pub vmids: Vec<(i64, i64)>,
    /// Tags of guests.
    pub tags: Vec<String>,
    /// Pools.
    pub pools: Vec<String>,
    /// Nodes.
    pub nodes: Vec<String>,
}

/// What an entry may be, as the end of a sentence with "must be".
pub(super) const EXPECTED: &str =
    "VMIDs (`100`), ranges (`\"100-199\"`), `\"tag:NAME\"`, `\"pool:NAME\"` or `\"node:NAME\"`";

impl Selection {
    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Selection::default()
    }

    /// Whether a VMID or range includes this guest.
    #[must_use]
    pub fn has_vmid(&self, vmid: i64) -> bool {
        self.vmids.iter().any(|(first, last)| (*first..=*last).contains(&vmid))
    }

    /// Whether one of a guest's tags is selected; `tags` is a list as Proxmox writes it.
    #[must_use]
    pub fn has_tag(&self, tags: &str) -> bool {
        split_list(tags).any(|own| self.tags.iter().any(|tag| tag.eq_ignore_ascii_case(own)))
    }

    /// Whether a guest's tags or pool must be known to decide about it.
    #[must_use]
    pub fn needs_inventory(&self) -> bool {
        !self.tags.is_empty() || !self.pools.is_empty()
    }

    /// Whether all guests must be visible to decide about several at once: a tag, pool or range may include a guest
    /// that the account cannot see, while a single VMID can be compared without seeing the guest.
    #[must_use]
    pub fn needs_all_guests(&self) -> bool {
        self.needs_inventory() || self.vmids.iter().any(|(first, last)| first != last)
    }

    /// Adds one entry; `false` if it is not valid.
    pub(super) fn add(&mut self, entry: &Value) -> bool {
        let text = match entry {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return false,
        };
        let number =
            |text: &str| text.trim().parse::<i64>().ok().filter(|vmid| (1..=999_999_999).contains(vmid));
        if let Some(vmid) = number(&text) {
            self.vmids.push((vmid, vmid));
            return true;
        }
        if let Some((first, last)) = text.split_once('-')
            && let (Some(first), Some(last)) = (number(first), number(last))
        {
            self.vmids.push((first, last));
            return first <= last;
        }
        let Some((kind, name)) = text.split_once(':') else { return false };
        let list = match kind {
            "tag" => &mut self.tags,
            "pool" => &mut self.pools,
            "node" => &mut self.nodes,
            _ => return false,
        };
        list.push(name.trim().to_owned());
        !name.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_told_apart() {
        let mut selection = Selection::default();
        for entry in [
            json!(100),
            json!("101"),
            json!("200-299"),
            json!("tag:prod"),
            json!("pool:x"),
            json!("node:pve1"),
        ] {
            assert!(selection.add(&entry), "{entry}");
        }
        assert_eq!(selection.vmids, [(100, 100), (101, 101), (200, 299)]);
        assert!(selection.has_vmid(250) && !selection.has_vmid(300));
        assert!(selection.has_tag("web;Prod") && !selection.has_tag("production"));
        for wrong in [
            json!("prod"),
            json!("tag:"),
            json!("300-200"),
            json!(true),
            json!(-1),
            json!("vm:100"),
            json!([]),
        ] {
            assert!(!Selection::default().add(&wrong), "{wrong}");
        }
    }
}
