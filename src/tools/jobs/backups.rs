//! The newest backups of guests, and the configuration in a backup.

use crate::{
    pve::Params,
    tools::{
        answer::{Failure, rows},
        jobs::read::Cluster,
        param::Kind,
        run::Context,
    },
};
use serde_json::{Map, Value};

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its volume.
    pub volid: String,
    /// The guest that was backed up.
    pub vmid: i64,
    /// The kind of that guest.
    pub kind: Kind,
    /// When it was created, as Unix time.
    pub time: i64,
    /// The storage it is on.
    pub storage: String,
    /// A node that has it.
    pub node: String,
}

/// The newest backup of each guest that `wanted` names. Queries each storage once, all in parallel; with a sentence for
/// each storage that does not answer.
pub fn newest(context: &Context<'_>, cluster: &Cluster, wanted: &[i64]) -> (Vec<Backup>, Vec<String>) {
    let mut places: Vec<(&str, &str)> = Vec::new();
    for store in &cluster.storages {
        let holds = store.available && store.content.iter().any(|kind| kind == "backup");
        let known = store.shared && places.iter().any(|(_, name)| *name == store.name);
        if holds && !known {
            places.push((&store.node, &store.name));
        }
    }
    let paths: Vec<String> =
        places.iter().map(|(node, name)| format!("/nodes/{node}/storage/{name}/content")).collect();
    let (mut newest, mut silent): (Vec<Backup>, Vec<String>) = (Vec::new(), Vec::new());
    let replies = context.get_each(&paths, &Params::new().with("content", "backup"));
    for ((node, storage), reply) in places.into_iter().zip(replies) {
        let Ok(reply) = reply else {
            silent.push(format!("The backups on {storage} of {node} could not be listed."));
            continue;
        };
        for record in rows(&reply).unwrap_or_default() {
            let volid = record.text("volid").into_owned();
            let Some(kind) = kind_of(&volid) else { continue };
            let (Ok(vmid), Ok(time)) = (record.text("vmid").parse(), record.text("ctime").parse()) else {
                continue;
            };
            if !wanted.contains(&vmid) {
                continue;
            }
            let one = Backup { volid, vmid, kind, time, storage: storage.into(), node: node.into() };
            match newest.iter_mut().find(|other| other.vmid == vmid) {
                Some(other) if (other.time, &other.volid) < (one.time, &one.volid) => *other = one,
                Some(_) => {}
                None => newest.push(one),
            }
        }
    }
    newest.sort_by_key(|one| one.vmid);
    (newest, silent)
}

/// The kind of guest that was backed up, from the backup's name.
fn kind_of(volid: &str) -> Option<Kind> {
    let has = |marks: [&str; 2]| marks.iter().any(|mark| volid.contains(mark));
    match () {
        () if has(["vzdump-qemu-", "backup/vm/"]) => Some(Kind::Vm),
        () if has(["vzdump-lxc-", "backup/ct/"]) => Some(Kind::Container),
        () => None,
    }
}

/// The configuration in a backup.
///
/// # Errors
/// Fails if the request fails.
pub fn config(context: &Context<'_>, backup: &Backup) -> Result<Map<String, Value>, Failure> {
    let path = format!("/nodes/{}/vzdump/extractconfig", backup.node);
    let reply = context.get(&path, &Params::new().with("volume", &backup.volid))?;
    Ok(parsed(reply.value().as_str().unwrap_or_default()))
}

/// The keys of a configuration file, without comments and without its snapshots.
fn parsed(text: &str) -> Map<String, Value> {
    let lines = text.lines().take_while(|line| !line.starts_with('['));
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    pairs.map(|(key, value)| (key.to_owned(), value.trim().into())).collect()
}

/// The network interfaces of a configuration, each with its link down and without its MAC address.
#[must_use]
pub fn interfaces_with_link_down(config: &Map<String, Value>) -> Vec<(String, String)> {
    let is_card = |key: &str| key.strip_prefix("net").is_some_and(|rest| rest.parse::<u8>().is_ok());
    let cards = config.iter().filter(|(key, _)| is_card(key));
    let without = |value: &str| {
        let parts = value.split(',').filter_map(|part| match part.split_once('=') {
            Some(("link_down" | "hwaddr" | "macaddr", _)) => None,
            Some((model, address)) if address.split(':').count() == 6 => Some(model.to_owned()),
            _ => Some(part.to_owned()),
        });
        parts.chain(["link_down=1".to_owned()]).collect::<Vec<_>>().join(",")
    };
    cards.filter_map(|(key, value)| Some((key.clone(), without(value.as_str()?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_unplugged_and_lose_their_addresses() {
        let config = parsed(
            "#bridge: none\nname: web\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\nnet1: name=eth0,bridge=vmbr1,hwaddr=BC:24:11:00:00:02,ip=dhcp,link_down=0\nnetwork: x\n[snap]\nnet2: e1000,bridge=vmbr0",
        );
        assert_eq!(config["name"], "web");
        let cards = interfaces_with_link_down(&config);
        let cards: Vec<(&str, &str)> =
            cards.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            cards,
            [
                ("net0", "virtio,bridge=vmbr0,firewall=1,link_down=1"),
                ("net1", "name=eth0,bridge=vmbr1,ip=dhcp,link_down=1"),
            ]
        );
    }

    #[test]
    fn the_kind_is_told_by_the_name() {
        for (volid, expected) in [
            ("local:backup/vzdump-qemu-100-2026_11_20-01_00_00.vma.zst", Some(Kind::Vm)),
            ("pbs:backup/ct/200/2026-11-20T01:00:00Z", Some(Kind::Container)),
            ("local:iso/x.iso", None),
        ] {
            assert_eq!(kind_of(volid), expected, "{volid}");
        }
    }
}
