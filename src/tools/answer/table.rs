//! Lists as compact tables: `{"columns":[…],"rows":[[…],…],"total":N}`, and `"next"` if there are more rows.

use crate::{
    config::ListFormat,
    suggest::did_you_mean,
    tools::answer::{Failure, Outcome, canonical, record::Record},
};
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, cmp::Ordering};

/// One column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The key in Proxmox's rows, and the column's heading.
    pub name: &'static str,
    /// Left out unless a row has a value in it.
    optional: bool,
    /// A fraction from 0 to 1, shown with three decimals.
    share: bool,
    /// A flag that few rows have: those rows are listed after the table, instead of a column that is mostly zeros.
    mark: bool,
}

impl Column {
    /// Creates a column that is always shown.
    #[must_use]
    pub const fn new(name: &'static str) -> Column {
        Column { name, optional: false, share: false, mark: false }
    }

    /// Left out unless a row has a value in it.
    #[must_use]
    pub const fn hide_if_empty(self) -> Column {
        Column { optional: true, ..self }
    }

    /// A flag that few rows have: `"template":[104]` after the rows lists those, by their first column.
    #[must_use]
    pub const fn mark(self) -> Column {
        Column { mark: true, optional: true, ..self }
    }

    /// A fraction from 0 to 1, shown with three decimals.
    #[must_use]
    pub const fn share(self) -> Column {
        Column { share: true, ..self }
    }
}

/// Sorts rows by these keys, in order of precedence: numbers by value, then texts. Rows that are equal in all keys are
/// sorted by their other values, so that the result does not depend on Proxmox's order.
pub fn sort(records: &mut [Record<'_>], keys: &[&str]) {
    let rank = |record: &Record<'_>, key: &str| {
        record.number(key).map_or_else(|| Rank::Text(record.text(key).into_owned()), Rank::Number)
    };
    // Each value is read once, not at every comparison.
    records.sort_by_cached_key(|record| keys.iter().map(|key| rank(record, key)).collect::<Vec<_>>());
    let alike =
        |one: &Record<'_>, other: &Record<'_>| keys.iter().all(|key| one.json(key) == other.json(key));
    for group in records.chunk_by_mut(alike).filter(|group| 1 < group.len()) {
        group.sort_by_cached_key(whole);
    }
}

/// Returns everything that a row has except values that change by themselves, sorted.
fn whole(record: &Record<'_>) -> Vec<(String, String)> {
    let names = record.names().filter(|name| !canonical::is_live(name));
    let mut pairs: Vec<(String, String)> = names
        .map(|name| (name.to_owned(), shown(name, record.json(name).unwrap_or("null")).into_owned()))
        .collect();
    pairs.sort();
    pairs
}

/// Returns a value of a row as it is shown: sets and objects are sorted.
fn shown<'a>(name: &str, json: &'a str) -> Cow<'a, str> {
    let nested = json.starts_with(['{', '[']);
    if !nested && !canonical::is_set(name) {
        return Cow::Borrowed(json);
    }
    match serde_json::from_str::<Value>(json) {
        Ok(value) => Cow::Owned(canonical::ordered_value(name, value).to_string()),
        Err(_) => Cow::Borrowed(json),
    }
}

/// A sort key.
enum Rank {
    Number(f64),
    Text(String),
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        match (self, other) {
            (Rank::Number(one), Rank::Number(other)) => one.total_cmp(other),
            (Rank::Number(_), Rank::Text(_)) => Ordering::Less,
            (Rank::Text(_), Rank::Number(_)) => Ordering::Greater,
            (Rank::Text(one), Rank::Text(other)) => one.cmp(other),
        }
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

/// Which part of a list is wanted, and in which format.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// The columns; if empty, the list's default ones.
    pub fields: Vec<&'a str>,
    /// Conditions that rows must meet: `key=value`, `key!=value` or `key~part`.
    pub conditions: Vec<&'a str>,
    /// How many rows are skipped.
    pub offset: usize,
    /// The most rows that are shown.
    pub limit: usize,
    /// The maximum size of the answer, in bytes.
    pub max_bytes: usize,
    /// Whether rows are arrays or objects.
    pub format: ListFormat,
}

