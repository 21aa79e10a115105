//! `tools`: user-defined tools, each a name and a description for an API method, checked against the API table.

use super::place::{Wrong, type_of};
use crate::{
    pve::{
        Method, Params,
        api::{self, Kind, Place, Row, words},
    },
    suggest::did_you_mean,
};
use serde_json::{Map, Value};
use std::fmt;

/// One user-defined tool. `Debug` shows its name and method only, because its arguments may be secret.
#[derive(Clone, PartialEq)]
pub struct UserTool {
    /// Its name.
    pub name: String,
    /// The sentence that describes it.
    pub about: String,
    /// The API method that it calls.
    pub row: Row,
    /// Parameters that are sent with every call, including fixed values in the path.
    pub arguments: Map<String, Value>,
    /// The columns of its list; empty for all.
    pub columns: Vec<String>,
}

impl fmt::Debug for UserTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnTool({}: {} {})", self.name, self.row.method(), self.row.path())
    }
}

const KEYS: [&str; 8] = ["name", "about", "get", "post", "put", "delete", "arguments", "columns"];

/// Reads the list of tools.
///
/// # Errors
/// The first problem, with a suggestion for a misspelt path, key or word.
pub(super) fn read(value: &Value) -> Result<Vec<UserTool>, Wrong> {
    let Value::Array(items) = value else {
        return Err(Wrong::at("", format!(" is {}, but must be a list of tools.", type_of(value))));
    };
    let mut tools: Vec<UserTool> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let below = |wrong: Wrong| Wrong { below: format!(".{index}{}", wrong.below), ..wrong };
        let tool = one(item).map_err(below)?;
        if tools.iter().any(|earlier| earlier.name == tool.name) {
            return Err(Wrong::at(
                format!(".{index}.name"),
                format!(" is `\"{}\"`, which is also the name of an earlier tool.", tool.name),
            ));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn one(item: &Value) -> Result<UserTool, Wrong> {
    let Value::Object(object) = item else {
        return Err(Wrong::at(
            "",
            format!(" is {}, but must be an object with `name`, `about` and a method.", type_of(item)),
        ));
    };
    if let Some(strange) =
        object.keys().find(|key| !KEYS.contains(&key.as_str()) && !key.starts_with(['_', '/']))
    {
        let hint = did_you_mean(strange, KEYS);
        return Err(Wrong::at(
            format!(".{}", strange.escape_debug()),
            format!(" is not a known key.{hint} A tool has {}.", KEYS.join(", ")),
        ));
    }
    let text = |key: &str| match object.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        None => Err(Wrong::at("", format!(" has no `{key}`."))),
        Some(other) => Err(Wrong::at(
            format!(".{key}"),
            format!(" is {}, but must be a string that is not empty.", type_of(other)),
        )),
    };
    let name = text("name")?;
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if 40 < name.len() || !name.chars().all(letters) {
        let expected =
            "but a name has up to 40 lower-case letters, digits and `_`, such as `proxmox_list_gpus`.";
        return Err(Wrong::at(".name", format!(" is `\"{}\"`, {expected}", name.escape_debug())));
    }
    let about = text("about")?;
    let methods: Vec<&str> = KEYS[2..6].iter().filter(|key| object.contains_key(**key)).copied().collect();
    let [key] = methods[..] else {
        return Err(Wrong::at(
            "",
            format!(
                " has {} methods, but must have one of `get`, `post`, `put`, `delete` with a path.",
                methods.len()
            ),
        ));
    };
    let method = Method::from_word(key).expect("the four keys are the four methods");
    let path_problem = |sentence: String| Wrong::at(format!(".{key}"), format!(": {sentence}"));
    let found = Place::read(&text(key)?).and_then(|place| place.find(method)).map_err(path_problem)?;
    let mut arguments = match object.get("arguments") {
        None => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(other) => {
            return Err(Wrong::at(
                ".arguments",
                format!(" is {}, but must be an object of parameters.", type_of(other)),
            ));
        }
    };
    for (name, value) in &found.values {
        if !(value.starts_with('{') && value.ends_with('}')) {
            arguments.insert((*name).to_owned(), value.as_str().into());
        }
    }
    check(&found.row, &arguments)?;
    let columns = match object.get("columns") {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let columns = columns.ok_or_else(|| Wrong::at(".columns", " must be a list of names.".to_owned()))?;
    if !columns.is_empty() && found.row.returns() != "array" {
        let returns = found.row.returns();
        return Err(Wrong::at(
            ".columns",
            format!(" needs a method that returns a list, but this one returns `{returns}`; leave it out."),
        ));
    }
    Ok(UserTool { name, about, row: found.row, arguments, columns })
}

/// Checks that the fixed arguments are parameters of the method and have valid values.
fn check(row: &Row, arguments: &Map<String, Value>) -> Result<(), Wrong> {
    let mut params = Params::new();
    for (name, value) in arguments {
        api::push(&mut params, row.param(name).as_ref(), name, value);
    }
    let given: Vec<(&str, &str)> = params.iter().collect();
    let problems = row.check(&given);
    // Missing parameters are given with each call.
    match problems.iter().find(|problem| !matches!(problem.kind, Kind::Missing | Kind::Requires)) {
        None => Ok(()),
        Some(problem) => {
            let base = problem.param.split('[').next().unwrap_or_default();
            let sentence = words::sentence(row, problem, params.get(base));
            Err(Wrong::at(".arguments", format!(": {sentence}")))
        }
    }
}
