//! `approve`: a person approves or denies a waiting request, outside the model and its client.

use super::{USAGE, load_from, parse::Options};
use crate::{
    approvals::{self, Store, Verdict, Waiting},
    tools::{Tools, Word},
    visible,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How often to check for new requests.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs the command.
#[inline(never)]
pub(super) fn run(options: &Options) -> ExitCode {
    match approve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, problem)) => {
            eprintln!("proxmox-mcp: {problem}");
            code
        }
    }
}

type Outcome = Result<(), (ExitCode, String)>;

fn approve(options: &Options) -> Outcome {
    let failed = |problem: String| (ExitCode::FAILURE, problem);
    let folder = approvals::folder(&|name| std::env::var(name).ok()).map_err(failed)?;
    let store = Store::open(&folder).map_err(failed)?;
    if options.has("--list") {
        return list(&store).map_err(failed);
    }
    let wanted = options.words.first().map(String::as_str);
    if options.has("--deny") {
        let Some(name) = wanted else {
            return Err((ExitCode::from(USAGE), "`--deny` needs the name of the request.".into()));
        };
        let waiting = store.waiting().map_err(failed)?.into_iter().find(|one| one.name == name);
        let Some(one) = waiting else { return Err(failed(none_waits(name))) };
        println!("{}", deny(&store, &one, &tools(options, &one.details), None).map_err(failed)?);
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err((
            ExitCode::from(USAGE),
            "`approve` needs a terminal, because only a person may approve a request, not a program. `--list` and `--deny` work without one.".into(),
        ));
    }
    let mut input = io::stdin().lock();
    if options.has("--watch") {
        return watch(options, &store, &mut input).map_err(failed);
    }
    let waiting = store.waiting().map_err(failed)?;
    let is_chosen = |one: &&Waiting| match wanted {
        Some(name) => name == one.name,
        None => store.answered(one).is_none(),
    };
    let chosen: Vec<&Waiting> = waiting.iter().filter(is_chosen).collect();
    match (chosen.is_empty(), wanted) {
        (true, Some(name)) => return Err(failed(none_waits(name))),
        (true, None) => println!("No request is waiting for approval."),
        _ => {}
    }
    for one in chosen {
        decide(options, &store, one, &mut input).map_err(failed)?;
    }
    Ok(())
}

fn none_waits(name: &str) -> String {
    format!("No request `{}` is waiting for approval. `--list` shows those that are.", visible::text(name))
}

/// Prints the waiting requests, one per line.
fn list(store: &Store) -> Result<(), String> {
    for one in store.waiting()? {
        let said = match store.answered(&one) {
            None => "",
            Some(Verdict::Approved) => "  (approved, and not carried out yet)",
            Some(Verdict::Denied) => "  (denied, and not requested again yet)",
        };
        println!("{}{said}", line(&one));
    }
    Ok(())
}

/// `k7m2qa  4 min left  proxmox_delete_vm  Delete VM 100 (web01) with its disks.`
fn line(one: &Waiting) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let left = one.expires.saturating_sub(now).div_ceil(60);
    let text = |name: &str| one.details[name].as_str().unwrap_or_default().to_owned();
    visible::text(&format!("{}  {left} min left  {}  {}", one.name, text("tool"), text("sentence")))
        .into_owned()
}

/// Waits for requests, and rings the terminal bell for each one.
fn watch(options: &Options, store: &Store, input: &mut impl BufRead) -> Result<(), String> {
    let mut seen: BTreeSet<(String, u64)> = BTreeSet::new();
    println!("Waiting for requests; press Ctrl-C to stop.");
    loop {
        let waiting = store.waiting()?;
        seen.retain(|(name, asked)| waiting.iter().any(|one| one.name == *name && one.asked == *asked));
        let is_new =
            |one: &&Waiting| !seen.contains(&(one.name.clone(), one.asked)) && store.answered(one).is_none();
        match waiting.iter().find(is_new) {
            None => thread::sleep(PAUSE),
            Some(one) => {
                print!("\x07");
                decide(options, store, one, input)?;
                seen.insert((one.name.clone(), one.asked));
            }
        }
    }
}

