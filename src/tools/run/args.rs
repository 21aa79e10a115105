//! Arguments, checked once against a tool's parameters, so that handlers need not check them.

use crate::{
    pve::Params,
    suggest::did_you_mean,
    tools::{
        param::{Param, Shape},
        run::convert::{convert, expectation, shown},
    },
};
use serde_json::{Map, Value};

/// The checked arguments of one call: every name is a parameter, every value has the right shape, and no required one
/// is missing.
#[derive(Debug)]
pub struct Args(Map<String, Value>);

impl Args {
    /// Checks `given`. Unambiguous variants are accepted: a number as text, a list or an object as JSON text, `null`
    /// and an empty text for "not given". A parameter of the API method behind the tool (`behind` knows those) may be
    /// given next to the object that it belongs into, and a parameter of the tool itself may be given inside that
    /// object.
    ///
    /// # Errors
    /// Fails with a sentence for each wrong argument.
    pub fn check<'a>(
        params: impl Iterator<Item = &'a Param> + Clone,
        behind: &dyn Fn(&str) -> bool,
        given: Map<String, Value>,
    ) -> Result<Args, String> {
        let mut problems = Vec::new();
        let mut checked = Map::new();
        let mut beside = Map::new();
        let more = params.clone().find(|param| matches!(param.shape, Shape::More));
        for (name, value) in given {
            let Some(param) = params.clone().find(|param| param.name == name) else {
                if more.is_some() && behind(&name) {
                    beside.insert(name, value);
                } else {
                    problems.push(unknown(&name, params.clone()));
                }
                continue;
            };
            let empty = value.as_str().is_some_and(str::is_empty) && !param.empty;
            if value.is_null() || empty {
                continue;
            }
            match convert(param.shape, value) {
                Ok(value) => {
                    checked.insert(name, value);
                }
                Err(problem) => problems.push(format!("`{name}` {problem}")),
            }
        }
        if let Some(more) = more {
            problems.extend(put_in(&mut checked, more.name, beside));
            if !more.apart {
                problems.extend(take_out(&mut checked, more.name, params.clone()));
            }
        }
        for param in params.filter(|param| param.required && !checked.contains_key(param.name)) {
            if !problems.iter().any(|problem| problem.starts_with(&format!("`{}` ", param.name))) {
                problems.push(format!(
                    "`{}` is missing; it must be {}.",
                    param.name,
                    expectation(param.shape)
                ));
            }
        }
        if problems.is_empty() { Ok(Args(checked)) } else { Err(problems.join(" ")) }
    }

    /// Returns the text of that argument, if it was given.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Returns the integer of that argument, if it was given.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// Returns the integer of that argument as a size or count, if it was given.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<usize> {
        usize::try_from(self.int(name)?).ok()
    }

    /// Returns the flag of that argument, if it was given.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// Returns the texts of that argument; none if it was not given.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Returns every argument, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the arguments with these names as parameters of a request; each entry of an object becomes a parameter
    /// of its own. The caller names what is sent, so that arguments that control the call (`dry_run`, `confirm`, `wait`
    /// …) never are.
    #[must_use]
    pub fn params(&self, sent: &[&str]) -> Params {
        let mut params = Params::new();
        for (name, value) in self.iter().filter(|(name, _)| sent.contains(name)) {
            match value {
                Value::Object(more) => more.iter().for_each(|(name, value)| params.push_json(name, value)),
                value => params.push_json(name, value),
            }
        }
        params
    }

    /// Returns the value of that argument, if it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// Moves parameters that were given next to the object into it.
fn put_in(checked: &mut Map<String, Value>, object: &str, beside: Map<String, Value>) -> Vec<String> {
    if beside.is_empty() {
        return Vec::new();
    }
    let Some(entries) = checked.entry(object).or_insert_with(|| Map::new().into()).as_object_mut() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (name, value) in beside {
        match entries.get(&name) {
            Some(own) if *own != value => problems.push(twice(&name, object, &value, own)),
            _ => {
                entries.insert(name, value);
            }
        }
    }
    problems
}

/// Moves parameters of the tool itself out of the object if they are required, and removes those given in both places.
fn take_out<'a>(
    checked: &mut Map<String, Value>,
    object: &str,
    params: impl Iterator<Item = &'a Param>,
) -> Vec<String> {
    let Some(Value::Object(mut entries)) = checked.get(object).cloned() else { return Vec::new() };
    let mut problems = Vec::new();
    for param in params.filter(|param| param.name != object) {
        let Some(value) = entries.get(param.name).filter(|value| !value.is_null()).cloned() else { continue };
        match (checked.get(param.name), convert(param.shape, value.clone())) {
            (Some(own), Ok(value)) if *own == value => {
                entries.shift_remove(param.name);
            }
            (Some(own), _) => problems.push(twice(param.name, object, own, &value)),
            (None, Ok(value)) if param.required => {
                entries.shift_remove(param.name);
                checked.insert(param.name.to_owned(), value);
            }
            (None, Err(problem)) if param.required => problems.push(format!("`{}` {problem}", param.name)),
            (None, _) => {}
        }
    }
    checked.insert(object.to_owned(), entries.into());
    problems
}

