//! Plots of metrics: the panels for the rows of a guest, a node or a storage.

use crate::{
    plot::{Panel, Plot, Series, scale::Unit},
    tools::answer::record::Record,
};

/// The largest picture, in bytes: it is part of the answer, and its size costs the client.
const MOST: usize = 40 * 1024;

/// A panel: its title, its unit, its metrics with their labels, and the metric that is their upper bound.
type Shape = (&'static str, Unit, &'static [(&'static str, &'static str)], Option<&'static str>);

const PANELS: [Shape; 12] = [
    ("CPU", Unit::Share, &[("used", "cpu")], None),
    ("Memory", Unit::Bytes, &[("used", "mem")], Some("maxmem")),
    ("Memory", Unit::Bytes, &[("used", "memused")], Some("memtotal")),
    ("Load", Unit::Number, &[("load", "loadavg")], None),
    ("Network", Unit::BytesPerSecond, &[("in", "netin"), ("out", "netout")], None),
    ("Disk", Unit::BytesPerSecond, &[("read", "diskread"), ("written", "diskwrite")], None),
    ("Root disk", Unit::Bytes, &[("used", "rootused")], Some("roottotal")),
    ("Swap", Unit::Bytes, &[("used", "swapused")], Some("swaptotal")),
    ("Storage", Unit::Bytes, &[("used", "used")], Some("total")),
    ("Waiting for I/O", Unit::Share, &[("waiting", "iowait")], None),
    ("Disk size", Unit::Bytes, &[("used", "disk")], Some("maxdisk")),
    ("ARC", Unit::Bytes, &[("size", "arcsize")], None),
];
/// The number of panels if the call names no metrics.
const USUAL: usize = 4;

/// Plots the requested metrics; if there are none, the first panels that have values.
pub fn png(title: String, records: &[Record<'_>], wanted: &[&str], dark: bool) -> Vec<u8> {
    let has = |metric: &str| records.iter().any(|record| record.number(metric).is_some());
    let shapes = PANELS.iter().filter(|(_, _, lines, _)| {
        lines.iter().any(|(_, metric)| has(metric) && (wanted.is_empty() || wanted.contains(metric)))
    });
    let count = if wanted.is_empty() { USUAL } else { PANELS.len() };
    let mut panels: Vec<Panel> = shapes.take(count).map(|shape| panel(records, shape)).collect();
    let known =
        |metric: &str| PANELS.iter().any(|(_, _, lines, _)| lines.iter().any(|(_, name)| *name == metric));
    for metric in wanted.iter().filter(|metric| !known(metric) && has(metric)) {
        let series = vec![Series { name: (*metric).to_owned(), points: points(records, metric) }];
        panels.push(Panel { title: (*metric).to_owned(), unit: Unit::Number, top: None, series });
    }
    Plot { title, panels, dark }.draw().png_within(MOST).0
}

fn panel(records: &[Record<'_>], (title, unit, lines, bound): &Shape) -> Panel {
    let series = lines
        .iter()
        .map(|(name, metric)| Series { name: (*name).to_owned(), points: points(records, metric) });
    let top = bound.and_then(|bound| records.iter().rev().find_map(|record| record.number(bound)));
    Panel { title: (*title).to_owned(), unit: *unit, top, series: series.collect() }
}

/// The time and value of each row that has a value: a row may contain only its time (pve.md section 8).
pub fn points(records: &[Record<'_>], metric: &str) -> Vec<(f64, f64)> {
    let value = |record: &Record<'_>| Some((record.number("time")?, record.number(metric)?));
    records.iter().filter_map(value).collect()
}
