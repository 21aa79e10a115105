//! Parses volume names and disk values: which guest a volume belongs to, by the naming of Proxmox's storage plugins.

use super::{Unreadable, properties, storage, vmid};

/// A volume, `storage:name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The storage that it is on.
    pub storage: String,
    /// Its name in the storage: `vm-100-disk-0`, `100/vm-100-disk-0.qcow2`, `iso/debian.iso`,
    /// `backup/vzdump-qemu-100-….vma.zst`.
    pub name: String,
    /// The guest that it belongs to, or is a backup of. `None` if it belongs to no guest, such as a CD image.
    pub owner: Option<u32>,
    /// Other guests whose volumes it needs or names, such as the template of a linked clone.
    pub others: Vec<u32>,
}

/// The content types of volumes that belong to no guest, whatever their names contain.
const COMMON: [&str; 4] = ["iso", "vztmpl", "snippets", "import"];

impl Volume {
    /// Parses a volume id, `storage:name`.
    ///
    /// # Errors
    /// It is not a volume id, or its owner cannot be determined.
    pub fn read(volid: &str) -> Result<Volume, Unreadable> {
        let (on, name) = volid.split_once(':').ok_or(Unreadable)?;
        let (owner, others) = owners(name)?;
        Ok(Volume { storage: storage(on)?.to_owned(), name: name.to_owned(), owner, others })
    }

    /// Parses a volume id, or a volume name in the storage `on`.
    ///
    /// # Errors
    /// The same as those of [`Volume::read`].
    pub fn read_on(on: &str, name: &str) -> Result<Volume, Unreadable> {
        if name.contains(':') && !name.starts_with("backup/") {
            return Volume::read(name);
        }
        Volume::read(&format!("{on}:{name}"))
    }

    /// All guests that it is related to, the owner first.
    pub fn guests(&self) -> impl Iterator<Item = u32> {
        self.owner.into_iter().chain(self.others.iter().copied())
    }
}

/// The owner of a volume according to its name, and other guests that the name contains.
fn owners(name: &str) -> Result<(Option<u32>, Vec<u32>), Unreadable> {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) || name.chars().any(char::is_control) {
        return Err(Unreadable);
    }
    match parts.as_slice() {
        [kind, _, ..] if COMMON.contains(kind) => Ok((None, Vec::new())),
        // On a Proxmox Backup Server.
        ["backup", "vm" | "ct", guest, _] => Ok((Some(vmid(guest)?), Vec::new())),
        ["backup", "host", _, _] => Ok((None, Vec::new())),
        // On an ESXi host: data centre, datastore, folder, file.
        [_, _, _, .., file] if file.ends_with(".vmx") => Ok((None, Vec::new())),
        ["backup", file] => {
            let rest = ["qemu", "lxc", "openvz"]
                .iter()
                .find_map(|kind| file.strip_prefix("vzdump-")?.strip_prefix(kind)?.strip_prefix('-'));
            let Some(rest) = rest else { return Err(Unreadable) };
            Ok((Some(vmid(rest.split('-').next().unwrap_or_default())?), Vec::new()))
        }
        // Volumes of guests: in a folder with the guest's VMID, or with the VMID in the name. A linked clone's name
        // contains both its template's and its own; the last one is its own.
        parts => {
            let mut guests = Vec::new();
            for part in parts {
                let guest = if part.bytes().all(|byte| byte.is_ascii_digit()) {
                    Some(vmid(part)?)
                } else {
                    numbered(part)?
                };
                guests.extend(guest);
            }
            // A file in a guest's folder belongs to that guest, whatever its name.
            let owner = match parts {
                [.., folder, _] if folder.bytes().all(|byte| byte.is_ascii_digit()) => vmid(folder)?,
                _ => *guests.last().ok_or(Unreadable)?,
            };
            guests.retain(|guest| *guest != owner);
            guests.dedup();
            Ok((Some(owner), guests))
        }
    }
}

/// The VMID in `vm-100-disk-0`, `base-100-disk-0`, `subvol-100-disk-0` or `basevol-100-disk-0`; `None` for other names.
fn numbered(name: &str) -> Result<Option<u32>, Unreadable> {
    let prefixes = ["vm-", "base-", "subvol-", "basevol-"];
    let Some(rest) = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)) else { return Ok(None) };
    let (number, _) = rest.split_once('-').ok_or(Unreadable)?;
    vmid(number).map(Some)
}

/// What the value of a disk's key, such as `scsi0` or `mp0`, refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Nothing (`none`), or the node's own drive (`cdrom`).
    Nothing,
    /// A volume that will be created on this storage.
    Made {
        /// The storage.
        storage: String,
    },
    /// An existing volume.
    Volume(Volume),
    /// A volume whose content is copied into the new one (`import-from`).
    Imported(Volume),
    /// The path of a disk, file or folder of the node.
    Path(String),
    /// A value that cannot be parsed, and so may refer to anything.
    Unreadable(String),
}

impl Disk {
    /// Parses everything that the value of a disk's key refers to.
    #[must_use]
    pub fn read(value: &str) -> Vec<Disk> {
        let mut found = Vec::new();
        for (key, part) in properties(value) {
            match key {
                "" | "file" | "volume" => found.push(Disk::of(part)),
                "import-from" => found.push(match Disk::of(part) {
                    Disk::Volume(volume) => Disk::Imported(volume),
                    other => other,
                }),
                _ => {}
            }
        }
        if found.is_empty() {
            found.push(Disk::Unreadable(value.to_owned()));
        }
        found
    }

    fn of(text: &str) -> Disk {
        let unreadable = || Disk::Unreadable(text.to_owned());
        if matches!(text, "none" | "cdrom") {
            return Disk::Nothing;
        }
        if text.starts_with('/') {
            return Disk::Path(text.to_owned());
        }
        let Some((on, name)) = text.split_once(':') else { return unreadable() };
        // A size in GiB, or a cloud-init drive: will be created.
        let is_size = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !name.is_empty();
        if is_size || name == "cloudinit" {
            return storage(on).map_or_else(|_| unreadable(), |on| Disk::Made { storage: on.to_owned() });
        }
        Volume::read(text).map_or_else(|_| unreadable(), Disk::Volume)
    }
}
