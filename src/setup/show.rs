//! Formats results of tools as text for people: lists as tables, everything else as names and values, bytes and times
//! with units. Control characters in names and logs are escaped, so that they cannot control the terminal.

use crate::setup::dates;
use serde_json::{Map, Value};
use std::fmt::Write;

/// Properties that Proxmox reports in bytes.
const BYTES: &[&str] = &[
    "avail",
    "available",
    "disk",
    "diskread",
    "diskwrite",
    "free",
    "freemem",
    "maxdisk",
    "maxmem",
    "mem",
    "netin",
    "netout",
    "size",
    "swap",
    "total_bytes",
    "used",
];
/// Properties that it reports as Unix times.
const TIMES: &[&str] = &[
    "ctime",
    "endtime",
    "expire",
    "last_sync",
    "mtime",
    "next_sync",
    "notafter",
    "notbefore",
    "snaptime",
    "starttime",
    "time",
];
/// Properties that it reports in seconds.
const SECONDS: &[&str] = &["duration", "uptime"];

/// A result as text.
#[must_use]
pub fn text(answer: &Value) -> String {
    let mut text = String::new();
    match answer {
        Value::Object(object) => members(&mut text, object, 0),
        other => {
            let _ = writeln!(text, "{}", cell("", other));
        }
    }
    text
}

fn members(text: &mut String, object: &Map<String, Value>, depth: usize) {
    let indent = "  ".repeat(depth);
    if let Some(table) = as_table(object) {
        text.push_str(&table.lines().fold(String::new(), |text, line| format!("{text}{indent}{line}\n")));
    }
    let rest = object.iter().filter(|(name, _)| !matches!(name.as_str(), "columns" | "rows" | "items"));
    let width = rest.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in rest {
        let shown = plain(name);
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let _ = writeln!(text, "{indent}{shown}");
                members(text, inner, depth + 1);
            }
            Value::String(words) if words.contains('\n') => {
                let _ = writeln!(text, "{indent}{shown}");
                for line in words.lines() {
                    let _ = writeln!(text, "{indent}  {}", plain(line));
                }
            }
            Value::Array(list) if list.iter().any(|one| one.is_object()) => {
                let _ = writeln!(text, "{indent}{shown}");
                let rows = records(list);
                text.push_str(
                    &rows.lines().fold(String::new(), |text, line| format!("{text}{indent}  {line}\n")),
                );
            }
            Value::Array(list) if list.iter().any(|one| one.as_str().is_some_and(|line| 20 < line.len())) => {
                let _ = writeln!(text, "{indent}{shown}");
                for one in list {
                    let _ = writeln!(text, "{indent}  {}", cell("", one));
                }
            }
            value => {
                let name = if is_sum(object, name) { "used" } else { name };
                let _ = writeln!(text, "{indent}{shown:width$}  {}", cell(name, value));
            }
        }
    }
}

/// Whether it is a `total` in bytes, next to `used` in bytes. For processors, `used` is a fraction.
fn is_sum(object: &Map<String, Value>, name: &str) -> bool {
    name == "total" && object.get("used").is_some_and(Value::is_u64)
}

/// `columns` and `rows`, or `items`, as a table.
fn as_table(object: &Map<String, Value>) -> Option<String> {
    if let Some(Value::Array(items)) = object.get("items") {
        return Some(records(items));
    }
    let columns: Vec<&str> = object.get("columns")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let rows = object.get("rows")?.as_array()?;
    let cells = rows.iter().map(|row| {
        let values = row.as_array().map_or(&[][..], Vec::as_slice);
        columns
            .iter()
            .zip(values.iter().chain(std::iter::repeat(&Value::Null)))
            .map(|(name, value)| (*name, value))
            .collect()
    });
    Some(table(&columns, cells.collect()))
}

/// Objects as a table with a column for each key that any of them has.
fn records(list: &[Value]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for name in list.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let cells = list
        .iter()
        .map(|row| columns.iter().map(|name| (*name, row.get(*name).unwrap_or(&Value::Null))).collect())
        .collect();
    table(&columns, cells)
}

