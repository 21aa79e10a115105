//! `prompts/list` and `prompts/get`.

use super::{
    offer::{Prompt, PromptArgument},
    params,
    result::{LIST_TTL_MS, cached, named},
    revision::Revision,
    rpc::Fault,
    toolbox::Toolbox,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Answers `prompts/list`.
pub(super) fn list(
    toolbox: &dyn Toolbox,
    revision: Revision,
    params: &Map<String, Value>,
) -> Result<impl Serialize + use<>, Fault> {
    params::no_cursor(params)?;
    let argument = |argument: &PromptArgument| json!({"name": argument.name, "description": argument.about, "required": argument.required});
    let entry = |prompt: &Prompt| {
        let arguments: Vec<Value> = prompt.arguments.iter().map(argument).collect();
        let mut entry = named(revision, prompt.name, prompt.title);
        entry["description"] = prompt.about.into();
        entry["arguments"] = arguments.into();
        entry
    };
    let prompts: Vec<Value> = toolbox.prompts().iter().map(entry).collect();
    Ok(cached(revision, LIST_TTL_MS, json!({"prompts": prompts})))
}

/// Answers `prompts/get`.
pub(super) fn get(toolbox: &dyn Toolbox, mut params: Map<String, Value>) -> Result<Value, Fault> {
    let name = params::text(&params, "name", "the name of a prompt")?.to_owned();
    let prompts = toolbox.prompts();
    let Some(prompt) = prompts.iter().find(|prompt| prompt.name == name) else {
        let known: Vec<&str> = prompts.iter().map(|prompt| prompt.name).collect();
        let known = known.join(", ");
        return Err(Fault::invalid_params(format!(
            "Unknown prompt: {}. Known prompts: {known}.",
            name.escape_debug()
        )));
    };
    let arguments = params::arguments(&mut params)?;
    check(prompt, &arguments)
        .map_err(|problem| Fault::invalid_params(format!("Invalid params: {problem}")))?;
    let text = toolbox.prompt(prompt, &arguments).map_err(Fault::invalid_params)?;
    Ok(json!({
        "description": prompt.about,
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
    }))
}

/// Checks that all arguments belong to the prompt and are strings, and that the required ones are present.
fn check(prompt: &Prompt, arguments: &Map<String, Value>) -> Result<(), String> {
    let name = prompt.name;
    for (key, value) in arguments {
        if !prompt.arguments.iter().any(|argument| argument.name == key) {
            return Err(format!("the prompt `{name}` has no argument `{}`.", key.escape_debug()));
        }
        if !value.is_string() {
            return Err(format!("`{key}` must be a string."));
        }
    }
    let given = |name: &str| arguments.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match prompt.arguments.iter().find(|argument| argument.required && !given(argument.name)) {
        Some(missing) => Err(format!("the prompt `{name}` needs `{}`: {}", missing.name, missing.about)),
        None => Ok(()),
    }
}
