//! A plan in a view: what the view shows of it, and the tool with which a person confirms it there.

use crate::{
    mcp::Revision,
    tools::{
        param::Param,
        run::{args::Args, plan::Plan},
    },
};
use serde_json::{Map, Value, json};

/// The tool with which a view confirms a plan.
pub const AGREE: &str = "proxmox_view_confirm";
/// Its arguments: the plan's number, and the word that was typed.
pub const PLAN: &str = "plan";
const WORD: &str = "word";

/// The tool with which a person confirms a plan in a view. It is not a row of the catalog: it does what the plan says.
#[must_use]
pub fn spec(revision: Revision) -> Value {
    let mut spec = json!({
        "name": AGREE,
        "description": "Carry out the plan that a person has confirmed in a view by typing its word.",
        "inputSchema": {
            "type": "object",
            "properties": {(PLAN): {"type": "string"}, (WORD): {"type": "string"}},
            "required": [PLAN, WORD],
        },
    });
    if revision.has_structured_content() {
        spec["title"] = "Confirm".into();
    }
    if revision.has_annotations() {
        spec["annotations"] = json!({
            "title": "Confirm",
            "readOnlyHint": false,
            "destructiveHint": true,
            "idempotentHint": false,
            "openWorldHint": false,
        });
    }
    spec
}

/// The number of a plan and the word, from the arguments of [`AGREE`].
///
/// # Errors
/// Fails with a sentence for each invalid argument.
pub fn word(arguments: Map<String, Value>) -> Result<(String, String), String> {
    const PARAMS: [Param; 2] = [Param::text(PLAN), Param::text(WORD)];
    let args = Args::check(PARAMS.iter(), &|_| false, arguments)?;
    let text = |name: &str| args.text(name).unwrap_or_default().to_owned();
    Ok((text(PLAN), text(WORD)))
}

/// How a plan can be confirmed, as its view shows it.
#[derive(Clone, Debug)]
pub enum Way {
    /// In the view, with this number of the plan.
    Plan(String),
    /// With `proxmox-mcp approve` and this name.
    Approve(String),
    /// In the conversation.
    Answer,
}

/// What a view shows of a plan.
#[must_use]
pub fn plan(shown: &Plan, way: Way) -> Value {
    let facts = shown.lost.iter().filter(|(name, _)| !matches!(name.as_str(), "lost" | "request"));
    let facts: Map<String, Value> = facts.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut told = json!({
        "kind": "confirm",
        "title": shown.title,
        "sentence": shown.sentence,
        "why": shown.lost.get("lost"),
        "lost": facts,
        "request": shown.lost.get("request"),
        "action": action(&shown.sentence),
    });
    match way {
        Way::Plan(number) => {
            told["word"] = shown.word.as_str().into();
            told["agree"] = json!({"tool": AGREE, "arguments": {(PLAN): number}});
        }
        Way::Approve(name) => {
            told["instead"] = format!(
                "A person approves this outside of the chat: type `proxmox-mcp approve {name}` in a terminal of the computer on which the server runs, then let the assistant make the same call again."
            )
            .into();
        }
        Way::Answer => told["instead"] = "Tell the assistant whether you agree.".into(),
    }
    told
}

/// The label of the button: the verb that the plan's sentence begins with, after the name of a cluster.
fn action(sentence: &str) -> &'static str {
    let own = sentence.strip_prefix("Cluster ").and_then(|rest| rest.split_once(": "));
    match own.map_or(sentence, |(_, own)| own).split(' ').next() {
        Some("Delete") => "Delete",
        Some("Remove") => "Remove",
        Some("Overwrite") => "Overwrite",
        Some("Roll") => "Roll back",
        _ => "Confirm",
    }
}
