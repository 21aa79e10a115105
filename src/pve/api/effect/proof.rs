//! Checks the table of effects against the table of the API: every method has exactly one row, and rows use only names
//! that exist. `build.rs` includes this file and fails on problems, so it must not use the rest of the crate.

use super::{
    grammar::{Is, Row, Table, Test, answers, placeholder_of},
    terms::Class,
};

/// Formats of parameters that name something that a request touches.
const TOUCHING: [&str; 12] = [
    "pve-vmid",
    "pve-vmid-list",
    "pve-node",
    "pve-node-list",
    "pve-ha-node-list",
    "pve-storage-id",
    "pve-storage-id-list",
    "pve-poolid",
    "pve-volume-id",
    "pve-ha-resource-or-vm-id",
    "pve-replication-job-id",
    "storage-pair-list",
];

/// Names of such parameters that do not have one of these formats.
const NAMED: [&str; 10] =
    ["vmid", "vms", "newid", "sid", "archive", "ostemplate", "node", "target", "pool", "volume"];

/// A method in the table of the API.
struct Method<'t> {
    path: &'t str,
    word: &'t str,
    /// Whether parameters that are not listed are allowed.
    open: bool,
    params: Vec<Param<'t>>,
}

/// A parameter with its format and the keys of its property string.
#[derive(Clone)]
struct Param<'t> {
    name: &'t str,
    format: Option<&'t str>,
    keys: Vec<&'t str>,
}

/// Checks the effects against the table of the API. Returns a sentence for each problem, with path and method.
pub(super) fn problems(api: &str, effects: &Table<'_>) -> Vec<String> {
    let methods = methods(api);
    let mut rows: Vec<(String, &str, &Row<'_>)> = Vec::new();
    for row in &effects.rows {
        for path in row.paths() {
            rows.extend(row.methods.iter().map(|method| (path.clone(), *method, row)));
        }
    }
    let mut found = Vec::new();
    for (at, (path, word, _)) in rows.iter().enumerate() {
        if rows[..at].iter().any(|(earlier, method, _)| earlier == path && method == word) {
            found.push(format!("`{word} {path}` has two rows; remove one."));
        }
        if !methods.iter().any(|method| method.path == path && method.word == *word) {
            found.push(format!("`{word} {path}` has a row, but the API has no such method; remove the row."));
        }
    }
    for method in &methods {
        let (path, word) = (method.path, method.word);
        match rows.iter().find(|(at, of, _)| at == path && *of == word) {
            None => found.push(format!(
                "`{word} {path}` is a method of the API and has no row; add one that says what it does."
            )),
            Some((_, _, row)) => {
                let problem = check_row(method, row).err();
                found.extend(problem.map(|why| format!("The row of `{word} {path}` {why}.")));
            }
        }
    }
    let unknown = effects.texts.iter().filter(|name| !methods.iter().any(|method| has(method, name)));
    found.extend(unknown.map(|name| format!("`text` names `{name}`, which no method has; remove it.")));
    found
}

fn check_row(method: &Method<'_>, row: &Row<'_>) -> Result<(), String> {
    let read = row.classes.contains(&Class::Read);
    let raised = || row.body.raises.iter().flat_map(|raise| &raise.classes);
    if (read && method.word != "GET") || raised().any(|class| matches!(class, Class::Read | Class::Change)) {
        return Err("uses `read` for a method other than GET, or raises to `read` or `change`".to_owned());
    }
    if method.word == "GET" && row.classes.contains(&Class::Change) {
        return Err("uses `change` for a GET".to_owned());
    }
    let tests = row.body.raises.iter().flat_map(|raise| &raise.when);
    for test in tests.chain(row.body.touches.iter().flat_map(|touches| &touches.when)) {
        check_test(method, test)?;
    }
    let touched = row.body.touches.iter().flat_map(|touches| &touches.names);
    for name in touched.chain(&row.body.texts).chain(&row.body.aside) {
        known(method, name)?;
    }
    let accounted = |param: &Param<'_>| {
        let named = row.body.touches.iter().flat_map(|touches| &touches.names).chain(&row.body.aside);
        named.into_iter().any(|name| *name == param.name)
            // A parameter may repeat a placeholder of the path, such as the node.
            || row.holes().any(|hole| hole == param.name)
    };
    let touching = |param: &&Param<'_>| {
        NAMED.contains(&param.name) || param.format.is_some_and(|format| TOUCHING.contains(&format))
    };
    if read {
        return Ok(()); // The filters of a read request are not things that it touches.
    }
    match method.params.iter().filter(touching).find(|param| !accounted(param)) {
        Some(param) => Err(format!(
            "does not say what its parameter `{}` names; add a line `on KIND {0}`, or `aside {0}` with the reason",
            param.name
        )),
        None => Ok(()),
    }
}

