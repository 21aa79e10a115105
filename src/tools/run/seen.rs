//! What one call has read, so that the parts of it that need the same do not read it again; and what it was told about a
//! guest that is not where it was remembered.

use crate::{
    pve::{Error, Method, Params, Reply},
    sync::lock,
    tools::{
        answer::Failure,
        run::{context::Context, inventory, request::Request},
    },
};
use serde_json::{Map, Value};

/// What one call has read.
#[derive(Debug, Default)]
pub struct Seen {
    /// The inventory, for whoever next needs it.
    inventory: Option<Reply>,
    /// What a path answered, since the last change.
    object: Option<(String, Map<String, Value>)>,
    /// A guest's node refused, or was not reached.
    doubt: bool,
    /// The last change was refused before anything was done, because there is no such guest or no such node.
    elsewhere: bool,
}

/// Where a call stood.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Context<'_> {
    /// Says that so many requests are about to go out at once, before the first of them does.
    pub fn warm(&self, requests: usize) {
        self.pve.warm(&self.call.cancel, requests);
    }

    /// Keeps an inventory that was just read for whoever next needs one, until the call changes something.
    pub(super) fn share(&self, inventory: Reply) {
        if self.requests().is_empty() {
            lock(&self.seen).inventory = Some(inventory);
        }
    }

    /// The inventory, if that is what is asked for and it was just read. It is given away once.
    pub(super) fn shared(&self, path: &str, params: &Params) -> Option<Reply> {
        let guests = path == inventory::PATH && *params == inventory::of_guests();
        guests.then(|| lock(&self.seen).inventory.take()).flatten()
    }

    /// Whether somebody who is to judge a change will need the inventory, which nobody has read yet.
    fn lacks_inventory(&self) -> bool {
        let rules = self.config.only.needs_inventory() || self.config.protected.needs_inventory();
        rules && !self.dry && lock(&self.seen).inventory.is_none()
    }

    /// The inventory, where the rules need it to judge what a job is going to send.
    ///
    /// # Errors
    /// What the client says.
    pub(super) fn inventory_for_rules(&self) -> Result<Option<Reply>, Failure> {
        let rules = [&self.config.only, &self.config.protected];
        let needed = rules.iter().any(|rules| rules.needs_inventory() || !rules.nodes.is_empty());
        needed.then(|| Ok(self.read(inventory::PATH, &inventory::of_guests())?)).transpose()
    }

    /// Reads the object that a change is about to change. The inventory, where the rules need it to judge the change, is
    /// read at the same time.
    ///
    /// # Errors
    /// What the client says.
    pub fn before_change(&self, path: &str) -> Result<Reply, Failure> {
        if !self.lacks_inventory() {
            return self.get(path, &Params::new());
        }
        let both = [(path, Params::new()), (inventory::PATH, inventory::of_guests())];
        let mut replies = crate::sync::at_once(&both, |(path, params)| self.read(path, params));
        // Whoever needs it and finds none reads it, and says why that cannot be done.
        if let Some(Ok(inventory)) = replies.pop() {
            self.share(inventory);
        }
        Ok(replies.remove(0)?)
    }

    /// Keeps what a path answers now, for those who would read it again.
    pub fn note(&self, path: &str, object: &Map<String, Value>) {
        lock(&self.seen).object = Some((path.to_owned(), object.clone()));
    }

    /// What a path answers now, if it was noted.
    pub(super) fn noted(&self, path: &str) -> Option<Map<String, Value>> {
        let seen = lock(&self.seen);
        seen.object.as_ref().filter(|(of, _)| of == path).map(|(_, object)| object.clone())
    }

    /// A change is about to be sent: what was read is what was there before it.
    pub(super) fn changes_now(&self, request: &Request) {
        self.fresh.sent(request);
        self.places.sent(request);
        let mut seen = lock(&self.seen);
        (seen.inventory, seen.object, seen.elsewhere) = (None, None, false);
    }

    /// Where the call stands now.
    pub(super) fn mark(&self) -> Mark {
        let mut seen = lock(&self.seen);
        (seen.doubt, seen.elsewhere) = (false, false);
        Mark(self.requests().len())
    }

    /// Whether something went wrong since that may come from a guest being elsewhere.
    pub(super) fn is_in_doubt(&self) -> bool {
        lock(&self.seen).doubt
    }

    /// Whether nothing was done since: nothing was sent but requests that read, or one change that was refused because
    /// its guest is not there.
    pub(super) fn did_nothing_since(&self, mark: Mark) -> bool {
        match self.requests().len().saturating_sub(mark.0) {
            0 => true,
            1 => lock(&self.seen).elsewhere,
            _ => false,
        }
    }

    /// Takes the change that was refused since out of those that were sent.
    pub(super) fn strike(&self, mark: Mark) {
        lock(&self.record).requests.truncate(mark.0);
    }

    /// Notes what a failure says about where a guest is.
    pub(super) fn note_failure(&self, path: &str, error: &Error) {
        if of_guest(path).is_some() && error.api_status().is_some() {
            lock(&self.seen).doubt = true;
        }
    }

    /// The same of a change.
    pub(super) fn note_refusal(&self, request: &Request, error: &Error) {
        self.note_failure(&request.path, error);
        let refused = request.method != Method::Get && !error.may_have_been_carried_out();
        let there_is_none = match error.api_status() {
            Some(595) => true,
            Some(500) => error.message().is_some_and(|words| is_elsewhere(&request.path, words)),
            _ => false,
        };
        if refused && there_is_none {
            lock(&self.seen).elsewhere = true;
        }
    }

    /// Notes that the task of the last change found no guest, and ended without having done anything.
    pub(super) fn note_failed_task(&self, node: &str, vmid: &str, exitstatus: &str) {
        let found = ["qemu", "lxc"]
            .iter()
            .any(|kind| is_elsewhere(&format!("/nodes/{node}/{kind}/{vmid}"), exitstatus));
        if found {
            let mut seen = lock(&self.seen);
            (seen.doubt, seen.elsewhere) = (true, true);
        }
    }
}

/// Node, kind and VMID of a path that belongs to a guest.
fn of_guest(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix("/nodes/")?.split('/');
    let (node, kind, vmid) = (parts.next()?, parts.next()?, parts.next()?);
    matches!(kind, "qemu" | "lxc").then_some((node, kind, vmid))
}

/// Whether Proxmox says so where there is no such guest on that node, or no such node (pve.md section 3). It says so before
/// it does anything.
fn is_elsewhere(path: &str, words: &str) -> bool {
    let Some((node, kind, vmid)) = of_guest(path) else { return false };
    let (folder, label) = if kind == "qemu" { ("qemu-server", "VM") } else { ("lxc", "CT") };
    let words = words.trim_end();
    words == format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist")
        // What looks only for the process says this of a guest that runs on another node, too.
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
