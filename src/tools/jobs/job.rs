//! A job: its steps, what it is for, and how it is kept from step to step.

use crate::tools::{
    answer::Failure,
    jobs::step::{Act, Stand, Step},
    run::{Context, kept::Hold, request::Request},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The tool that made it.
    pub tool: String,
    /// What it does, as one sentence.
    pub sentence: String,
    /// What a person types to agree to it.
    pub word: String,
    /// A text that changes when one of its targets does.
    pub identity: String,
    /// What else is to be known before it begins, as sentences.
    pub notes: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Whether a failed step makes it take back what was done.
    pub takes_back: bool,
    /// Whether it is being taken back.
    pub returning: bool,
    /// What made it stop: the step, and why.
    pub failed: Option<(usize, String)>,
    /// What is told once it is done, beside what the steps tell.
    pub ending: String,
    /// Whether a person agreed to it while this process has run; never written down.
    pub agreed: bool,
    /// Whether a value was left out of what was written down, so that it cannot be gone on with from there.
    pub cut: bool,
}

impl Job {
    /// A job without steps yet.
    #[must_use]
    pub fn new(tool: &str, word: impl Into<String>) -> Job {
        Job {
            tool: tool.to_owned(),
            sentence: String::new(),
            word: word.into(),
            identity: String::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            takes_back: true,
            returning: false,
            failed: None,
            ending: String::new(),
            agreed: false,
            cut: false,
        }
    }

    /// The wave that comes after all there are.
    #[must_use]
    pub fn next_wave(&self) -> usize {
        self.steps.iter().map(|step| step.wave + 1).max().unwrap_or(0)
    }

    /// The requests of the steps that are not begun.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let waiting = self.steps.iter().filter(|step| step.stand == Stand::Waiting);
        waiting.filter_map(Step::order).map(|order| order.request()).collect()
    }

    /// Whether a step is done after which nothing is taken back.
    #[must_use]
    pub fn is_firm(&self) -> bool {
        self.steps.iter().any(|step| step.firm && matches!(step.stand, Stand::Done(_) | Stand::Unknown(_)))
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.stand, Stand::Done(_))).count()
    }

    /// Whether there is nothing more to do, forward or back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let forward = !self.returning && self.failed.is_none();
        let open = |step: &Step| match step.stand {
            Stand::Running(_) | Stand::Returning(_) => true,
            Stand::Waiting | Stand::Failed(_) | Stand::Unknown(_) => forward,
            Stand::Done(_) => self.returning && step.back.is_some(),
            Stand::Broken(_) => forward || (self.returning && step.back.is_some()),
            Stand::Returned | Stand::Left(_) => false,
        };
        !self.steps.iter().any(open)
    }

    /// How it stands in one word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.is_over(), self.returning, self.failed.is_some()) {
            (false, true, _) => "being taken back",
            (true, true, _) => "taken back",
            (_, false, true) => "failed",
            (true, false, false) => "done",
            (false, false, false) => "not finished",
        }
    }

    /// Keeps how it stands. Returns whether it outlives the process.
    pub fn save(&self, context: &Context<'_>, hold: &Hold<'_>) -> bool {
        let mut lasting = Job { agreed: false, ..self.clone() };
        for step in &mut lasting.steps {
            if let Act::Send(order, _) = &mut step.act
                && order.has_secret()
            {
                order.params.clear();
                lasting.cut |= step.stand == Stand::Waiting;
            }
        }
        let value = |job: &Job| serde_json::to_value(job).unwrap_or(Value::Null);
        context.jobs.save(hold.id(), value(self), &value(&lasting)) && !lasting.cut
    }

    /// The job that is kept under that id.
    ///
    /// # Errors
    /// There is none.
    pub fn load(context: &Context<'_>, id: &str) -> Result<Job, Failure> {
        let kept = context.jobs.find(id).and_then(|value| serde_json::from_value(value).ok());
        kept.ok_or_else(|| {
            Failure::new(format!(
                "There is no job `{}`; call proxmox_get_job without `id` for those there are.",
                id.escape_debug()
            ))
        })
    }

    /// The job as a row: what it is, how it stands, how far it is.
    #[must_use]
    pub fn row(&self, id: &str) -> Value {
        json!([id, self.sentence, self.state(), format!("{} of {}", self.done(), self.steps.len())])
    }
}
