//! Fuzzes every parser of untrusted input with mutated inputs for a given time: a loop on stable Rust with a seed
//! corpus, a dictionary and its own random number generator, so that a run can be repeated.
//!
//! `scripts/fuzz.sh SECONDS [TARGET…]` runs it. Each target states what must hold, apart from the absence of panics:
//! see the `assert`s of its function. The result of a target classifies its inputs: an input with a new result is kept
//! and mutated further.

#![allow(clippy::unwrap_used, reason = "a target that cannot go on should stop there")]
#![allow(clippy::print_stdout, reason = "it reports what it did")]
#![allow(unreachable_pub, reason = "helpers are shared between the modules of a crate that exports nothing")]

mod answers;
mod arguments;
mod check;
mod mutate;
mod paths;
mod settings;
mod source;
mod tools;
mod wire;

use mutate::{Random, mutate};
use proxmox_mcp::log;
use std::{
    collections::HashSet,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    path::Path,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

/// One parser of untrusted input.
pub struct Target {
    name: &'static str,
    /// Returns the initial inputs.
    seeds: fn() -> Vec<Vec<u8>>,
    /// Words with a meaning for this parser.
    words: &'static [&'static str],
    /// Tries one input, panicking if an assertion does not hold. Returns the kind of the input.
    run: fn(&[u8]) -> u64,
}

const TARGETS: &[&[Target]] =
    &[wire::TARGETS, arguments::TARGETS, paths::TARGETS, settings::TARGETS, answers::TARGETS, tools::TARGETS];

/// The maximum number of inputs of new kinds that are kept, in addition to the seeds.
const KEPT: usize = 2000;
/// An input that takes longer is a finding too.
const SLOWEST: Duration = Duration::from_secs(10);
/// The number of attempts to make a failing input smaller.
const SHRINKS: usize = 3000;

/// The message of the last panic.
static SAID: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    let mut words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    set_hook(Box::new(|panic| {
        // The first panic of an input counts: others may follow from it in threads.
        let mut said = SAID.lock().unwrap();
        if said.is_empty() {
            *said = panic.to_string();
        }
    }));
    log::set_level(log::Level::Error);
    if words.first().is_some_and(|word| word == "--replay") && words.len() == 3 {
        return replay(&words[1], &words[2]);
    }
    let seconds: f64 = if words.is_empty() { 10.0 } else { words.remove(0).parse().unwrap_or(0.0) };
    let seed: u64 = env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let all = || TARGETS.iter().copied().flatten();
    let chosen: Vec<&Target> =
        all().filter(|target| words.is_empty() || words.iter().any(|word| word == target.name)).collect();
    if seconds <= 0.0 || chosen.len() < words.len() || chosen.is_empty() {
        let names: Vec<_> = all().map(|target| target.name).collect();
        eprintln!("usage: fuzz SECONDS [TARGET…] | fuzz --replay TARGET FILE\ntargets: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let share = Duration::from_secs_f64(seconds / chosen.len() as f64);
    println!("{:12} {:>12} {:>9} {:>7} {:>9}", "target", "executions", "a second", "kinds", "slowest");
    let (mut total, mut failed) = (0, 0);
    for target in &chosen {
        let run = Run::of(target, share, seed);
        total += run.executions;
        println!(
            "{:12} {:>12} {:>9.0} {:>7} {:>6.1} ms{}",
            target.name,
            run.executions,
            run.executions as f64 / run.took.as_secs_f64(),
            run.kinds,
            run.slowest.as_secs_f64() * 1000.0,
            if run.failure.is_some() { "  FAILED" } else { "" }
        );
        if let Some(failure) = run.failure {
            failed += 1;
            println!("{failure}");
        }
    }
    println!("{total} executions in all, seed {seed}, {failed} of {} targets failed", chosen.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The result of running one target.
struct Run {
    executions: u64,
    kinds: usize,
    took: Duration,
    slowest: Duration,
    failure: Option<String>,
}

impl Run {
    fn of(target: &Target, share: Duration, seed: u64) -> Run {
        let name_as_number =
            target.name.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let mut random = Random::new(seed ^ name_as_number);
        let (mut corpus, mut kinds) = ((target.seeds)(), HashSet::new());
        let seeds = corpus.len();
        let started = Instant::now();
        let mut run =
            Run { executions: 0, kinds: 0, took: Duration::ZERO, slowest: Duration::ZERO, failure: None };
        let mut input = Vec::new();
        let (mut before, mut next_seed) = (started, 0);
        while started.elapsed() < share || next_seed < seeds {
            if next_seed < seeds {
                input.clone_from(&corpus[next_seed]);
                next_seed += 1;
            } else {
                mutate(&mut random, &corpus, target.words, &mut input);
            }
            let outcome = attempt(target, &input);
            run.executions += 1;
            let now = Instant::now();
            run.slowest = run.slowest.max(now - before);
            let outcome = if SLOWEST < now - before { Err("it took too long".to_owned()) } else { outcome };
            before = now;
            match outcome {
                Ok(kind) => {
                    if kinds.len() < KEPT && kinds.insert(kind) && seeds < next_seed + 1 {
                        corpus.push(input.clone());
                    }
                }
                Err(said) => {
                    run.failure = Some(report(target, &input, &said));
                    break;
                }
            }
        }
        run.took = started.elapsed();
        run.kinds = kinds.len();
        run
    }
}

fn attempt(target: &Target, input: &[u8]) -> Result<u64, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let mut said = SAID.lock().unwrap();
    // A panic in a thread of the code under test counts too.
    match outcome {
        Ok(kind) if said.is_empty() => Ok(kind),
        _ => Err(std::mem::take(&mut said)),
    }
}

/// Makes the input smaller for as long as it still fails, and saves it.
fn report(target: &Target, input: &[u8], said: &str) -> String {
    let mut small = input.to_vec();
    let (mut piece, mut tries) = ((input.len() / 2).max(1), 0);
    while tries < SHRINKS && !said.contains("too long") {
        let mut shrunk = false;
        let mut at = 0;
        while at < small.len() && tries < SHRINKS {
            let end = (at + piece).min(small.len());
            let shorter = [&small[..at], &small[end..]].concat();
            tries += 1;
            if attempt(target, &shorter).is_err() {
                small = shorter;
                shrunk = true;
            } else {
                at = end;
            }
        }
        if piece == 1 && !shrunk {
            break;
        }
        piece = (piece / 2).max(1);
    }
    let said = attempt(target, &small).err().unwrap_or_else(|| said.to_owned());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("fuzz-{}-{}.bin", target.name, small.len()));
    let kept =
        fs::write(&file, &small).map_or_else(|error| error.to_string(), |()| file.display().to_string());
    format!("  {said}\n  input: \"{}\"\n  kept in {kept}", small.escape_ascii())
}

fn replay(name: &str, file: &str) -> ExitCode {
    let target = TARGETS.iter().copied().flatten().find(|target| target.name == name);
    let (Some(target), Ok(input)) = (target, fs::read(file)) else {
        eprintln!("usage: fuzz --replay TARGET FILE");
        return ExitCode::from(2);
    };
    match attempt(target, &input) {
        Ok(kind) => {
            println!("nothing wrong, kind {kind:016x}");
            ExitCode::SUCCESS
        }
        Err(said) => {
            println!("{said}");
            ExitCode::FAILURE
        }
    }
}
