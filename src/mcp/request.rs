//! Requests that are carried out by a worker thread.

use super::{client::Client, elicitation::ElicitationMode, offer::CompletionRequest, queue::Place, rpc::Id};
use serde_json::{Map, Value};

/// A request for a worker.
#[derive(Debug)]
pub struct Request {
    /// The id to answer with.
    pub id: Id,
    /// The client that sent it.
    pub client: Client,
    /// Its queue and order among the other requests.
    pub place: Place,
    /// What to do.
    pub work: Work,
}

/// What a worker carries out.
#[derive(Debug)]
pub enum Work {
    /// `tools/call`.
    CallTool(ToolCall),
    /// `resources/list`, starting at this entry.
    ListResources(usize),
    /// `resources/read` of this URI.
    ReadResource(String),
    /// `completion/complete`.
    Complete(CompletionRequest),
    /// `tasks/get`, `tasks/update` or `tasks/cancel` for the task with that id.
    Task(TaskMethod, String),
}

/// A method of the tasks extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskMethod {
    /// `tasks/get`.
    Get,
    /// `tasks/update`.
    Update,
    /// `tasks/cancel`.
    Cancel,
}

impl Work {
    /// A description for the log.
    pub(super) fn title(&self) -> String {
        match self {
            Work::CallTool(tool) => format!("The tool `{}`", tool.name.escape_debug()),
            Work::ListResources(_) => "The request `resources/list`".into(),
            Work::ReadResource(_) => "The request `resources/read`".into(),
            Work::Complete(_) => "The request `completion/complete`".into(),
            Work::Task(..) => "A request about a task".into(),
        }
    }
}

/// A call of an existing tool.
#[derive(Debug)]
pub struct ToolCall {
    /// The tool's name as given.
    pub name: String,
    /// Its arguments, unchecked.
    pub arguments: Map<String, Value>,
    /// The token for progress notifications.
    pub progress_token: Option<Id>,
    /// How the user at the client can be asked.
    pub(super) elicitation: ElicitationMode,
}
