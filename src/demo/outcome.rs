//! What a request comes to: an answer, or a refusal in the words of the API. Knows neither the wire nor the cluster.

use serde_json::Value;

/// What a handler answers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) data: Value,
    /// `total`, which lists that are paged carry beside their data.
    pub(crate) total: Option<usize>,
}

impl From<Value> for Reply {
    fn from(data: Value) -> Reply {
        Reply { data, total: None }
    }
}

/// What every handler returns.
pub(crate) type Outcome = Result<Reply, ApiError>;

/// A refusal. The message ends without the line break that Proxmox puts after it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: Vec<(String, String)>,
    /// Refused before any handler ran: no body, only the reason phrase.
    pub(crate) bare: bool,
}

impl ApiError {
    /// A failure at run time, which Proxmox answers with 500 whatever it was.
    pub(crate) fn failed(message: impl Into<String>) -> ApiError {
        ApiError { status: 500, message: message.into(), errors: Vec::new(), bare: false }
    }

    /// Parameters that do not fit their schema.
    pub(crate) fn parameters(errors: Vec<(String, String)>) -> ApiError {
        ApiError { status: 400, message: "Parameter verification failed.".into(), errors, bare: false }
    }

    /// One parameter that does not fit.
    pub(crate) fn parameter(name: &str, problem: impl Into<String>) -> ApiError {
        ApiError::parameters(vec![(name.to_owned(), problem.into())])
    }

    /// A privilege is missing on a path.
    pub(crate) fn forbidden(need: &str) -> ApiError {
        ApiError::with(403, format!("Permission check failed ({need})"))
    }

    /// No such path, or not with this method.
    pub(crate) fn not_implemented(method: &str, path: &str) -> ApiError {
        ApiError::with(501, format!("Method '{method} {path}' not implemented"))
    }

    /// Any status with a message.
    pub(crate) fn with(status: u16, message: impl Into<String>) -> ApiError {
        ApiError { status, message: message.into(), errors: Vec::new(), bare: false }
    }

    /// A status with a reason phrase and an empty body, as it is given before a handler is reached.
    pub(crate) fn bare(status: u16, reason: impl Into<String>) -> ApiError {
        ApiError { bare: true, ..ApiError::with(status, reason) }
    }
}

impl From<String> for ApiError {
    fn from(message: String) -> ApiError {
        ApiError::failed(message)
    }
}
