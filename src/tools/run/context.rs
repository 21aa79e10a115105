//! The context of a running tool: the call, the cluster, the configuration. Every request of a tool goes through it:
//! reads use [`Context::get`] (in `reads`), changes use [`Context::change`] (in `door`).

use crate::{
    config::Config,
    mcp::Call,
    pve::{
        self,
        api::{Row, effect::Role},
    },
    sync::lock,
    tools::{
        answer::{Failure, Outcome, object},
        param::{Effect, Kind},
        run::{
            ahead::PlannedState,
            asked::{Asked, Whole},
            changes::{Draft, Undo},
            fresh::RecentChanges,
            journal::Journal,
            kept::Kept,
            places::LastKnownNodes,
            request::Request,
            seen::Seen,
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};
use std::{fmt, sync::Mutex, time::Instant};

/// The context of a running tool.
#[derive(Debug)]
pub struct Context<'a> {
    /// The call: cancellation, progress, and whether it may wait.
    pub call: &'a Call<'a>,
    /// The client for the cluster's API.
    pub pve: &'a pve::Pve,
    /// The configuration.
    pub config: &'a Config,
    /// The cluster's name, if there are several.
    pub cluster: Option<&'a str>,
    /// The kind of guest, for a tool that shares its row with the tool for the other kind.
    pub kind: Option<Kind>,
    /// What the tool does to the cluster.
    pub effect: Effect,
    /// When the call started to run; `wait` counts from here.
    pub started: Instant,
    /// Whether this is a dry run: changes are only recorded, not sent.
    pub dry: bool,
    /// What was confirmed.
    pub grant: Grant,
    /// API methods that must not be called, because the tools that send them are denied.
    pub denied: &'a [Row],
    /// The changes that can be undone.
    pub undo: &'a Undo,
    /// The guests that were changed recently.
    pub fresh: &'a RecentChanges,
    /// The jobs that were started.
    pub jobs: &'a Kept,
    /// The nodes on which guests were last seen.
    pub places: &'a LastKnownNodes,
    /// Plans calls of other tools.
    pub planner: &'a dyn Planner,
    /// In a plan of several calls: what the earlier ones will have created.
    pub ahead: Option<&'a PlannedState>,
    /// This call's entries in the audit log, if there is one.
    pub journal: Option<&'a Journal<'a>>,
    /// The changes of this call, and what was decided about them.
    pub record: Mutex<Record>,
    /// What this call has read.
    pub seen: Mutex<Seen>,
}

/// Plans calls of other tools, for a job that consists of such calls.
pub trait Planner: fmt::Debug + Sync {
    /// Returns what a call would do, in a cluster that has changed as `ahead` says. Sends nothing that changes
    /// anything.
    ///
    /// # Errors
    /// Fails if there is no such tool, if it is forbidden, if its arguments are wrong, or if what it must read does not
    /// exist.
    fn plan(
        &self,
        context: &Context<'_>,
        tool: &str,
        arguments: Map<String, Value>,
        ahead: &PlannedState,
    ) -> Result<Planned, Failure>;
}

/// A planned call.
#[derive(Debug)]
pub struct Planned {
    /// The tool's own name.
    pub name: &'static str,
    /// Its answer, if it only reads.
    pub answer: Option<Value>,
    /// The requests that it would send.
    pub requests: Vec<Request>,
}

/// Which of the requests that must be confirmed may be sent.
#[derive(Clone, Debug)]
pub enum Grant {
    /// None: each must be confirmed.
    None,
    /// Exactly this request, which was confirmed.
    One(Request),
    /// Exactly the requests of this job, which was confirmed as a whole.
    Whole(Whole),
}

impl Grant {
    /// Grants exactly what was asked for.
    #[must_use]
    pub fn of(asked: Asked) -> Grant {
        match asked {
            Asked::One(request, _) => Grant::One(request),
            Asked::Whole(whole) => Grant::Whole(whole),
        }
    }
}

/// The changes of one call.
#[derive(Debug, Default)]
pub struct Record {
    pub(super) requests: Vec<Request>,
    /// In a dry run: the decision about each request.
    pub(super) verdicts: Vec<Verdict>,
    pub(super) pending: Option<Asked>,
    /// The requests of the running job, which was confirmed as a whole.
    pub(super) granted: Vec<Request>,
    pub(super) drafts: Vec<Draft>,
    pub(super) picture: Option<Vec<u8>>,
}

impl Context<'_> {
    /// Attaches a picture (PNG) to the answer.
    pub fn attach(&self, png: Vec<u8>) {
        lock(&self.record).picture = Some(png);
    }

    /// Takes the attached picture, if there is one.
    #[must_use]
    pub fn picture(&self) -> Option<Vec<u8>> {
        lock(&self.record).picture.take()
    }

    /// Returns what was held back because it must be confirmed first.
    #[must_use]
    pub fn pending(&self) -> Option<Asked> {
        lock(&self.record).pending.clone()
    }

    /// Returns the changes that can be undone, with the values before them.
    #[must_use]
    pub fn drafts(&self) -> Vec<Draft> {
        lock(&self.record).drafts.clone()
    }

    /// Returns the guests that this call has created so far.
    #[must_use]
    pub fn made(&self) -> Vec<u32> {
        let requests = self.requests();
        let effects = requests.iter().filter_map(|request| request.effect().ok());
        let made = effects.flat_map(|effect| effect.guests().collect::<Vec<_>>());
        made.filter(|(_, role)| *role == Role::New).map(|(vmid, _)| vmid).collect()
    }

    /// In a dry run, returns the decision about each of [`Context::requests`].
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        lock(&self.record).verdicts.clone()
    }

    /// Returns the changes that were sent (in a dry run: that would have been sent), in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.record).requests.clone()
    }

    /// Answers with an object, kept under `max_answer_bytes`.
    ///
    /// # Errors
    /// Fails like [`object::fit`].
    pub fn fit(&self, object: Map<String, Value>) -> Outcome {
        object::fit(self.config.max_answer_bytes, object)
    }

    /// Answers with any answer of Proxmox as an object, kept under `max_answer_bytes`.
    ///
    /// # Errors
    /// Fails like [`object::wrap`].
    pub fn wrap(&self, value: Value) -> Outcome {
        object::wrap(self.config.max_answer_bytes, value)
    }
}
