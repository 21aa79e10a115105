//! Reading the parameters of a request.

use super::rpc::Fault;
use serde_json::{Map, Value};

/// A parameter that must be text; `what` says what it is.
pub(super) fn text<'a>(params: &'a Map<String, Value>, key: &str, what: &str) -> Result<&'a str, Fault> {
    params
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| Fault::invalid_params(format!("Invalid params: `{key}` must be a string, {what}.")))
}

/// `arguments`, which may be left out or null.
pub(super) fn arguments(params: &mut Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    match params.shift_remove("arguments") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments),
        Some(_) => Err(Fault::invalid_params("Invalid params: `arguments` must be an object.")),
    }
}

/// Refuses a cursor: the whole list is one page, as some clients read no second one, so no cursor is ours.
pub(super) fn no_cursor(params: &Map<String, Value>) -> Result<(), Fault> {
    if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        return Err(Fault::invalid_params(
            "Invalid params: unknown `cursor`; the list has one page, ask for it without one.",
        ));
    }
    Ok(())
}
