//! Tools from the configuration: a name and a description for a method of the API, with its parameters and checks.

use crate::{
    config::UserTool,
    pve::{
        Method,
        api::{self, Row, effect},
    },
    tools::{
        answer::{Outcome, table::Column},
        api::call,
        catalog::{api::CONTROLS, does, entry::Entry, index::entries as built_in},
        param::{Effect, FIELDS, LIMIT, OFFSET, Param, Shape},
        row::{Handler, Name, Run, Tool},
        run::{args::Args, context::Context},
    },
};
use serde_json::{Map, Value};

/// The toolset of the tools from the configuration. They are listed whatever toolsets are enabled: the user wants them.
pub const TOOLSET: &str = "own";

/// Optional parameters are listed only if there are at most this many: more of them would cost more tokens than they
/// are worth. Unlisted ones are accepted all the same.
const LISTED: usize = 8;

/// A method of the API as a tool.
#[derive(Debug)]
pub struct Own {
    row: Row,
    /// The arguments that the configuration fixes, also those of the path. Never shown: they may be secret.
    fixed: Fixed,
    columns: Vec<Column>,
}

/// Arguments that the configuration fixes. `Debug` shows only their names.
struct Fixed(Map<String, Value>);

impl std::fmt::Debug for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handler for Own {
    fn method(&self) -> Row {
        self.row
    }

    /// Turns the arguments into those of an API call: the method's own parameters go under `arguments`.
    fn check(&self, given: Map<String, Value>) -> Result<Args, String> {
        let mut arguments = self.fixed.0.clone();
        let mut whole = Map::new();
        for (name, value) in given {
            let own = self.row.param(&name).is_some();
            let control = !matches!(name.as_str(), "method" | "path" | "arguments")
                && CONTROLS.iter().any(|param| param.name == name);
            if control && !own {
                whole.insert(name, value);
            } else if arguments.contains_key(&name) {
                return Err(format!("`{name}` is fixed by the configuration of this tool; leave it out."));
            } else {
                arguments.insert(name, value);
            }
        }
        whole.insert("method".into(), self.row.method().word().into());
        whole.insert("path".into(), self.row.path().into());
        whole.insert("arguments".into(), arguments.into());
        Args::check(CONTROLS.iter(), &|_| false, whole)
    }

    fn run(&self, context: &Context<'_>, args: &Args) -> Outcome {
        call::run_with(context, args, &self.columns)
    }
}

/// The tools from a configuration. Like all tools, they live as long as the process.
#[must_use]
pub fn entries(tools: &[UserTool]) -> &'static [Entry] {
    if tools.is_empty() {
        return &[];
    }
    Vec::leak(tools.iter().map(entry).collect())
}

/// A sentence for each tool of a configuration that has the name of a built-in one.
#[must_use]
pub fn duplicate_names(tools: &[UserTool]) -> Vec<String> {
    let taken = |tool: &&UserTool| built_in().any(|entry| entry.name == tool.name);
    tools
        .iter()
        .filter(taken)
        .map(|tool| {
            format!(
                "`tools` has a tool `{}`, but there is a built-in tool of that name; rename it.",
                tool.name
            )
        })
        .collect()
}

fn entry(tool: &UserTool) -> Entry {
    let row = tool.row;
    let leak = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    let columns = tool.columns.iter().map(|name| Column::new(leak(name))).collect();
    let own = Box::leak(Box::new(Own { row, fixed: Fixed(tool.arguments.clone()), columns }));
    let may_ask = |possible: &effect::PossibleClass| does::ASKED.contains(&possible.class);
    let possible = effect::possible(&row);
    let effect = match row.method() {
        _ if possible.iter().any(may_ask) => Effect::Ask,
        Method::Get => Effect::Read,
        _ => Effect::Change,
    };
    let name = leak(&tool.name);
    let row = Tool {
        about: leak(&tool.about),
        core: true,
        params: Vec::leak(params(&own.row, &own.fixed.0)),
        task: own.row.method() != Method::Get && own.row.returns() == "string",
        idempotent: matches!(own.row.method(), Method::Put | Method::Delete),
        ..Tool::new(Name::One(name), effect, Run::Own(own))
    };
    Entry { tool: Box::leak(Box::new(row)), name, kind: None, toolset: TOOLSET }
}

/// The method's parameters that are not fixed, as a client sees them.
fn params(row: &Row, fixed: &Map<String, Value>) -> Vec<Param> {
    let all: Vec<api::Param> =
        row.params().into_iter().filter(|param| !fixed.contains_key(param.name())).collect();
    let optional = all.iter().filter(|param| param.is_optional()).count();
    let guest = row.path().starts_with("/nodes/{node}/qemu/{vmid}")
        || row.path().starts_with("/nodes/{node}/lxc/{vmid}");
    let mut params: Vec<Param> = Vec::new();
    for param in all {
        let name = param.name();
        // The first of several alternatives stands for all; a numbered family has no single name to list.
        if name.ends_with("[n]") || params.iter().any(|known| known.name == name) {
            continue;
        }
        let found = guest && name == "node";
        params.push(Param {
            name,
            about: "",
            shape: shape(&param),
            required: !param.is_optional() && !found,
            filter: false,
            unlisted: found || (param.is_optional() && LISTED < optional),
            usual: &[],
            empty: false,
            apart: false,
            only: None,
        });
    }
    if row.method() == Method::Get && row.returns() == "array" {
        let free = |param: &Param| row.param(param.name).is_none();
        params.extend([FIELDS, LIMIT, OFFSET].into_iter().filter(free));
    }
    params
}

fn shape(param: &api::Param) -> Shape {
    if param.is_list() {
        return Shape::Texts;
    }
    if let Some(choices) = param.choices() {
        return Shape::OneOf(Vec::leak(choices.collect()));
    }
    let bound = |text: Option<&str>, without: i64| text.and_then(|text| text.parse().ok()).unwrap_or(without);
    let (least, most) = param.range();
    match param.kind() {
        "integer" => Shape::Int(bound(least, i64::MIN), bound(most, i64::MAX)),
        "boolean" => Shape::Flag,
        _ => Shape::Text,
    }
}
