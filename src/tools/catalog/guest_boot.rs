//! Which disk a guest boots from, by Proxmox's own rules (QemuServer: `get_bootdisks`, `resolve_first_disk`).

use crate::tools::param::Kind;
use serde_json::{Map, Value};

/// The drive buses, in the order in which Proxmox looks for the first disk.
const FAMILIES: [&str; 4] = ["ide", "scsi", "virtio", "sata"];
/// More drives than any bus has: the highest number is 30.
const MOST_DRIVES: usize = 31;

/// The disk that a guest boots from. For a VM, it is the first disk in `boot: order=…` or, with the legacy form
/// (`boot: cdn`), the one that `bootdisk` names; if these name no existing disk, it is the first of all disks.
#[must_use]
pub fn boot_disk(kind: Kind, config: &Map<String, Value>) -> Option<String> {
    if kind == Kind::Container {
        return Some("rootfs".to_owned());
    }
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let order =
        text("boot").and_then(|boot| boot.split(',').find_map(|part| part.trim().strip_prefix("order=")));
    let named: Vec<&str> = match order {
        Some(order) => order.split(';').map(str::trim).collect(),
        None => text("bootdisk").map(str::trim).into_iter().collect(),
    };
    let chosen = named.into_iter().find(|name| is_disk(config, name)).map(str::to_owned);
    chosen.or_else(|| {
        let all = FAMILIES.iter().flat_map(|family| (0..MOST_DRIVES).map(move |at| format!("{family}{at}")));
        all.into_iter().find(|name| is_disk(config, name))
    })
}

/// Whether that key is a drive with a disk, not a CD-ROM or cloud-init drive.
fn is_disk(config: &Map<String, Value>, name: &str) -> bool {
    let family = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let drive =
        config.get(name).and_then(Value::as_str).filter(|_| FAMILIES.contains(&family) && family != name);
    drive.is_some_and(|drive| {
        let volume = drive.split(',').next().unwrap_or_default();
        let volume = volume.strip_prefix("file=").unwrap_or(volume);
        let is_cloudinit =
            volume.rsplit([':', '/', '-']).next().is_some_and(|end| end.starts_with("cloudinit"));
        !drive.split(',').any(|part| part == "media=cdrom")
            && !matches!(volume, "none" | "cdrom")
            && !is_cloudinit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::answer::object;
    use serde_json::json;

    #[test]
    fn the_boot_disk_is_the_one_that_proxmox_boots_from() {
        for (config, expected) in [
            (
                json!({"boot": "order=net0;virtio1", "scsi0": "a:1", "virtio1": "a:2", "net0": "x"}),
                Some("virtio1"),
            ),
            (
                json!({"boot": "order=ide2;scsi0", "ide2": "a:iso/x,media=cdrom", "scsi0": "a:1"}),
                Some("scsi0"),
            ),
            // The legacy form names the disk in `bootdisk`.
            (json!({"boot": "c", "bootdisk": "virtio0", "scsi0": "a:1", "virtio0": "a:2"}), Some("virtio0")),
            (
                json!({"boot": "legacy=dcn", "bootdisk": "sata1", "scsi0": "a:1", "sata1": "a:2"}),
                Some("sata1"),
            ),
            (json!({"bootdisk": "scsi1", "scsi0": "a:1", "scsi1": "a:2"}), Some("scsi1")),
            // `order` takes precedence over a leftover `bootdisk`.
            (
                json!({"boot": "order=scsi0", "bootdisk": "virtio0", "scsi0": "a:1", "virtio0": "a:2"}),
                Some("scsi0"),
            ),
            // The named drive does not exist or is no disk: the first disk, `ide` before `scsi`, `virtio` and `sata`.
            (json!({"boot": "c", "bootdisk": "scsi7", "sata0": "a:1", "virtio0": "a:2"}), Some("virtio0")),
            (json!({"boot": "c", "sata0": "a:1"}), Some("sata0")),
            (json!({"boot": "order=net0", "scsi0": "a:2", "ide0": "a:1"}), Some("ide0")),
            (json!({"scsi2": "a:2", "scsi10": "a:1"}), Some("scsi2")),
            (json!({"ide2": "none,media=cdrom", "ide0": "local-lvm:vm-1-cloudinit", "ide1": "cdrom"}), None),
            (
                json!({"ide0": "d:9/vm-9-cloudinit.qcow2", "scsi0": "a:vm-9-disk-0", "scsihw": "lsi"}),
                Some("scsi0"),
            ),
            (json!({"efidisk0": "a:1", "tpmstate0": "a:2", "unused0": "a:3"}), None),
            (json!({"ide2": "none,media=cdrom"}), None),
        ] {
            let config = object::object(config).unwrap();
            assert_eq!(boot_disk(Kind::Vm, &config).as_deref(), expected, "{config:?}");
        }
        assert_eq!(boot_disk(Kind::Container, &Map::new()).as_deref(), Some("rootfs"));
    }
}
