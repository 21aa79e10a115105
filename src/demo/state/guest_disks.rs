//! The disks of guests: their form in a configuration, and volumes allocated and freed for them. Knows no routes.

use crate::demo::state::{
    clock::{civil, whole},
    cluster::{Cluster, Storage, Volume},
    digest::size_in_bytes,
    guest::{Guest, Kind},
};
use serde_json::Value;

/// A disk as written in a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// `scsi0`, `rootfs`.
    pub(crate) key: String,
    pub(crate) volid: String,
    /// The options between the volume and the size, such as `discard=on`.
    pub(crate) options: Vec<String>,
    /// Bytes.
    pub(crate) size: u64,
}

impl Disk {
    fn parse(key: &str, text: &str) -> Option<Disk> {
        let mut parts = text.split(',');
        let volid = parts.next()?.trim_start_matches("file=").trim_start_matches("volume=").to_owned();
        if !volid.contains(':') || text.contains("media=cdrom") {
            return None;
        }
        let (mut options, mut size) = (Vec::new(), 0);
        for part in parts {
            match part.strip_prefix("size=") {
                Some(text) => size = size_in_bytes(text),
                None => options.push(part.to_owned()),
            }
        }
        Some(Disk { key: key.into(), volid, options, size })
    }

    /// The value as written in the configuration.
    pub(crate) fn text(&self) -> String {
        let mut text = self.volid.clone();
        for option in &self.options {
            text = format!("{text},{option}");
        }
        format!("{text},size={}", config_size(self.size))
    }

    /// The storage it is on.
    pub(crate) fn storage(&self) -> &str {
        self.volid.split(':').next().unwrap_or_default()
    }

    /// `qcow2`, `vmdk` or `raw`.
    pub(crate) fn format(&self) -> &'static str {
        ["qcow2", "vmdk"].into_iter().find(|end| self.volid.ends_with(&format!(".{end}"))).unwrap_or("raw")
    }
}

/// Whether a configuration key may hold a disk.
pub(crate) fn is_disk(kind: Kind, key: &str) -> bool {
    let base = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    match kind {
        Kind::Qemu => base != key && ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate"].contains(&base),
        Kind::Lxc => key == "rootfs" || (base == "mp" && base != key),
    }
}

/// The disks of a guest, without CD-ROM drives.
pub(crate) fn disks(guest: &Guest) -> Vec<Disk> {
    let keys = guest.config.iter().filter(|(key, _)| is_disk(guest.kind, key));
    keys.filter_map(|(key, value)| Disk::parse(key, value.as_str()?)).collect()
}

/// The disk at a configuration key.
pub(crate) fn disk(guest: &Guest, key: &str) -> Option<Disk> {
    disks(guest).into_iter().find(|disk| disk.key == key)
}

/// The storage with that name, or the error with which Proxmox reports that there is none.
pub(crate) fn storage<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Storage, String> {
    let found = cluster.storages.iter().find(|storage| storage.name == name);
    found.ok_or_else(|| format!("storage '{name}' does not exist"))
}

/// Whether all disks of a guest are on shared storages.
pub(crate) fn all_shared(cluster: &Cluster, guest: &Guest) -> bool {
    disks(guest).iter().all(|disk| storage(cluster, disk.storage()).is_ok_and(|storage| storage.shared))
}

/// A volume to be created.
pub(crate) struct Wanted<'a> {
    pub(crate) node: &'a str,
    pub(crate) storage: &'a str,
    pub(crate) vmid: u32,
    pub(crate) kind: Kind,
    /// The requested format; block storages have only `raw`.
    pub(crate) format: Option<&'a str>,
    /// Bytes.
    pub(crate) size: u64,
}

