//! A row as `tools/list` shows it, and as the table in docs/tools.md does.

use crate::{
    mcp::Revision,
    pve::api::find_template,
    tools::{
        api::request as api,
        catalog::does,
        param::{CONFIRM, Effect, FIELDS, Kind, LIMIT, OFFSET, Param, Shape, WAIT},
        row::{Run, Tool},
        run::clusters::{ALL, CLUSTER, Cluster, STATUS},
    },
};
use serde_json::{Map, Value, json};

/// One tool under one name: half of a row that is two tools, or a whole row.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The row.
    pub tool: &'static Tool,
    /// The tool's name.
    pub name: &'static str,
    /// Which half it is.
    pub kind: Option<Kind>,
    /// The toolset it belongs to.
    pub toolset: &'static str,
}

impl Entry {
    /// The description, the guest's word filled in.
    #[must_use]
    pub fn about(&self) -> String {
        self.tool.about.replace("{guest}", self.kind.map_or("guest", Kind::word))
    }

    /// The sentence that says which setting of a cluster forbids it.
    #[must_use]
    pub fn forbidden_in(&self, cluster: &Cluster) -> Option<String> {
        cluster.forbidden(self.name, self.tool.effect == Effect::Read)
    }

    /// `Start VM` for `proxmox_start_vm`.
    #[must_use]
    pub fn title(&self) -> String {
        let words =
            self.name.strip_prefix("proxmox_").unwrap_or(self.name).split('_').map(|word| match word {
                "vm" => "VM".to_owned(),
                "vms" => "VMs".to_owned(),
                "api" => "API".to_owned(),
                "ha" => "HA".to_owned(),
                word => word.to_owned(),
            });
        let title = words.collect::<Vec<_>>().join(" ");
        let mut letters = title.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// Its parameters, those left out that only the other half of the row has.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let (tool, kind) = (self.tool, self.kind);
        tool.all_params().filter(move |param| param.only.is_none_or(|only| kind == Some(only)))
    }

    /// Whether a name is a parameter of the method behind the tool, of which a call may have been given these arguments.
    #[must_use]
    pub fn takes(&self, name: &str, given: &Map<String, Value>) -> bool {
        if let Some(row) = api::row_of(given).filter(|_| self.toolset == "api") {
            return row.open() || row.param(name).is_some();
        }
        let single = match self.tool.run {
            Run::Api(method, path) => Some((method, path)),
            _ => None,
        };
        let kinds: &[Kind] = match &self.kind {
            Some(kind) => std::slice::from_ref(kind),
            None => &[Kind::Vm, Kind::Container],
        };
        let mut methods = single.iter().chain(self.tool.behind);
        methods.any(|(method, path)| {
            kinds.iter().any(|kind| {
                let row = find_template(*method, &path.replace("{type}", kind.api_type()));
                row.is_some_and(|row| row.open() || row.param(name).is_some())
            })
        })
    }

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
