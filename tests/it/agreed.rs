//! Destructive changes, from their plan through the confirmation to the execution, with each way to confirm, on a
//! cluster whose answers never come in the same order twice; and every undoable change, undone.

mod acts;
mod taken_back;

use crate::cluster::Sample;
use proxmox_mcp::{
    cancel::Cancel,
    demo,
    mcp::{Answer, Asking, Call, Question, Reaction, Retry, Toolbox},
    pve::{
        Method, Params, Trust,
        api::{self, Row},
    },
    tools::{
        Effect,
        catalog::{entry::Entry, index::entries, sends},
    },
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Mutex, thread};

/// The number of clusters, each with its own order of answers.
const SEEDS: u64 = 20;
/// The number of clusters that run at the same time.
const SIDE_BY_SIDE: usize = 4;

/// Deletions without confirmation: they lose nothing that was ever in effect, or end a task of one guest.
const NO_CONFIRMATION: [&str; 2] = ["DELETE /nodes/{node}/network", "DELETE /nodes/{node}/tasks/{upid}"];

/// The ways to confirm a change.
#[derive(Clone, Copy, Debug)]
enum Way {
    Token,
    Asked,
    AskedAgain,
}

const WAYS: [Way; 3] = [Way::Token, Way::Asked, Way::AskedAgain];

/// A cluster on which every task ends at once. There are hundreds of them, so slow features are left out: compressed
/// answers, and the system's certificates.
fn quick(seed: u64) -> Sample {
    let options = demo::Options { clock_speed: 1e4, gzip: false, seed, ..demo::Options::default() };
    Sample::with(options, |config| config.settings_mut().trust = Trust::Anything)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// What a person types after reading the question.
fn agreed(question: &Question) -> Reaction {
    let word = question.title.strip_prefix("Type ").unwrap_or_default();
    Reaction::Accept(object(json!({(question.field): word})))
}

/// Makes a call and confirms it in that way.
fn carry_out(sample: &Sample, way: Way, tool: &str, arguments: &Value) -> Result<Value, String> {
    let run = |asking: Asking<'_>, arguments: Value| {
        sample.tools.call(&Call::detached(Cancel::new()).with_asking(asking), tool, object(arguments))
    };
    let answer = match way {
        Way::Token => {
            let Answer::Data(plan) = run(Asking::No, arguments.clone()) else {
                return Err(format!("no plan: {:?}", sample.call(tool, arguments.clone())));
            };
            let plan: Value = serde_json::from_str(plan.get()).unwrap();
            if !plan["confirmation_needed"].is_object() {
                return Err(format!("it was not asked for: {plan}"));
            }
            let mut again = arguments.clone();
            again["confirm"] = plan["confirm"].clone();
            run(Asking::No, again)
        }
        Way::Asked => {
            let asked = Mutex::new(0);
            let answer = run(
                Asking::Now(&|question| {
                    *asked.lock().unwrap() += 1;
                    agreed(question)
                }),
                arguments.clone(),
            );
            match *asked.lock().unwrap() {
                1 => answer,
                times => return Err(format!("it was asked for {times} times")),
            }
        }
        Way::AskedAgain => match run(Asking::Again(None), arguments.clone()) {
            Answer::Ask { question, state } => {
                let given = Retry { state, reaction: Some(agreed(&question)) };
                run(Asking::Again(Some(&given)), arguments.clone())
            }
            _ => return Err("it was not asked for".into()),
        },
    };
    match answer {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            Ok(serde_json::from_str(data.get()).unwrap())
        }
        Answer::Failure(sentences) => Err(sentences),
        Answer::Ask { .. } => Err("it was asked for again".into()),
        Answer::Task(task) => Err(format!("it is a task, {}", task.id)),
    }
}

/// Runs a test with every seed, several at a time; returns the problems, each once with a seed.
fn over_seeds(run: impl Fn(u64) -> Vec<String> + Sync) -> Vec<String> {
    let seeds = Mutex::new(1..=SEEDS);
    let problems = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().next() else { return };
                    let found = run(seed);
                    problems.lock().unwrap().extend(found);
                }
            });
        }
    });
    problems.into_inner().unwrap().into_iter().collect()
}

#[test]
fn what_loses_data_is_planned_agreed_to_and_done_by_every_way() {
    let problems = over_seeds(|seed| {
        let mut problems = Vec::new();
        for act in acts::ACTS.iter().filter(|act| !NO_CONFIRMATION.contains(&act.name)) {
            let sample = quick(seed);
            let mut number = 900;
            for way in WAYS {
                number += 1;
                for (tool, arguments) in act.before(number) {
                    sample.done(tool, arguments);
                    sample.server.skip(600.0);
                }
                let seen = sample.server.requests().len();
                let done = carry_out(&sample, way, act.tool(), &act.arguments(number));
                sample.server.skip(600.0);
                let sent = sample.server.requests().split_off(seen);
                let sent = sent.iter().filter(|request| request.method != "GET").count();
                match (done, act.refused) {
                    (Ok(_), None) if sent == 1 => {}
                    (Err(said), Some(words)) if said.contains(words) && sent == 1 => {}
                    (done, _) => problems.push(format!("{} {:?}: sent {sent}: {done:?}", act.name, way)),
                }
            }
        }
        problems
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The methods with DELETE that the sample cluster supports.
fn deletions() -> Vec<Row> {
    let sample = quick(1);
    let known = |row: &Row| {
        let holes = row.path().split('/').map(|part| if part.starts_with('{') { "100" } else { part });
        let path: String = holes.collect::<Vec<_>>().join("/");
        let before = sample.server.unhandled().len();
        let (id, secret) = sample.server.token();
        let line = format!("/api2/extjs{path}");
        let auth = crate::wire::token_header(&id, secret.expose());
        let bytes = crate::wire::request("DELETE", &line, &auth, &Params::new());
        crate::wire::raw(sample.server.address(), &bytes).unwrap();
        sample.server.unhandled().len() == before
    };
    // Methods that no API token may call are refused before the target is looked up.
    let tried = api::rows().filter(|row| row.method() == Method::Delete && row.allow_token());
    tried.filter(known).collect()
}

#[test]
fn every_tool_that_destroys_and_every_deletion_of_the_sample_is_among_the_acts() {
    let names: BTreeSet<&str> = acts::ACTS.iter().map(|act| act.name).collect();
    assert_eq!(names.len(), acts::ACTS.len(), "each has a name of its own");
    let deletes = |entry: &Entry| sends::methods(entry).iter().any(|row| row.method() == Method::Delete);
    for entry in entries().filter(|entry| entry.tool.effect == Effect::Ask && deletes(entry)) {
        assert!(acts::ACTS.iter().any(|act| act.tool() == entry.name), "{} is missing", entry.name);
    }
    for row in deletions() {
        let name = format!("DELETE {}", row.path());
        assert!(names.contains(name.as_str()), "{name} is missing");
    }
}
