//! Whether a guest is still on the node that is remembered for it: what the answers to a call say about that, and
//! whether the call may be repeated on another node because nothing was done yet.

use crate::{
    pve::{Error, Method},
    sync::lock,
    tools::run::{
        context::Context,
        request::Request,
        seen::{Mark, is_elsewhere, of_guest},
    },
};

impl Context<'_> {
    /// Notes that a change is about to be sent, and drops what was read before it.
    pub(super) fn changes_now(&self, request: &Request) {
        self.fresh.sent(request);
        self.places.sent(request);
        let mut seen = lock(&self.seen);
        (seen.inventory, seen.object, seen.elsewhere) = (None, None, false);
    }

    /// Marks the current point of the call.
    pub(super) fn mark(&self) -> Mark {
        let mut seen = lock(&self.seen);
        (seen.doubt, seen.elsewhere) = (false, false);
        Mark(self.requests().len())
    }

    /// Returns whether a request has failed since the mark, possibly because the guest is on another node.
    pub(super) fn may_have_moved(&self) -> bool {
        lock(&self.seen).doubt
    }

    /// Returns whether nothing was done since the mark: only reads were sent, or one change that was refused because
    /// its guest is not on that node.
    pub(super) fn changed_nothing_since(&self, mark: Mark) -> bool {
        match self.requests().len().saturating_sub(mark.0) {
            0 => true,
            1 => lock(&self.seen).elsewhere,
            _ => false,
        }
    }

    /// Removes the change that was refused since the mark from the record.
    pub(super) fn drop_refused_change(&self, mark: Mark) {
        lock(&self.record).requests.truncate(mark.0);
    }

    /// Notes that a failed request may mean that the guest is on another node.
    pub(super) fn note_failure(&self, path: &str, error: &Error) {
        if of_guest(path).is_some() && error.api_status().is_some() {
            lock(&self.seen).doubt = true;
        }
    }

    /// Like [`Context::note_failure`], for a change: also notes whether it was refused because the guest is not there.
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

    /// Notes it if the task of the last change failed because it found no guest, and so did nothing.
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
