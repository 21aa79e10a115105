//! `approve`: a person's word for a request that waits, given outside the model and outside its client.

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

/// How often it is looked for new requests.
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
            "`approve` needs a terminal: what it is for is the word of a person, which no program may give. `--list` and `--deny` work without one.".into(),
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
        (true, None) => println!("Nothing waits for approval."),
        _ => {}
    }
    for one in chosen {
        decide(options, &store, one, &mut input).map_err(failed)?;
    }
    Ok(())
}

fn none_waits(name: &str) -> String {
    format!("No request `{}` waits for approval. `--list` shows those that do.", visible::text(name))
}

/// What waits, a line each.
fn list(store: &Store) -> Result<(), String> {
    for one in store.waiting()? {
        let said = match store.answered(&one) {
            None => "",
            Some(Verdict::Approved) => "  (approved, and not carried out yet)",
            Some(Verdict::Denied) => "  (denied, and not asked for again yet)",
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

/// Waits for requests, one after another, and rings for each.
fn watch(options: &Options, store: &Store, input: &mut impl BufRead) -> Result<(), String> {
    let mut seen: BTreeSet<(String, u64)> = BTreeSet::new();
    println!("Waiting for requests; end it with Ctrl-C.");
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

/// Shows the plan of a request as it is now, and takes the person's word.
fn decide(options: &Options, store: &Store, one: &Waiting, input: &mut impl BufRead) -> Result<(), String> {
    println!("\n{}", line(one));
    if store.answered(one).is_some() {
        println!("The request `{}` was answered already.", one.name);
        return Ok(());
    }
    let tools = tools(options, &one.details);
    let (tools, shown) = match tools.and_then(|tools| Ok((tools.shown(&one.details)?, tools))) {
        Ok((shown, tools)) => (tools, shown),
        Err(problem) => {
            println!("It cannot be approved, for its plan cannot be read: {}", visible::text(&problem));
            return Ok(());
        }
    };
    if let Some(why) = &shown.stale {
        println!("{}; this is how it was when it was asked for.", visible::text(why));
    }
    println!("{}", visible::text(&shown.told));
    println!("request: {}", visible::text(&one.details["request"].to_string()));
    println!(
        "called as: {} {}",
        text(&one.details["tool"]),
        visible::text(&one.details["arguments"].to_string())
    );
    print!("Type {} to approve, `deny` to deny, or nothing to leave it: ", visible::text(&shown.word));
    io::stdout().flush().map_err(|error| format!("The terminal cannot be written to ({error})."))?;
    let mut typed = String::new();
    input.read_line(&mut typed).map_err(|error| format!("The terminal cannot be read ({error})."))?;
    match typed.trim() {
        "" => println!("Left as it is."),
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

/// Gives a person's yes to a request whose target is like `identity`. What cannot be written down does not count.
fn agree(store: &Store, one: &Waiting, tools: &Tools, identity: &str) -> Result<String, String> {
    let word = Word { name: &one.name, identity: Some(identity) };
    let user = store.user();
    let not = |problem: String| format!("It is not approved. {}", visible::text(&problem));
    tools.write_down("approved", &user, &word, &one.details).map_err(not)?;
    if let Err(problem) = store.answer(&one.name, Verdict::Approved, identity) {
        tools.write_down("void", &user, &word, &one.details)?;
        return Err(problem);
    }
    Ok("Approved: it is carried out once, by the call that waits or by the same call made again.".into())
}

/// Gives a person's no, which holds also where it cannot be written down.
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
            "Denied {}. It is not in the audit log, if there is one: {}",
            one.name,
            visible::text(&problem)
        ),
    })
}

fn text(value: &Value) -> String {
    visible::text(value.as_str().unwrap_or_default()).into_owned()
}

/// The tools over the configuration of the server that asked, or the one that the command line names.
fn tools(options: &Options, details: &Value) -> Result<Tools, String> {
    let stored = details["config"].as_str().map(PathBuf::from);
    let path = options.config().or(stored);
    load_from(path.as_deref()).map(Tools::new).map_err(|error| error.to_string())
}
