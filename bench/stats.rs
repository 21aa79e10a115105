//! Measures and summarizes times, and prints the table.

use std::{
    io,
    time::{Duration, Instant},
};

/// Measured times of one operation, in seconds.
#[derive(Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) const fn new() -> Times {
        Times(Vec::new())
    }

    pub(crate) fn append(&mut self, other: &Times) {
        self.0.extend(&other.0);
    }

    /// Measures the time of `work`.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let started = Instant::now();
        let done = work()?;
        self.add(started.elapsed());
        Ok(done)
    }

    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64());
    }

    /// The time that `share` (0 to 1) of all measurements do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let place = ((sorted.len() as f64 - 1.0) * share).round() as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// Prints one row of the table: what was measured, the figure, the ratio, and the limit, if any.
pub(crate) fn row(what: &str, figure: &str, ratio: &str, bound: Option<(f64, f64)>) {
    let verdict = match bound {
        None => String::new(),
        Some((value, most)) if value <= most => format!("ok (at most {most})"),
        Some((_, most)) => format!("OVER (at most {most})"),
    };
    println!("{what:<50} {figure:>14} {ratio:>28}  {verdict}");
}

pub(crate) fn heading(words: &str) {
    println!("\n{words}");
}

/// A time with a suitable unit.
pub(crate) fn shown(seconds: f64) -> String {
    if seconds < 1e-3 { format!("{:.1} µs", seconds * 1e6) } else { format!("{:.2} ms", seconds * 1e3) }
}

pub(crate) fn mib(kib: f64) -> String {
    format!("{:.2} MiB", kib / 1024.0)
}
