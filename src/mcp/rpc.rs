//! JSON-RPC 2.0: parses and writes single messages. Does no I/O.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The line is not JSON, or not UTF-8.
pub const PARSE_ERROR: i32 = -32700;
/// The line is JSON, but not a valid message.
pub const INVALID_REQUEST: i32 = -32600;
/// The method does not exist in this revision.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are invalid, or the tool is unknown.
pub const INVALID_PARAMS: i32 = -32602;
/// The server failed; details are in its log on stderr.
pub const INTERNAL_ERROR: i32 = -32603;
/// The request uses an unsupported revision (2026-07-28).
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// The client did not declare a capability that this request needs (2026-07-28).
pub const MISSING_CAPABILITY: i32 = -32021;

/// A request's id, returned with its original type: `1` and `"1"` are different ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// Any string, including the empty one.
    Text(String),
    /// An integer.
    Number(serde_json::Number),
}

impl Id {
    /// Parses an id; `None` for everything that the protocol forbids (null, fractions, other types).
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Id> {
        match value {
            Value::String(text) => Some(Id::Text(text.clone())),
            Value::Number(number) if !number.is_f64() => Some(Id::Number(number.clone())),
            _ => None,
        }
    }
}

/// The contents of one line or of one entry of a batch.
#[derive(Debug)]
pub enum Incoming {
    /// A request, which gets exactly one response.
    Request {
        /// The id to answer with.
        id: Id,
        /// The method's name.
        method: String,
        /// Its parameters; empty if absent.
        params: Map<String, Value>,
    },
    /// A notification, which never gets a response.
    Notification {
        /// The method's name.
        method: String,
        /// Its parameters; empty if absent or of a wrong type.
        params: Map<String, Value>,
    },
    /// A response to a request of this server, or an unexpected one.
    Response {
        /// The id of the request; `None` if it is missing or invalid.
        id: Option<Id>,
        /// The whole message.
        message: Map<String, Value>,
    },
    /// Several messages in one array; only in revision 2025-03-26.
    Batch(Vec<Value>),
    /// An invalid message, with the error response to send.
    Invalid(Fault),
}

/// An error response.
#[derive(Debug)]
pub struct Fault {
    /// The id of the request; `None` is sent as `null`.
    pub id: Option<Id>,
    /// One of the codes above.
    pub code: i32,
    /// The message, a sentence.
    pub message: String,
    /// Details for programs.
    pub data: Option<Box<Value>>,
}

impl Fault {
    /// An error response without data.
    pub fn new(id: Option<Id>, code: i32, message: impl Into<String>) -> Fault {
        Fault { id, code, message: message.into(), data: None }
    }

    /// An error about invalid parameters; the id is filled in later.
    pub fn invalid_params(message: impl Into<String>) -> Fault {
        Fault::new(None, INVALID_PARAMS, message)
    }

    /// The error as a JSON-RPC response.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = (**data).clone();
        }
        json!({"jsonrpc": "2.0", "id": self.id, "error": error})
    }

    /// The error as the line to send, without a line break.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        to_line(&self.to_json())
    }
}

/// Parses one line (without its line break).
#[must_use]
pub fn parse(line: &[u8]) -> Incoming {
    let Ok(text) = str::from_utf8(line) else {
        return invalid(None, PARSE_ERROR, "Parse error: the line is not UTF-8.");
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(entries)) => Incoming::Batch(entries),
        Ok(value) => classify(value),
        Err(error) => invalid(None, PARSE_ERROR, format!("Parse error: {error}.")),
    }
}

/// Interprets one JSON value as a message, which may be an entry of a batch.
#[must_use]
pub fn classify(value: Value) -> Incoming {
    let Value::Object(mut message) = value else {
        return invalid(None, INVALID_REQUEST, "Invalid request: a message must be a JSON object.");
    };
    let id = message.get("id").map(Id::from_json);
    if !message.contains_key("method") && (message.contains_key("result") || message.contains_key("error")) {
        return Incoming::Response { id: id.flatten(), message };
    }
    let id = match id {
        // A message without an id is a notification, valid or not, and a notification is never answered.
        None => None,
        Some(None) => {
            return invalid(None, INVALID_REQUEST, "Invalid request: an id must be a string or an integer.");
        }
        Some(id) => id,
    };
    let method = match message.shift_remove("method") {
        Some(Value::String(method)) if message.get("jsonrpc").is_some_and(|version| version == "2.0") => {
            method
        }
        _ if id.is_none() => String::new(),
        Some(Value::String(_)) => {
            return invalid(id, INVALID_REQUEST, "Invalid request: `jsonrpc` must be \"2.0\".");
        }
        _ => return invalid(id, INVALID_REQUEST, "Invalid request: `method` must be a string."),
    };
    let params = match message.shift_remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) if id.is_none() => Map::new(),
        Some(_) => return invalid(id, INVALID_PARAMS, "Invalid params: `params` must be an object."),
    };
    match id {
        Some(id) => Incoming::Request { id, method, params },
        None => Incoming::Notification { method, params },
    }
}

fn invalid(id: Option<Id>, code: i32, message: impl Into<String>) -> Incoming {
    Incoming::Invalid(Fault::new(id, code, message))
}

#[derive(Serialize)]
struct Response<'a, R> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: R,
}

/// The response to request `id` as a line, without a line break. It is compact JSON, so it contains no line breaks.
pub fn result_line(id: &Id, result: impl Serialize) -> Vec<u8> {
    to_line(&Response { jsonrpc: "2.0", id, result })
}

/// A message as a line, without a line break.
pub fn to_line(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have string keys and go to memory")
}
