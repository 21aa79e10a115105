//! The thread that polls the subscribed resources and sends notifications about changes.

use super::{ReplyTo, Server};
use crate::{
    log,
    mcp::{
        rpc::{self, Fault},
        subscribe::Subscribe,
    },
};
use std::{io::Write, thread};

impl<W: Write + Send> Server<'_, '_, W> {
    /// Accepts a request about subscriptions.
    pub(super) fn subscribe(self, request: Subscribe, reply_to: &ReplyTo) {
        (self.on_call)();
        let id = request.id.clone();
        if self.is_taken(&id, reply_to) {
            return;
        }
        if request.stays_open() && matches!(reply_to, ReplyTo::Batch(_)) {
            // The other responses of the batch would be held back until the subscription ends.
            let message = "Invalid request: `subscriptions/listen` must not be part of a batch.";
            return self.refuse(reply_to, Fault::new(None, rpc::INVALID_REQUEST, message), &id);
        }
        match self.subscriptions.take(request, reply_to.clone()) {
            Err((reply_to, fault)) => self.refuse(&reply_to, fault, &id),
            Ok(false) => {}
            Ok(true) => self.spawn_watcher(),
        }
    }

    fn spawn_watcher(self) {
        let work = move || {
            while let Some(messages) = self.subscriptions.next(self.toolbox) {
                for (reply_to, line) in messages {
                    self.deliver(reply_to.as_ref().unwrap_or(&ReplyTo::Client), Some(line));
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("watcher".into()).spawn_scoped(self.scope, work) {
            log::error(format_args!("A thread for subscriptions could not be started: {error}."));
            for (id, reply_to) in self.subscriptions.not_started() {
                let message = "Internal error: no thread could be started; see the server's log.";
                self.refuse(&reply_to, Fault::new(None, rpc::INTERNAL_ERROR, message), &id);
            }
        }
    }
}
