//! A tool as `tools/list` shows it.

use crate::{
    mcp::Revision,
    tools::{
        catalog::{does, entry::Entry},
        param::{CONFIRM, FIELDS, LIMIT, OFFSET, Param, Shape, WAIT},
        run::clusters::{ALL, CLUSTER, STATUS},
    },
};
use serde_json::{Map, Value, json};

impl Entry {
    /// The tool as a client of that protocol revision expects it. If clusters are given, the tool takes the name of
    /// one.
    #[must_use]
    pub fn spec(&self, revision: Revision, clusters: &[&str]) -> Value {
        let mut spec = json!({"name": self.name});
        if revision.has_structured_content() {
            spec["title"] = self.title().into();
        }
        spec["description"] = self.about().into();
        spec["inputSchema"] = self.schema(clusters);
        if revision.has_annotations() {
            spec["annotations"] = self.annotations();
        }
        // Claude Code lists all other tools by name only until they are needed. Tools have `_meta` from 2025-06-18
        // on.
        if self.tool.entry && revision.has_structured_content() {
            spec["_meta"] = json!({"anthropic/alwaysLoad": true});
        }
        spec
    }

    /// All four hints: for a hint that is left out, clients assume the worst.
    fn annotations(&self) -> Value {
        let does = does::of(self);
        json!({
            "title": self.title(),
            "readOnlyHint": does.only_reads(),
            "destructiveHint": does.harms(),
            "idempotentHint": does.only_reads() || self.tool.idempotent,
            "openWorldHint": does.contacts_other_hosts(),
        })
    }

    /// Flat and without combinators: otherwise some providers reject the whole list.
    fn schema(&self, clusters: &[&str]) -> Value {
        let mut properties = Map::new();
        for param in self.params().filter(|param| !param.unlisted && !self.goes_without_saying(param)) {
            properties.insert(param.name.into(), property(param));
        }
        if !clusters.is_empty() {
            let all = (self.name == STATUS).then_some(&ALL);
            let names: Vec<&&str> = clusters.iter().chain(all).collect();
            properties.insert(CLUSTER.into(), json!({"type": "string", "enum": names}));
        }
        let required: Vec<_> = self.params().filter(|param| param.required).map(|param| param.name).collect();
        // Always with `properties`: some clients drop the whole server if a schema has none.
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }

    /// Whether a parameter is left out of the schema. Those that every list or task takes are described once, in the
    /// server instructions, and an answer with more rows names the next offset. Only core tools list the confirmation
    /// token: the plan itself names it.
    fn goes_without_saying(&self, param: &Param) -> bool {
        let common = [FIELDS, LIMIT, OFFSET];
        common.iter().any(|common| common.name == param.name)
            || (self.tool.task && param.name == WAIT.name)
            || (!self.tool.core && param.name == CONFIRM.name)
    }
}

fn property(param: &Param) -> Value {
    let mut property = match param.shape {
        Shape::Int(..) => json!({"type": "integer"}),
        Shape::Text | Shape::Words => json!({"type": "string"}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::OneOf(words) => json!({"type": "string", "enum": words}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Shape::More => json!({"type": "object"}),
        Shape::Objects => json!({"type": "array", "items": {"type": "object"}}),
    };
    if !param.about.is_empty() {
        property["description"] = param.about.into();
    }
    property
}
