//! One call's entries in the audit log: before each change and after the call, without secrets.

use crate::{
    audit::Audit,
    hex, log,
    pve::{
        api::{effect::Touch, words::is_secret},
        values::Node,
    },
    tools::{
        answer::{Failure, Outcome},
        run::request::Request,
    },
};
use serde_json::{Map, Value, json};
use std::{
    slice,
    sync::atomic::{AtomicU64, Ordering},
};

/// The longest text of an argument that is written, in characters: enough for a command, too little for a file's
/// content.
const MAX_TEXT: usize = 500;

/// Writes one call's entries.
#[derive(Debug)]
pub struct Journal<'a> {
    audit: &'a Audit,
    /// An id that all entries of this call have in common.
    call: String,
    cluster: Option<&'a str>,
    tool: &'a str,
    arguments: Value,
}

/// What a person's approval or denial is about.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The short name under which the request is approved.
    pub name: &'a str,
    /// The state of the target, as the plan's identity; `None` if nobody looked at the plan.
    pub identity: Option<&'a str>,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

impl<'a> Journal<'a> {
    /// The journal of a call of that tool; `cluster` is named if there are several.
    #[must_use]
    pub fn new(
        audit: &'a Audit,
        cluster: Option<&'a str>,
        tool: &'a str,
        arguments: &Map<String, Value>,
    ) -> Journal<'a> {
        let call = format!("{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
        Journal { audit, call, cluster, tool, arguments: redacted(arguments) }
    }

    /// Records that a change is about to be sent.
    ///
    /// # Errors
    /// Fails if the entry cannot be written; the change must not be sent then.
    pub fn before(&self, request: &Request) -> Result<(), String> {
        self.audit
            .write(self.about("before", slice::from_ref(request)))
            .map_err(|problem| format!("{problem} {} was not done.", request.title()))
    }

    /// Records that a setting forbids the call, or the request that it would send.
    pub fn refused(&self, request: Option<&Request>, why: &str) {
        let mut facts = self.about("refused", request.map_or(&[], slice::from_ref));
        facts.insert("why".into(), short(why).into());
        self.note(facts);
    }

    /// Records that a person is asked whether the requests may be sent; `by` is how.
    pub fn asked(&self, requests: &[Request], by: &str) {
        let mut facts = self.about("asked", requests);
        facts.insert("by".into(), by.into());
        self.note(facts);
    }

    /// Records the answer to a question: `word` is `approved` or `denied`, and `by` is how it was given.
    pub fn answered(&self, requests: &[Request], word: &str, by: &str) {
        let mut facts = self.about(word, requests);
        facts.insert("by".into(), by.into());
        self.note(facts);
    }

    /// Records that the requests wait for a person's approval outside the model.
    pub fn waits(&self, requests: &[Request], word: &Word<'_>) {
        self.note(self.of_person("asked", requests, word));
    }

    /// Records that a person's answer, `approved` or `denied`, was found and is used up.
    pub fn found(&self, requests: &[Request], said: &str, word: &Word<'_>) {
        let mut facts = self.of_person("found", requests, word);
        facts.insert("said".into(), said.into());
        self.note(facts);
    }

    /// Records a person's answer in a terminal: `approved`, `denied`, or `void` if it came too late.
    ///
    /// # Errors
    /// Fails if the entry cannot be written; the answer must not count then.
    pub fn said(&self, requests: &[Request], said: &str, user: &str, word: &Word<'_>) -> Result<(), String> {
        let mut facts = self.of_person(said, requests, word);
        facts.insert("user".into(), user.into());
        self.audit.write(facts)
    }

    fn of_person(&self, phase: &str, requests: &[Request], word: &Word<'_>) -> Map<String, Value> {
        let mut facts = self.about(phase, requests);
        facts.insert("by".into(), "a person".into());
        facts.insert("name".into(), word.name.into());
        if let Some(identity) = word.identity {
            // A digest identifies the plan without its content.
            let digest = ring::digest::digest(&ring::digest::SHA256, identity.as_bytes());
            facts.insert("plan".into(), hex::encode(digest.as_ref()).into());
        }
        facts
    }

    /// Writes an entry that the call does not depend on: if it cannot be written, that is only logged.
    fn note(&self, facts: Map<String, Value>) {
        if let Err(problem) = self.audit.write(facts) {
            log::error(format_args!("{problem} A line of call {} is missing from it.", self.call));
        }
    }

    /// The fields of an entry about a call and the requests that it is to send.
    fn about(&self, phase: &str, requests: &[Request]) -> Map<String, Value> {
        let mut facts = self.facts(phase);
        facts.insert("arguments".into(), self.arguments.clone());
        match requests {
            [] => {}
            [request] => {
                facts.insert("target".into(), target(request));
                facts.insert("request".into(), request.to_json());
            }
            job => {
                facts.insert("requests".into(), job.iter().map(Request::to_json).collect());
            }
        }
        facts
    }

    /// Records the outcome of the call.
    pub fn after(&self, outcome: &Outcome) {
        let mut facts = self.facts("after");
        match outcome {
            Ok(data) => {
                let data: Value = serde_json::from_str(data.get()).unwrap_or(Value::Null);
                facts.insert("outcome".into(), "ok".into());
                // The old values are enough to undo the change.
                for name in ["upid", "exitstatus", "task", "vmid", "changed"] {
                    if let Some(value) = data.get(name) {
                        facts.insert(name.into(), value.clone());
                    }
                }
            }
            Err(Failure(words)) => {
                facts.insert("outcome".into(), "failed".into());
                facts.insert("error".into(), short(words).into());
            }
        }
        if let Err(problem) = self.audit.write(facts) {
            log::error(format_args!("{problem} The end of call {} is missing from it.", self.call));
        }
    }

    fn facts(&self, phase: &str) -> Map<String, Value> {
        let facts = [("call", json!(self.call)), ("phase", json!(phase)), ("tool", json!(self.tool))];
        let cluster = self.cluster.map(|name| ("cluster", json!(name)));
        facts.into_iter().chain(cluster).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The guests, nodes and pools that a request affects.
fn target(request: &Request) -> Value {
    let (mut vmids, mut nodes, mut pools) = (Vec::new(), Vec::new(), Vec::new());
    for touched in request.effect().map(|effect| effect.touches).unwrap_or_default() {
        match &touched.what {
            Touch::Node(Node::Named(name)) => nodes.push(name.clone()),
            Touch::Node(Node::Localhost) => nodes.push("localhost".to_owned()),
            Touch::Pool(pool) => pools.push(pool.clone()),
            _ => vmids.extend(touched.guests().map(|(vmid, _)| vmid)),
        }
    }
    json!({"vmid": vmids, "node": nodes, "pool": pools})
}

/// Returns the arguments with secrets masked and long texts shortened.
#[must_use]
pub fn redacted(arguments: &Map<String, Value>) -> Value {
    let shown = arguments.iter().map(|(name, value)| {
        let value = match value {
            _ if is_secret(name) || name == "confirm" => "***".into(),
            Value::Object(inner) => redacted(inner),
            Value::Array(items) if items.iter().all(Value::is_object) => {
                items.iter().filter_map(Value::as_object).map(redacted).collect()
            }
            Value::String(text) if name == "input-data" || name == "content" && 64 < text.len() => {
                format!("({} bytes)", text.len()).into()
            }
            Value::String(text) => short(text).into(),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    shown.collect::<Map<_, _>>().into()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
