//! What a person who approves a request in a terminal is shown: its plan, read from the cluster at that moment.

use super::{Tools, execute};
use crate::{
    cancel::Cancel,
    mcp::Call,
    pve::{Method, Params},
    tools::{
        answer::Failure,
        run::{
            args::Args,
            clusters::{self, Cluster},
            confirm,
            context::{Context, Grant},
            journal::{Journal, Word},
            person,
            plan::{self, Plan},
            question,
            request::Request,
        },
    },
};
use serde_json::{Map, Value};
use std::{sync::Mutex, time::Instant};

/// A request as a person sees it.
#[derive(Debug)]
pub struct Shown {
    /// The whole plan, with a line for each fact.
    pub told: String,
    /// What must be typed to approve it.
    pub word: String,
    /// The state of the target, which is part of the answer.
    pub identity: String,
    /// Why the plan is the one from when approval was requested, as a sentence; `None` if it was read just now.
    pub stale: Option<String>,
}

impl Tools {
    /// Reads the plan of a waiting request, using its details.
    ///
    /// # Errors
    /// Fails if this configuration is for another cluster, if the cluster cannot be reached, or if the target no longer
    /// exists.
    pub fn shown(&self, details: &Value) -> Result<Shown, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kept = |stale: String| {
            let kept = &details["kept"];
            Shown {
                told: text(&kept["told"]),
                word: text(&kept["word"]),
                identity: text(&kept["identity"]),
                stale: Some(stale),
            }
        };
        if !details["sample"].is_null() {
            return Ok(kept("It is for a sample cluster, which only its own server can reach".into()));
        }
        let cluster = match details["cluster"].as_str() {
            Some(name) => clusters::named(&self.clusters, name)?,
            None => &self.clusters[0],
        };
        self.is_for(cluster, details)?;
        if details["kept"].is_object() {
            let plan = self.planned_again(cluster, details);
            return Ok(plan.map_or_else(kept, |plan| fresh(&plan)));
        }
        let request = request(&details["request"]).ok_or("The waiting request cannot be read.")?;
        let reasons: Vec<String> = details["reasons"].as_array().into_iter().flatten().map(text).collect();
        let call = Call::detached(Cancel::new());
        let context = self.context_for_reading(cluster, &call);
        let plan = plan::of(&context, &request, &reasons).map_err(|Failure(sentences)| sentences)?;
        let plan = confirm::in_cluster(&context, plan);
        Ok(fresh(&plan))
    }

    /// Plans a job again from the arguments of its call, as far as they were stored.
    ///
    /// # Errors
    /// Fails if the result is not the waiting job; the error is the beginning of a sentence.
    fn planned_again(&self, cluster: &Cluster, details: &Value) -> Result<Plan, String> {
        let (tool, arguments) = (details["tool"].as_str().unwrap_or_default(), &details["arguments"]);
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let entry = self.find(tool, &arguments).ok_or("Its tool is not known here")?;
        let args = Args::check(entry.params(), &|name| entry.takes(name, &arguments), arguments.clone())?;
        let call = Call::detached(Cancel::new());
        let reading = self.context_for_reading(cluster, &call);
        let context = Context { dry: true, effect: entry.tool.effect, kind: entry.kind, ..reading };
        let outcome = execute::run(&context, &entry, &args);
        let asked = match (context.pending(), outcome) {
            (Some(asked), _) => asked,
            (None, Err(Failure(why))) => {
                return Err(format!("It cannot be planned again: {}", dotless(&why)));
            }
            (None, Ok(_)) => return Err("It no longer needs approval".into()),
        };
        if details["request"] != asked.requests_told() {
            return Err("Its plan has changed since, and this approval would not apply to the new one".into());
        }
        let plan = plan::of_asked(&context, &asked).map_err(|Failure(why)| dotless(&why).to_owned())?;
        Ok(confirm::in_cluster(&context, plan))
    }

    /// Writes a person's answer about a waiting request to the audit log, if there is one.
    ///
    /// # Errors
    /// Fails if it cannot be written; the answer must not count then.
    pub fn write_down(&self, said: &str, user: &str, word: &Word<'_>, details: &Value) -> Result<(), String> {
        let Some(audit) = &self.audit else { return Ok(()) };
        let requests: Option<Vec<Request>> = match &details["request"] {
            Value::Array(all) => all.iter().map(request).collect(),
            one => request(one).map(|request| vec![request]),
        };
        let requests = requests.ok_or("The waiting request cannot be read.")?;
        let none = Map::new();
        let arguments = details["arguments"].as_object().unwrap_or(&none);
        let tool = details["tool"].as_str().unwrap_or_default();
        Journal::new(audit, details["cluster"].as_str(), tool, arguments).said(&requests, said, user, word)
    }

    /// Checks that a request is for the cluster of this configuration.
    fn is_for(&self, cluster: &Cluster, details: &Value) -> Result<(), String> {
        let asked: Vec<&str> =
            details["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let own = person::hosts(&cluster.config);
        if asked == own {
            return Ok(());
        }
        Err(format!(
            "The request is for the cluster at {}, but this configuration is for {}. Use the configuration or the environment variables that the server was started with.",
            asked.join(", "),
            if own.is_empty() { "none".to_owned() } else { own.join(", ") }
        ))
    }

    fn context_for_reading<'a>(&'a self, cluster: &'a Cluster, call: &'a Call<'a>) -> Context<'a> {
        let several = 1 < self.clusters.len();
        Context {
            call,
            pve: &cluster.pve,
            config: &cluster.config,
            cluster: several.then_some(cluster.name.as_str()),
            kind: None,
            effect: crate::tools::Effect::Read,
            started: Instant::now(),
            dry: false,
            grant: Grant::None,
            denied: &[],
            undo: &cluster.undo,
            fresh: &cluster.fresh,
            jobs: &cluster.jobs,
            places: &cluster.places,
            planner: self,
            ahead: None,
            journal: None,
            record: Mutex::default(),
            seen: Mutex::default(),
        }
    }
}

/// Shows a plan that was read just now.
fn fresh(plan: &Plan) -> Shown {
    let (word, identity) = (plan.word.clone(), plan.identity.clone());
    Shown { told: question::told(plan), word, identity, stale: None }
}

fn dotless(sentence: &str) -> &str {
    sentence.trim_end().trim_end_matches('.')
}

/// Reads a request from its `{"method", "path", "params"}`, which do not include secrets.
fn request(value: &Value) -> Option<Request> {
    let mut params = Params::new();
    for (name, value) in value["params"].as_object()? {
        match value {
            Value::Array(values) => values.iter().for_each(|value| params.push_json(name, value)),
            value => params.push_json(name, value),
        }
    }
    let method = Method::from_word(value["method"].as_str()?)?;
    Some(Request { method, path: value["path"].as_str()?.to_owned(), params })
}
