//! Arguments of tools: checked arguments match their schema, and the path built from them stays within its template.

use crate::{Target, check, check::kind, paths::leads, source::Source};
use proxmox_mcp::{
    pve::{Method, api, path},
    tools::{
        catalog::{entry::Entry, index::entries},
        param::{Kind, Shape},
        row::Run,
        run::args::Args,
    },
};
use serde_json::Value;
use std::sync::LazyLock;

pub const TARGETS: &[Target] = &[Target { name: "arguments", seeds, words: &[], run: arguments }];

pub static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| entries().collect());

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..=255u8).map(|first| [&[first][..], &[0; 40]].concat()).collect();
    seeds
        .extend((0..64u8).map(|step| (0..64u8).map(|at| at.wrapping_mul(step).wrapping_add(step)).collect()));
    seeds
}

fn arguments(input: &[u8]) -> u64 {
    let mut source = Source::new(input);
    let place = source.below(ENTRIES.len());
    let entry = &ENTRIES[place];
    let given = source.arguments(entry.params());
    let count = given.len();
    let args = match Args::check(entry.params(), &|_| false, given) {
        Ok(args) => args,
        Err(problems) => {
            check::sentences(&problems);
            return kind((place, check::gist(&problems)));
        }
    };
    shapes(entry, &args);
    if let Some((method, template)) = request(entry) {
        let filled = fill(entry, template, &args);
        match &filled {
            Ok(path) => stays(entry, method, template, path),
            Err(problem) => check::sentences(problem),
        }
        let names: Vec<&str> = args.iter().map(|(name, _)| name).collect();
        let sent: Vec<&str> =
            names.into_iter().filter(|name| !template.contains(&format!("{{{name}}}"))).collect();
        let params = args.params(&sent);
        check::form(&params.encode(), params.iter());
        return kind((place, count, filled.is_ok()));
    }
    let all: Vec<&str> = args.iter().map(|(name, _)| name).collect();
    let params = args.params(&all);
    check::form(&params.encode(), params.iter());
    kind((place, count))
}

/// Every argument is one of the tool's parameters and has its type, and no required one is missing.
fn shapes(entry: &Entry, args: &Args) {
    for (name, value) in args.iter() {
        let param = entry.params().find(|param| param.name == name).expect("no strangers");
        let fits = match param.shape {
            Shape::Int(least, most) => value.as_i64().is_some_and(|number| least <= number && number <= most),
            Shape::Text => value.is_string(),
            Shape::Flag => value.is_boolean(),
            Shape::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Shape::Texts | Shape::Words => {
                value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
            }
            Shape::More => value.is_object(),
            Shape::Objects => value.as_array().is_some_and(|items| items.iter().all(Value::is_object)),
        };
        assert!(fits, "{}: {name} is {value}", entry.name);
    }
    for param in entry.params().filter(|param| param.required) {
        assert!(args.get(param.name).is_some(), "{}: {} is missing", entry.name, param.name);
    }
}

fn request(entry: &Entry) -> Option<(Method, &'static str)> {
    match entry.tool.run {
        Run::Api(method, template) => Some((method, template)),
        Run::List(template, _) => Some((Method::Get, template)),
        Run::With(_) | Run::Own(_) => None,
    }
}

/// Fills a path as a tool does after the guest's node was looked up.
fn fill(entry: &Entry, template: &str, args: &Args) -> Result<String, String> {
    path::fill(template, |hole| match hole {
        "type" if args.get("type").is_none() => Some(entry.kind.map_or("qemu", Kind::api_type).to_owned()),
        "node" if args.get("node").is_none() => Some("pve1".to_owned()),
        _ => args.get(hole).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    })
}

/// The path leads to the method that the tool is for, whatever values were filled in.
fn stays(entry: &Entry, method: Method, template: &str, path: &str) {
    check::path(path);
    let api::Lookup::Found(found) = api::find(method, path) else {
        panic!("{}: {method} {path} is not in the table", entry.name)
    };
    leads(template, found.row.path(), path);
    // A fixed segment of the API may only be a value where the tool offers that choice.
    for (wanted, part) in template.split('/').zip(found.row.path().split('/')) {
        let hole = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(hole) = hole.filter(|_| !part.starts_with('{')) {
            let param = entry.params().find(|param| param.name == hole);
            let chosen = param.is_none_or(|param| matches!(param.shape, Shape::OneOf(_)));
            assert!(chosen, "{}: `{hole}` makes {path} of {template}", entry.name);
        }
    }
}
