//! The one door through which everything goes that may do more than to read: past the rules of the configuration, into
//! the record instead of to Proxmox where the call is a dry run, and not before what must be agreed to was.

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
        self.send(method, path, params, By::Call)
    }

    /// Sends a step of a job. Its answer is read also where nobody waits for the call any more, so that the job knows how it
    /// stands.
    ///
    /// # Errors
    /// As [`Context::change`].
    pub fn change_as_step(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        self.send(method, path, params, By::Step)
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
        // Also where the answer is lost: it may have been carried out.
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

    /// Whether a request may be carried out now; `false` in a dry run, which has only written it down. Whoever
    /// does something by another way than the API asks here first, with a request that says what it is.
    ///
    /// # Errors
    /// As [`Context::change`].
    pub fn permit(&self, request: &Request) -> Result<bool, Failure> {
        self.pass(request, None, false).map(|(goes, _)| goes)
    }

    /// As [`Context::permit`], for what is only about a thing that the running job has made.
    ///
    /// # Errors
    /// As [`Context::change`].
    pub fn permit_own(&self, request: &Request) -> Result<bool, Failure> {
        self.pass(request, None, true).map(|(goes, _)| goes)
    }

    /// As [`Context::permit`]; `known` is what the path answers, where it was read already, and comes back where it was
    /// read for the rules. What takes back the job's `own` doing was agreed to with the job.
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
    /// Asks for the one agreement to a whole job, before anything of it is sent: every request is held against the rules of
    /// the configuration, and if one of them must be agreed to, all are.
    ///
    /// # Errors
    /// The setting that forbids one of the requests; that the job must be confirmed first (see [`Context::pending`]).
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

    /// Gives leave to send requests of a job to which somebody agreed in this call or, while this process has run, in an
    /// earlier one.
    pub fn leave(&self, requests: Vec<Request>) {
        lock(&self.record).granted = requests;
    }

    /// Takes back that something must be confirmed: the job that came upon it ends there. Whether there was any.
    pub fn withdraw(&self) -> bool {
        lock(&self.record).pending.take().is_some()
    }
}

/// On whose behalf a change is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The call's.
    Call,
    /// A job's, forward.
    Step,
    /// A job's, to take back its own doing.
    Return,
}

/// How a job came to its agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing in it must be agreed to.
    Freely,
    /// A person agreed to exactly this.
    ByAPerson,
}
