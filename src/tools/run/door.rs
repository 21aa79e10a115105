//! The single entry point for every request that does more than read. It enforces the rules of the configuration, only
//! records the request in a dry run, and holds back whatever must be confirmed first.

use crate::{
    cancel::Cancel,
    pve,
    sync::lock,
    tools::{
        answer::Failure,
        run::{
            asked::{Asked, Whole},
            context::{Context, Grant},
            keep, policy, replaced,
            request::Request,
            undo,
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};

impl Context<'_> {
    /// Sends a request that changes something. Values that a PUT would lose are sent along (see [`replaced`]).
    ///
    /// # Errors
    /// Fails if a setting forbids it, if it must be confirmed first (see [`Context::pending`]), or if the request
    /// fails.
    pub fn change(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, By::Call)
    }

    /// Sends a step of a job. Its answer is read even if the call was cancelled, so that the state of the job is known.
    ///
    /// # Errors
    /// Fails like [`Context::change`].
    pub fn change_as_step(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, By::Step)
    }

    /// Sends a request that undoes what the running job itself has done. What the job created is deleted without
    /// asking, because its plan said so; the rules of the configuration still apply.
    ///
    /// # Errors
    /// Fails like [`Context::change`].
    pub fn change_as_undo(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, By::Return)
    }

    fn send(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
        by: By,
    ) -> Result<pve::Reply, Failure> {
        let request = Request { method, path: path.to_owned(), params: params.clone() };
        let (request, known) = replaced::complete(self, request)?;
        let known = known.or_else(|| self.noted(&request.path));
        let (goes, known) = self.pass(&request, known, by == By::Return)?;
        if !goes {
            return Ok(pve::Reply::pretended(method, path));
        }
        let place = keep::place(self, &request)?;
        let draft = undo::draft(self, &request, known);
        // Even if the answer gets lost: the change may have been carried out.
        self.changes_now(&request);
        let cancel = match by {
            By::Call => self.call.cancel.clone(),
            By::Step | By::Return => Cancel::new(),
        };
        let reply = self.pve.send(&cancel, method, path, &request.params);
        let mut reply = reply.inspect_err(|error| self.note_refusal(&request, error))?;
        if let Some(place) = place {
            place.take(&mut reply)?;
        }
        lock(&self.record).drafts.extend(draft);
        Ok(reply)
    }

    /// Returns whether a request may be carried out now; `false` in a dry run, which only records it. Code that acts by
    /// other means than the API must call this first, with a request that describes the action.
    ///
    /// # Errors
    /// Fails like [`Context::change`].
    pub fn permit(&self, request: &Request) -> Result<bool, Failure> {
        self.pass(request, None, false).map(|(goes, _)| goes)
    }

    /// Like [`Context::permit`], for a request that only concerns what the running job has created.
    ///
    /// # Errors
    /// Fails like [`Context::change`].
    pub fn permit_own(&self, request: &Request) -> Result<bool, Failure> {
        self.pass(request, None, true).map(|(goes, _)| goes)
    }

    /// Like [`Context::permit`]. `known` is the current answer of the path, if it was read already; it is returned if
    /// it was read for the rules. A request about the job's `own` doing was confirmed with the job.
    fn pass(
        &self,
        request: &Request,
        known: Option<Map<String, Value>>,
        own: bool,
    ) -> Result<(bool, Option<Map<String, Value>>), Failure> {
        let granted = match &self.grant {
            Grant::None | Grant::Whole(_) => false,
            Grant::One(granted) => granted == request,
        };
        let judged = policy::judge(self, request, known)?;
        let mut record = lock(&self.record);
        if self.dry {
            record.requests.push(request.clone());
            record.verdicts.push(judged.verdict.clone());
            return match judged.verdict {
                Verdict::Refuse(why) => Err(Failure(why)),
                Verdict::Run | Verdict::Ask(_) => Ok((false, judged.before)),
            };
        }
        match judged.verdict {
            Verdict::Refuse(why) => {
                drop(record);
                if let Some(journal) = self.journal {
                    journal.refused(Some(request), &why);
                }
                return Err(Failure(format!("{why} Nothing was done.")));
            }
            Verdict::Ask(reasons) if !own && !granted && !record.granted.contains(request) => {
                record.pending = Some(Asked::One(request.clone(), reasons));
                return Err(Failure::new("This must be confirmed first."));
            }
            Verdict::Run | Verdict::Ask(_) => {}
        }
        if let Some(journal) = self.journal {
            journal.before(request).map_err(Failure::new)?;
        }
        record.requests.push(request.clone());
        Ok((true, judged.before))
    }
    /// Asks for confirmation of a whole job, before any of it is sent: every request is checked against the rules of
    /// the configuration, and if one of them must be confirmed, the job is confirmed as a whole.
    ///
    /// # Errors
    /// Fails if a setting forbids one of the requests, or if the job must be confirmed first (see
    /// [`Context::pending`]).
    pub fn agree(&self, whole: Whole) -> Result<Agreed, Failure> {
        let reasons = match policy::judge_all(self, &whole.requests, &whole.own)? {
            Verdict::Run => return Ok(Agreed::Freely),
            Verdict::Ask(reasons) => reasons,
            Verdict::Refuse(why) => {
                if let Some(journal) = self.journal.filter(|_| !self.dry) {
                    journal.refused(None, &why);
                }
                return Err(Failure(format!("{why} Nothing was done.")));
            }
        };
        match &self.grant {
            Grant::Whole(granted)
                if granted.requests == whole.requests && granted.identity == whole.identity =>
            {
                self.leave(whole.requests);
                Ok(Agreed::ByAPerson)
            }
            _ => {
                lock(&self.record).pending = Some(Asked::Whole(Whole { reasons, ..whole }));
                Err(Failure::new("This must be confirmed first."))
            }
        }
    }

    /// Allows the requests of a job that was confirmed in this call, or in an earlier call to this process.
    pub fn leave(&self, requests: Vec<Request>) {
        lock(&self.record).granted = requests;
    }

    /// Withdraws a pending confirmation, because the job that needed it ends there. Returns whether there was one.
    pub fn withdraw(&self) -> bool {
        lock(&self.record).pending.take().is_some()
    }
}

/// On whose behalf a change is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The call.
    Call,
    /// A step of a job.
    Step,
    /// A job that undoes its own steps.
    Return,
}

/// How a job was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing in it needs confirmation.
    Freely,
    /// Exactly this job was confirmed.
    ByAPerson,
}
