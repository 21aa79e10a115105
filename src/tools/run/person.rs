//! A person's word outside the model: the request waits in the folder of approvals, somebody approves it in a terminal,
//! and this call, or the same one made again by whichever process, finds the word, once.

use crate::{
    approvals::{self, Store, Verdict},
    config::Config,
    notify,
    tools::{
        answer::{Failure, answer, canonical::meaning},
        run::{
            asked::Asked,
            context::Context,
            follow,
            journal::{self, redacted},
            matter::{Agreement, Decision, Matter, Wait, named, note},
            plan::{self, Plan},
            question,
        },
    },
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// How often the folder is looked at while a call waits.
const PAUSE: Duration = Duration::from_millis(300);

/// What a person has said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing yet.
    None,
    /// That it may be carried out.
    Approved,
}

/// The folder of approvals.
fn store(context: &Context<'_>) -> Result<Store, String> {
    let path = match &context.config.approvals {
        Some(path) => path.clone(),
        None => approvals::folder(&|name| std::env::var(name).ok())?,
    };
    Store::open(&path)
}

/// The request as its approval names it: which cluster, which tool, which arguments, what is sent. Not what the target looks
/// like: that is in the answer.
fn text(context: &Context<'_>, matter: Matter<'_>) -> String {
    meaning(&json!([hosts(context.config), named(context, matter)]))
}

/// Where a cluster is, so that no word for one is taken for another.
#[must_use]
pub fn hosts(config: &Config) -> Vec<String> {
    config.settings.hosts.iter().map(|host| format!("{}:{}", host.name, host.port)).collect()
}

/// What a person has said of this very request since it was asked for; their word is used up by this.
///
/// # Errors
/// They denied it; the target has changed since.
pub fn word(context: &Context<'_>, matter: Matter<'_>) -> Result<Word, Failure> {
    // Without a folder nobody can have said anything; whoever is to wait there is told why that is impossible.
    let Ok(store) = store(context) else { return Ok(Word::None) };
    taken(context, matter, &store)
}

fn taken(context: &Context<'_>, matter: Matter<'_>, store: &Store) -> Result<Word, Failure> {
    let text = text(context, matter);
    let Some(word) = store.take(&text) else { return Ok(Word::None) };
    let title = matter.asked.title();
    let said = if word.verdict == Verdict::Denied { "denied" } else { "approved" };
    note(context, |journal| {
        let about = journal::Word { name: &store.name_of(&text), identity: Some(&word.identity) };
        journal.found(matter.asked.requests(), said, &about);
    });
    if word.verdict == Verdict::Denied {
        return Err(Failure::new(format!(
            "A person denied this ({title}). Nothing was done; do not ask again unless they want it."
        )));
    }
    if plan::of_asked(context, matter.asked)?.identity == word.identity {
        return Ok(Word::Approved);
    }
    Err(Failure::new(format!(
        "The target of {title} changed after a person approved it. Nothing was done; call again, so that they see its current state."
    )))
}

/// Lets a request wait for a person's word, as long as the call may wait; then says how it can be given.
///
/// # Errors
/// It cannot wait; the word is no; the target has changed since.
pub fn ask(context: &Context<'_>, matter: Matter<'_>, shown: Plan, why: &str) -> Result<Decision, Failure> {
    let title = matter.asked.title();
    let impossible = |problem: String| {
        Failure::new(format!(
            "Nothing was done: {title} must be approved by a person, but the approval cannot be requested. {problem}"
        ))
    };
    let store = store(context).map_err(impossible)?;
    let waiting = store.ask(&text(context, matter), details(context, matter, &shown)).map_err(impossible)?;
    note(context, |journal| {
        let about = journal::Word { name: &waiting.name, identity: Some(&shown.identity) };
        journal.waits(matter.asked.requests(), &about);
    });
    if context.config.notify {
        notify::tell(&format!("proxmox-mcp approve {}", waiting.name), &shown.sentence);
    }
    let until = follow::deadline(context, matter.args);
    let told = format!("Waiting for approval: `proxmox-mcp approve {}` in a terminal.", waiting.name);
    loop {
        if taken(context, matter, &store)? == Word::Approved {
            return Ok(Decision::Go);
        }
        context.call.progress(context.started.elapsed().as_secs_f64(), None, &told);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || context.call.cancel.sleep(PAUSE.min(left)) {
            break;
        }
    }
    let minutes = approvals::LIFETIME.as_secs() / 60;
    let answer = answer(&json!({
        "confirmation_needed": shown.lost,
        "approve": waiting.name,
        "note": format!(
            "{why}Nothing was done: it waits for a person's approval. Tell the user what it does and that they approve it by typing `proxmox-mcp approve {}` in a terminal of this computer, within {minutes} minutes. Then make the same call again; it cannot be approved in any other way.",
            waiting.name
        ),
    }))?;
    Ok(Decision::Wait(Box::new(Wait { answer, shown, agreement: Agreement::Person(waiting.name) })))
}

/// What a person is shown, and what it takes to read the plan anew. Without secrets.
fn details(context: &Context<'_>, matter: Matter<'_>, shown: &Plan) -> Value {
    let arguments: Map<String, Value> =
        matter.args.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    // What cannot be read again by somebody else is shown as it is now: a sample cluster ends with the process that asked,
    // and a job may have arguments that are secret.
    let keeps = context.config.sample || matches!(matter.asked, Asked::Whole(_));
    json!({
        "title": shown.title,
        "sentence": shown.sentence,
        "tool": matter.tool,
        "arguments": redacted(&arguments),
        "request": matter.asked.requests_told(),
        "reasons": matter.asked.reasons(),
        "cluster": context.cluster,
        "hosts": hosts(context.config),
        "config": context.config.source.file,
        "kept": keeps.then(|| json!({
            "identity": shown.identity,
            "word": shown.word,
            "told": question::told(shown),
        })),
        "sample": context.config.sample.then_some(true),
    })
}
