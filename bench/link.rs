//! Calls over a link of a known latency, in round trips. See `bench/link.sh`.
//!
//! Each round has a sample cluster, a relay and a server of its own, so that nothing is left over from the previous
//! round. "Warm" is a call right after another one; "idle" is one after a pause in which the server has closed every
//! connection.
//!
//! usage: link BINARY [COMMAND …]

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(missing_docs, unreachable_pub)]

#[allow(dead_code, reason = "shared with the other benchmark")]
mod child;
#[allow(dead_code, reason = "shared with the other benchmark")]
mod cluster;
mod relay;
#[allow(dead_code, reason = "shared with the other benchmark")]
mod stats;

use child::{LIST, ServerProcess, call};
use cluster::Cluster;
use relay::Relay;
use serde_json::{Map, Value};
use stats::Times;
use std::{
    env, fs,
    io::{self, Error},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// The tools and arguments of each row. `$name` stands for the value of that name in an earlier answer of the row.
const CALLS: &str = include_str!("link.json");
/// Longer than the server keeps an idle connection open.
const SILENCE: Duration = Duration::from_millis(6300);
/// How long a Proxmox server keeps an idle connection open.
const KEPT: Duration = Duration::from_secs(5);
/// Makes most tasks end before they are polled, so that only the network is measured; but until then no more time
/// passes on the cluster's clock than would on a real one.
const CLOCK_SPEED: u32 = 30;
/// The number of guests of the sample cluster.
const GUESTS: usize = 40;

/// The settings of the whole run.
struct Run<'a> {
    folder: &'a Path,
    words: &'a [String],
    round_trip: Duration,
}

/// The result of one round, or the median of all rounds.
struct Outcome {
    round_trips: f64,
    requests: usize,
    connections: usize,
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == "--cluster") {
        return cluster::serve(&words[1..]);
    }
    let [binary, other @ ..] = words.as_slice() else {
        return Err(Error::other("usage: link BINARY [COMMAND …]; bench/link.sh does all of it"));
    };
    let ours = [binary.clone(), "--config".to_owned(), "{config}".to_owned()];
    let text = env::var("CALLS").map_or_else(|_| Ok(CALLS.to_owned()), fs::read_to_string)?;
    let rows: Vec<Value> = serde_json::from_str(&text)?;
    let round_trip = Duration::from_millis(number("RTT", 20)?);
    let folder = env::temp_dir().join(format!("proxmox-mcp-link-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = [&ours[..], other].into_iter().enumerate().try_for_each(|(place, words)| {
        if words.is_empty() || (place == 0 && env::var_os("CALLS").is_some()) {
            return Ok(());
        }
        table(&Run { folder: &folder, words, round_trip }, &rows)
    });
    fs::remove_dir_all(&folder)?;
    done
}

fn number(variable: &str, default: u64) -> io::Result<u64> {
    let Ok(text) = env::var(variable) else { return Ok(default) };
    text.parse().map_err(|_| Error::other(format!("{variable} is `{text}`, but it must be a whole number")))
}

/// Measures every row and prints it.
fn table(run: &Run<'_>, rows: &[Value]) -> io::Result<()> {
    let (rounds, idle_rounds) = (number("ROUNDS", 5)?.max(1), number("IDLE_ROUNDS", 3)?);
    println!("\n{} over a link with a round trip of {} ms", run.words.join(" "), run.round_trip.as_millis());
    let columns = "round trips, requests, connections";
    println!("{:<38}{:>36}{:>36}", "", "warm", "after a pause");
    println!("{:<38}{columns:>36}{columns:>36}", "");
    // Pauses use no CPU, so all rows pause at the same time, each starting a little after the previous one.
    let step = SILENCE / u32::try_from(rows.len().max(1)).map_err(Error::other)?;
    let silent = |(place, row): (u32, &Value)| {
        thread::sleep(step * place);
        (0..idle_rounds).map(|_| round(run, row, true, place)).collect::<io::Result<Vec<_>>>().map(median)
    };
    let silent = &silent;
    let idle: Vec<io::Result<Option<Outcome>>> = thread::scope(|scope| {
        let running: Vec<_> = (0..).zip(rows).map(|numbered| scope.spawn(move || silent(numbered))).collect();
        let ended = |_| Err(Error::other("a round panicked"));
        running.into_iter().map(|one| one.join().unwrap_or_else(ended)).collect()
    });
    for ((place, row), idle) in (0..).zip(rows).zip(idle) {
        let warm = (0..rounds).map(|_| round(run, row, false, place)).collect::<io::Result<Vec<_>>>();
        let cell = |outcome: io::Result<Option<Outcome>>| match outcome {
            Ok(Some(Outcome { round_trips, requests, connections })) => {
                let time = run.round_trip.as_secs_f64() * 1e3 * round_trips;
                format!("{round_trips:.1} ({time:.0} ms) {requests:>4} {connections:>4}")
            }
            Ok(None) => "not measured".to_owned(),
            Err(error) => error.to_string(),
        };
        let name = row["name"].as_str().unwrap_or_default();
        println!("{name:<38}{:>36}{:>36}", cell(warm.map(median)), cell(idle));
    }
    Ok(())
}

