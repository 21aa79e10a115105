//! Whether a guest is where it was remembered: what the answers to a call tell of that, and whether the call may be tried
//! again elsewhere because nothing was done yet.

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
