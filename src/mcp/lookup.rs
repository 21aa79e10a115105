//! Prompts, resources and completions on the wire: what a request asks for, and how its answer is written. What
//! needs the world outside becomes a [`Lookup`], which a worker carries out.

use super::{
    Call, Completion, Filled, ResourceError, Revision, Toolbox,
    rpc::{self, Fault, Id, result_line},
    session::{TTL_MS, frame, invalid_params, one_page},
};
use serde_json::{Map, Value, json};

/// 2024-11-05 to 2025-11-25: there is no such resource.
const RESOURCE_NOT_FOUND: i32 = -32002;

/// How long a client may keep a list of resources, in milliseconds: guests come and go.
const LIST_TTL_MS: u64 = 30_000;

/// So many resources make a page: a list for people to choose from, and some clients read no second page.
const PAGE: usize = 200;

/// No more values than this go into one answer (schema, `CompleteResult`).
const MAX_VALUES: usize = 100;

/// Something to look up, for a worker.
#[derive(Debug)]
pub struct Lookup {
    /// The request's id.
    pub id: Id,
    /// The rules its answer follows.
    pub revision: Revision,
    /// What is looked up.
    pub wish: Wish,
}

/// What is looked up.
#[derive(Debug)]
pub enum Wish {
    /// The resources there are, from this one on.
    Resources(usize),
    /// What stands at this address.
    Read(String),
    /// Values for an argument.
    Complete(Completion),
}

/// What is announced to a client of that revision, each with nothing more to say of it (schema, `ServerCapabilities`).
pub(super) fn announce(toolbox: &dyn Toolbox, revision: Revision) -> impl Iterator<Item = &'static str> {
    let (prompts, resources) = (toolbox.has_prompts(), toolbox.has_resources());
    // 2024-11-05 has completions, but no capability that says so.
    let completions = (prompts || resources) && revision.has_annotations();
    let all = [("tools", true), ("prompts", prompts), ("resources", resources), ("completions", completions)];
    all.into_iter().filter(|(_, offered)| *offered).map(|(name, _)| name)
}

/// Whether this method is served at all: only what was announced is.
pub(super) fn serves(toolbox: &dyn Toolbox, method: &str) -> bool {
    match method {
        "prompts/list" | "prompts/get" => toolbox.has_prompts(),
        "resources/list" | "resources/templates/list" | "resources/read" => toolbox.has_resources(),
        "completion/complete" => toolbox.has_prompts() || toolbox.has_resources(),
        _ => false,
    }
}

/// `prompts/list`.
pub(super) fn prompts(
    toolbox: &dyn Toolbox,
    revision: Revision,
    params: &Map<String, Value>,
) -> Result<Value, Fault> {
    one_page(params)?;
    let argument = |argument: &super::PromptArgument| json!({"name": argument.name, "description": argument.about, "required": argument.required});
    let prompts = toolbox.prompts().iter().map(|prompt| {
        let arguments: Vec<Value> = prompt.arguments.iter().map(argument).collect();
        let mut entry = named(revision, prompt.name, prompt.title);
        entry["description"] = prompt.about.into();
        entry["arguments"] = arguments.into();
        entry
    });
    Ok(cached(revision, TTL_MS, json!({"prompts": prompts.collect::<Vec<_>>()})))
}

/// `prompts/get`.
pub(super) fn prompt(toolbox: &dyn Toolbox, params: &Map<String, Value>) -> Result<Value, Fault> {
    let name = text(params, "name", "the name of a prompt")?;
    let prompts = toolbox.prompts();
    let Some(prompt) = prompts.iter().find(|prompt| prompt.name == name) else {
        let known: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
        return Err(invalid_params(format!(
            "Unknown prompt: {}. There are: {}.",
            name.escape_debug(),
            known.join(", ")
        )));
    };
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(_) => return Err(invalid_params("Invalid params: `arguments` must be an object.")),
    };
    for (key, value) in &arguments {
        if !prompt.arguments.iter().any(|argument| argument.name == key) {
            return Err(invalid_params(format!(
                "Invalid params: the prompt `{name}` has no argument `{}`.",
                key.escape_debug()
            )));
        }
        if !value.is_string() {
            return Err(invalid_params(format!("Invalid params: `{key}` must be a string.")));
        }
    }
    let given = |name: &str| arguments.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if let Some(missing) = prompt.arguments.iter().find(|argument| argument.required && !given(argument.name))
    {
        return Err(invalid_params(format!(
            "Invalid params: the prompt `{name}` needs `{}`: {}",
            missing.name, missing.about
        )));
    }
    let text = toolbox.prompt(prompt, &arguments).map_err(invalid_params)?;
    Ok(json!({
        "description": prompt.about,
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
    }))
}

