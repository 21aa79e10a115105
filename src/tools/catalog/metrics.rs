//! Metrics over time: the thousands of points that Proxmox keeps, reduced to a few dozen.

use crate::{
    pve::{Params, path},
    tools::{
        answer::{Failure, Outcome, answer, record::Record, rows},
        catalog::metrics_plot,
        param::Param,
        run::{args::Args, context::Context, find},
    },
};
use serde_json::{Map, Value, json};

/// Parameters of the tool.
pub const PARAMS: &[Param] = &[
    Param::int("vmid", 100, 999_999_999).optional(),
    Param::text("node").optional(),
    Param::text("storage").optional(),
    Param::one_of("timeframe", &["hour", "day", "week", "month", "year"]).optional(),
    Param::words("metrics").optional(),
    Param::flag("image").optional(),
    Param::one_of("theme", &["light", "dark"]).unlisted(),
    Param::int("points", 1, 200).unlisted(),
];

const POINTS: usize = 24;

/// Each metric as a table of `[time, min, average, max]`, with its minimum, average and maximum over the whole time.
pub fn metrics(context: &Context<'_>, args: &Args) -> Outcome {
    let (path, default) = target(context, args)?;
    let timeframe = args.text("timeframe").unwrap_or("hour");
    let reply = context.get(&path, &Params::new().with("timeframe", timeframe).with("cf", "AVERAGE"))?;
    let records = rows(&reply)?;
    let wanted: Vec<&str> = args.texts("metrics").collect();
    let wanted = if wanted.is_empty() { default.to_vec() } else { wanted };
    let mut result = Map::from_iter([("timeframe".to_owned(), json!(timeframe))]);
    for metric in wanted {
        let points = metrics_plot::points(&records, metric);
        if points.is_empty() && !records.is_empty() && !args.texts("metrics").any(|name| name == metric) {
            continue;
        }
        if points.is_empty() {
            return Err(unknown_metric(metric, &records));
        }
        let buckets = args.count("points").unwrap_or(POINTS).min(points.len());
        result.insert(metric.into(), thin(&points, buckets));
    }
    if args.flag("image") == Some(true) && !records.is_empty() {
        let wanted: Vec<&str> = args.texts("metrics").collect();
        let title = format!("{}, last {timeframe}", subject(args));
        context.attach(metrics_plot::png(title, &records, &wanted, args.text("theme") == Some("dark")));
    }
    if result.len() == 1 {
        result.insert("note".into(), "Proxmox has no values for this time.".into());
    }
    answer(&result)
}

fn target(context: &Context<'_>, args: &Args) -> Result<(String, &'static [&'static str]), Failure> {
    if let Some(vmid) = args.int("vmid") {
        let guest = find::guest(context, vmid, args.text("node"))?;
        return Ok((format!("{}/rrddata", guest.path()?), &["cpu", "mem"]));
    }
    let value = |hole: &str| args.text(hole).map(str::to_owned);
    let (template, default): (_, &[_]) = match (args.text("node"), args.text("storage")) {
        (Some(_), Some(_)) => ("/nodes/{node}/storage/{storage}/rrddata", &["used", "total"]),
        (Some(_), None) => ("/nodes/{node}/rrddata", &["cpu", "memused", "loadavg"]),
        (None, _) => return Err(Failure::new("Give `vmid`, or `node`, or `node` and `storage`.")),
    };
    Ok((path::fill(template, value).map_err(Failure::new)?, default))
}

/// The subject of the metrics, from the arguments.
fn subject(args: &Args) -> String {
    match (args.int("vmid"), args.text("node"), args.text("storage")) {
        (Some(vmid), ..) => format!("Guest {vmid}"),
        (None, node, Some(storage)) => format!("Storage {storage} on {}", node.unwrap_or_default()),
        (None, node, None) => format!("Node {}", node.unwrap_or_default()),
    }
}

fn thin(points: &[(f64, f64)], buckets: usize) -> Value {
    let summary = |part: &[(f64, f64)]| {
        let values = part.iter().map(|(_, value)| *value);
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
        #[allow(clippy::cast_precision_loss, reason = "a few thousand points")]
        let average = values.sum::<f64>() / part.len() as f64;
        [least, average, most].map(lean)
    };
    let size = points.len().div_ceil(buckets.max(1));
    let rows: Vec<Value> = points
        .chunks(size.max(1))
        .map(|part| {
            let [least, average, most] = summary(part);
            json!([lean(part[0].0), least, average, most])
        })
        .collect();
    let [least, average, most] = summary(points);
    json!({"min": least, "average": average, "max": most, "columns": ["time", "min", "average", "max"], "rows": rows})
}

/// Rounds a number: to an integer from 100 on, to four decimals below.
fn lean(number: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "bytes and times are far inside the range")]
    if 100.0 <= number.abs() {
        json!(number.round() as i64)
    } else {
        json!((number * 10_000.0).round() / 10_000.0)
    }
}

fn unknown_metric(metric: &str, records: &[Record<'_>]) -> Failure {
    let mut known: Vec<&str> =
        records.iter().flat_map(Record::names).filter(|name| *name != "time").collect();
    known.sort();
    known.dedup();
    let hint = crate::suggest::did_you_mean(metric, known.iter().copied());
    let list = if known.is_empty() { "none in this time".to_owned() } else { known.join(", ") };
    Failure::new(format!("There are no values of `{}`.{hint} There are: {list}.", metric.escape_debug()))
}
