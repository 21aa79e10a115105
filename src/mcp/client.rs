//! The protocol revision and capabilities of a client. In the handshake revisions, `initialize` declares them once; in
//! 2026-07-28, every request declares them for itself.

use super::revision::Revision;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The extension for views in the client (MCP Apps).
pub const UI_EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The extension for long-running tasks.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The client that sent a request. Clones share the capabilities.
#[derive(Clone, Debug)]
pub struct Client {
    revision: Revision,
    capabilities: Arc<Map<String, Value>>,
}

impl Client {
    /// Creates a client of that revision; `capabilities` are its `ClientCapabilities`. Anything other than an object
    /// counts as no capabilities.
    #[must_use]
    pub fn new(revision: Revision, capabilities: Option<&Value>) -> Client {
        let capabilities = capabilities.and_then(Value::as_object).cloned().unwrap_or_default();
        Client { revision, capabilities: Arc::new(capabilities) }
    }

    /// The revision whose rules the response follows.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The settings with which the client declared an extension; `None` if it did not, or not with an object.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Map<String, Value>> {
        self.capabilities.get("extensions")?.get(name)?.as_object()
    }

    /// Whether the client can show views of that media type (MCP Apps: the extension must list it in `mimeTypes`).
    #[must_use]
    pub fn shows_views(&self, media_type: &str) -> bool {
        let types = self.extension(UI_EXTENSION).and_then(|settings| settings.get("mimeTypes"));
        types.and_then(Value::as_array).is_some_and(|types| types.iter().any(|known| known == media_type))
    }

    /// Whether a call may return a task. The extension exists since 2026-07-28: a client that declares it in
    /// `initialize` cannot parse such a result.
    #[must_use]
    pub fn accepts_tasks(&self) -> bool {
        self.revision.is_modern() && self.extension(TASKS_EXTENSION).is_some()
    }

    /// Whether this extension of the server can be offered to the client.
    pub(super) fn supports(&self, extension: &str) -> bool {
        match extension {
            TASKS_EXTENSION => self.accepts_tasks(),
            name => self.extension(name).is_some(),
        }
    }

    /// Whether the client can show forms; `{}` also means that it can (2025-11-25, client/elicitation).
    pub(super) fn shows_forms(&self) -> bool {
        let elicitation = self.capabilities.get("elicitation").and_then(Value::as_object);
        self.revision.has_elicitation()
            && elicitation.is_some_and(|modes| modes.is_empty() || modes.contains_key("form"))
    }
}

impl Default for Client {
    /// A client of the newest handshake revision that declared no capabilities.
    fn default() -> Client {
        Client::new(Revision::NEWEST_HANDSHAKE, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const APP: &str = "text/html;profile=mcp-app";

    #[test]
    fn extensions_count_only_as_their_specifications_say() {
        let modern = Revision::V2026_07_28;
        for (revision, extensions, views, tasks) in [
            (modern, json!({}), false, false),
            (modern, json!(null), false, false),
            (modern, json!({TASKS_EXTENSION: {}}), false, true),
            (modern, json!({TASKS_EXTENSION: null}), false, false),
            (modern, json!({TASKS_EXTENSION: true}), false, false),
            (Revision::V2025_11_25, json!({TASKS_EXTENSION: {}}), false, false),
            (modern, json!({UI_EXTENSION: {}}), false, false),
            (modern, json!({UI_EXTENSION: {"mimeTypes": APP}}), false, false),
            (modern, json!({UI_EXTENSION: {"mimeTypes": ["text/html"]}}), false, false),
            (modern, json!({UI_EXTENSION: {"mimeTypes": ["text/html", APP]}}), true, false),
            (Revision::V2024_11_05, json!({UI_EXTENSION: {"mimeTypes": [APP]}}), true, false),
        ] {
            let client = Client::new(revision, Some(&json!({"extensions": extensions})));
            assert_eq!(
                (client.shows_views(APP), client.accepts_tasks()),
                (views, tasks),
                "{} {extensions}",
                revision.name()
            );
        }
    }

    #[test]
    fn forms_are_shown_where_the_revision_has_them_and_the_client_says_so() {
        for (revision, capabilities, expected) in [
            (Revision::V2026_07_28, json!({"elicitation": {}}), true),
            (Revision::V2025_06_18, json!({"elicitation": {"form": {}, "url": {}}}), true),
            (Revision::V2025_11_25, json!({"elicitation": {"url": {}}}), false),
            (Revision::V2025_11_25, json!({"elicitation": true}), false),
            (Revision::V2025_03_26, json!({"elicitation": {}}), false),
            (Revision::V2025_11_25, json!([]), false),
        ] {
            let client = Client::new(revision, Some(&capabilities));
            assert_eq!(client.shows_forms(), expected, "{} {capabilities}", revision.name());
        }
        assert!(!Client::default().shows_forms());
    }
}
