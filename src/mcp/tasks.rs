//! `tasks/get`, `tasks/update` and `tasks/cancel` (extension `io.modelcontextprotocol/tasks`, only in 2026-07-28): work
//! that continues after the response to its call.
//!
//! Questions to the user are answered before a task is created, so no task ever waits for input.

use super::{
    call::Call,
    client::{Client, TASKS_EXTENSION},
    params,
    queue::Place,
    request::{TaskMethod, Work},
    result::TaskObject,
    rpc::{self, Fault},
    toolbox::Toolbox,
};
use serde_json::{Map, Value, json};

/// Parses a request about a task.
///
/// # Errors
/// The request does not declare the extension, or has no task id.
pub(super) fn read(
    toolbox: &dyn Toolbox,
    client: &Client,
    method: TaskMethod,
    params: &Map<String, Value>,
) -> Result<(Place, Work), Fault> {
    if !client.accepts_tasks() {
        let message = format!(
            "Missing required client capability: declare `{TASKS_EXTENSION}` in `extensions` with the request."
        );
        let mut fault = Fault::new(None, rpc::MISSING_CAPABILITY, message);
        fault.data = Some(Box::new(json!({"requiredCapabilities": {"extensions": {TASKS_EXTENSION: {}}}})));
        return Err(fault);
    }
    let id = params::text(params, "taskId", "the id of a task")?;
    Ok((toolbox.task_place(id), Work::Task(method, id.to_owned())))
}

/// Carries out a request about a task.
///
/// # Errors
/// There is no such task, or it is no longer kept.
pub(super) fn run(
    toolbox: &dyn Toolbox,
    call: &Call<'_>,
    method: TaskMethod,
    id: &str,
) -> Result<Value, Fault> {
    let found = match method {
        TaskMethod::Get => {
            toolbox.task(call, id).map(|task| serde_json::to_value(TaskObject::new(task)).unwrap_or_default())
        }
        // No task waits for input, and responses to requests that were never made are ignored.
        TaskMethod::Update => toolbox.has_task(id).then(|| json!({})),
        TaskMethod::Cancel => toolbox.cancel_task(id).then(|| json!({})),
    };
    found.ok_or_else(|| Fault::invalid_params("Failed to retrieve task: Task not found"))
}
