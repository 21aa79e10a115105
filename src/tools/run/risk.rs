//! What destroys, and what this server cannot answer: the facts about methods that the table of the API does not hold.

use crate::pve::{Method, Params, api::Row};

/// When a call of a method loses data.
enum When {
    /// Whatever its parameters are.
    Always,
    /// With one of these parameters, given and not off.
    With(&'static [&'static str]),
    /// With `delete` naming a volume of a guest.
    DeletesVolume,
}

/// Methods other than DELETE that lose data: path, when, and what is lost. The word before the path may be any of several.
const DESTROYS: &[(&[Method], &str, When, &str)] = {
    use Method::{Post, Put};
    use When::{Always, DeletesVolume, With};
    const DISK: &str = "What is on the disk is lost.";
    const BACK: &str = "Everything since the snapshot is lost.";
    const OVER: &str = "An existing guest of that id is overwritten.";
    const VOLUME: &str = "A volume of the guest is taken away, and with force or as unused one deleted.";
    &[
        (&[Post], "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback", Always, BACK),
        (&[Post], "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback", Always, BACK),
        (&[Post], "/nodes/{node}/qemu", With(&["force"]), OVER),
        (&[Post], "/nodes/{node}/lxc", With(&["force"]), OVER),
        (&[Post, Put], "/nodes/{node}/qemu/{vmid}/config", DeletesVolume, VOLUME),
        (&[Put], "/nodes/{node}/lxc/{vmid}/config", DeletesVolume, VOLUME),
        (&[Put], "/nodes/{node}/qemu/{vmid}/unlink", With(&["force"]), "The volumes are deleted."),
        (
            &[Post],
            "/nodes/{node}/qemu/{vmid}/remote_migrate",
            With(&["delete"]),
            "The guest is removed here.",
        ),
        (&[Post], "/nodes/{node}/lxc/{vmid}/remote_migrate", With(&["delete"]), "The guest is removed here."),
        (
            &[Post],
            "/nodes/{node}/qemu/{vmid}/monitor",
            Always,
            "A monitor command may do anything to the VM.",
        ),
        (&[Put], "/nodes/{node}/disks/wipedisk", Always, DISK),
        (&[Post], "/nodes/{node}/disks/initgpt", Always, DISK),
        (&[Post], "/nodes/{node}/disks/directory", Always, DISK),
        (&[Post], "/nodes/{node}/disks/lvm", Always, DISK),
        (&[Post], "/nodes/{node}/disks/lvmthin", Always, DISK),
        (&[Post], "/nodes/{node}/disks/zfs", Always, DISK),
        (&[Post], "/nodes/{node}/ceph/osd", Always, DISK),
        (&[Post], "/nodes/{node}/execute", Always, "The commands may be any, deletions among them."),
        (
            &[Post],
            "/cluster/config/join",
            Always,
            "The node's own configuration is replaced by the cluster's.",
        ),
        (&[Post], "/cluster/sdn/rollback", Always, "SDN changes that are not applied yet are lost."),
    ]
};

/// Families of settings that name volumes of a guest.
const VOLUMES: [&str; 9] = ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate", "mp", "unused", "rootfs"];

/// What is lost by a call, if anything is.
#[must_use]
pub fn destroys(row: &Row, params: &Params) -> Option<&'static str> {
    if row.method() == Method::Delete {
        return Some("What the path names is deleted.");
    }
    let (_, _, when, lost) = entry(row)?;
    let on = |name: &str| params.get(name).is_some_and(|value| !matches!(value, "" | "0"));
    let holds = match when {
        When::Always => true,
        When::With(names) => names.iter().any(|name| on(name)),
        When::DeletesVolume => params.iter().filter(|(name, _)| *name == "delete").any(|(_, list)| {
            list.split(|mark: char| matches!(mark, ',' | ';') || mark.is_whitespace())
                .any(|key| VOLUMES.contains(&key.trim_end_matches(|letter: char| letter.is_ascii_digit())))
        }),
    };
    holds.then_some(*lost)
}

/// Under which condition a method asks for confirmation, as a clause; `None` if it never does.
#[must_use]
pub fn may_destroy(row: &Row) -> Option<String> {
    if row.method() == Method::Delete {
        return Some("always".into());
    }
    let (_, _, when, lost) = entry(row)?;
    Some(match when {
        When::Always => format!("always. {lost}"),
        When::With(names) => format!("with {}. {lost}", names.join(" or ")),
        When::DeletesVolume => format!("when delete names a volume. {lost}"),
    })
}

fn entry(row: &Row) -> Option<&'static (&'static [Method], &'static str, When, &'static str)> {
    DESTROYS.iter().find(|(methods, path, _, _)| methods.contains(&row.method()) && *path == row.path())
}

/// Methods that this server does not call, by how their paths end, and why.
const REFUSED: &[(Method, &[&str], &str)] = &[
    (
        Method::Get,
        &["/vncwebsocket", "/mtunnelwebsocket"],
        "it answers with a WebSocket stream, which no answer of a tool can hold",
    ),
    (
        Method::Get,
        &["/file-restore/download"],
        "it answers with a file; download it in the web interface (Backups, File Restore)",
    ),
    (
        Method::Post,
        &["/upload"],
        "it takes a file along, which proxmox_upload_to_storage sends; or have the node fetch it with `POST /nodes/{node}/storage/{storage}/download-url`",
    ),
    (
        Method::Post,
        &["/vncproxy", "/termproxy", "/spiceproxy", "/vncshell", "/spiceshell"],
        "it opens a console, whose ticket is a secret and whose stream no tool can hold; open the console in the web interface",
    ),
    (
        Method::Post,
        &["/mtunnel"],
        "it opens the tunnel of a remote migration, which only another cluster uses; see `POST …/remote_migrate`",
    ),
];

/// Why a method is not called here, as a clause; `None` if it is.
#[must_use]
pub fn refusal(row: &Row) -> Option<&'static str> {
    let (_, _, why) = REFUSED.iter().find(|(method, ends, _)| {
        *method == row.method() && ends.iter().any(|end| row.path().ends_with(end))
    })?;
    Some(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::api;

    #[test]
    fn every_row_is_a_method_of_the_table_with_its_parameters() {
        for (methods, path, when, lost) in DESTROYS {
            assert!(lost.ends_with('.'), "{lost}");
            for method in *methods {
                let row = api::find_template(*method, path).unwrap_or_else(|| panic!("{method} {path}"));
                let names: &[&str] = match when {
                    When::Always => &[],
                    When::With(names) => names,
                    When::DeletesVolume => &["delete"],
                };
                assert!(names.iter().all(|name| row.param(name).is_some()), "{method} {path}: {names:?}");
            }
        }
        for (method, ends, _) in REFUSED {
            for end in *ends {
                assert!(
                    api::rows().any(|row| row.method() == *method && row.path().ends_with(end)),
                    "{method} …{end}"
                );
            }
        }
        assert_eq!(api::rows().filter(|row| refusal(row).is_some()).count(), 18);
    }
}
