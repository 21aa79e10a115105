//! One message in, what to do about it. Knows the methods and the rules of each revision; runs nothing.
//!
//! Every message is judged by itself: one with the `_meta` of 2026-07-28 by that revision's rules, any other by
//! the revision that the last `initialize` settled. So both eras work on one connection.

use super::{
    About, Revision, Toolbox,
    ask::{self, Way},
    lookup::{self, Lookup},
    queue::Place,
    rpc::{self, Fault, Id, Incoming, result_line, result_line_of},
};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// How long a client may keep what it was told of tools, in milliseconds. The list changes only with the
/// configuration, so with a new process.
pub(super) const TTL_MS: u64 = 300_000;

/// What to do about a message.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    Ignore,
    /// Send this line.
    Reply(Vec<u8>),
    /// Run this call; its answer is due later.
    Run(ToolCall),
    /// Look this up; its answer is due later.
    LookUp(Lookup),
    /// Nobody waits for the answer to this request any more.
    Cancel(Id),
    /// The client answers a request of ours.
    Answered(Id, Map<String, Value>),
}

/// A call of a tool that exists.
#[derive(Debug)]
pub struct ToolCall {
    /// The request's id.
    pub id: Id,
    /// The rules its answer follows.
    pub revision: Revision,
    /// The tool's name as given.
    pub name: String,
    /// Its arguments, unchecked.
    pub arguments: Map<String, Value>,
    /// How it takes its turn.
    pub place: Place,
    /// The token to send progress under.
    pub progress_token: Option<Id>,
    /// How the person at the client can be asked.
    pub(super) way: Way,
}

/// What one client has settled so far.
#[derive(Debug, Default)]
pub struct Session {
    handshake: Option<Revision>,
    /// Whether the client of the handshake shows forms.
    forms: bool,
    lenient: bool,
}

impl Session {
    /// A connection on which nothing was said yet. A `lenient` one answers requests without a handshake as the
    /// newest revision that has one would: for people who type.
    #[must_use]
    pub fn new(lenient: bool) -> Session {
        Session { handshake: None, forms: false, lenient }
    }

    /// Whether an array of messages is a batch here.
    #[must_use]
    pub fn takes_batches(&self) -> bool {
        self.handshake.is_some_and(Revision::has_batches)
    }

    /// Judges one message; a batch comes apart before this, entry by entry.
    pub fn judge(&mut self, toolbox: &dyn Toolbox, message: Incoming) -> Action {
        match message {
            Incoming::Request { id, method, params } => match self.request(toolbox, &id, &method, params) {
                Ok(action) => action,
                Err(mut fault) => {
                    fault.id = Some(id);
                    Action::Reply(rpc::to_line(&fault.to_json()))
                }
            },
            Incoming::Initialize { id, version: Some(Value::String(version)), capabilities } => {
                Action::Reply(self.initialize(toolbox, &id, &version, capabilities.as_ref()))
            }
            Incoming::Initialize { id, .. } => {
                let problem = "Invalid params: `protocolVersion` must be a string such as \"2025-11-25\".";
                let fault = Fault::new(Some(id), rpc::INVALID_PARAMS, problem);
                Action::Reply(rpc::to_line(&fault.to_json()))
            }
            Incoming::Notification { method, params } if method == "notifications/cancelled" => {
                params.get("requestId").and_then(Id::from_json).map_or(Action::Ignore, Action::Cancel)
            }
            Incoming::Response { id: Some(id), message } => Action::Answered(id, message),
            Incoming::Notification { .. } | Incoming::Response { .. } => Action::Ignore,
            Incoming::Batch(_) => {
                reply_fault(rpc::INVALID_REQUEST, "Invalid request: this revision has no batches.")
            }
            Incoming::Invalid(fault) => Action::Reply(rpc::to_line(&fault.to_json())),
        }
    }

