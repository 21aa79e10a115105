//! How a tool reads from the cluster. Parts of a call share what one of them has read.

use crate::{
    pve::{Error, Method, Params, Reply, api::effect},
    sync::{at_once, lock},
    tools::{
        answer::{Failure, canonical},
        run::{context::Context, encoded, guest, policy, request::Request},
    },
};
use serde_json::{Map, Value};

impl Context<'_> {
    /// Reads a path of the API. The keys of an object are sorted, so that equal answers look the same; the rows of a
    /// list keep their order, and are sorted where they are shown.
    ///
    /// # Errors
    /// Fails if the request fails; a GET that does more than read also fails like [`Context::change`].
    pub fn get(&self, path: &str, params: &Params) -> Result<Reply, Failure> {
        let request = || Request { method: Method::Get, path: path.to_owned(), params: params.clone() };
        if !self.denied.is_empty()
            && let Some(why) = policy::denied(self.denied, &request())
        {
            return Err(Failure(format!("{why} Nothing was done.")));
        }
        if !effect::only_reads(path) {
            let (method, request) = (Method::Get, request());
            if !self.permit(&request)? {
                return Ok(Reply::pretended(method, path));
            }
        }
        Ok(self.read(path, params)?)
    }

    pub(super) fn read(&self, path: &str, params: &Params) -> Result<Reply, Error> {
        if let Some(shared) = self.shared(path, params) {
            return Ok(shared);
        }
        if let Some(told) = self.ahead.and_then(|ahead| ahead.answer(path, params)) {
            return Ok(told);
        }
        let reply = self.pve.get(&self.call.cancel, path, params);
        let mut reply = reply.inspect_err(|error| self.note_failure(path, error))?;
        if let Some(ahead) = self.ahead {
            reply = ahead.added(path, reply);
        }
        if reply.data.contains('%') && encoded::may_be_in(path) {
            let mut value = reply.value();
            encoded::decode(path, &mut value);
            reply.data = value.to_string();
        }
        if reply.data.starts_with('{') {
            reply.data = canonical::ordered(reply.value()).to_string();
        }
        Ok(reply)
    }

    /// Reads any number of paths at the same time; the answers are in the order of the paths. The client sends at most
    /// `workers` requests at once.
    pub fn get_each<P: AsRef<str> + Sync>(&self, paths: &[P], params: &Params) -> Vec<Result<Reply, Error>> {
        at_once(paths, |path| self.read(path.as_ref(), params))
    }

    /// Reads several paths at the same time; the answers are in the order of the paths.
    pub fn get_all<const N: usize>(&self, paths: [&str; N]) -> [Result<Reply, Error>; N] {
        let replies = self.get_each(&paths, &Params::new());
        replies.try_into().unwrap_or_else(|_| unreachable!("each path has its answer"))
    }

    /// Announces to the client that this many requests are about to be sent at once.
    pub fn warm(&self, requests: usize) {
        self.pve.warm(&self.call.cancel, requests);
    }

    /// Keeps an inventory that was just read for the next reader, until the call changes something.
    pub(super) fn share(&self, inventory: Reply) {
        if self.requests().is_empty() {
            lock(&self.seen).inventory = Some(inventory);
        }
    }

    /// Returns the kept inventory if it is what is to be read. It is returned only once.
    pub(super) fn shared(&self, path: &str, params: &Params) -> Option<Reply> {
        let guests = path == guest::PATH && *params == guest::guests_only();
        guests.then(|| lock(&self.seen).inventory.take()).flatten()
    }

    /// Returns whether the rules need the inventory to judge a change and it has not been read yet.
    fn lacks_inventory(&self) -> bool {
        let rules = self.config.only.needs_inventory() || self.config.protected.needs_inventory();
        rules && !self.dry && lock(&self.seen).inventory.is_none()
    }

    /// Reads the inventory if the rules need it to judge the requests of a job.
    ///
    /// # Errors
    /// Fails if the request fails.
    pub(super) fn inventory_for_rules(&self) -> Result<Option<Reply>, Failure> {
        let rules = [&self.config.only, &self.config.protected];
        let needed = rules.iter().any(|rules| rules.needs_inventory() || !rules.nodes.is_empty());
        needed.then(|| Ok(self.read(guest::PATH, &guest::guests_only())?)).transpose()
    }

    /// Reads the object that is about to be changed. If the rules need the inventory to judge the change, it is read at
    /// the same time.
    ///
    /// # Errors
    /// Fails if the request fails.
    pub fn before_change(&self, path: &str) -> Result<Reply, Failure> {
        if !self.lacks_inventory() {
            return self.get(path, &Params::new());
        }
        let both = [(path, Params::new()), (guest::PATH, guest::guests_only())];
        let mut replies = at_once(&both, |(path, params)| self.read(path, params));
        // If this failed, the inventory is read again where it is needed, and the error is reported there.
        if let Some(Ok(inventory)) = replies.pop() {
            self.share(inventory);
        }
        Ok(replies.remove(0)?)
    }

    /// Keeps the current answer of a path, so that it need not be read again.
    pub fn note(&self, path: &str, object: &Map<String, Value>) {
        lock(&self.seen).object = Some((path.to_owned(), object.clone()));
    }

    /// Returns the current answer of a path, if it was kept.
    pub(super) fn noted(&self, path: &str) -> Option<Map<String, Value>> {
        let seen = lock(&self.seen);
        seen.object.as_ref().filter(|(of, _)| of == path).map(|(_, object)| object.clone())
    }
}