/// The round with the median time.
fn median(mut rounds: Vec<Outcome>) -> Option<Outcome> {
    rounds.sort_by(|one, other| one.round_trips.total_cmp(&other.round_trips));
    let middle = rounds.len() / 2;
    (middle < rounds.len()).then(|| rounds.swap_remove(middle))
}

/// Runs one row once.
fn round(run: &Run<'_>, row: &Value, idle: bool, place: u32) -> io::Result<Outcome> {
    let mut cluster = Cluster::with(GUESTS, true, true, KEPT, CLOCK_SPEED)?;
    let relay = Relay::start(&cluster.address, run.round_trip)?;
    cluster.address = relay.address.to_string();
    let name = format!("{place}-{idle}");
    let config = cluster.configuration(run.folder, &name, "all")?.display().to_string();
    if let Ok(further) = env::var("SETTINGS") {
        let mut settings: Map<String, Value> = serde_json::from_str(&fs::read_to_string(&config)?)?;
        settings.extend(serde_json::from_str::<Map<String, Value>>(&further)?);
        fs::write(&config, serde_json::to_string(&settings)?)?;
    }
    let authority = run.folder.join(format!("{name}.pem")).display().to_string();
    let known = [
        ("{host}", relay.address.ip().to_string()),
        ("{port}", relay.address.port().to_string()),
        ("{id}", cluster.id.clone()),
        ("{secret}", cluster.secret.clone()),
        ("{ca}", authority),
        ("{config}", config),
    ];
    let filled =
        |word: &String| known.iter().fold(word.clone(), |word, (hole, value)| word.replace(hole, value));
    let mut served = ServerProcess::start(&run.words.iter().map(filled).collect::<Vec<_>>())?;
    // As every client does before its first call.
    served.ask(LIST)?;
    let mut answers = Map::new();
    for call in calls(row, "before") {
        ask(&mut served, call, &mut answers)?;
    }
    if idle {
        thread::sleep(SILENCE);
    }
    let (requests, connections) = (cluster.requests()?, relay.connections());
    let mut times = Times::default();
    let started = Instant::now();
    for call in calls(row, "calls") {
        ask(&mut served, call, &mut answers)?;
    }
    times.add(started.elapsed());
    Ok(Outcome {
        round_trips: times.median() / run.round_trip.as_secs_f64(),
        requests: cluster.requests()? - requests,
        connections: relay.connections() - connections,
    })
}

fn calls<'a>(row: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    row[key].as_array().into_iter().flatten()
}

/// Calls a tool and remembers the values in its answer.
fn ask(served: &mut ServerProcess, tool: &Value, known: &mut Map<String, Value>) -> io::Result<()> {
    let mut arguments = tool[1].clone();
    for value in arguments.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('$')) {
            *value =
                known.get(name).cloned().ok_or_else(|| Error::other(format!("no answer had `{name}`")))?;
        }
    }
    let name = tool[0].as_str().unwrap_or_default();
    let line = served.ask(&call(1, name, &arguments.to_string()))?;
    let answer: Value = serde_json::from_str(&line)?;
    let result = &answer["result"];
    if result.is_null() || result["isError"] == true {
        return Err(Error::other(format!("{name}: {}", line.trim())));
    }
    let said = match &result["structuredContent"] {
        Value::Null => result["content"][0]["text"].as_str().and_then(|text| serde_json::from_str(text).ok()),
        said => Some(said.clone()),
    };
    let Some(Value::Object(said)) = said else { return Ok(()) };
    let columns = said.get("columns").and_then(Value::as_array);
    let first = said.get("rows").and_then(|rows| rows[0].as_array());
    for (column, value) in columns.into_iter().flatten().zip(first.into_iter().flatten()) {
        known.insert(column.as_str().unwrap_or_default().to_owned(), value.clone());
    }
    known.extend(said);
    Ok(())
}