    fn request(
        &mut self,
        toolbox: &dyn Toolbox,
        id: &Id,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Action, Fault> {
        let revision = self.revision(toolbox, method, &params)?;
        let reply =
            |result: Value| Ok(Action::Reply(result_line(id, frame(revision, toolbox.about(), result))));
        match method {
            "ping" if !revision.is_modern() => reply(json!({})),
            "server/discover" if revision.is_modern() => reply(discover(toolbox)),
            "tools/list" => list(toolbox, revision, id, &params),
            "tools/call" => call(toolbox, revision, id, params, self.forms),
            method if !lookup::serves(toolbox, method) => Err(unknown_method(method)),
            "prompts/list" => reply(lookup::prompts(toolbox, revision, &params)?),
            "prompts/get" => reply(lookup::prompt(toolbox, &params)?),
            "resources/templates/list" => reply(lookup::templates(toolbox, revision, &params)?),
            "resources/list" | "resources/read" | "completion/complete" => {
                let wish = lookup::wish(toolbox, method, &params)?;
                Ok(Action::LookUp(Lookup { id: id.clone(), revision, wish }))
            }
            _ => Err(unknown_method(method)),
        }
    }

    /// The rules for this request, or why there are none.
    fn revision(
        &self,
        toolbox: &dyn Toolbox,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Revision, Fault> {
        let meta = params.get("_meta").and_then(Value::as_object);
        if let Some(meta) = meta
            && (meta.contains_key(PROTOCOL_VERSION) || meta.contains_key(CLIENT_CAPABILITIES))
        {
            return modern(meta);
        }
        if let Some(revision) = self.handshake {
            return Ok(revision);
        }
        let known = matches!(method, "server/discover" | "tools/list" | "tools/call");
        match method {
            "ping" => Ok(Revision::NEWEST_HANDSHAKE),
            _ if self.lenient => Ok(Revision::NEWEST_HANDSHAKE),
            _ if known || lookup::serves(toolbox, method) => Err(invalid_params(format!(
                "Invalid params: `_meta` lacks `{PROTOCOL_VERSION}`, and no `initialize` came before. Send first: {} \
                 (or start the server with --lenient).",
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}"#
            ))),
            _ => Err(unknown_method(method)),
        }
    }

    fn initialize(
        &mut self,
        toolbox: &dyn Toolbox,
        id: &Id,
        version: &str,
        capabilities: Option<&Value>,
    ) -> Vec<u8> {
        let revision = Revision::negotiate(version);
        self.handshake = Some(revision);
        self.forms = ask::by_request(revision) && ask::has_forms(capabilities);
        welcome(toolbox, revision, id)
    }
}

/// The rules of 2026-07-28, where every request must say its version and the client's capabilities.
fn modern(meta: &Map<String, Value>) -> Result<Revision, Fault> {
    let Some(Value::String(version)) = meta.get(PROTOCOL_VERSION) else {
        return Err(invalid_params(format!(
            "Invalid params: `_meta` must have `{PROTOCOL_VERSION}`, a string."
        )));
    };
    let newest = Revision::V2026_07_28;
    if version != newest.name() {
        let mut fault = Fault::new(None, rpc::UNSUPPORTED_VERSION, "Unsupported protocol version");
        fault.data = Some(Box::new(json!({"supported": [newest.name()], "requested": version})));
        return Err(fault);
    }
    if !meta.get(CLIENT_CAPABILITIES).is_some_and(Value::is_object) {
        return Err(invalid_params(format!(
            "Invalid params: `_meta` must have `{CLIENT_CAPABILITIES}`, an object."
        )));
    }
    Ok(newest)
}

/// The answer to `initialize` (schema, `InitializeResult`). Clients wait for it at every start: it is written straight.
fn welcome(toolbox: &dyn Toolbox, revision: Revision, id: &Id) -> Vec<u8> {
    result_line_of(id, |result| {
        result.text("protocolVersion", revision.name());
        let mut capabilities = result.object("capabilities");
        for name in lookup::announce(toolbox, revision) {
            capabilities.object(name);
        }
        drop(capabilities);
        let About { name, title, version } = toolbox.about();
        let mut info = result.object("serverInfo");
        info.text("name", name);
        info.text("title", title);
        info.text("version", version);
        drop(info);
        result.pieces("instructions", |say| toolbox.instruct(say));
    })
}

/// What `server/discover` is answered with (schema, `DiscoverResult`).
fn discover(toolbox: &dyn Toolbox) -> Value {
    let revision = Revision::V2026_07_28;
    let capabilities: Map<String, Value> =
        lookup::announce(toolbox, revision).map(|name| (name.to_owned(), json!({}))).collect();
    let discovered = json!({
        "supportedVersions": [revision.name()],
        "capabilities": capabilities,
        "instructions": toolbox.instructions(),
    });
    lookup::cached(revision, TTL_MS, discovered)
}

#[derive(Serialize)]
struct ToolList<'a> {
    tools: &'a RawValue,
    #[serde(flatten)]
    cache: Option<Cache>,
}