/// Answers with a list: the wanted page, columns and format, cut after a whole row if it would be larger than
/// `max_bytes`, and sentences about what is missing from the list.
///
/// # Errors
/// Fails if a column or condition names a field that no row has, or if a condition is malformed.
pub fn write(
    selection: &Selection<'_>,
    records: &[Record<'_>],
    columns: &[Column],
    missing: &[String],
) -> Outcome {
    let chosen;
    let records = match conditions(selection, records, columns)? {
        conditions if conditions.is_empty() => records,
        conditions => {
            let fits = |record: &&Record<'_>| conditions.iter().all(|condition| condition.holds(record));
            chosen = records.iter().filter(fits).cloned().collect::<Vec<_>>();
            &chosen
        }
    };
    let objects = selection.format == ListFormat::Objects;
    let own = columns;
    let columns = choose(selection, records, own, !objects)?;
    let offset = selection.offset.min(records.len());
    let limit = selection.limit;
    let page = &records[offset..offset.saturating_add(limit).min(records.len())];
    let names: Vec<String> =
        columns.iter().map(|column| serde_json::json!(column.name()).to_string()).collect();
    let mut json = if objects {
        "{\"items\":[".to_owned()
    } else {
        format!("{{\"columns\":[{}],\"rows\":[", names.join(","))
    };
    let mut shown = 0;
    for record in page {
        let start = json.len();
        if 0 < shown {
            json.push(',');
        }
        write_row(&mut json, record, &columns, objects.then_some(&names));
        if selection.max_bytes < json.len() + CLOSING && 0 < shown {
            json.truncate(start);
            break;
        }
        shown += 1;
    }
    json.push(']');
    if !objects && selection.fields.is_empty() {
        push_marks(&mut json, &page[..shown], own);
    }
    json.push_str(&format!(",\"total\":{}", records.len()));
    let next = offset + shown;
    if next < records.len() {
        json.push_str(&format!(",\"next\":{next}"));
    }
    if shown < page.len() {
        let note = ",\"note\":\"Cut to stay under max_answer_bytes; continue at offset = next, or ask for fewer fields.\"";
        json.push_str(note);
    }
    if !missing.is_empty() {
        json.push_str(&format!(",\"missing\":{}", serde_json::json!(missing.join(" "))));
    }
    json.push('}');
    Ok(RawValue::from_string(json).expect("the pieces are JSON"))
}

/// Lists the rows that have a mark, by the first column.
fn push_marks(json: &mut String, shown: &[Record<'_>], columns: &[Column]) {
    let Some(first) = columns.first() else { return };
    for column in columns.iter().filter(|column| column.mark) {
        let marked = shown.iter().filter(|record| record.has(column.name));
        let marked: Vec<&str> = marked.filter_map(|record| record.json(first.name)).collect();
        if !marked.is_empty() {
            json.push_str(&format!(",\"{}\":[{}]", column.name, marked.join(",")));
        }
    }
}

/// Bytes reserved for what follows the last row.
const CLOSING: usize = 160;

/// A chosen column: one of the list's own, or any other field that the call asked for.
enum Chosen<'a> {
    Own(&'a Column),
    Other(&'a str),
}

impl Chosen<'_> {
    fn name(&self) -> &str {
        match self {
            Chosen::Own(column) => column.name,
            Chosen::Other(name) => name,
        }
    }
}

fn choose<'a>(
    selection: &'a Selection<'_>,
    records: &'a [Record<'_>],
    columns: &'a [Column],
    marks: bool,
) -> Result<Vec<Chosen<'a>>, Failure> {
    let mut chosen = Vec::new();
    for field in selection.fields.iter().copied() {
        if let Some(column) = columns.iter().find(|column| column.name == field) {
            chosen.push(Chosen::Own(column));
        } else if records.is_empty() || records.iter().any(|record| record.json(field).is_some()) {
            chosen.push(Chosen::Other(field));
        } else {
            return Err(unknown_field("fields", field, records, columns));
        }
    }
    if chosen.is_empty() {
        let used =
            |column: &&Column| !column.optional || records.iter().any(|record| record.has(column.name));
        chosen.extend(columns.iter().filter(|column| !marks || !column.mark).filter(used).map(Chosen::Own));
    }
    if chosen.is_empty() {
        // A list without columns of its own shows every field that its rows have.
        chosen.extend(names(records).into_iter().map(Chosen::Other));
    }
    Ok(chosen)
}