/// Shows the current plan of a request, and reads the person's decision.
fn decide(options: &Options, store: &Store, one: &Waiting, input: &mut impl BufRead) -> Result<(), String> {
    println!("\n{}", line(one));
    if store.answered(one).is_some() {
        println!("The request `{}` has already been answered.", one.name);
        return Ok(());
    }
    let tools = tools(options, &one.details);
    let (tools, shown) = match tools.and_then(|tools| Ok((tools.shown(&one.details)?, tools))) {
        Ok((shown, tools)) => (tools, shown),
        Err(problem) => {
            println!("It cannot be approved, because its plan cannot be read: {}", visible::text(&problem));
            return Ok(());
        }
    };
    if let Some(why) = &shown.stale {
        println!("{}; this is the plan from when it was requested.", visible::text(why));
    }
    println!("{}", visible::text(&shown.told));
    println!("request: {}", visible::text(&one.details["request"].to_string()));
    println!(
        "called as: {} {}",
        text(&one.details["tool"]),
        visible::text(&one.details["arguments"].to_string())
    );
    print!(
        "Type {} to approve, `deny` to deny, or press Enter to leave it waiting: ",
        visible::text(&shown.word)
    );
    io::stdout().flush().map_err(|error| format!("The terminal cannot be written to ({error})."))?;
    let mut typed = String::new();
    input.read_line(&mut typed).map_err(|error| format!("The terminal cannot be read ({error})."))?;
    match typed.trim() {
        "" => println!("Left waiting."),
        "deny" if shown.word != "deny" => {
            println!(
                "{}",
                deny(store, one, &Ok(tools), Some(&shown.identity)).unwrap_or_else(|problem| problem)
            );
        }
        word if word == shown.word => {
            println!("{}", agree(store, one, &tools, &shown.identity).unwrap_or_else(|problem| problem));
        }
        other => println!("`{}` is not {}: not approved.", visible::text(other), visible::text(&shown.word)),
    }
    Ok(())
}

/// Approves a request whose target was shown with this `identity`. An approval that cannot be written to the audit log
/// does not count.
fn agree(store: &Store, one: &Waiting, tools: &Tools, identity: &str) -> Result<String, String> {
    let word = Word { name: &one.name, identity: Some(identity) };
    let user = store.user();
    let not = |problem: String| format!("It was not approved. {}", visible::text(&problem));
    tools.write_down("approved", &user, &word, &one.details).map_err(not)?;
    if let Err(problem) = store.answer(&one.name, Verdict::Approved, identity) {
        tools.write_down("void", &user, &word, &one.details)?;
        return Err(problem);
    }
    Ok("Approved: it will be carried out once, by the waiting call or if the same call is made again.".into())
}

/// Denies a request. This counts even if it cannot be written to the audit log.
fn deny(
    store: &Store,
    one: &Waiting,
    tools: &Result<Tools, String>,
    identity: Option<&str>,
) -> Result<String, String> {
    store.answer(&one.name, Verdict::Denied, "")?;
    let word = Word { name: &one.name, identity };
    let written = tools.as_ref().map_err(String::clone);
    let written = written.and_then(|tools| tools.write_down("denied", &store.user(), &word, &one.details));
    Ok(match written {
        Ok(()) => format!("Denied {}.", one.name),
        Err(problem) => format!(
            "Denied {}. This was not written to the audit log, if there is one: {}",
            one.name,
            visible::text(&problem)
        ),
    })
}

fn text(value: &Value) -> String {
    visible::text(value.as_str().unwrap_or_default()).into_owned()
}

/// The tools with the configuration given on the command line, or else with that of the server that made the request.
fn tools(options: &Options, details: &Value) -> Result<Tools, String> {
    let stored = details["config"].as_str().map(PathBuf::from);
    let path = options.config().or(stored);
    load_from(path.as_deref()).map(Tools::new).map_err(|error| error.to_string())
}
