//! The two envelopes of answers and errors (pve.md sections 1 and 3).

use crate::demo::{chance::Rng, outcome::Outcome, wire::json::write};
use serde_json::{Map, Value, json};

/// Whether a request was sent to `/api2/json` or to `/api2/extjs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The HTTP status is that of the answer; an error closes the connection.
    Json,
    /// The HTTP status is always 200; status and message are in the body.
    Extjs,
}

/// The HTTP status, its reason phrase and the body of an outcome.
pub(crate) fn envelope(format: Format, outcome: Outcome, chance: &mut Rng) -> (u16, String, Vec<u8>) {
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
            // 501 comes from the HTTP server itself, whose message has no line break.
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
            // Proxmox returns statuses that it raises itself (400, 401, 403) as strings, and those that its HTTP server
            // sets (500, 501) as numbers: so it was recorded.
            let status =
                if error.status < 500 { json!(error.status.to_string()) } else { json!(error.status) };
            body.insert("status".into(), status);
            (200, "OK".into(), written(body))
        }
    }
}