/// `resources/templates/list`.
pub(super) fn templates(
    toolbox: &dyn Toolbox,
    revision: Revision,
    params: &Map<String, Value>,
) -> Result<Value, Fault> {
    one_page(params)?;
    let templates = toolbox.templates().into_iter().map(|template| {
        let mut entry = named(revision, template.name, template.title);
        entry["uriTemplate"] = template.uri.into();
        entry["description"] = template.about.into();
        entry["mimeType"] = template.media_type.into();
        entry
    });
    Ok(cached(revision, TTL_MS, json!({"resourceTemplates": templates.collect::<Vec<_>>()})))
}

/// The wish of `resources/list`, `resources/read` or `completion/complete`.
pub(super) fn wish(toolbox: &dyn Toolbox, method: &str, params: &Map<String, Value>) -> Result<Wish, Fault> {
    match method {
        "resources/list" => cursor(params).map(Wish::Resources),
        "resources/read" => Ok(Wish::Read(text(params, "uri", "the address of a resource")?.to_owned())),
        _ => completion(toolbox, params).map(Wish::Complete),
    }
}

/// The cursor of a page is the number of its first entry; only those that begin a page are ours.
fn cursor(params: &Map<String, Value>) -> Result<usize, Fault> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(0),
        Some(cursor) => {
            let start = cursor.as_str().and_then(|text| text.parse::<usize>().ok());
            start.filter(|start| 0 < *start && start.is_multiple_of(PAGE)).ok_or_else(unknown_cursor)
        }
    }
}

fn unknown_cursor() -> Fault {
    invalid_params("Invalid params: unknown `cursor`; give the `nextCursor` of the page before, or none.")
}

fn completion(toolbox: &dyn Toolbox, params: &Map<String, Value>) -> Result<Completion, Fault> {
    let wrong = |what: &str| invalid_params(format!("Invalid params: {what}."));
    let reference = params.get("ref").and_then(Value::as_object);
    let reference = reference.ok_or_else(|| wrong("`ref` must be an object"))?;
    let of = match reference.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => Filled::Prompt(text(reference, "name", "the name of a prompt")?.to_owned()),
        Some("ref/resource") => Filled::Resource(text(reference, "uri", "a template")?.to_owned()),
        _ => return Err(wrong("`ref.type` must be \"ref/prompt\" or \"ref/resource\"")),
    };
    let argument = params.get("argument").and_then(Value::as_object);
    let argument = argument.ok_or_else(|| wrong("`argument` must be an object"))?;
    let name = text(argument, "name", "the argument's name")?;
    let known = match &of {
        Filled::Prompt(wanted) => {
            let prompt = toolbox.prompts().iter().find(|prompt| prompt.name == wanted);
            let prompt = prompt.ok_or_else(|| wrong("`ref.name` names no prompt"))?;
            prompt.arguments.iter().any(|argument| argument.name == name)
        }
        Filled::Resource(wanted) => {
            let templates = toolbox.templates();
            let template = templates.iter().find(|template| template.uri == wanted);
            let template = template.ok_or_else(|| wrong("`ref.uri` is none of the templates"))?;
            template.uri.contains(&format!("{{{name}}}"))
        }
    };
    if !known {
        return Err(wrong("`argument.name` is no argument of what `ref` names"));
    }
    let typed = argument.get("value").and_then(Value::as_str);
    let others =
        params.get("context").and_then(|context| context.get("arguments")).and_then(Value::as_object);
    Ok(Completion {
        of,
        argument: name.to_owned(),
        typed: typed.ok_or_else(|| wrong("`argument.value` must be a string"))?.to_owned(),
        known: others.cloned().unwrap_or_default(),
    })
}