fn twice(name: &str, object: &str, beside: &Value, inside: &Value) -> String {
    format!(
        "`{}` is given twice: {}, and {} in `{object}`. Give it once.",
        name.escape_debug(),
        shown(beside),
        shown(inside)
    )
}

fn unknown<'a>(name: &str, params: impl Iterator<Item = &'a Param> + Clone) -> String {
    let names = params.clone().map(|param| param.name);
    let known: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
    let hint = did_you_mean(name, names);
    let list =
        if known.is_empty() { "It takes none.".into() } else { format!("It takes {}.", known.join(", ")) };
    format!("There is no argument `{}`.{hint} {list}", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PARAMS: &[Param] = &[
        Param::int("vmid", 100, 999),
        Param::text("node").optional(),
        Param::flag("full").optional(),
        Param::one_of("status", &["running", "stopped"]).optional(),
        Param::words("fields").optional(),
        Param::text("notes").optional().allow_empty(),
        Param::more("config"),
    ];

    fn check(given: Value) -> Result<Value, String> {
        let Value::Object(given) = given else { panic!("an object") };
        Args::check(PARAMS.iter(), &|name| matches!(name, "cores" | "net0"), given)
            .map(|args| Value::Object(args.0))
    }

    #[test]
    fn what_is_unambiguous_is_accepted() {
        for (given, expected) in [
            (json!({"vmid": 100}), json!({"vmid": 100})),
            (json!({"vmid": "100"}), json!({"vmid": 100})),
            (json!({"vmid": 100.0}), json!({"vmid": 100})),
            (json!({"vmid": 100, "node": null}), json!({"vmid": 100})),
            (json!({"vmid": 100, "node": 7}), json!({"vmid": 100, "node": "7"})),
            (json!({"vmid": 100, "full": 1}), json!({"vmid": 100, "full": true})),
            (json!({"vmid": 100, "full": "false"}), json!({"vmid": 100, "full": false})),
            (json!({"vmid": 100, "status": "RUNNING"}), json!({"vmid": 100, "status": "running"})),
            (json!({"vmid": 100, "fields": "a, b"}), json!({"vmid": 100, "fields": ["a", "b"]})),
            (json!({"vmid": 100, "fields": ["a"]}), json!({"vmid": 100, "fields": ["a"]})),
            (json!({"vmid": 100, "node": "", "full": "", "status": "", "fields": ""}), json!({"vmid": 100})),
            (json!({"vmid": 100, "notes": ""}), json!({"vmid": 100, "notes": ""})),
            (json!({"vmid": 100, "cores": 2}), json!({"vmid": 100, "config": {"cores": 2}})),
            (
                json!({"vmid": 100, "cores": 2, "config": "{\"net0\":\"virtio\",\"cores\":2}"}),
                json!({"vmid": 100, "config": {"net0": "virtio", "cores": 2}}),
            ),
            (json!({"config": {"vmid": "100", "x": ""}}), json!({"config": {"x": ""}, "vmid": 100})),
            (
                json!({"vmid": 100, "node": "a", "config": {"node": "a"}}),
                json!({"vmid": 100, "node": "a", "config": {}}),
            ),
        ] {
            assert_eq!(check(given.clone()).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_sentences() {
        for (given, expected) in [
            (json!({}), "`vmid` is missing; it must be an integer from 100 to 999."),
            (json!({"vmid": 99}), "`vmid` is 99, but it must be an integer from 100 to 999."),
            (json!({"vmid": 100.5}), "`vmid` is 100.5, but it must be an integer from 100 to 999."),
            (
                json!({"vmid": "\u{7f}\u{85}\n"}),
                "`vmid` is \"\u{fffd}\u{fffd}\\n\", but it must be an integer from 100 to 999.",
            ),
            (json!({"vmid": "x"}), "`vmid` is \"x\", but it must be an integer from 100 to 999."),
            (
                json!({"vmid": 100, "vmdi": 1}),
                "There is no argument `vmdi`. Did you mean `vmid`? It takes `vmid`, `node`, `full`, `status`, `fields`, `notes`, `config`.",
            ),
            (
                json!({"vmid": 100, "status": "runing"}),
                "`status` is \"runing\", but it must be one of `running`, `stopped`. Did you mean `running`?",
            ),
            (
                json!({"vmid": 100, "cores": 2, "config": {"cores": 4}}),
                "`cores` is given twice: 2, and 4 in `config`. Give it once.",
            ),
            (
                json!({"vmid": 100, "config": {"vmid": 101}}),
                "`vmid` is given twice: 100, and 101 in `config`. Give it once.",
            ),
            (
                json!({"vmid": 100, "config": {"vmid": "1\u{85}\u{9b}"}}),
                "`vmid` is given twice: 100, and \"1\u{fffd}\u{fffd}\" in `config`. Give it once.",
            ),
            (json!({"config": {"vmid": 1}}), "`vmid` is 1, but it must be an integer from 100 to 999."),
            (json!({"vmid": ""}), "`vmid` is missing; it must be an integer from 100 to 999."),
            (json!({"vmid": 100, "full": "maybe"}), "`full` is \"maybe\", but it must be true or false."),
            (
                json!({"vmid": 100, "fields": {"a": 1}}),
                "`fields` is {\"a\":1}, but it must be a list of text.",
            ),
        ] {
            assert_eq!(check(given.clone()).unwrap_err(), expected, "{given}");
        }
    }
}