/// How long and for whom a client may keep what it was told.
#[derive(Serialize)]
struct Cache {
    #[serde(rename = "ttlMs")]
    ttl_ms: u64,
    #[serde(rename = "cacheScope")]
    scope: &'static str,
}

const CACHE: Cache = Cache { ttl_ms: TTL_MS, scope: "private" };

fn list(
    toolbox: &dyn Toolbox,
    revision: Revision,
    id: &Id,
    params: &Map<String, Value>,
) -> Result<Action, Fault> {
    one_page(params)?;
    let cache = revision.is_modern().then_some(CACHE);
    let tools = ToolList { tools: toolbox.list(revision), cache };
    Ok(Action::Reply(result_line(id, frame(revision, toolbox.about(), tools))))
}

/// Everything in one page: some clients read no second one. So every cursor is one that we did not issue.
pub(super) fn one_page(params: &Map<String, Value>) -> Result<(), Fault> {
    if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        return Err(invalid_params(
            "Invalid params: unknown `cursor`; the list has one page, ask for it without one.",
        ));
    }
    Ok(())
}

fn call(
    toolbox: &dyn Toolbox,
    revision: Revision,
    id: &Id,
    mut params: Map<String, Value>,
    forms: bool,
) -> Result<Action, Fault> {
    let Some(Value::String(name)) = params.shift_remove("name") else {
        return Err(invalid_params("Invalid params: `name` must be a string, the name of a tool."));
    };
    let arguments = match params.shift_remove("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err(invalid_params("Invalid params: `arguments` must be an object.")),
    };
    let order = toolbox.order(&name, &arguments).map_err(invalid_params)?;
    let place = Place { lane: toolbox.lane(&arguments), order };
    let given =
        ask::given(&params).map_err(|problem| invalid_params(format!("Invalid params: {problem}")))?;
    let way = if revision.is_modern() {
        let capabilities = params.get("_meta").and_then(|meta| meta.get(CLIENT_CAPABILITIES));
        if ask::has_forms(capabilities) { Way::Again(given) } else { Way::No }
    } else if forms {
        Way::Now
    } else {
        Way::No
    };
    let progress_token = params.get("_meta").and_then(|meta| Id::from_json(meta.get("progressToken")?));
    Ok(Action::Run(ToolCall { id: id.clone(), revision, name, arguments, place, progress_token, way }))
}

/// A result with what its revision wants around it.
#[derive(Debug, Serialize)]
pub struct Framed<R> {
    #[serde(rename = "resultType", skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    #[serde(flatten)]
    result: R,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

/// A result that has its own `resultType`, with the server's name where the revision has it.
pub fn frame_as_is(revision: Revision, about: About, result: Value) -> Framed<Value> {
    Framed { result_type: None, ..frame(revision, about, result) }
}

/// Puts `resultType` and the server's name around a result where the revision has them.
pub fn frame<R>(revision: Revision, about: About, result: R) -> Framed<R> {
    let modern = revision.is_modern();
    let meta = modern.then(|| json!({SERVER_INFO: about}));
    Framed { result_type: modern.then_some("complete"), result, meta }
}

pub(super) fn invalid_params(message: impl Into<String>) -> Fault {
    Fault::new(None, rpc::INVALID_PARAMS, message)
}

fn unknown_method(method: &str) -> Fault {
    Fault::new(None, rpc::METHOD_NOT_FOUND, format!("Method not found: `{}`", method.escape_debug()))
}

fn reply_fault(code: i32, message: &str) -> Action {
    Action::Reply(rpc::to_line(&Fault::new(None, code, message).to_json()))
}
