//! Which API methods each tool calls. They are not listed by hand: they are read from the tool's row or, for tools with
//! code of their own, from a golden file in which a test records the requests that every tool was seen to send.

use crate::{
    pve::{
        Method,
        api::{self, Lookup, Row},
    },
    tools::{
        catalog::entry::Entry,
        param::{Kind, Shape},
        row::Run,
    },
};
use std::sync::LazyLock;

/// The name of each tool on a line of its own, followed by the requests it was seen to send, indented.
const SEEN: &str = include_str!("../../../tests/golden/requests.txt");

/// A request that a tool was seen to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The API method.
    pub row: Row,
    /// For `/cluster/resources`: the requested `type`, if there was one.
    pub only: Option<&'static str>,
}

/// The requests that a tool was seen to send, without duplicates.
pub fn seen(entry: &Entry) -> &'static [Seen] {
    static TOOLS: LazyLock<Vec<(&str, Vec<Seen>)>> = LazyLock::new(|| {
        let mut tools: Vec<(&str, Vec<Seen>)> = Vec::new();
        for line in SEEN.lines() {
            match (line.strip_prefix("    "), tools.last_mut()) {
                (None, _) => tools.push((line, Vec::new())),
                (Some(line), Some((_, requests))) => {
                    requests.extend(request(line).filter(|request| !requests.contains(request)));
                }
                (Some(_), None) => {}
            }
        }
        tools
    });
    TOOLS.iter().find(|(name, _)| *name == entry.name).map_or(&[], |(_, requests)| requests)
}

/// The methods that a tool may call: that of its row, with every possible value of the placeholders in its path; for
/// tools with code of their own, the recorded ones and those whose parameters the tool takes.
#[must_use]
pub fn methods(entry: &Entry) -> Vec<Row> {
    let mut rows: Vec<Row> = match entry.tool.run {
        Run::Own(own) => return vec![own.method()],
        Run::Api(method, path) => filled(entry, method, path),
        Run::List(path, _) => filled(entry, Method::Get, path),
        Run::With(_) => seen(entry).iter().map(|seen| seen.row).collect(),
    };
    rows.extend(entry.tool.behind.iter().flat_map(|(method, path)| filled(entry, *method, path)));
    let mut distinct: Vec<Row> = Vec::new();
    for row in rows {
        if !distinct.contains(&row) {
            distinct.push(row);
        }
    }
    distinct
}

/// The methods that match a path template. `{type}` stands for a kind of guest; another placeholder may stand for each
/// value of an enum parameter.
fn filled(entry: &Entry, method: Method, template: &str) -> Vec<Row> {
    let kinds = entry.kind.map_or_else(|| vec![Kind::Vm, Kind::Container], |kind| vec![kind]);
    let mut paths: Vec<String> = match entry.params().any(|param| param.name == "type") {
        true => vec![template.to_owned()],
        false => kinds.iter().map(|kind| template.replace("{type}", kind.api_type())).collect(),
    };
    for param in entry.params() {
        let hole = format!("{{{}}}", param.name);
        if let Shape::OneOf(words) = param.shape
            && template.contains(&hole)
            && api::find_template(method, template).is_none()
        {
            paths =
                paths.iter().flat_map(|path| words.iter().map(|word| path.replace(&hole, word))).collect();
        }
    }
    paths.iter().filter_map(|path| api::find_template(method, path)).collect()
}

/// Reads a recorded request such as `GET /nodes/pve1/qemu/100/config current=1`.
fn request(line: &'static str) -> Option<Seen> {
    let mut words = line.split(' ');
    let method = Method::from_word(words.next()?)?;
    match api::find(method, words.next()?) {
        Lookup::Found(found) => {
            let only = words.find_map(|word| word.strip_prefix("type="));
            let resources = found.row.path() == "/cluster/resources";
            Some(Seen { row: found.row, only: only.filter(|_| resources) })
        }
        _ => None,
    }
}
