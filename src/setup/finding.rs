//! The result of one step of `check`: ok, a warning or a failure, with a description and a remedy.

use crate::visible;
use serde_json::{Value, json};
use std::fmt;

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// It does not work.
    Failure,
}

impl Verdict {
    /// The word that the output shows for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `config`, `secret`, `name`, `port`, `tls`, `login`, `clock`, `version`, `quorum`, `permissions`, or
    /// `permissions:` and a toolset. With several clusters, the cluster's name and a `/` come first.
    pub step: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, in complete sentences.
    pub detail: String,
    /// The setting or command that corrects it, if there is one.
    pub remedy: Option<String>,
}

/// Receives each finding as it is made.
pub type Tell<'a> = &'a mut dyn FnMut(Finding);

impl Finding {
    /// A step that passed.
    pub fn ok(step: &str, detail: impl Into<String>) -> Finding {
        Finding { step: step.into(), verdict: Verdict::Ok, detail: detail.into(), remedy: None }
    }

    /// A step that works, but should be improved.
    pub fn warning(step: &str, detail: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Warning, ..Finding::ok(step, detail) }
    }

    /// A step that failed.
    pub fn failure(step: &str, detail: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Failure, ..Finding::ok(step, detail) }
    }

    /// The finding for one of several clusters: the cluster's name is put before the step.
    #[must_use]
    pub fn in_cluster(self, name: &str) -> Finding {
        Finding { step: format!("{name}/{}", self.step), ..self }
    }

    /// The finding with a remedy.
    #[must_use]
    pub fn mend(self, remedy: impl Into<String>) -> Finding {
        Finding { remedy: Some(remedy.into()), ..self }
    }

    /// The finding as an object of `--json`: `step`, `result`, `detail`, and `remedy` if there is one.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut row =
            json!({"step": self.step, "result": self.verdict.word(), "detail": visible::text(&self.detail)});
        if let Some(remedy) = &self.remedy {
            row["remedy"] = visible::text(remedy).into();
        }
        row
    }
}

impl fmt::Display for Finding {
    /// One line, and below it another one with the remedy, if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:8}{:22} {}",
            self.verdict.word(),
            self.step,
            visible::text(&self.detail).replace('\n', "\n        ")
        )?;
        match &self.remedy {
            Some(remedy) => {
                write!(f, "\n{:8}{:22} → {}", "", "", visible::text(remedy).replace('\n', "\n        "))
            }
            None => Ok(()),
        }
    }
}
