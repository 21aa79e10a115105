//! Search and description of API methods, from the API table and without a request.

use crate::{
    pve::{
        Method,
        api::{
            self, Lookup, Param, Place, Row,
            effect::{self, Class, PossibleClass},
            words,
        },
    },
    tools::{
        answer::{Failure, Outcome, answer, record::Record, table::Column},
        run::list,
        run::{args::Args, context::Context, risk},
    },
};
use serde_json::{Map, Value, json};

/// How many methods a search returns by default.
const HITS: usize = 8;

const HIT: &[Column] = &[Column::new("method"), Column::new("path"), Column::new("params").hide_if_empty()];

/// Runs `proxmox_search_api`.
pub(in crate::tools) fn search(context: &Context<'_>, args: &Args) -> Outcome {
    let query = args.text("query").unwrap_or_default();
    let mut hits = api::search::methods(query);
    // A hit far below the best one only shares a word with the query.
    if let Some(best) = hits.first().map(|hit| hit.score) {
        hits.retain(|hit| best / 5.0 <= hit.score);
    }
    if args.get("limit").is_none() && args.get("offset").is_none() {
        hits.truncate(HITS);
    }
    if hits.is_empty() {
        return Err(Failure::new(format!(
            "No API method matches `{}`. Search with other words, such as `resize disk` or `firewall rules`.",
            query.escape_debug()
        )));
    }
    let records: Vec<Record<'_>> = hits
        .iter()
        .map(|hit| {
            let mut record = Record::default();
            let params: Vec<&str> = hit.params.iter().take(6).copied().collect();
            record.set("method", json!(hit.row.method().word()).to_string());
            record.set("path", json!(hit.row.path()).to_string());
            record.set("params", json!(params.join(",")).to_string());
            record.set("name", json!(hit.row.name()).to_string());
            record.set("returns", json!(hit.row.returns()).to_string());
            record.set("since", json!(hit.row.since()).to_string());
            record
        })
        .collect();
    list::answer(context, args, &records, HIT)
}

/// Runs `proxmox_describe_api`.
pub(in crate::tools) fn describe(context: &Context<'_>, args: &Args) -> Outcome {
    let place = Place::read(args.text("path").unwrap_or_default()).map_err(Failure::new)?;
    let row = match args.text("method").and_then(Method::from_word) {
        Some(method) => place.find(method).map_err(Failure::new)?.row,
        None => match methods(&place).map_err(Failure::new)?.as_slice() {
            [only] => *only,
            several => return answer(&overview(several)),
        },
    };
    let Some(wanted) = args.text("param") else {
        let facts = facts(&row);
        return table(context, args, facts, &row.params(), Some(&row));
    };
    let Some(param) = row.param(wanted) else {
        return Err(Failure::new(words::unknown(&row, wanted)));
    };
    let mut facts = json!({"param": param.name()});
    facts["type"] = kind(&param).into();
    for (name, value) in [("values", words::values(&param)), ("default", param.default().map(str::to_owned))]
    {
        if let Some(value) = value {
            facts[name] = value.into();
        }
    }
    if let Some(pattern) = param.pattern() {
        facts["pattern"] = pattern.into();
    }
    match param.known_keys() {
        Some(keys) => {
            facts["note"] = "Written as key=value,key=value, or as an object.".into();
            table(context, args, facts, &keys.collect::<Vec<_>>(), None)
        }
        None => answer(&facts),
    }
}

/// Returns the methods of a path.
fn methods(place: &Place) -> Result<Vec<Row>, String> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Delete];
    let path = place.encoded();
    let rows: Vec<Row> = all
        .into_iter()
        .filter_map(|method| match api::find(method, &path) {
            Lookup::Found(found) => Some(found.row),
            _ => None,
        })
        .collect();
    if rows.is_empty() { place.find(Method::Get).map(|found| vec![found.row]) } else { Ok(rows) }
}

/// Returns the names and required parameters of a path's methods, to choose from.
fn overview(rows: &[Row]) -> Value {
    let lines: Vec<Value> = rows
        .iter()
        .map(|row| {
            let params = row.params();
            let needed: Vec<&str> =
                params.iter().filter(|param| !param.is_optional()).map(Param::name).collect();
            json!([row.method().word(), row.name(), needed.join(","), params.len()])
        })
        .collect();
    json!({
        "path": rows.first().map(Row::path),
        "columns": ["method", "name", "required", "parameters"],
        "rows": lines,
        "note": "Name the method to see its parameters.",
    })
}

