//! JSON-RPC 2.0: one line in, one line out. No input or output happens here.

use proxmox_mcp_json::{Object, is_ordinary, pick, plain};
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

const INITIALIZE: &str = "initialize";

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
    /// The request that begins a connection, with as much of its parameters as counts: clients wait for its answer at
    /// every start.
    Initialize {
        /// The id to answer with.
        id: Id,
        /// What it has as `protocolVersion`.
        version: Option<Value>,
        /// What it has as `capabilities`.
        capabilities: Option<Value>,
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

    /// As a JSON-RPC response.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = (**data).clone();
        }
        json!({"jsonrpc": "2.0", "id": self.id, "error": error})
    }
}

/// Reads one line (without its line break).
#[must_use]
pub fn parse(line: &[u8]) -> Incoming {
    let Ok(text) = str::from_utf8(line) else {
        return invalid(None, PARSE_ERROR, "Parse error: the line is not UTF-8.");
    };
    if let Some(request) = request(text) {
        return request;
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(entries)) => Incoming::Batch(entries),
        Ok(value) => classify(value),
        Err(error) => invalid(None, PARSE_ERROR, format!("Parse error: {error}.")),
    }
}

/// A request as clients write them, taken apart where it stands. `None`: anything else, or something is odd about it;
/// then the other way says what. What is not read here is read by nobody, so it must be nothing that is refused there.
fn request(text: &str) -> Option<Incoming> {
    let ([version, id, method, params], others) = pick(text, ["jsonrpc", "id", "method", "params"])?;
    if version != Some("\"2.0\"") || others != 0 {
        return None;
    }
    let (id, method) = (id?, plain(method?)?);
    let id = match plain(id) {
        Some(text) => Id::Text(text.to_owned()),
        // `-0` is a fraction to `serde_json`.
        None => Id::Number(id.parse::<i64>().ok().filter(|number| *number != 0 || id == "0")?.into()),
    };
    let params = params.unwrap_or("{}");
    if method == INITIALIZE {
        let ([version, capabilities], _) = pick(params, ["protocolVersion", "capabilities"])?;
        if !is_ordinary(params) {
            return None;
        }
        let value = |text: Option<&str>| text.map(serde_json::from_str).transpose();
        return Some(Incoming::Initialize {
            id,
            version: value(version).ok()?,
            capabilities: value(capabilities).ok()?,
        });
    }
    Some(Incoming::Request { id, method: method.to_owned(), params: serde_json::from_str(params).ok()? })
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
    let mut params = match message.shift_remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) if id.is_none() => Map::new(),
        Some(_) => return invalid(id, INVALID_PARAMS, "Invalid params: `params` must be an object."),
    };
    match id {
        Some(id) if method == INITIALIZE => {
            let (version, capabilities) = (params.remove("protocolVersion"), params.remove("capabilities"));
            Incoming::Initialize { id, version, capabilities }
        }
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

/// The same, with the members of the result as they are written.
pub fn result_line_of(id: &Id, write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut line = Vec::with_capacity(USUAL_LINE);
    let mut message = Object::begin(&mut line);
    message.text("jsonrpc", "2.0");
    match id {
        Id::Text(text) => message.text("id", text),
        Id::Number(number) => message.member("id").extend_from_slice(number.to_string().as_bytes()),
    }
    write(&mut message.object("result"));
    drop(message);
    line
}

/// Most lines are no longer than this, in bytes; a longer one is moved to more room while it is written.
const USUAL_LINE: usize = 1024;

/// Any message as a line, without a line break.
pub fn to_line(message: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(USUAL_LINE);
    serde_json::to_writer(&mut line, message).expect("messages have string keys and go to memory");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_whichever_way_it_is_read() {
        let requests = [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#" { "method" : "tools/call" , "id" : "a b" , "jsonrpc" : "2.0" , "params" : { "name" : "x", "arguments": {"a":[1,{"b":null}]} } } "#,
            r#"{"jsonrpc":"2.0","id":-7,"method":"ping","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":"ü","method":"initialize","params":{"protocolVersion":"x","capabilities":{"a":[]},"clientInfo":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1,"capabilities":null}}"#,
        ];
        let others = [
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"\u0041"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"a":"\ud800"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"a":[1e999]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","more":1e999}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"a","id":"","method":"b"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":1}"#,
            r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"\n","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"\u0070ing"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":[]}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","\u0070":1}"#,
            "[]",
            "1",
        ];
        for (line, straight) in
            requests.iter().map(|line| (*line, true)).chain(others.iter().map(|line| (*line, false)))
        {
            assert_eq!(request(line).is_some(), straight, "{line}");
            let slow = match serde_json::from_str(line) {
                Ok(Value::Array(entries)) => Incoming::Batch(entries),
                Ok(value) => classify(value),
                Err(error) => invalid(None, PARSE_ERROR, format!("Parse error: {error}.")),
            };
            assert_eq!(format!("{:?}", parse(line.as_bytes())), format!("{slow:?}"), "{line}");
        }
    }
}
