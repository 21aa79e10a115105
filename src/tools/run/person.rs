//! Approval by a person, outside the model. The request waits in the folder of approvals until somebody approves it in
//! a terminal. The call, or the same call repeated later to any process, finds the approval, which counts once.

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
            matter::{ConfirmationMethod, Decision, UnconfirmedCall, Wait, named, note},
            plan::{self, Plan},
            question,
        },
    },
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// How often the folder is checked while a call waits.
const PAUSE: Duration = Duration::from_millis(300);

/// A person's answer about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// No answer yet.
    None,
    /// It may be carried out.
    Approved,
}

/// Opens the folder of approvals.
fn store(context: &Context<'_>) -> Result<Store, String> {
    let path = match &context.config.approvals {
        Some(path) => path.clone(),
        None => approvals::folder(&|name| std::env::var(name).ok())?,
    };
    Store::open(&path)
}

/// Returns the text that identifies a request for approval: the cluster, the tool, the arguments and the requests. It
/// leaves out the state of the target, which is part of the person's answer.
fn text(context: &Context<'_>, matter: UnconfirmedCall<'_>) -> String {
    meaning(&json!([hosts(context.config), named(context, matter)]))
}

/// Returns the hosts of a cluster, so that an approval for one cluster does not count for another.
#[must_use]
pub fn hosts(config: &Config) -> Vec<String> {
    config.settings.hosts.iter().map(|host| format!("{}:{}", host.name, host.port)).collect()
}

/// Returns a person's answer to exactly this request, and uses it up.
///
/// # Errors
/// Fails if they denied it, or if the target has changed since.
pub fn word(context: &Context<'_>, matter: UnconfirmedCall<'_>) -> Result<Word, Failure> {
    // Without a folder there is no answer; a call that must wait there reports why it cannot.
    let Ok(store) = store(context) else { return Ok(Word::None) };
    taken(context, matter, &store)
}

fn taken(context: &Context<'_>, matter: UnconfirmedCall<'_>, store: &Store) -> Result<Word, Failure> {
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

/// Waits for a person's approval, for as long as the call may wait; then answers with how to approve it.
///
/// # Errors
/// Fails if approval cannot be requested, if it was denied, or if the target has changed since.
pub fn ask(
    context: &Context<'_>,
    matter: UnconfirmedCall<'_>,
    shown: Plan,
    why: &str,
) -> Result<Decision, Failure> {
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
    Ok(Decision::Wait(Box::new(Wait { answer, shown, agreement: ConfirmationMethod::Person(waiting.name) })))
}

/// Returns what a person is shown, and what is needed to read the plan again. Without secrets.
fn details(context: &Context<'_>, matter: UnconfirmedCall<'_>, shown: &Plan) -> Value {
    let arguments: Map<String, Value> =
        matter.args.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    // The current plan is kept if another process could not read it again: a sample cluster ends with its process, and
    // the arguments of a job may be secret.
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