/// Aligned columns under their names; numbers are aligned to the right.
fn table(columns: &[&str], rows: Vec<Vec<(&str, &Value)>>) -> String {
    let number = |at: usize| {
        rows.iter().any(|row| row[at].1.is_number())
            && rows.iter().all(|row| row[at].1.is_number() || row[at].1.is_null())
    };
    let right: Vec<bool> = (0..columns.len()).map(number).collect();
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|name| plain(name).to_uppercase()).collect()];
    lines.extend(rows.iter().map(|row| row.iter().map(|(name, value)| cell(name, value)).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().enumerate().map(|(at, cell)| {
            let width = widths[at];
            if right[at] { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One value in the unit that follows from its name.
#[must_use]
pub fn cell(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.into(),
        Value::String(text) => plain(text),
        Value::Number(number) => {
            let whole = number.as_u64();
            match (name, whole, number.as_f64()) {
                ("cpu", _, Some(share)) if (0.0..=1.0).contains(&share) => format!("{:.1} %", share * 100.0),
                (name, Some(bytes), _) if BYTES.contains(&name) => size(bytes),
                // 0 stands for never, and small numbers are not times.
                (name, Some(seconds), _)
                    if TIMES.contains(&name) && 1_000_000_000 < seconds && seconds < 100_000_000_000 =>
                {
                    dates::moment(seconds)
                }
                (name, Some(seconds), _) if SECONDS.contains(&name) => span(seconds),
                _ => number.to_string(),
            }
        }
        Value::Array(list) if list.iter().all(|one| !one.is_object() && !one.is_array()) => {
            list.iter().map(|one| cell("", one)).collect::<Vec<_>>().join(", ")
        }
        other => plain(&other.to_string()),
    }
}

/// The text with control characters escaped.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

/// Bytes in the largest unit that gives at least 1.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let (mut amount, mut unit) = (bytes as f64, 0);
    while 1024.0 <= amount {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", units[unit]) }
}

/// Seconds in their two largest units.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(answer: Value, expected: &str) {
        assert_eq!(text(&answer), expected);
    }

    #[test]
    fn lists_are_tables() {
        check(
            json!({"columns": ["vmid", "name", "mem", "uptime"], "rows": [[7, "é", 0, 59], [100, "b\u{1b}[2J", 1_610_612_736_u64, null]],
                "total": 2}),
            "VMID  NAME            MEM  UPTIME\n   7  é               0 B     59s\n 100  b\\u{1b}[2J  1.5 GiB       -\ntotal  2\n",
        );
        check(json!({"items": [{"a": 1}, {"b": true}]}), "A  B\n1  -\n-  yes\n");
        check(json!({"columns": ["a"], "rows": []}), "A\n");
        check(json!({"memory": {"used": 1, "total": 2048}}), "memory\n  used   1 B\n  total  2.0 KiB\n");
        check(json!({"cpu": {"used": 0.5, "total": 2048}}), "cpu\n  used   0.5\n  total  2048\n");
        check(json!({"columns": ["a", "b"], "rows": [["x"], 3]}), "A  B\nx  -\n-  -\n");
    }

    #[test]
    fn the_rest_is_names_and_values() {
        check(
            json!({"vmid": 1, "tags": ["a", "b"], "state": {"cpu": 0.125, "starttime": 1_795_222_698, "uptime": 90_000}, "log": "one\ntwo",
                "disks": [{"id": "scsi0", "size": 1024}]}),
            "vmid   1\ntags   a, b\nstate\n  cpu        12.5 %\n  starttime  2026-11-21 00:58:18\n  uptime     1d 1h\nlog\n  one\n  two\ndisks\n  ID        SIZE\n  scsi0  1.0 KiB\n",
        );
        check(json!("x"), "x\n");
    }

    #[test]
    fn units_are_those_of_people() {
        for (name, value, expected) in [
            ("maxmem", json!(17_179_869_184_u64), "16.0 GiB"),
            ("size", json!(u64::MAX), "16.0 EiB"),
            ("cpu", json!(4), "4"),
            ("time", json!(0), "0"),
            ("uptime", json!(61), "1m 1s"),
            ("uptime", json!(3_660), "1h 1m"),
            ("vmid", json!(100), "100"),
        ] {
            assert_eq!(cell(name, &value), expected, "{name}");
        }
    }
}
