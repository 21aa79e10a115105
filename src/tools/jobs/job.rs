//! A job: its steps, its purpose, and how it is stored from step to step.

use crate::tools::{
    answer::Failure,
    jobs::step::{Act, Back, Step, StepState},
    run::{Context, kept::JobLock, request::Request},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The tool that created it.
    pub tool: String,
    /// What it does, as one sentence.
    pub sentence: String,
    /// What a person types to confirm it.
    pub word: String,
    /// A text that changes when one of its targets does.
    pub identity: String,
    /// If the job has independent parts, so that one may fail while the others continue: the title of each.
    pub parts: Vec<String>,
    /// Which of those parts failed, with the step and the reason.
    pub failures: BTreeMap<usize, (usize, String)>,
    /// What else to know before it starts, as sentences.
    pub notes: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Whether a failed step makes it undo what was done.
    pub takes_back: bool,
    /// Whether it is being undone.
    pub returning: bool,
    /// The step that made it stop, and the reason.
    pub failed: Option<(usize, String)>,
    /// What is reported when it is done, besides what the steps report.
    pub ending: String,
    /// Whether a person confirmed it while this process was running; never stored.
    pub agreed: bool,
    /// Whether a secret value was left out of the stored job, so that it cannot be continued from there.
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
            parts: Vec::new(),
            failures: BTreeMap::new(),
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

    /// The number of the next wave, after all existing ones.
    #[must_use]
    pub fn next_wave(&self) -> usize {
        self.steps.iter().map(|step| step.wave + 1).max().unwrap_or(0)
    }

    /// The requests of the steps that have not started, and the rollbacks to a snapshot that may undo them, since these
    /// lose what has changed in the guest since then.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let waiting = || self.steps.iter().filter(|step| step.stand == StepState::Waiting);
        let forward = waiting().filter(|step| !step.own).filter_map(Step::request);
        let back = waiting().filter_map(|step| match &step.back {
            Some(Back::Rollback(place, name, runs)) => Some(place.rollback(name, *runs).ok()?.request()),
            _ => None,
        });
        forward.chain(back).collect()
    }

    /// The requests of the steps that clean up what the job creates.
    #[must_use]
    pub fn cleanup_requests(&self) -> Vec<Request> {
        let own = self.steps.iter().filter(|step| step.own && step.stand == StepState::Waiting);
        own.filter_map(Step::request).collect()
    }

    /// Whether a step only affects what this job has created.
    #[must_use]
    pub fn owns(&self, step: &Step) -> bool {
        let is_made = |vmid: &i64| {
            let made = |one: &Step| matches!((&one.back, &one.stand), (Some(Back::Remove(place)), StepState::Done(_)) if place.vmid == *vmid);
            self.steps.iter().any(made)
        };
        let guests = step.request().map(|request| request.guests()).unwrap_or_default();
        step.own || (!guests.is_empty() && guests.iter().all(is_made))
    }

    /// A part that failed and has not been undone yet.
    #[must_use]
    pub fn failed_part_to_undo(&self) -> Option<usize> {
        let open = |part: &usize| {
            let of_part = self.steps.iter().filter(|step| step.part == *part);
            of_part.into_iter().any(|step| step.back.is_some() && step.is_there())
        };
        self.failures.keys().copied().find(open)
    }

    /// Whether a step is done after which nothing is undone.
    #[must_use]
    pub fn is_past_undo(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.firm && matches!(step.stand, StepState::Done(_) | StepState::Unknown(_)))
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.stand, StepState::Done(_))).count()
    }

    /// How many parts have ended without a failure.
    #[must_use]
    pub fn parts_done(&self) -> usize {
        let is_done = |part: &usize| {
            let mut of_part = self.steps.iter().filter(|step| step.part == *part);
            of_part.all(|step| matches!(step.stand, StepState::Done(_)))
        };
        (0..self.parts.len()).filter(is_done).count()
    }

    /// Whether there is nothing more to do, forward or back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let open = |step: &Step| {
            let lost = self.failures.contains_key(&step.part);
            let forward = !self.returning && self.failed.is_none() && !lost;
            let back = (self.returning || lost) && step.back.is_some();
            match step.stand {
                StepState::Running(_) | StepState::Returning(_) => true,
                StepState::Waiting | StepState::Failed(_) | StepState::Unknown(_) => forward,
                StepState::Done(_) => back,
                StepState::Broken(_) => forward || back,
                StepState::Returned | StepState::Left(_) | StepState::Skipped => false,
            }
        };
        !self.steps.iter().any(open)
    }

    /// Its state, in a few words.
    #[must_use]
    pub fn state(&self) -> &'static str {
        if self.is_over() && self.failures.len() == self.parts.len() && !self.parts.is_empty() {
            return "failed";
        }
        match (self.is_over(), self.returning, self.failed.is_some()) {
            (false, true, _) => "being taken back",
            (true, true, _) => "taken back",
            (_, false, true) => "failed",
            (true, false, false) => "done",
            (false, false, false) => "not finished",
        }
    }

    /// Stores its state. Returns whether it can be continued after this process has ended.
    pub fn save(&self, context: &Context<'_>, hold: &JobLock<'_>) -> bool {
        let mut lasting = Job { agreed: false, ..self.clone() };
        for step in &mut lasting.steps {
            if let Act::Send(order, _) | Act::Exec(order, _) = &mut step.act
                && order.has_secret()
            {
                order.params.clear();
                lasting.cut |= step.stand == StepState::Waiting;
            }
        }
        let value = |job: &Job| serde_json::to_value(job).unwrap_or(Value::Null);
        context.jobs.save(hold.id(), value(self), &value(&lasting)) && !lasting.cut
    }

    /// Loads the job that is stored under that id.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn load(context: &Context<'_>, id: &str) -> Result<Job, Failure> {
        let kept = context.jobs.find(id).and_then(|value| serde_json::from_value(value).ok());
        kept.ok_or_else(|| {
            Failure::new(format!(
                "There is no job `{}`; call proxmox_get_job without `id` for those there are.",
                id.escape_debug()
            ))
        })
    }

    /// The job as a row: id, sentence, state, progress.
    #[must_use]
    pub fn row(&self, id: &str) -> Value {
        json!([id, self.sentence, self.state(), format!("{} of {}", self.done(), self.steps.len())])
    }
}
