//! JSON-RPC 2.0: one line in, one line out. No input or output happens here.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The line is not JSON, or not UTF-8.
pub const PARSE_ERROR: i32 = -32700;
/// JSON, but not a request.
pub const INVALID_REQUEST: i32 = -32600;
/// No such method in this revision.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// Wrong parameters, an unknown tool among them.
pub const INVALID_PARAMS: i32 = -32602;
/// The server failed; details are on stderr.
pub const INTERNAL_ERROR: i32 = -32603;
/// 2026-07-28: a request names a revision that is not spoken here.
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// The client did not declare a capability that this request needs (2026-07-28).
pub const MISSING_CAPABILITY: i32 = -32021;

/// A request's id, echoed with the type it came with: `1` and `"1"` are different ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// Any string, the empty one too.
    Text(String),
    /// An integer.
    Number(serde_json::Number),
}

impl Id {
    /// A JSON value as an id; `None` for what the protocol forbids (null, fractions, everything else).
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Id> {
        match value {
            Value::String(text) => Some(Id::Text(text.clone())),
            Value::Number(number) if !number.is_f64() => Some(Id::Number(number.clone())),
            _ => None,
        }
    }
}

/// What one line, or one entry of a batch, holds.
#[derive(Debug)]
pub enum Incoming {
    /// Wants exactly one answer.
    Request {
        /// The id to answer with.
        id: Id,
        /// The method's name.
        method: String,
        /// Its parameters; an object, empty when absent.
        params: Map<String, Value>,
    },
    /// Gets no answer, whatever it says.
    Notification {
        /// The method's name.
        method: String,
        /// Its parameters; empty when absent or of a wrong type.
        params: Map<String, Value>,
    },
    /// An answer to a request of ours, or to none.
    Response {
        /// The id of our request; `None` where it has none that could be ours.
        id: Option<Id>,
        /// The whole message.
        message: Map<String, Value>,
    },
    /// Several messages in one array; only revision 2025-03-26 has these.
    Batch(Vec<Value>),
    /// Wrong in itself, with the answer that is due.
    Invalid(Fault),
}

/// An error answer.
#[derive(Debug)]
pub struct Fault {
    /// The id of the request; `None` prints as `null`.
    pub id: Option<Id>,
    /// One of the codes above.
    pub code: i32,
    /// A sentence.
    pub message: String,
    /// What a program may want to know.
    pub data: Option<Box<Value>>,
}

impl Fault {
    /// An error answer without data.
    pub fn new(id: Option<Id>, code: i32, message: impl Into<String>) -> Fault {
        Fault { id, code, message: message.into(), data: None }
    }

    /// Wrong parameters of a request whose id is filled in later.
    pub fn invalid_params(message: impl Into<String>) -> Fault {
        Fault::new(None, INVALID_PARAMS, message)
    }

    /// As a JSON-RPC response.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = (**data).clone();
        }
        json!({"jsonrpc": "2.0", "id": self.id, "error": error})
    }

    /// As the line that answers the request, without a line break.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        to_line(&self.to_json())
    }
}

/// Reads one line (without its line break).
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

/// Tells what one JSON value is, an entry of a batch too.
#[must_use]
pub fn classify(value: Value) -> Incoming {
    let Value::Object(mut message) = value else {
        return invalid(None, INVALID_REQUEST, "Invalid request: a message is a JSON object.");
    };
    let id = message.get("id").map(Id::from_json);
    if !message.contains_key("method") && (message.contains_key("result") || message.contains_key("error")) {
        return Incoming::Response { id: id.flatten(), message };
    }
    let id = match id {
        // A message without an id is a notification, valid or not, and a notification is never answered.
        None => None,
        Some(None) => {
            return invalid(None, INVALID_REQUEST, "Invalid request: an id is a string or an integer.");
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

/// The line that answers request `id`, without a line break. Compact, so it holds no raw line break either.
pub fn result_line(id: &Id, result: impl Serialize) -> Vec<u8> {
    to_line(&Response { jsonrpc: "2.0", id, result })
}

/// Any message as a line, without a line break.
pub fn to_line(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have string keys and go to memory")
}
