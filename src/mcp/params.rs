//! Helpers to read the parameters of a request.

use super::rpc::Fault;
use serde_json::{Map, Value};

/// Reads a parameter that must be a string; `what` describes it in the error message.
pub(super) fn text<'a>(params: &'a Map<String, Value>, key: &str, what: &str) -> Result<&'a str, Fault> {
    params
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| Fault::invalid_params(format!("Invalid params: `{key}` must be a string, {what}.")))
}

/// Takes `arguments`, which may be absent or null.
pub(super) fn arguments(params: &mut Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    match params.shift_remove("arguments") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments),
        Some(_) => Err(Fault::invalid_params("Invalid params: `arguments` must be an object.")),
    }
}

/// Rejects any cursor: the list has only one page, as some clients do not request a second one.
pub(super) fn no_cursor(params: &Map<String, Value>) -> Result<(), Fault> {
    if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        return Err(Fault::invalid_params(
            "Invalid params: unknown `cursor`; the list has one page, request it without one.",
        ));
    }
    Ok(())
}