impl Lookup {
    /// The lane it takes its turn in.
    pub(super) fn lane(&self, toolbox: &dyn Toolbox) -> usize {
        match &self.wish {
            Wish::Resources(_) => 0,
            Wish::Read(uri) => toolbox.resource_lane(uri),
            Wish::Complete(wish) => toolbox.lane(&wish.known),
        }
    }

    /// Carries it out and writes the answer.
    pub(super) fn run(&self, toolbox: &dyn Toolbox, call: &Call<'_>) -> Vec<u8> {
        let result = match &self.wish {
            Wish::Resources(start) => {
                toolbox.resources(call).map_err(failed).and_then(|list| self.page(&list, *start))
            }
            Wish::Read(uri) => match toolbox.read(call, uri) {
                Ok(found) => {
                    let entry = json!({"uri": uri, "mimeType": found.media_type, "text": found.text});
                    Ok(cached(self.revision, 0, json!({"contents": [entry]})))
                }
                Err(ResourceError::Unknown(sentence)) => Err(self.unknown(uri, sentence)),
                Err(ResourceError::Failed(sentences)) => Err(failed(sentences)),
            },
            Wish::Complete(wish) => toolbox.complete(call, wish).map(values).map_err(failed),
        };
        match result {
            Ok(result) => result_line(&self.id, frame(self.revision, toolbox.about(), result)),
            Err(mut fault) => {
                fault.id = Some(self.id.clone());
                rpc::to_line(&fault.to_json())
            }
        }
    }

    fn page(&self, list: &[super::Resource], start: usize) -> Result<Value, Fault> {
        if 0 < start && list.len() <= start {
            return Err(unknown_cursor());
        }
        let end = list.len().min(start + PAGE);
        let resources = list[start..end].iter().map(|resource| {
            let mut entry = named(self.revision, &resource.name, &resource.title);
            entry["uri"] = resource.uri.as_str().into();
            entry["mimeType"] = resource.media_type.into();
            entry
        });
        let mut page = json!({"resources": resources.collect::<Vec<_>>()});
        if end < list.len() {
            page["nextCursor"] = end.to_string().into();
        }
        Ok(cached(self.revision, LIST_TTL_MS, page))
    }

    /// The newest revision has no code of its own for this; the address goes along in each (server/resources).
    fn unknown(&self, uri: &str, sentence: String) -> Fault {
        let code = if self.revision.is_modern() { rpc::INVALID_PARAMS } else { RESOURCE_NOT_FOUND };
        let mut fault = Fault::new(None, code, sentence);
        fault.data = Some(Box::new(json!({"uri": uri})));
        fault
    }
}

fn values(mut values: Vec<String>) -> Value {
    let total = values.len();
    values.truncate(MAX_VALUES);
    json!({"completion": {"values": values, "total": total, "hasMore": MAX_VALUES < total}})
}

fn failed(sentences: String) -> Fault {
    Fault::new(None, rpc::INTERNAL_ERROR, sentences)
}

/// A name, with the one for people where the revision has it.
fn named(revision: Revision, name: &str, title: &str) -> Value {
    let mut entry = json!({"name": name});
    if revision.has_structured_content() {
        entry["title"] = title.into();
    }
    entry
}

/// With how long it may be kept, and by whom, where the revision wants that said.
pub(super) fn cached(revision: Revision, ttl_ms: u64, mut result: Value) -> Value {
    if revision.is_modern() {
        result["ttlMs"] = ttl_ms.into();
        result["cacheScope"] = "private".into();
    }
    result
}

fn text<'a>(from: &'a Map<String, Value>, key: &str, what: &str) -> Result<&'a str, Fault> {
    from.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| invalid_params(format!("Invalid params: `{key}` must be a string, {what}.")))
}
