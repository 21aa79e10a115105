//! One call's entries in the audit log: before each change and after the call, without secrets.

use crate::{
    audit::Audit,
    log,
    pve::api::words::is_secret,
    tools::{
        answer::{Failure, Outcome},
        run::request::Request,
    },
};
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

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
        let touched = request.touched();
        let target = json!({"vmid": touched.vmids, "node": touched.nodes, "pool": touched.pools});
        let mut facts = self.facts("before");
        facts.insert("arguments".into(), self.arguments.clone());
        facts.insert("target".into(), target);
        facts.insert("request".into(), request.to_json());
        self.audit.write(facts).map_err(|problem| format!("{problem} {} was not done.", request.title()))
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

/// Arguments without what is secret and without what is long.
#[must_use]
pub fn redacted(arguments: &Map<String, Value>) -> Value {
    let shown = arguments.iter().map(|(name, value)| {
        let value = match value {
            _ if is_secret(name) || name == "confirm" => "***".into(),
            Value::Object(inner) => redacted(inner),
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
