//! What a server offers beside tools: prompts, resources, completions. Plain data; says nothing of the wire.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// A prompt that a person picks, such as by a slash command.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The programmatic name.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// One sentence: what it is good for.
    pub about: &'static str,
    /// What it takes; every value is text.
    pub arguments: Cow<'static, [PromptArgument]>,
}

/// One argument of a prompt.
#[derive(Clone, Copy, Debug)]
pub struct PromptArgument {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether the prompt cannot do without it.
    pub required: bool,
}

/// A family of resources.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// RFC 6570, simple variables only: `pve://node/{node}`.
    pub uri: &'static str,
    /// The programmatic name.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// One sentence: what is read there.
    pub about: &'static str,
    /// The media type of what is read.
    pub media_type: &'static str,
}

/// One resource of a list.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Where it is.
    pub uri: String,
    /// The programmatic name.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The media type of what is read.
    pub media_type: &'static str,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The media type of the text.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

/// Why a resource could not be read.
#[derive(Clone, Debug)]
pub enum ResourceError {
    /// There is nothing of that name; a sentence.
    Unknown(String),
    /// It may be there, but could not be read; sentences.
    Failed(String),
}

/// What a completion is for (schema, `CompleteRequest.ref`).
#[derive(Clone, Debug)]
pub enum CompletionReference {
    /// An argument of the prompt of that name.
    Prompt(String),
    /// A variable of the template with that text.
    Resource(String),
}

/// A request for values of an argument that is half typed.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// What the argument belongs to.
    pub reference: CompletionReference,
    /// The argument or variable.
    pub argument: String,
    /// What is typed so far.
    pub typed: String,
    /// What is known of the other arguments.
    pub known: Map<String, Value>,
}
