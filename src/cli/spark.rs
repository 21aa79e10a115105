//! Metrics history for a terminal: a line of bars for each metric, above its numbers.

use crate::plot::spark;
use serde_json::{Value, json};
use std::fmt::Write;

/// The maximum number of bars in a line.
const WIDTH: usize = 60;

/// The lines of bars for a result that contains histories; empty for any other result.
pub(super) fn lines(answer: &Value) -> String {
    let mut text = String::new();
    for (name, history) in answer.as_object().into_iter().flatten() {
        if history["columns"] != json!(["time", "min", "average", "max"]) {
            continue;
        }
        let values: Vec<Option<f64>> =
            history["rows"].as_array().into_iter().flatten().map(|row| row[2].as_f64()).collect();
        let (least, most) = (history["min"].as_f64().unwrap_or(0.0), history["max"].as_f64().unwrap_or(0.0));
        // Starting at zero, so that half the value has half the height.
        let bars = spark::line(&values, (least.min(0.0), most), WIDTH);
        let _ = writeln!(text, "{name:<12} {bars}  {} to {}", history["min"], history["max"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_history_becomes_a_line() {
        let columns = json!(["time", "min", "average", "max"]);
        let answer = json!({"timeframe": "hour", "cpu": {"min": 0, "average": 0.5, "max": 1, "columns": columns,
            "rows": [[1, 0, 0, 0], [2, 0, 0.5, 1], [3, 1, 1, 1]]}});
        assert_eq!(lines(&answer), "cpu          ▁▅█  0 to 1\n");
        assert_eq!(lines(&json!({"columns": ["a"], "rows": []})), "");
        assert_eq!(lines(&json!([1])), "");
    }
}
