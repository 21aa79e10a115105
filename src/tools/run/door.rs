//! The one door through which everything goes that may do more than to read: past the rules of the configuration, into
//! the record instead of to Proxmox where the call is a dry run, and not before what must be agreed to was.

use crate::{
    pve,
    sync::lock,
    tools::{
        answer::Failure,
        run::{
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
        let request = Request { method, path: path.to_owned(), params: params.clone() };
        let (request, known) = replaced::complete(self, request)?;
        let known = known.or_else(|| self.noted(&request.path));
        let (goes, known) = self.pass(&request, known)?;
        if !goes {
            return Ok(pve::Reply::pretended(method, path));
        }
        let place = keep::place(self, &request)?;
        let draft = undo::draft(self, &request, known);
        // Also where the answer is lost: it may have been carried out.
        self.changes_now(&request);
        let reply = self.pve.send(&self.call.cancel, method, path, &request.params);
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
        self.pass(request, None).map(|(goes, _)| goes)
    }

    /// As [`Context::permit`]; `known` is what the path answers, where it was read already, and comes back where it was
    /// read for the rules.
    fn pass(
        &self,
        request: &Request,
        known: Option<Map<String, Value>>,
    ) -> Result<(bool, Option<Map<String, Value>>), Failure> {
        let granted = match &self.grant {
            Grant::None => false,
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
            Verdict::Ask(reasons) if !granted => {
                record.pending = Some((request.clone(), reasons));
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
}
