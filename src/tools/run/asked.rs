//! What somebody must agree to before it is sent: one request, or all that a whole job is going to send.

use crate::{
    sync::lock,
    tools::{
        answer::Failure,
        run::{
            context::{Context, Grant},
            plan::{self, Plan},
            policy,
            request::Request,
        },
    },
};
use serde_json::{Map, Value, json};

/// What waits for an agreement.
#[derive(Clone, Debug)]
pub enum Asked {
    /// One request.
    One(Request),
    /// A job.
    Whole(Whole),
}

/// A whole job: the one agreement to it is for exactly these requests, to targets that look like this.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What is done, as one sentence.
    pub sentence: String,
    /// What is shown: the steps, and what they cost.
    pub shown: Map<String, Value>,
    /// What a person types to agree.
    pub word: String,
    /// A text that changes when one of the targets does.
    pub identity: String,
    /// Every request that is going to be sent, in order.
    pub requests: Vec<Request>,
}

impl Asked {
    /// The plan to be shown.
    ///
    /// # Errors
    /// As [`plan::of`].
    pub fn plan(&self, context: &Context<'_>) -> Result<Plan, Failure> {
        match self {
            Asked::One(request) => plan::of(context, request),
            Asked::Whole(whole) => Ok(Plan {
                title: self.title(),
                sentence: whole.sentence.clone(),
                lost: whole.shown.clone(),
                word: whole.word.clone(),
                identity: whole.identity.clone(),
            }),
        }
    }

    /// What it is, for a sentence.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Asked::One(request) => request.title(),
            Asked::Whole(whole) => format!("The job for `{}`", whole.word),
        }
    }

    /// What an agreement is bound to.
    #[must_use]
    pub fn bound(&self) -> Value {
        let one = |request: &Request| json!([request.title(), request.pairs()]);
        match self {
            Asked::One(request) => one(request),
            Asked::Whole(whole) => whole.requests.iter().map(one).collect(),
        }
    }

    /// The leave to send exactly this.
    #[must_use]
    pub fn granted(self) -> Grant {
        match self {
            Asked::One(request) => Grant::One(request),
            Asked::Whole(whole) => Grant::Whole(whole),
        }
    }
}

impl Context<'_> {
    /// Asks for the one agreement to a whole job, before anything of it is sent: the rules of the configuration hold for
    /// every request, and if one of them must be confirmed, all are.
    ///
    /// # Errors
    /// The setting that forbids one of the requests; that the job must be confirmed first.
    pub fn agree(&self, whole: Whole) -> Result<(), Failure> {
        for request in &whole.requests {
            policy::check(self, request)?;
        }
        let agreed = match &self.grant {
            Grant::All => true,
            Grant::Whole(granted) => granted.requests == whole.requests && granted.identity == whole.identity,
            _ => !whole.requests.iter().any(|request| self.asks(request)),
        };
        if agreed {
            return Ok(());
        }
        lock(&self.record).pending = Some(Asked::Whole(whole));
        Err(Failure::new("This must be confirmed first."))
    }

    /// Whether a request must be confirmed, unless the access level says otherwise.
    #[must_use]
    pub fn asks(&self, request: &Request) -> bool {
        request.destroys()
    }
}
