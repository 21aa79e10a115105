//! `resources/list`, `resources/templates/list` and `resources/read`.

use super::{
    call::Call,
    offer::{Resource, ResourceError},
    params,
    queue::{Order, Place},
    request::Work,
    result::{LIST_TTL_MS, cached, named},
    revision::Revision,
    rpc::{self, Fault},
    toolbox::Toolbox,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The error code for an unknown resource from 2024-11-05 to 2025-11-25.
const RESOURCE_NOT_FOUND: i32 = -32002;

/// How long a client may cache the list of resources, in milliseconds; short, as resources come and go.
const RESOURCES_TTL_MS: u64 = 30_000;

/// The number of resources on a page. Large, as some clients do not request a second page.
const PAGE: usize = 200;

/// Answers `resources/templates/list`.
pub(super) fn templates(
    toolbox: &dyn Toolbox,
    revision: Revision,
    params: &Map<String, Value>,
) -> Result<impl Serialize + use<>, Fault> {
    params::no_cursor(params)?;
    let templates = toolbox.templates().into_iter().map(|template| {
        let mut entry = named(revision, template.name, template.title);
        entry["uriTemplate"] = template.uri.into();
        entry["description"] = template.about.into();
        entry["mimeType"] = template.media_type.into();
        entry
    });
    let templates: Vec<Value> = templates.collect();
    Ok(cached(revision, LIST_TTL_MS, json!({"resourceTemplates": templates})))
}

/// Parses `resources/list`. The cursor of a page is the index of its first entry; only multiples of [`PAGE`] are valid.
pub(super) fn list(params: &Map<String, Value>) -> Result<(Place, Work), Fault> {
    let start = match params.get("cursor") {
        None | Some(Value::Null) => 0,
        Some(cursor) => {
            let start = cursor.as_str().and_then(|text| text.parse::<usize>().ok());
            start.filter(|start| 0 < *start && start.is_multiple_of(PAGE)).ok_or_else(unknown_cursor)?
        }
    };
    Ok((Place { queue: 0, order: Order::Read }, Work::ListResources(start)))
}

/// Parses `resources/read`.
pub(super) fn read(toolbox: &dyn Toolbox, params: &Map<String, Value>) -> Result<(Place, Work), Fault> {
    let uri = params::text(params, "uri", "the URI of a resource")?;
    let place = Place { queue: toolbox.resource_queue(uri), order: Order::Read };
    Ok((place, Work::ReadResource(uri.to_owned())))
}

fn unknown_cursor() -> Fault {
    Fault::invalid_params(
        "Invalid params: unknown `cursor`; use the `nextCursor` of the previous page, or none.",
    )
}

/// Carries out `resources/list`.
pub(super) fn run_list(
    toolbox: &dyn Toolbox,
    call: &Call<'_>,
    start: usize,
) -> Result<impl Serialize + use<>, Fault> {
    let revision = call.client().revision();
    let list =
        toolbox.resources(call).map_err(|sentences| Fault::new(None, rpc::INTERNAL_ERROR, sentences))?;
    if 0 < start && list.len() <= start {
        return Err(unknown_cursor());
    }
    let end = list.len().min(start + PAGE);
    let entry = |resource: &Resource| {
        let mut entry = named(revision, &resource.name, &resource.title);
        entry["uri"] = resource.uri.as_str().into();
        entry["mimeType"] = resource.media_type.into();
        entry
    };
    let resources: Vec<Value> = list[start..end].iter().map(entry).collect();
    let mut page = json!({"resources": resources});
    if end < list.len() {
        page["nextCursor"] = end.to_string().into();
    }
    Ok(cached(revision, RESOURCES_TTL_MS, page))
}

/// Carries out `resources/read`.
pub(super) fn run_read(
    toolbox: &dyn Toolbox,
    call: &Call<'_>,
    uri: &str,
) -> Result<impl Serialize + use<>, Fault> {
    let revision = call.client().revision();
    match toolbox.read(call, uri) {
        Ok(found) => {
            let mut entry = json!({"uri": uri, "mimeType": found.media_type, "text": found.text});
            if !found.meta.is_empty() {
                entry["_meta"] = found.meta.into();
            }
            Ok(cached(revision, 0, json!({"contents": [entry]})))
        }
        Err(why) => Err(unread(revision, uri, why)),
    }
}

/// The error for a resource that cannot be read. The newest revision has no special code for an unknown resource; the
/// error data contains the URI in all revisions (server/resources).
pub(super) fn unread(revision: Revision, uri: &str, why: ResourceError) -> Fault {
    match why {
        ResourceError::Unknown(sentence) => {
            let code = if revision.is_modern() { rpc::INVALID_PARAMS } else { RESOURCE_NOT_FOUND };
            let mut fault = Fault::new(None, code, sentence);
            fault.data = Some(Box::new(json!({"uri": uri})));
            fault
        }
        ResourceError::Failed(sentences) => Fault::new(None, rpc::INTERNAL_ERROR, sentences),
    }
}
