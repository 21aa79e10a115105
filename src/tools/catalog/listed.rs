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
    /// The tool as a client of that revision wants it. It takes the name of one of the clusters, if any are given.
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
        // Claude Code shows every other tool by its name alone until it is asked for. Tools have `_meta` from
        // 2025-06-18 on.
        if self.tool.entry && revision.has_structured_content() {
            spec["_meta"] = json!({"anthropic/alwaysLoad": true});
        }
        spec
    }

    /// All four hints: what a client assumes of those left out is hostile.
    fn annotations(&self) -> Value {
        let does = does::of(self);
        json!({
            "title": self.title(),
            "readOnlyHint": does.only_reads(),
            "destructiveHint": does.harms(),
            "idempotentHint": does.only_reads() || self.tool.idempotent,
            "openWorldHint": does.reaches_out(),
        })
    }

    /// Flat and without combinators: some providers refuse the whole list otherwise.
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
        // Always with properties: some clients drop the whole server over a schema without.
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }

    /// What every list or task takes is said once, in the instructions, and of pages every answer that has more tells the
    /// next. The token of a plan is listed only by the tools that are listed by default: the plan itself names it.
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