fn check_test(method: &Method<'_>, test: &Test<'_>) -> Result<(), String> {
    for name in &test.names {
        known(method, name)?;
        let Some(key) = test.key else { continue };
        let keys = method.params.iter().filter(|param| param.name == *name).flat_map(|param| &param.keys);
        let keys: Vec<_> = keys.collect();
        if !keys.is_empty() && !keys.contains(&&key) {
            return Err(format!("names the key `{key}`, which `{name}` does not have"));
        }
    }
    match &test.is {
        Is::Names(words) => words.iter().try_for_each(|word| known(method, word)),
        _ => Ok(()),
    }
}

/// Whether a row may use the name of a placeholder or parameter.
fn known(method: &Method<'_>, name: &str) -> Result<(), String> {
    let in_path = |hole: &str| method.path.split('/').any(|segment| placeholder_of(segment) == Some(hole));
    match placeholder_of(name) {
        Some(hole) if in_path(hole) => Ok(()),
        Some(_) => Err(format!("names the placeholder `{name}`, which is not in its path")),
        None if method.open || has(method, name) => Ok(()),
        None => Err(format!("names the parameter `{name}`, which the method does not have")),
    }
}

fn has(method: &Method<'_>, name: &str) -> bool {
    method.params.iter().any(|param| param.name == name || answers(param.name, name))
}

/// Parses the methods in the table of the API, whose grammar is described in its `mod.rs`.
fn methods(api: &str) -> Vec<Method<'_>> {
    let mut methods: Vec<Method<'_>> = Vec::new();
    let mut path = "";
    for line in api.lines().take_while(|line| !line.starts_with(['{', '@', '&'])) {
        let mut fields = line.split('\t');
        match fields.next().unwrap_or_default() {
            "" => {
                let Some(method) = methods.last_mut() else { continue };
                let line = &line[1..];
                if line.starts_with('&') {
                    method.params.extend(below(api, line).map(|line| param(api, line)));
                } else {
                    method.params.push(param(api, line));
                }
            }
            first if first.starts_with('/') => path = first,
            word if word.starts_with('#') => {}
            word => methods.push(Method {
                path,
                word,
                open: fields.any(|field| field == "open"),
                params: Vec::new(),
            }),
        }
    }
    methods
}

/// Parses a parameter from its line, without the leading tab.
fn param<'t>(api: &'t str, line: &'t str) -> Param<'t> {
    let fields = || line.split('\t').skip(1);
    let keys = fields().find(|field| field.starts_with('@')).map(|format| below(api, format));
    let name_of = |line: &'t str| line.split('\t').next().unwrap_or_default();
    Param {
        name: name_of(line),
        format: fields().find_map(|field| field.strip_prefix('<')),
        keys: keys.into_iter().flatten().map(name_of).collect(),
    }
}

/// The lines under `@name` or `&name`.
fn below<'t>(api: &'t str, head: &str) -> impl Iterator<Item = &'t str> + use<'t> {
    let mut lines = api.lines();
    lines.find(|line| *line == head);
    lines.map_while(|line| line.strip_prefix('\t'))
}
