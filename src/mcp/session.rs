//! One message in, what to do about it. Knows the methods and the rules of each revision; runs nothing.
//!
//! Every message is judged by itself: one with the `_meta` of 2026-07-28 by that revision's rules, any other by
//! the revision that the last `initialize` settled. So both eras work on one connection.

use super::{
    calls,
    client::{Client, TASKS_EXTENSION},
    completion, prompts,
    request::{Request, TaskMethod},
    resources,
    result::{LIST_TTL_MS, Responder, cached},
    revision::Revision,
    rpc::{self, Fault, Id, Incoming},
    subscribe::Subscribe,
    tasks,
    toolbox::{About, Toolbox},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The line to send first, for whoever did not.
const FIRST_LINE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}"#;

/// What to do about a message.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    Ignore,
    /// Send this line.
    Reply(Vec<u8>),
    /// Carry this out; its answer is due later.
    Run(Request),
    /// See to this; its answer is due later.
    Subscribe(Subscribe),
    /// Nobody waits for the answer to this request any more.
    Cancel(Id),
    /// The client answers a request of ours.
    Answered(Id, Map<String, Value>),
}

/// What one connection has settled so far.
#[derive(Debug, Default)]
pub struct Session {
    /// Who sent `initialize`.
    handshake: Option<Client>,
    lenient: bool,
}

impl Session {
    /// A connection on which nothing was said yet. A `lenient` one answers requests without a handshake as the
    /// newest revision that has one would: for people who type.
    #[must_use]
    pub fn new(lenient: bool) -> Session {
        Session { handshake: None, lenient }
    }

    /// Whether an array of messages is a batch here.
    #[must_use]
    pub fn takes_batches(&self) -> bool {
        self.handshake.as_ref().is_some_and(|client| client.revision().has_batches())
    }

    /// Judges one message; a batch comes apart before this, entry by entry.
    pub fn judge(&mut self, toolbox: &dyn Toolbox, message: Incoming) -> Action {
        match message {
            Incoming::Request { id, method, params } => {
                self.request(toolbox, &id, &method, params).unwrap_or_else(|mut fault| {
                    fault.id = Some(id);
                    Action::Reply(fault.to_line())
                })
            }
            Incoming::Notification { method, params } if method == "notifications/cancelled" => {
                params.get("requestId").and_then(Id::from_json).map_or(Action::Ignore, Action::Cancel)
            }
            Incoming::Response { id: Some(id), message } => Action::Answered(id, message),
            Incoming::Notification { .. } | Incoming::Response { .. } => Action::Ignore,
            Incoming::Batch(_) => {
                let message = "Invalid request: this revision has no batches.";
                Action::Reply(Fault::new(None, rpc::INVALID_REQUEST, message).to_line())
            }
            Incoming::Invalid(fault) => Action::Reply(fault.to_line()),
        }
    }

