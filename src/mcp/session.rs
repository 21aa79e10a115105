//! Decides what to do about each message. Implements the methods and rules of each revision; runs nothing itself.
//!
//! Every message is handled separately: a message with the `_meta` of 2026-07-28 by the rules of that revision, any
//! other by the revision that the last `initialize` negotiated. So both kinds of client work on one connection.

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
/// The line that a client must send first, for the error message.
const FIRST_LINE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}"#;

/// What to do about a message.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    Ignore,
    /// Send this line.
    Reply(Vec<u8>),
    /// Carry out this request and respond later.
    Run(Request),
    /// Handle this request about subscriptions and respond later.
    Subscribe(Subscribe),
    /// The client cancelled the request with this id.
    Cancel(Id),
    /// The client responded to a request of the server.
    Answered(Id, Map<String, Value>),
}

/// The state of one connection.
#[derive(Debug, Default)]
pub struct Session {
    /// The client, once it has sent `initialize`.
    handshake: Option<Client>,
    lenient: bool,
}

impl Session {
    /// A new connection. A `lenient` one responds to requests without a handshake by the rules of the newest handshake
    /// revision, for people who type requests by hand.
    #[must_use]
    pub fn new(lenient: bool) -> Session {
        Session { handshake: None, lenient }
    }

    /// Whether an array of messages is a batch in the negotiated revision.
    #[must_use]
    pub fn takes_batches(&self) -> bool {
        self.handshake.as_ref().is_some_and(|client| client.revision().has_batches())
    }

    /// Decides what to do about one message. A batch must be split into its entries before.
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
                let message = "Invalid request: this revision does not support batches.";
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
        if toolbox.supports_subscriptions()
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

    /// The client that sent this request, which determines the rules for the response.
    ///
    /// # Errors
    /// The request is rejected, as it is unclear which revision it uses.
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
            || (about_changes && toolbox.supports_subscriptions());
        match method {
            "ping" => Ok(Client::default()),
            _ if self.lenient => Ok(Client::default()),
            _ if known || serves(toolbox, method) => Err(Fault::invalid_params(format!(
                "Invalid params: `_meta` lacks `{PROTOCOL_VERSION}`, and there was no `initialize` before. Send first: \
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

/// `InitializeResult` in the schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    protocol_version: &'static str,
    capabilities: Map<String, Value>,
    server_info: About,
    instructions: String,
}

/// The client by the rules of 2026-07-28: every request must declare its version and the client's capabilities.
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

/// The capabilities announced to that client (`ServerCapabilities` in the schema).
fn capabilities(toolbox: &dyn Toolbox, client: &Client) -> Map<String, Value> {
    let (prompts, resources) = (toolbox.has_prompts(), toolbox.has_resources());
    // 2024-11-05 has completions, but no capability for them.
    let completions = (prompts || resources) && client.revision().has_annotations();
    let all = [("tools", true), ("prompts", prompts), ("resources", resources), ("completions", completions)];
    let served = all.into_iter().filter(|(_, served)| *served);
    let mut capabilities: Map<String, Value> = served.map(|(name, _)| (name.to_owned(), json!({}))).collect();
    if let Some(resources) = capabilities.get_mut("resources").filter(|_| toolbox.supports_subscriptions()) {
        *resources = json!({"subscribe": true});
    }
    let shared = toolbox.extensions().iter().filter(|name| client.supports(name));
    let extensions: Map<String, Value> = shared.map(|name| ((*name).to_owned(), json!({}))).collect();
    if !extensions.is_empty() {
        capabilities.insert("extensions".into(), extensions.into());
    }
    capabilities
}

/// Whether this method is supported: only methods of announced capabilities are.
fn serves(toolbox: &dyn Toolbox, method: &str) -> bool {
    match method {
        "prompts/list" | "prompts/get" => toolbox.has_prompts(),
        "resources/list" | "resources/templates/list" | "resources/read" => toolbox.has_resources(),
        "completion/complete" => toolbox.has_prompts() || toolbox.has_resources(),
        _ => false,
    }
}

/// Like [`serves`], but for one client: also includes the methods of extensions, in revisions that have the extension.
fn serves_to(toolbox: &dyn Toolbox, client: &Client, method: &str) -> bool {
    match method {
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            client.revision().is_modern() && toolbox.extensions().contains(&TASKS_EXTENSION)
        }
        method => serves(toolbox, method),
    }
}

/// Answers `server/discover` (`DiscoverResult` in the schema).
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
