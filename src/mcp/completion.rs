//! `completion/complete`.

use super::{
    call::Call,
    offer::{CompletionReference, CompletionRequest},
    params::text,
    queue::{Order, Place},
    request::Work,
    rpc::{self, Fault},
    toolbox::Toolbox,
};
use serde_json::{Map, Value, json};

/// The maximum number of values in one response (`CompleteResult` in the schema).
const MAX_VALUES: usize = 100;

/// Parses `completion/complete`.
pub(super) fn read(toolbox: &dyn Toolbox, params: &Map<String, Value>) -> Result<(Place, Work), Fault> {
    let request = request(toolbox, params)?;
    let place = Place { queue: toolbox.queue(&request.known), order: Order::Read };
    Ok((place, Work::Complete(request)))
}

fn request(toolbox: &dyn Toolbox, params: &Map<String, Value>) -> Result<CompletionRequest, Fault> {
    let wrong = |what: &str| Fault::invalid_params(format!("Invalid params: {what}."));
    let reference = params.get("ref").and_then(Value::as_object);
    let reference = reference.ok_or_else(|| wrong("`ref` must be an object"))?;
    let reference = match reference.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => {
            CompletionReference::Prompt(text(reference, "name", "the name of a prompt")?.to_owned())
        }
        Some("ref/resource") => {
            CompletionReference::Resource(text(reference, "uri", "a template")?.to_owned())
        }
        _ => return Err(wrong("`ref.type` must be \"ref/prompt\" or \"ref/resource\"")),
    };
    let argument = params.get("argument").and_then(Value::as_object);
    let argument = argument.ok_or_else(|| wrong("`argument` must be an object"))?;
    let name = text(argument, "name", "the argument's name")?;
    let exists = match &reference {
        CompletionReference::Prompt(wanted) => {
            let prompt = toolbox.prompts().iter().find(|prompt| prompt.name == wanted);
            let prompt = prompt.ok_or_else(|| wrong("`ref.name` is not a prompt"))?;
            prompt.arguments.iter().any(|argument| argument.name == name)
        }
        CompletionReference::Resource(wanted) => {
            let templates = toolbox.templates();
            let template = templates.iter().find(|template| template.uri == wanted);
            let template = template.ok_or_else(|| wrong("`ref.uri` is not a resource template"))?;
            template.uri.contains(&format!("{{{name}}}"))
        }
    };
    if !exists {
        return Err(wrong("`argument.name` is not an argument of `ref`"));
    }
    let typed = argument.get("value").and_then(Value::as_str);
    let others =
        params.get("context").and_then(|context| context.get("arguments")).and_then(Value::as_object);
    Ok(CompletionRequest {
        reference,
        argument: name.to_owned(),
        typed: typed.ok_or_else(|| wrong("`argument.value` must be a string"))?.to_owned(),
        known: others.cloned().unwrap_or_default(),
    })
}

/// Carries out `completion/complete`.
pub(super) fn run(
    toolbox: &dyn Toolbox,
    call: &Call<'_>,
    request: &CompletionRequest,
) -> Result<Value, Fault> {
    let mut values = toolbox
        .complete(call, request)
        .map_err(|sentences| Fault::new(None, rpc::INTERNAL_ERROR, sentences))?;
    let total = values.len();
    values.truncate(MAX_VALUES);
    Ok(json!({"completion": {"values": values, "total": total, "hasMore": MAX_VALUES < total}}))
}
