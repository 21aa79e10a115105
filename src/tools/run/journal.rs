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

/// Text of arguments that is kept, in characters: enough to tell a command, too little for a file's content.
const MAX_TEXT: usize = 500;

/// What one call writes.
#[derive(Debug)]
pub struct Journal<'a> {
    audit: &'a Audit,
    /// Tells this call's lines from those of all others.
    call: String,
    cluster: Option<&'a str>,
    tool: &'a str,
    arguments: Value,
}

/// What a person's word is about.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The short name of the request.
    pub name: &'a str,
    /// What the target is like, the plan's identity; `None` where nobody looked at it.
    pub identity: Option<&'a str>,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

impl<'a> Journal<'a> {
    /// A call of that tool, in that cluster where there are several.
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

    /// A change is about to be sent.
    ///
    /// # Errors
    /// It cannot be written down, so it must not be sent.
    pub fn before(&self, request: &Request) -> Result<(), String> {
        self.audit
            .write(self.about("before", slice::from_ref(request)))
            .map_err(|problem| format!("{problem} {} was not done.", request.title()))
    }

    /// A setting forbids the call, or the request that it would send.
    pub fn refused(&self, request: Option<&Request>, why: &str) {
        let mut facts = self.about("refused", request.map_or(&[], slice::from_ref));
        facts.insert("why".into(), short(why).into());
        self.note(facts);
    }

    /// A person is asked whether the requests may be sent.
    pub fn asked(&self, requests: &[Request], by: &str) {
        let mut facts = self.about("asked", requests);
        facts.insert("by".into(), by.into());
        self.note(facts);
    }

    /// What became of a question: `approved`, `denied` or another word, and by which way.
    pub fn answered(&self, requests: &[Request], word: &str, by: &str) {
        let mut facts = self.about(word, requests);
        facts.insert("by".into(), by.into());
        self.note(facts);
    }

    /// The requests wait for a person's word outside the model.
    pub fn waits(&self, requests: &[Request], word: &Word<'_>) {
        self.note(self.of_person("asked", requests, word));
    }

    /// A person's word was found, `approved` or `denied`, and is used up.
    pub fn found(&self, requests: &[Request], said: &str, word: &Word<'_>) {
        let mut facts = self.of_person("found", requests, word);
        facts.insert("said".into(), said.into());
        self.note(facts);
    }

    /// A person says their word in a terminal: `approved`, `denied`, or `void` where it came too late.
    ///
    /// # Errors
    /// It cannot be written down, so it must not count.
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
            // Names the plan without its content.
            let digest = ring::digest::digest(&ring::digest::SHA256, identity.as_bytes());
            facts.insert("plan".into(), hex::encode(digest.as_ref()).into());
        }
        facts
    }

    /// Writes what is not about a change: where it cannot be written, the log says so.
    fn note(&self, facts: Map<String, Value>) {
        if let Err(problem) = self.audit.write(facts) {
            log::error(format_args!("{problem} A line of call {} is missing from it.", self.call));
        }
    }

    /// A line about a call, and about the request that it is to send, or the requests of its job.
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

    /// The call is over.
    pub fn after(&self, outcome: &Outcome) {
        let mut facts = self.facts("after");
        match outcome {
            Ok(data) => {
                let data: Value = serde_json::from_str(data.get()).unwrap_or(Value::Null);
                facts.insert("outcome".into(), "ok".into());
                // What was before is enough to put it back.
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

/// What a request touches, by name.
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

/// Arguments without what is secret and without what is long.
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