/// Returns every name that a row has, sorted.
fn names<'a>(records: &'a [Record<'_>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in records.iter().flat_map(Record::names) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by(|one, other| canonical::natural(one, other));
    names
}

/// Compares a row's value with the wanted one.
type Compare = fn(&str, &str) -> bool;

/// One entry of `where`.
struct Condition<'a> {
    key: &'a str,
    compare: Compare,
    value: &'a str,
}

impl Condition<'_> {
    fn holds(&self, record: &Record<'_>) -> bool {
        (self.compare)(&record.text(self.key), self.value)
    }
}

/// In the order in which they are tried: `!=` contains `=`.
const COMPARISONS: [(&str, Compare); 3] = [
    ("!=", |value, wanted| value != wanted),
    ("~", |value, wanted| value.to_lowercase().contains(&wanted.to_lowercase())),
    ("=", |value, wanted| value == wanted),
];

fn conditions<'a>(
    selection: &'a Selection<'_>,
    records: &[Record<'_>],
    columns: &[Column],
) -> Result<Vec<Condition<'a>>, Failure> {
    let read = |text: &'a str| {
        let place = text.find(['!', '~', '=']).unwrap_or(text.len());
        let (key, rest) = text.split_at(place);
        let found = COMPARISONS.iter().find_map(|(sign, compare)| {
            rest.strip_prefix(sign).map(|value| Condition { key, compare: *compare, value })
        });
        let Some(condition) = found else {
            let shown = text.escape_debug();
            return Err(Failure::new(format!(
                "`where` is `{shown}`, but it must be key=value, key!=value or key~part."
            )));
        };
        let known = columns.iter().any(|column| column.name == key)
            || records.is_empty()
            || records.iter().any(|record| record.json(key).is_some());
        if known { Ok(condition) } else { Err(unknown_field("where", key, records, columns)) }
    };
    selection.conditions.iter().copied().map(read).collect()
}

fn unknown_field(argument: &str, field: &str, records: &[Record<'_>], columns: &[Column]) -> Failure {
    let mut known: Vec<&str> = columns.iter().map(|column| column.name).collect();
    for name in names(records) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let hint = did_you_mean(field, known.iter().copied());
    Failure::new(format!(
        "`{argument}` names `{}`, which no row has.{hint} There are: {}.",
        field.escape_debug(),
        known.join(", ")
    ))
}

fn write_row(json: &mut String, record: &Record<'_>, columns: &[Chosen<'_>], names: Option<&Vec<String>>) {
    json.push(if names.is_some() { '{' } else { '[' });
    for (index, column) in columns.iter().enumerate() {
        if 0 < index {
            json.push(',');
        }
        if let Some(names) = names {
            json.push_str(&names[index]);
            json.push(':');
        }
        let share = matches!(column, Chosen::Own(Column { share: true, .. }));
        match share.then(|| record.number(column.name())).flatten() {
            Some(number) => json.push_str(&rounded(number)),
            None => json.push_str(&shown(column.name(), record.json(column.name()).unwrap_or("null"))),
        }
    }
    json.push(if names.is_some() { '}' } else { ']' });
}

/// Rounds to three decimals, without trailing zeros.
fn rounded(share: f64) -> String {
    let text = format!("{share:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
