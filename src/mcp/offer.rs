//! What a server offers besides tools: prompts, resources, completions. Plain data, independent of the wire format.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// A prompt that a user selects, for example with a slash command.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The programmatic name.
    pub name: &'static str,
    /// The display name.
    pub title: &'static str,
    /// One sentence on what it is for.
    pub about: &'static str,
    /// Its arguments; every value is a string.
    pub arguments: Cow<'static, [PromptArgument]>,
}

/// One argument of a prompt.
#[derive(Clone, Copy, Debug)]
pub struct PromptArgument {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub about: &'static str,
    /// Whether it is required.
    pub required: bool,
}

/// A resource template.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The URI template (RFC 6570, simple variables only), such as `pve://node/{node}`.
    pub uri: &'static str,
    /// The programmatic name.
    pub name: &'static str,
    /// The display name.
    pub title: &'static str,
    /// One sentence on what the resource contains.
    pub about: &'static str,
    /// The media type of the content.
    pub media_type: &'static str,
}

/// One entry in the list of resources.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its URI.
    pub uri: String,
    /// The programmatic name.
    pub name: String,
    /// The display name.
    pub title: String,
    /// The media type of the content.
    pub media_type: &'static str,
}

/// The contents of a resource.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The media type of the text.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
    /// `_meta` for an extension; may be empty.
    pub meta: Map<String, Value>,
}

/// Why a resource could not be read.
#[derive(Clone, Debug)]
pub enum ResourceError {
    /// The resource does not exist; a sentence.
    Unknown(String),
    /// The resource may exist but could not be read; sentences.
    Failed(String),
}

/// What a completion is for (`CompleteRequest.ref` in the schema).
#[derive(Clone, Debug)]
pub enum CompletionReference {
    /// An argument of the prompt with that name.
    Prompt(String),
    /// A variable of the resource template with that URI.
    Resource(String),
}

/// A request for values that complete an argument.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// The prompt or template that the argument belongs to.
    pub reference: CompletionReference,
    /// The name of the argument or variable.
    pub argument: String,
    /// What has been typed so far.
    pub typed: String,
    /// The values of the other arguments that are known.
    pub known: Map<String, Value>,
}
