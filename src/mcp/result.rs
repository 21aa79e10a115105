//! The form of results in each revision, around the results of the methods.

use super::{
    answer::{Answer, Task, TaskStatus},
    revision::Revision,
    rpc::{self, Id, result_line},
    toolbox::About,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use humantime::format_rfc3339_millis;
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// How long a client may cache a list that changes only with the configuration, and so only with a new process; in
/// milliseconds.
pub(super) const LIST_TTL_MS: u64 = 300_000;

/// Any result (`Result` in the schema): 2026-07-28 requires `resultType`, and the server's name in `_meta`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject<R> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    #[serde(flatten)]
    result: R,
    #[serde(rename = "_meta", skip_serializing_if = "Map::is_empty")]
    meta: Map<String, Value>,
}

/// Builds the responses to one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Responder<'a> {
    /// The request's id.
    pub(super) id: &'a Id,
    /// The revision whose rules the response follows.
    pub(super) revision: Revision,
    /// The server's name and version.
    pub(super) about: About,
}

impl Responder<'_> {
    /// The response line for a final result.
    pub(super) fn complete(self, result: impl Serialize) -> Vec<u8> {
        self.line("complete", result, Map::new())
    }

    /// Like [`Responder::complete`], with additional members in `_meta`.
    pub(super) fn complete_with(self, result: impl Serialize, meta: Map<String, Value>) -> Vec<u8> {
        self.line("complete", result, meta)
    }

    fn line(
        self,
        result_type: &'static str,
        result: impl Serialize,
        mut meta: Map<String, Value>,
    ) -> Vec<u8> {
        let modern = self.revision.is_modern();
        if modern {
            let about = serde_json::to_value(self.about).expect("plain text");
            meta.insert(SERVER_INFO.into(), about);
        }
        let result_type = modern.then_some(result_type);
        result_line(self.id, ResultObject { result_type, result, meta })
    }

    /// The response line for a tool call.
    pub(super) fn call(self, answer: Answer) -> Vec<u8> {
        let structured = |data| self.revision.has_structured_content().then_some(data);
        match &answer {
            Answer::Data(data) => self.complete(CallToolResult::new(data.get(), structured(&**data))),
            Answer::DataWithMeta(data, meta) => {
                let result = CallToolResult::new(data.get(), structured(&**data));
                self.line("complete", result, meta.clone())
            }
            Answer::DataWithPicture(data, png) => {
                let mut result = CallToolResult::new(data.get(), structured(&**data));
                result
                    .content
                    .push(Content::Image { data: BASE64_STANDARD.encode(png), mime_type: "image/png" });
                self.complete(result)
            }
            Answer::Failure(sentences) => self.complete(CallToolResult::failure(sentences)),
            Answer::Task(task) => {
                let task = TaskObject::new(task.as_working());
                self.line("task", task, Map::new())
            }
            Answer::Ask { question, state } => {
                let result = super::elicitation::input_required(question, state);
                self.line("input_required", result, Map::new())
            }
        }
    }
}

/// The result of a call as part of a completed task.
pub(super) fn call_result(answer: &Answer) -> Value {
    let result = match answer {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            CallToolResult::new(data.get(), Some(data))
        }
        Answer::Failure(sentences) => CallToolResult::failure(sentences),
        Answer::Ask { question, .. } => CallToolResult::failure(&question.message),
        Answer::Task(task) => CallToolResult::failure(&task.message),
    };
    let complete = ResultObject { result_type: Some("complete"), result, meta: Map::new() };
    serde_json::to_value(complete).expect("a result has text keys")
}

/// A task as sent to the client; without a result in the response to a call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskObject {
    task_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_message: String,
    created_at: String,
    last_updated_at: String,
    ttl_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_interval_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl TaskObject {
    pub(super) fn new(task: Task) -> TaskObject {
        let (status, result, error) = match task.status {
            TaskStatus::Working => ("working", None, None),
            TaskStatus::Completed(answer) => ("completed", Some(call_result(&answer)), None),
            TaskStatus::Failed(message) => {
                ("failed", None, Some(json!({"code": rpc::INTERNAL_ERROR, "message": message})))
            }
            TaskStatus::Cancelled => ("cancelled", None, None),
        };
        TaskObject {
            task_id: task.id,
            status,
            status_message: task.message,
            created_at: format_rfc3339_millis(task.created).to_string(),
            last_updated_at: format_rfc3339_millis(task.updated).to_string(),
            ttl_ms: task.ttl_ms,
            poll_interval_ms: (status == "working").then_some(task.poll_interval_ms),
            result,
            error,
        }
    }
}

/// The result of a tool call (`CallToolResult` in the schema).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallToolResult<'a> {
    content: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_error: Option<bool>,
}

/// `ContentBlock` in the schema.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Content<'a> {
    Text { text: &'a str },
    Image { data: String, mime_type: &'static str },
}

impl<'a> CallToolResult<'a> {
    fn new(text: &'a str, structured_content: Option<&'a RawValue>) -> CallToolResult<'a> {
        CallToolResult { content: vec![Content::Text { text }], structured_content, is_error: None }
    }

    fn failure(text: &'a str) -> CallToolResult<'a> {
        CallToolResult { is_error: Some(true), ..CallToolResult::new(text, None) }
    }
}

/// A result with how long it may be cached, and by whom; only in 2026-07-28 (`CacheableResult` in the schema).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cached<R> {
    #[serde(flatten)]
    result: R,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_scope: Option<&'static str>,
}

/// A result that this client may cache for `ttl_ms` milliseconds.
pub(super) fn cached<R>(revision: Revision, ttl_ms: u64, result: R) -> Cached<R> {
    let modern = revision.is_modern();
    Cached { result, ttl_ms: modern.then_some(ttl_ms), cache_scope: modern.then_some("private") }
}

/// An entry of a list: its name, and its title if the revision has titles.
pub(super) fn named(revision: Revision, name: &str, title: &str) -> Value {
    let mut entry = json!({"name": name});
    if revision.has_structured_content() {
        entry["title"] = title.into();
    }
    entry
}