/// Creates an empty volume and returns its id; the output of the tool that creates it goes to the log.
pub(crate) fn allocate(
    cluster: &mut Cluster,
    wanted: &Wanted<'_>,
    log: &mut Vec<String>,
) -> Result<String, String> {
    let place = storage(cluster, wanted.storage)?;
    let content = if wanted.kind == Kind::Qemu { "images" } else { "rootdir" };
    place.check(wanted.node)?;
    if !place.takes(content) {
        return Err(format!("storage '{}' does not support content-type '{content}'", place.name));
    }
    let files = place.more.contains_key("path");
    let format = match (files, wanted.kind, wanted.format) {
        (false, _, _) | (true, Kind::Lxc, _) => "raw",
        (true, Kind::Qemu, format) => format.unwrap_or("raw"),
    };
    let id = wanted.vmid;
    let name = |number: u32| match files {
        true => format!("{}:{id}/vm-{id}-disk-{number}.{format}", place.name),
        false => format!("{}:vm-{id}-disk-{number}", place.name),
    };
    let used = |number: u32| {
        let stem = format!("-{id}-disk-{number}");
        cluster.volumes.iter().any(|volume| {
            let rest = volume.volid.rsplit_once(stem.as_str()).map(|(_, rest)| rest);
            volume.storage() == place.name
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let number = (0..).find(|number| !used(*number)).unwrap_or(0);
    let volid = name(number);
    let path = place.more.get("path").and_then(Value::as_str).unwrap_or_default();
    let size = wanted.size;
    log.push(match (files, format) {
        (true, "qcow2") => format!(
            "Formatting '{path}/images/{id}/vm-{id}-disk-{number}.qcow2', fmt=qcow2 cluster_size=65536 \
             extended_l2=off preallocation=metadata compression_type=zlib size={size} lazy_refcounts=off \
             refcount_bits=16"
        ),
        (true, _) => format!(
            "Formatting '{path}/images/{id}/vm-{id}-disk-{number}.{format}', fmt={format} size={size} \
             preallocation=off"
        ),
        (false, _) => format!("  Logical volume \"vm-{id}-disk-{number}\" created."),
    });
    let node = (!place.shared).then(|| wanted.node.to_owned());
    let ctime = whole(cluster.clock.now());
    cluster.volumes.push(Volume {
        volid: volid.clone(),
        node,
        content,
        format: format.into(),
        size,
        used: size / 8,
        ctime,
        vmid: Some(id),
        notes: None,
        protected: false,
    });
    Ok(volid)
}

/// Makes a full copy of a disk and returns it as written in the clone's configuration. The end of the copying is logged
/// when the task ends, with [`copied`].
pub(crate) fn copy(
    cluster: &mut Cluster,
    disk: &Disk,
    wanted: &Wanted<'_>,
    log: &mut Vec<String>,
) -> Result<Disk, String> {
    log.push(format!("create full clone of drive {} ({})", disk.key, disk.volid));
    let volid = allocate(cluster, &Wanted { size: disk.size, ..*wanted }, log)?;
    log.push(format!("transferred 0.0 B of {} (0.00%)", shown(disk.size)));
    Ok(Disk { volid, ..disk.clone() })
}

/// The last log line about a copied disk.
pub(crate) fn copied(disk: &Disk) -> String {
    format!("transferred {0} of {0} (100.00%)", shown(disk.size))
}

/// Removes a volume.
pub(crate) fn free(cluster: &mut Cluster, volid: &str) {
    cluster.volumes.retain(|volume| volume.volid != volid);
}

/// A size as in configurations: `32G`, `1152M`.
pub(crate) fn config_size(bytes: u64) -> String {
    for (shift, letter) in [(30, 'G'), (20, 'M'), (10, 'K')] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{letter}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// A size as in logs: `1.1 GiB`.
pub(crate) fn shown(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >> shift != 0 {
            let tenths = bytes.saturating_mul(10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes}.0 B")
}

/// A time as in logs: `2026-11-21 00:58:55`.
pub(crate) fn log_time(time: f64) -> String {
    let (year, month, day, hour, minute, second) = civil(whole(time));
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_read_and_written() {
        let text = "local-lvm:vm-9-disk-0,discard=on,size=1152M";
        let disk = Disk::parse("scsi0", text).unwrap();
        assert_eq!((disk.text().as_str(), disk.storage(), disk.format()), (text, "local-lvm", "raw"));
        for text in ["none", "none,media=cdrom", "shared:iso/a.iso,media=cdrom", ""] {
            assert!(Disk::parse("ide2", text).is_none(), "{text}");
        }
    }

    #[test]
    fn sizes_have_their_words() {
        for (bytes, word, log) in [
            (0, "0", "0.0 B"),
            (1 << 30, "1G", "1.0 GiB"),
            (1152 << 20, "1152M", "1.1 GiB"),
            (1537, "1537", "1.5 KiB"),
        ] {
            assert_eq!((config_size(bytes).as_str(), shown(bytes).as_str()), (word, log));
        }
    }
}
