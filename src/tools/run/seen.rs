//! What one call has read, so that its parts need not read the same again; and signs that a guest is no longer on the
//! node that is remembered for it.

use crate::pve::Reply;
use serde_json::{Map, Value};

/// What one call has read.
#[derive(Debug, Default)]
pub struct Seen {
    /// The inventory, for its next reader.
    pub(super) inventory: Option<Reply>,
    /// A path and its answer, since the last change.
    pub(super) object: Option<(String, Map<String, Value>)>,
    /// A request about a guest was answered with an error status.
    pub(super) doubt: bool,
    /// The last change was refused before anything was done, because there is no such guest or node.
    pub(super) elsewhere: bool,
}

/// A point of a call: the number of changes sent so far.
#[derive(Clone, Copy, Debug)]
pub struct Mark(pub(super) usize);

/// Returns the node, kind and VMID of a guest's path.
pub(super) fn of_guest(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix("/nodes/")?.split('/');
    let (node, kind, vmid) = (parts.next()?, parts.next()?, parts.next()?);
    matches!(kind, "qemu" | "lxc").then_some((node, kind, vmid))
}

/// Returns whether Proxmox's message means that there is no such guest on that node, or no such node (pve.md section
/// 3). Proxmox reports this before it does anything.
pub(super) fn is_elsewhere(path: &str, words: &str) -> bool {
    let Some((node, kind, vmid)) = of_guest(path) else { return false };
    let (folder, label) = if kind == "qemu" { ("qemu-server", "VM") } else { ("lxc", "CT") };
    let words = words.trim_end();
    words == format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist")
        // Requests that only look for the process also fail with this if the guest runs on another node.
        || words == format!("{label} {vmid} not running")
        || words.starts_with(&format!("unable to find configuration file for {label} {vmid} "))
        || words.starts_with(&format!("hostname lookup '{node}' failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_no_such_guest_are_about_the_guest_that_was_asked() {
        let vm = "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist";
        let container = "Configuration file 'nodes/pve1/lxc/100.conf' does not exist\n";
        for (path, words, expected) in [
            ("/nodes/pve1/qemu/100", vm, true),
            ("/nodes/pve1/qemu/100/status/start", vm, true),
            ("/nodes/pve2/qemu/100/config", vm, false),
            ("/nodes/pve1/qemu/101/config", vm, false),
            ("/nodes/pve1/lxc/100/config", vm, false),
            ("/nodes/pve1/lxc/100/config", container, true),
            ("/nodes/pve1/qemu/100/clone", &format!("clone failed: {vm}"), false),
            ("/nodes/pve1/qemu/100", "hostname lookup 'pve1' failed - failed to get address info", true),
            ("/nodes/pve2/qemu/100", "hostname lookup 'pve1' failed - failed to get address info", false),
            ("/nodes/pve1/qemu/100", "unable to find configuration file for VM 100 on node 'pve1'", true),
            ("/nodes/pve1/qemu/10", "unable to find configuration file for VM 100 on node 'pve1'", false),
            ("/nodes/pve1/lxc/200/status/stop", "CT 200 not running", true),
            ("/nodes/pve1/qemu/200/status/stop", "VM is locked (backup)", false),
            ("/nodes/pve1/status", vm, false),
            ("/storage/x", "storage 'x' does not exist", false),
        ] {
            assert_eq!(is_elsewhere(path, words), expected, "{path}: {words}");
        }
    }
}
