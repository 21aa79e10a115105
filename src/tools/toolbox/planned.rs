//! Plans a call of any tool without carrying it out, for a job that consists of such calls.

use super::{Tools, execute};
use crate::{
    suggest::did_you_mean,
    tools::{
        answer::Failure,
        catalog::{aliases, own},
        param::Effect,
        run::{
            ahead::PlannedState,
            args::Args,
            context::{Context, Grant, Planned, Planner},
            verdict::Verdict,
        },
    },
};
use serde_json::{Map, Value};
use std::sync::Mutex;

impl Planner for Tools {
    fn plan(
        &self,
        context: &Context<'_>,
        tool: &str,
        arguments: Map<String, Value>,
        ahead: &PlannedState,
    ) -> Result<Planned, Failure> {
        let Some(entry) = self.find(tool, &arguments) else {
            let names: Vec<&str> = self.entries().map(|entry| entry.name).collect();
            let hint = did_you_mean(tool, names);
            return Err(Failure::new(format!("there is no tool `{}`.{hint}", tool.escape_debug())));
        };
        if matches!(entry.toolset, "jobs" | "undo") {
            return Err(Failure::new(format!(
                "`{}` cannot be part of a plan; call it separately.",
                entry.name
            )));
        }
        let cluster = self.clusters.iter().find(|cluster| std::ptr::eq(&cluster.pve, context.pve));
        let cluster = cluster.ok_or_else(|| Failure::new("the cluster of the plan is not known."))?;
        if let Some(sentence) = entry.forbidden_in(cluster) {
            return Err(Failure(sentence));
        }
        let arguments = aliases::arguments(tool, &entry, arguments);
        let args = match entry.tool.run {
            crate::tools::row::Run::Own(own) => own.check(arguments),
            _ => {
                let given = arguments.clone();
                Args::check(entry.params(), &|name| entry.takes(name, &given), arguments)
            }
        }
        .map_err(Failure)?;
        let reads = entry.tool.effect == Effect::Read;
        let names_its_path = matches!(entry.toolset, "api" | own::TOOLSET);
        let inner = Context {
            call: context.call,
            pve: context.pve,
            config: context.config,
            cluster: context.cluster,
            kind: entry.kind,
            effect: entry.tool.effect,
            started: context.started,
            dry: true,
            grant: Grant::None,
            denied: if names_its_path { self.denied_in(cluster) } else { &[] },
            undo: context.undo,
            fresh: context.fresh,
            jobs: context.jobs,
            places: context.places,
            planner: self,
            ahead: Some(ahead),
            journal: None,
            record: Mutex::default(),
            seen: Mutex::default(),
        };
        let outcome = execute::run(&inner, &entry, &args);
        let requests = inner.requests();
        let answer = match outcome {
            Ok(data) if reads && requests.is_empty() => serde_json::from_str(data.get()).ok(),
            Ok(_) => None,
            // What the rules forbid is reported for the plan as a whole.
            Err(_) if inner.verdicts().iter().any(|verdict| matches!(verdict, Verdict::Refuse(_))) => None,
            Err(failure) => return Err(failure),
        };
        Ok(Planned { name: entry.name, answer, requests })
    }
}
