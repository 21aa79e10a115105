//! The outcome of a request: an answer, or an error in the API's own words. Knows neither the wire nor the cluster.

use serde_json::Value;

/// A handler's answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) data: Value,
    /// `total`, which paged lists carry beside their data.
    pub(crate) total: Option<usize>,
}

impl From<Value> for Reply {
    fn from(data: Value) -> Reply {
        Reply { data, total: None }
    }
}

/// The return type of every handler.
pub(crate) type Outcome = Result<Reply, ApiError>;

/// An error answer. Its message lacks the line break that Proxmox puts at its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: Vec<(String, String)>,
    /// Refused before any handler ran: the body is empty, and the message is only the reason phrase.
    pub(crate) bare: bool,
}

impl ApiError {
    /// A failure at run time, which Proxmox always answers with status 500.
    pub(crate) fn failed(message: impl Into<String>) -> ApiError {
        ApiError { status: 500, message: message.into(), errors: Vec::new(), bare: false }
    }

    /// Parameters that do not match their schema.
    pub(crate) fn parameters(errors: Vec<(String, String)>) -> ApiError {
        ApiError { status: 400, message: "Parameter verification failed.".into(), errors, bare: false }
    }

    /// One parameter that does not match its schema.
    pub(crate) fn parameter(name: &str, problem: impl Into<String>) -> ApiError {
        ApiError::parameters(vec![(name.to_owned(), problem.into())])
    }

    /// The sender lacks a privilege on a path.
    pub(crate) fn forbidden(need: &str) -> ApiError {
        ApiError::with(403, format!("Permission check failed ({need})"))
    }

    /// There is no such path, or it does not have this method.
    pub(crate) fn not_implemented(method: &str, path: &str) -> ApiError {
        ApiError::with(501, format!("Method '{method} {path}' not implemented"))
    }

    /// An error with any status and message.
    pub(crate) fn with(status: u16, message: impl Into<String>) -> ApiError {
        ApiError { status, message: message.into(), errors: Vec::new(), bare: false }
    }

    /// An error with a reason phrase and an empty body, as Proxmox sends it before a handler is reached.
    pub(crate) fn bare(status: u16, reason: impl Into<String>) -> ApiError {
        ApiError { bare: true, ..ApiError::with(status, reason) }
    }
}

impl From<String> for ApiError {
    fn from(message: String) -> ApiError {
        ApiError::failed(message)
    }
}
