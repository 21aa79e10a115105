//! `tools/list` and `tools/call`.

use super::{
    client::Client,
    elicitation::{self, ElicitationMode},
    params,
    queue::Place,
    request::{ToolCall, Work},
    result::{LIST_TTL_MS, cached},
    rpc::{Fault, Id},
    toolbox::Toolbox,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

/// `ListToolsResult` in the schema.
#[derive(Serialize)]
struct ListToolsResult<'a> {
    tools: &'a RawValue,
}

/// Answers `tools/list`.
pub(super) fn list<'a>(
    toolbox: &'a dyn Toolbox,
    client: &Client,
    params: &Map<String, Value>,
) -> Result<impl Serialize + use<'a>, Fault> {
    params::no_cursor(params)?;
    Ok(cached(client.revision(), LIST_TTL_MS, ListToolsResult { tools: toolbox.list_for(client) }))
}

/// Parses `tools/call`.
pub(super) fn call(
    toolbox: &dyn Toolbox,
    client: &Client,
    mut params: Map<String, Value>,
) -> Result<(Place, Work), Fault> {
    let name = params::text(&params, "name", "the name of a tool")?.to_owned();
    let arguments = params::arguments(&mut params)?;
    let order = toolbox.order_for(client, &name, &arguments).map_err(Fault::invalid_params)?;
    let place = Place { queue: toolbox.queue(&arguments), order };
    let retry = elicitation::retry(&params)
        .map_err(|problem| Fault::invalid_params(format!("Invalid params: {problem}")))?;
    let elicitation = match client.revision() {
        _ if !client.shows_forms() => ElicitationMode::Unsupported,
        revision if revision.is_modern() => ElicitationMode::InputRequired(retry),
        _ => ElicitationMode::Request,
    };
    let progress_token = params.get("_meta").and_then(|meta| Id::from_json(meta.get("progressToken")?));
    Ok((place, Work::CallTool(ToolCall { name, arguments, progress_token, elicitation })))
}
