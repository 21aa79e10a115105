//! Answers and errors of the API, and the two envelopes they travel in (pve.md sections 1 and 3).

use crate::demo::{chance::Chance, wire::json::write};
use serde_json::{Map, Value, json};

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

/// Whether a request came to `/api2/json` or to `/api2/extjs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The status is the answer's; an error closes the connection.
    Json,
    /// Always 200; status and message are in the body.
    Extjs,
}

/// The HTTP status, its reason phrase and the body of an outcome.
pub(crate) fn envelope(format: Format, outcome: Outcome, chance: &mut Chance) -> (u16, String, Vec<u8>) {
    let mut written = |body: Map<String, Value>| {
        let mut out = Vec::new();
        write(&Value::Object(body), chance, &mut out);
        out
    };
    match outcome {
        Ok(reply) => {
            let mut body = Map::new();
            if format == Format::Extjs {
                body.insert("success".into(), json!(1));
            }
            if let Some(total) = reply.total {
                body.insert("total".into(), json!(total));
            }
            body.insert("data".into(), reply.data);
            (200, "OK".into(), written(body))
        }
        Err(error) if error.bare => (error.status, error.message, Vec::new()),
        Err(error) => {
            let mut body = Map::new();
            body.insert("data".into(), Value::Null);
            // What is not implemented is said by the HTTP server itself, without a line break.
            let end = if error.status == 501 { "" } else { "\n" };
            body.insert("message".into(), json!(format!("{}{end}", error.message)));
            if !error.errors.is_empty() {
                let errors: Map<String, Value> =
                    error.errors.into_iter().map(|(name, problem)| (name, json!(problem))).collect();
                body.insert("errors".into(), Value::Object(errors));
            }
            if format == Format::Json {
                let reason = error.message.lines().next().unwrap_or_default().to_owned();
                return (error.status, reason, written(body));
            }
            body.insert("success".into(), json!(0));
            // What Proxmox raises itself (400, 401, 403) carries its status as a string, what its HTTP server
            // sets (500, 501) as a number: so it was recorded.
            let status =
                if error.status < 500 { json!(error.status.to_string()) } else { json!(error.status) };
            body.insert("status".into(), status);
            (200, "OK".into(), written(body))
        }
    }
}
