//! A request that takes time, for a worker to carry out.

use super::{client::Client, elicitation::ElicitationMode, offer::CompletionRequest, queue::Place, rpc::Id};
use serde_json::{Map, Value};

/// A request that is answered later.
#[derive(Debug)]
pub struct Request {
    /// The id to answer with.
    pub id: Id,
    /// Who asks.
    pub client: Client,
    /// Its place among the others.
    pub place: Place,
    /// What it asks for.
    pub work: Work,
}

/// What a worker carries out.
#[derive(Debug)]
pub enum Work {
    /// `tools/call`.
    CallTool(ToolCall),
    /// `resources/list`, from this entry on.
    ListResources(usize),
    /// `resources/read` of this address.
    ReadResource(String),
    /// `completion/complete`.
    Complete(CompletionRequest),
    /// `tasks/get` and its like, of the task of that id.
    Task(TaskMethod, String),
}

/// What is asked of a task.
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
    /// What it is, for the log.
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

/// A call of a tool that exists.
#[derive(Debug)]
pub struct ToolCall {
    /// The tool's name as given.
    pub name: String,
    /// Its arguments, unchecked.
    pub arguments: Map<String, Value>,
    /// The token to send progress under.
    pub progress_token: Option<Id>,
    /// How the person at the client can be asked.
    pub(super) elicitation: ElicitationMode,
}
