//! What a running tool works with: the call, the cluster, the configuration. Every request of a tool goes
//! through it: reads by [`Context::get`] (in `reads`), changes by [`Context::change`] (in `door`).

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
            ahead::Ahead,
            asked::{Asked, Whole},
            changes::{Draft, Undo},
            fresh::Fresh,
            journal::Journal,
            kept::Kept,
            places::Places,
            request::Request,
            seen::Seen,
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};
use std::{fmt, sync::Mutex, time::Instant};

/// What a running tool works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The call: whether it is still wanted, progress, leave to wait.
    pub call: &'a Call<'a>,
    /// The cluster.
    pub pve: &'a pve::Pve,
    /// The configuration.
    pub config: &'a Config,
    /// The cluster's name, where there are several.
    pub cluster: Option<&'a str>,
    /// The kind of guest, for one half of a row that is two tools.
    pub kind: Option<Kind>,
    /// What the tool does to the cluster.
    pub effect: Effect,
    /// When the call began to run; `wait` counts from here.
    pub started: Instant,
    /// Whether changes are only written down.
    pub dry: bool,
    /// What was agreed to.
    pub grant: Grant,
    /// Methods that are not called, because the tools that send them are denied.
    pub denied: &'a [Row],
    /// The changes that can be taken back.
    pub undo: &'a Undo,
    /// The guests that were changed a moment ago.
    pub fresh: &'a Fresh,
    /// The jobs that were begun.
    pub jobs: &'a Kept,
    /// Where guests were.
    pub places: &'a Places,
    /// What plans calls of other tools.
    pub planner: &'a dyn Planner,
    /// In a plan of several calls: what the earlier ones will have made.
    pub ahead: Option<&'a Ahead>,
    /// Where changes are written down.
    pub journal: Option<&'a Journal<'a>>,
    /// What became of the changes.
    pub record: Mutex<Record>,
    /// What was read on the way.
    pub seen: Mutex<Seen>,
}

/// Plans calls of other tools, for a job that is made of them.
pub trait Planner: fmt::Debug + Sync {
    /// What a call would do, in a cluster as it will be then. Nothing is sent that changes anything.
    ///
    /// # Errors
    /// There is no such tool, it is forbidden, its arguments are wrong, or what it must read is not there.
    fn plan(
        &self,
        context: &Context<'_>,
        tool: &str,
        arguments: Map<String, Value>,
        ahead: &Ahead,
    ) -> Result<Planned, Failure>;
}

/// A call that was planned.
#[derive(Debug)]
pub struct Planned {
    /// The tool's own name.
    pub name: &'static str,
    /// What it answers, where it only reads.
    pub answer: Option<Value>,
    /// What it would send.
    pub requests: Vec<Request>,
}

/// Which of the requests that must be agreed to may be sent.
#[derive(Clone, Debug)]
pub enum Grant {
    /// None: each is to be confirmed.
    None,
    /// Exactly this one, which was confirmed.
    One(Request),
    /// Exactly those of this job, which was confirmed as a whole.
    Whole(Whole),
}

impl Grant {
    /// The leave to send exactly what was asked for.
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
    /// In a dry run: what would become of each request.
    pub(super) verdicts: Vec<Verdict>,
    pub(super) pending: Option<Asked>,
    /// Those of the running job, which was confirmed as a whole.
    pub(super) granted: Vec<Request>,
    pub(super) drafts: Vec<Draft>,
    pub(super) picture: Option<Vec<u8>>,
}

impl Context<'_> {
    /// Lets a picture (PNG) go along with the answer.
    pub fn attach(&self, png: Vec<u8>) {
        lock(&self.record).picture = Some(png);
    }

    /// The picture that goes along, if there is one.
    #[must_use]
    pub fn picture(&self) -> Option<Vec<u8>> {
        lock(&self.record).picture.take()
    }

    /// What was held back because it must be confirmed first.
    #[must_use]
    pub fn pending(&self) -> Option<Asked> {
        lock(&self.record).pending.clone()
    }

    /// What was there before the changes that can be taken back.
    #[must_use]
    pub fn drafts(&self) -> Vec<Draft> {
        lock(&self.record).drafts.clone()
    }

    /// The guests that this call has made so far.
    #[must_use]
    pub fn made(&self) -> Vec<u32> {
        let requests = self.requests();
        let effects = requests.iter().filter_map(|request| request.effect().ok());
        let made = effects.flat_map(|effect| effect.guests().collect::<Vec<_>>());
        made.filter(|(_, role)| *role == Role::New).map(|(vmid, _)| vmid).collect()
    }

    /// In a dry run, what would become of each of [`Context::requests`].
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        lock(&self.record).verdicts.clone()
    }

    /// The changes that were sent, or in a dry run would have been, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.record).requests.clone()
    }

    /// An answer that is one object, kept under `max_answer_bytes`.
    ///
    /// # Errors
    /// As [`object::fit`].
    pub fn fit(&self, object: Map<String, Value>) -> Outcome {
        object::fit(self.config.max_answer_bytes, object)
    }

    /// Any answer of Proxmox's as an object, kept under `max_answer_bytes`.
    ///
    /// # Errors
    /// As [`object::wrap`].
    pub fn wrap(&self, value: Value) -> Outcome {
        object::wrap(self.config.max_answer_bytes, value)
    }
}