    fn request(
        &mut self,
        toolbox: &dyn Toolbox,
        id: &Id,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Action, Fault> {
        if method == "initialize" {
            return self.initialize(toolbox, id, &params).map(Action::Reply);
        }
        let client = self.client(toolbox, method, &params)?;
        let revision = client.revision();
        let responder = Responder { id, revision, about: toolbox.about() };
        if toolbox.tells_changes()
            && let Some(request) = Subscribe::read(id, revision, method, &params)?
        {
            return Ok(Action::Subscribe(request));
        }
        let line = match method {
            "ping" if !revision.is_modern() => responder.complete(json!({})),
            "server/discover" if revision.is_modern() => responder.complete(discover(toolbox, &client)),
            "tools/list" => responder.complete(calls::list(toolbox, &client, &params)?),
            method if method != "tools/call" && !serves_to(toolbox, &client, method) => {
                return Err(unknown_method(method));
            }
            "prompts/list" => responder.complete(prompts::list(toolbox, revision, &params)?),
            "prompts/get" => responder.complete(prompts::get(toolbox, params)?),
            "resources/templates/list" => {
                responder.complete(resources::templates(toolbox, revision, &params)?)
            }
            _ => {
                let (place, work) = match method {
                    "tools/call" => calls::call(toolbox, &client, params)?,
                    "resources/list" => resources::list(&params)?,
                    "resources/read" => resources::read(toolbox, &params)?,
                    "tasks/get" => tasks::read(toolbox, &client, TaskMethod::Get, &params)?,
                    "tasks/update" => tasks::read(toolbox, &client, TaskMethod::Update, &params)?,
                    "tasks/cancel" => tasks::read(toolbox, &client, TaskMethod::Cancel, &params)?,
                    _ => completion::read(toolbox, &params)?,
                };
                return Ok(Action::Run(Request { id: id.clone(), client, place, work }));
            }
        };
        Ok(Action::Reply(line))
    }

    /// Who sent this request, and so by which rules it is answered; or why it is not.
    fn client(
        &self,
        toolbox: &dyn Toolbox,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Client, Fault> {
        let meta = params.get("_meta").and_then(Value::as_object);
        if let Some(meta) = meta
            && (meta.contains_key(PROTOCOL_VERSION) || meta.contains_key(CLIENT_CAPABILITIES))
        {
            return modern(meta);
        }
        if let Some(client) = &self.handshake {
            return Ok(client.clone());
        }
        let about_changes =
            matches!(method, "resources/subscribe" | "resources/unsubscribe" | "subscriptions/listen");
        let known = matches!(method, "server/discover" | "tools/list" | "tools/call")
            || (about_changes && toolbox.tells_changes());
        match method {
            "ping" => Ok(Client::default()),
            _ if self.lenient => Ok(Client::default()),
            _ if known || serves(toolbox, method) => Err(Fault::invalid_params(format!(
                "Invalid params: `_meta` lacks `{PROTOCOL_VERSION}`, and no `initialize` came before. Send first: \
                 {FIRST_LINE} (or start the server with --lenient)."
            ))),
            _ => Err(unknown_method(method)),
        }
    }

    fn initialize(
        &mut self,
        toolbox: &dyn Toolbox,
        id: &Id,
        params: &Map<String, Value>,
    ) -> Result<Vec<u8>, Fault> {
        let Some(Value::String(version)) = params.get("protocolVersion") else {
            return Err(Fault::invalid_params(
                "Invalid params: `protocolVersion` must be a string such as \"2025-11-25\".",
            ));
        };
        let revision = Revision::negotiate(version);
        let client = self.handshake.insert(Client::new(revision, params.get("capabilities")));
        let result = InitializeResult {
            protocol_version: revision.name(),
            capabilities: capabilities(toolbox, client),
            server_info: toolbox.about(),
            instructions: toolbox.instructions(),
        };
        Ok(Responder { id, revision, about: toolbox.about() }.complete(result))
    }
}

/// Schema, `InitializeResult`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    protocol_version: &'static str,
    capabilities: Map<String, Value>,
    server_info: About,
    instructions: String,
}

/// A client by the rules of 2026-07-28, where every request must say its version and the client's capabilities.
fn modern(meta: &Map<String, Value>) -> Result<Client, Fault> {
    let Some(Value::String(version)) = meta.get(PROTOCOL_VERSION) else {
        return Err(Fault::invalid_params(format!(
            "Invalid params: `_meta` must have `{PROTOCOL_VERSION}`, a string."
        )));
    };
    let newest = Revision::V2026_07_28;
    if version != newest.name() {
        let mut fault = Fault::new(None, rpc::UNSUPPORTED_VERSION, "Unsupported protocol version");
        fault.data = Some(Box::new(json!({"supported": [newest.name()], "requested": version})));
        return Err(fault);
    }
    let capabilities = meta.get(CLIENT_CAPABILITIES);
    if !capabilities.is_some_and(Value::is_object) {
        return Err(Fault::invalid_params(format!(
            "Invalid params: `_meta` must have `{CLIENT_CAPABILITIES}`, an object."
        )));
    }
    Ok(Client::new(newest, capabilities))
}

/// What is announced to that client (schema, `ServerCapabilities`): of most there is no more to say than that it is there.
fn capabilities(toolbox: &dyn Toolbox, client: &Client) -> Map<String, Value> {
    let (prompts, resources) = (toolbox.has_prompts(), toolbox.has_resources());
    // 2024-11-05 has completions, but no capability that says so.
    let completions = (prompts || resources) && client.revision().has_annotations();
    let all = [("tools", true), ("prompts", prompts), ("resources", resources), ("completions", completions)];
    let served = all.into_iter().filter(|(_, served)| *served);
    let mut capabilities: Map<String, Value> = served.map(|(name, _)| (name.to_owned(), json!({}))).collect();
    if let Some(resources) = capabilities.get_mut("resources").filter(|_| toolbox.tells_changes()) {
        *resources = json!({"subscribe": true});
    }
    let shared = toolbox.extensions().iter().filter(|name| client.supports(name));
    let extensions: Map<String, Value> = shared.map(|name| ((*name).to_owned(), json!({}))).collect();
    if !extensions.is_empty() {
        capabilities.insert("extensions".into(), extensions.into());
    }
    capabilities
}

/// Whether this method is served at all: only what was announced is.
fn serves(toolbox: &dyn Toolbox, method: &str) -> bool {
    match method {
        "prompts/list" | "prompts/get" => toolbox.has_prompts(),
        "resources/list" | "resources/templates/list" | "resources/read" => toolbox.has_resources(),
        "completion/complete" => toolbox.has_prompts() || toolbox.has_resources(),
        _ => false,
    }
}

/// The same for that client: methods of an extension are there in the revisions that have the extension.
fn serves_to(toolbox: &dyn Toolbox, client: &Client, method: &str) -> bool {
    match method {
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            client.revision().is_modern() && toolbox.extensions().contains(&TASKS_EXTENSION)
        }
        method => serves(toolbox, method),
    }
}

/// Answers `server/discover` (schema, `DiscoverResult`).
fn discover(toolbox: &dyn Toolbox, client: &Client) -> impl Serialize {
    let revision = client.revision();
    let result = json!({
        "supportedVersions": [revision.name()],
        "capabilities": capabilities(toolbox, client),
        "instructions": toolbox.instructions(),
    });
    cached(revision, LIST_TTL_MS, result)
}

fn unknown_method(method: &str) -> Fault {
    Fault::new(None, rpc::METHOD_NOT_FOUND, format!("Method not found: `{}`", method.escape_debug()))
}