fn facts(row: &Row) -> Value {
    let mut facts = json!({"method": row.method().word(), "path": row.path(), "name": row.name()});
    facts["privileges"] = match row.privilege_text() {
        "root" => "root@pam only",
        "user" => "any user",
        "world" => "no login needed",
        text => text,
    }
    .into();
    facts["since"] = row.since().into();
    facts["token"] = row.allow_token().into();
    facts["returns"] = row.returns().into();
    if row.open() {
        facts["further_parameters"] = true.into();
    }
    if let Some(why) = risk::refusal(row) {
        facts["refused"] = why.into();
    }
    let plain = |possible: &PossibleClass| matches!(possible.class, Class::Read | Class::Change);
    let effects = effect::possible(row).into_iter().filter(|possible| !plain(possible)).map(|possible| {
        let when = possible.when.map_or_else(String::new, |when| format!(" {when}"));
        Value::from(format!("{}{when}: {}", possible.class.word(), possible.why))
    });
    let effects: Vec<Value> = effects.collect();
    if !effects.is_empty() {
        facts["effects"] = effects.into();
    }
    facts
}

/// Returns a parameter's type: `string`, `[string]` for a list, `properties` for a property string (`key=value,…`).
fn kind(param: &Param) -> String {
    let word = if param.known_keys().is_some() { "properties" } else { param.kind() };
    if param.is_list() { format!("[{word}]") } else { word.to_owned() }
}

const COLUMNS: [&str; 6] = ["name", "type", "required", "values", "default", "since"];

/// Answers with facts and a table of parameters or keys, cut after a whole row if the answer would be too large.
fn table(
    context: &Context<'_>,
    args: &Args,
    facts: Value,
    params: &[Param],
    method: Option<&Row>,
) -> Outcome {
    let Value::Object(mut whole) = facts else { return answer(&facts) };
    let rows: Vec<Vec<Value>> = params.iter().map(|param| row_of(param, method)).collect();
    // A column that is empty in every row is left out.
    let used: Vec<usize> =
        (0..COLUMNS.len()).filter(|at| *at < 2 || rows.iter().any(|row| !row[*at].is_null())).collect();
    let pick = |row: &[Value]| used.iter().map(|at| row[*at].clone()).collect::<Vec<Value>>();
    whole.insert("columns".into(), used.iter().map(|at| COLUMNS[*at]).collect());
    let offset = args.count("offset").unwrap_or(0).min(rows.len());
    let room =
        context.config.max_answer_bytes.saturating_sub(Value::from(whole.clone()).to_string().len() + 150);
    let (mut size, mut shown) = (0, Vec::new());
    for row in &rows[offset..] {
        let row = Value::from(pick(row));
        size += row.to_string().len() + 1;
        if room < size && !shown.is_empty() {
            break;
        }
        shown.push(row);
    }
    let next = offset + shown.len();
    whole.insert("rows".into(), shown.into());
    if next < rows.len() {
        whole.insert("next".into(), next.into());
        whole.insert("note".into(), "Cut to stay under max_answer_bytes; continue at offset = next.".into());
    }
    answer(&Map::from_iter(whole))
}

fn row_of(param: &Param, method: Option<&Row>) -> Vec<Value> {
    let in_path = method.is_some_and(|row| row.path().contains(&format!("{{{}}}", param.name())));
    let mut values = words::values(param);
    if let Some((key, name_of)) = param.alias() {
        values = Some(match name_of {
            Some(name_of) => format!("value is {key}, this name is {name_of}"),
            None => format!("another name of {key}"),
        });
    } else if let Some(keys) = param.known_keys() {
        values = Some(keys.map(|key| key.name()).collect::<Vec<_>>().join(","));
    }
    let also = [
        param.requires().map(|other| format!("only with {other}")),
        param.only_if().map(|(name, mut one_of)| {
            let mut list = String::new();
            one_of
                .by_ref()
                .for_each(|value| list = format!("{list}{}{value}", if list.is_empty() { "" } else { "|" }));
            format!("only if {name}={list}")
        }),
        param.is_default_key().then(|| "its name may be left out".to_owned()),
    ];
    for words in also.into_iter().flatten() {
        values = Some(values.map_or(words.clone(), |values| format!("{values}; {words}")));
    }
    vec![
        param.name().into(),
        kind(param).into(),
        if in_path {
            "path".into()
        } else if param.is_optional() {
            Value::Null
        } else {
            true.into()
        },
        values.map_or(Value::Null, Value::from),
        param.default().map_or(Value::Null, Value::from),
        param.since().map_or(Value::Null, Value::from),
    ]
}
