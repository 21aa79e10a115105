//! The one door through which every change goes: past the rules of the configuration, into the record instead of to
//! Proxmox where the call is a dry run, and not before what loses data was confirmed.

use crate::{
    pve,
    sync::lock,
    tools::{
        answer::Failure,
        param::Effect,
        run::{
            asked::Asked,
            context::{Context, Grant},
            policy, replaced,
            request::Request,
            undo,
        },
    },
};

impl Context<'_> {
    /// Sends what changes something. What a PUT would lose because it is not given is sent along (see [`replaced`]).
    ///
    /// # Errors
    /// The setting that forbids it; that it must be confirmed first (see [`Context::pending`]); what the client says.
    pub fn change(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, true)
    }

    /// Sends what takes back what the running job itself has done: what it made is deleted without a question, for the
    /// job's plan told of it. The rules of the configuration hold all the same.
    ///
    /// # Errors
    /// As [`Context::change`].
    pub fn take_back(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, false)
    }

    fn send(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
        asks: bool,
    ) -> Result<pve::Reply, Failure> {
        let request = Request { method, path: path.to_owned(), params: params.clone() };
        let (request, known) = replaced::complete(self, request)?;
        // A tool for any path has no say in what its DELETE may mean: all of them are asked for.
        let any_deletion = method == pve::Method::Delete && self.effect == Effect::Destroy;
        let loses = any_deletion || request.destroys();
        if !self.permit(&request, asks && loses)? {
            return Ok(pve::Reply::pretended(method, path));
        }
        let draft = undo::draft(self, &request, known);
        // Also where the answer is lost: it may have been carried out.
        self.fresh.sent(&request);
        let reply = self.pve.send(&self.call.cancel, method, path, &request.params)?;
        lock(&self.record).drafts.extend(draft);
        Ok(reply)
    }

    /// Whether a change may be carried out now; `false` in a dry run, which has only written it down. Whoever
    /// changes something by another way than the API asks here first, with a request that says what it is.
    ///
    /// # Errors
    /// As [`Context::change`].
    pub fn permit(&self, request: &Request, loses: bool) -> Result<bool, Failure> {
        policy::check(self, request)?;
        let mut record = lock(&self.record);
        if self.dry {
            record.requests.push(request.clone());
            return Ok(false);
        }
        let granted = match &self.grant {
            Grant::All => true,
            Grant::One(granted) => granted == request,
            Grant::Whole(granted) => granted.requests.contains(request),
            Grant::None => false,
        };
        if loses && !granted {
            record.pending = Some(Asked::One(request.clone()));
            return Err(Failure::new("This must be confirmed first."));
        }
        if let Some(journal) = self.journal {
            journal.before(request).map_err(Failure::new)?;
        }
        record.requests.push(request.clone());
        Ok(true)
    }
}
