//! The command line: what the binary does with its arguments. The one place that picks an exit code.

#![allow(clippy::print_stdout, reason = "commands other than `serve` and `demo` print for people")]

use crate::{
    cancel::Cancel,
    config::{Config, ConfigError},
    demo,
    log::{self, LEVELS},
    mcp::{self, Answer, Call, Question, Revision, Toolbox},
    signals,
    suggest::did_you_mean,
    tools::{Tools, api::own::name_clashes},
};
use serde_json::{Map, Value};
use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    panic,
    path::PathBuf,
    process::{self, ExitCode},
};

/// What `--help` prints.
pub const HELP: &str = "\
proxmox-mcp: run a Proxmox VE cluster from an AI assistant (MCP server over stdio)

Usage: proxmox-mcp [OPTIONS] [COMMAND]

Commands:
  serve                     Serve MCP on stdin and stdout (the default).
  demo                      The same against a built-in sample cluster; no Proxmox needed.
  tools [--json]            List the tools.
  call TOOL [KEY=VALUE…]    Run one tool and print its JSON; KEY:=JSON passes JSON.
  demo tools, demo call …   The same against the sample cluster.

Options:
  --config FILE             The configuration file.
  --log LEVEL               error, warn, info or debug, on stderr (also PROXMOX_MCP_LOG).
  --lenient                 Answer requests without a handshake, as when typing by hand.
  -h, --help                This text.
  -V, --version             The version.

Without --config: $PROXMOX_MCP_CONFIG, config.json beside the binary,
$XDG_CONFIG_HOME/proxmox-mcp/config.json, /etc/proxmox-mcp/config.json.
PROXMOX_HOST, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET and others override the file.
Exit codes: 0 done, 1 failed, 2 wrong usage.
";

/// Wrong usage (as in sysexits and most tools).
const USAGE: u8 = 2;

#[derive(Debug, Default)]
struct Options {
    config: Option<PathBuf>,
    log: Option<log::Level>,
    lenient: bool,
    demo: bool,
    json: bool,
    /// The command and what follows it.
    words: Vec<String>,
}

/// Runs the command line (without the program's name).
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        log::error(format_args!("A bug: the program panicked{place}. Please report it."));
    }));
    let options = match parse(arguments) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("proxmox-mcp: {problem} See `proxmox-mcp --help`.");
            return ExitCode::from(USAGE);
        }
    };
    // Kept until the end: the sample cluster stops when it is dropped.
    let mut sample = None;
    let config = if options.demo {
        match demo::Server::start(demo::Options::default()) {
            Ok(server) => {
                let (id, secret) = server.token();
                let config = Config::for_demo(server.address(), &id, secret.expose());
                sample = Some(server);
                config
            }
            Err(error) => {
                eprintln!("proxmox-mcp: The sample cluster cannot listen on 127.0.0.1 ({error}).");
                return ExitCode::FAILURE;
            }
        }
    } else {
        load(&options)
    };
    if let Some(level) = options.log.or(config.log) {
        log::set_level(level);
    }
    for warning in &config.warnings {
        log::warn(format_args!("{warning}"));
    }
    let tools = Tools::new(config);
    let code = command(&options, &tools);
    drop(sample);
    code
}

fn command(options: &Options, tools: &Tools) -> ExitCode {
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["serve"] => serve(options, tools),
        ["tools"] => list(options, tools),
        ["call", name, pairs @ ..] => call(tools, name, pairs),
        _ => unreachable_words(&words),
    }
}

/// `parse` lets no other words through; said rather than assumed.
fn unreachable_words(words: &[&str]) -> ExitCode {
    eprintln!("proxmox-mcp: Unknown command `{}`.", words.join(" "));
    ExitCode::from(USAGE)
}

/// A wrong configuration does not keep the server from starting: each call then says what is wrong.
fn load(options: &Options) -> Config {
    let env = |name: &str| std::env::var(name).ok();
    let exe = std::env::current_exe().ok();
    let exe_dir = exe.as_deref().and_then(std::path::Path::parent);
    let loaded = Config::load(options.config.as_deref(), &env, exe_dir).and_then(|config| {
        let problems = name_clashes(&config.tools);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { file: config.source.file, problems }) }
    });
    loaded.unwrap_or_else(|error| {
        // A call tells it anyway; a server may run for long before the first one.
        if options.words.first().is_none_or(|command| command == "serve") {
            log::error(format_args!("{error}"));
        }
        Config::broken(&error)
    })
}

fn serve(options: &Options, tools: &Tools) -> ExitCode {
    let input = io::stdin();
    let lenient = options.lenient || input.is_terminal();
    let on_output_closed = || process::exit(0);
    let workers = tools.config().settings.workers;
    let on_first_call = signals::end_in_order;
    let options = mcp::Options { workers, lenient, on_output_closed, on_first_call };
    let served = mcp::serve(input.lock(), io::stdout(), tools, options);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error(format_args!("Reading standard input failed: {error}."));
            ExitCode::FAILURE
        }
    }
}

fn list(options: &Options, tools: &Tools) -> ExitCode {
    if options.json || !io::stdout().is_terminal() {
        println!("{}", tools.list(Revision::NEWEST_HANDSHAKE));
        return ExitCode::SUCCESS;
    }
    let width = tools.listed().map(|entry| entry.name.len()).max().unwrap_or_default();
    for entry in tools.listed() {
        println!("{:width$}  {}", entry.name, entry.about());
    }
    ExitCode::SUCCESS
}

fn call(tools: &Tools, name: &str, pairs: &[&str]) -> ExitCode {
    let arguments = match arguments(pairs) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("proxmox-mcp: {problem}");
            return ExitCode::from(USAGE);
        }
    };
    if let Err(problem) = tools.order(name, &arguments) {
        eprintln!("proxmox-mcp: {problem} See `proxmox-mcp tools`.");
        return ExitCode::from(USAGE);
    }
    match tools.call(&Call::detached(Cancel::new()), name, arguments) {
        Answer::Data(data) => {
            println!("{data}");
            ExitCode::SUCCESS
        }
        Answer::Failure(sentences) | Answer::Ask { question: Question { message: sentences, .. }, .. } => {
            eprintln!("{sentences}");
            ExitCode::FAILURE
        }
    }
}

/// `key=value` is text (a tool takes `"100"` for 100), `key:=json` is JSON.
fn arguments(pairs: &[&str]) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("`{pair}` is no argument; write key=value, or key:=json."));
        };
        let value = match key.strip_suffix(':') {
            None => Value::from(value),
            Some(key) => serde_json::from_str(value)
                .map_err(|error| format!("The value of `{key}` is not JSON: {error}."))?,
        };
        arguments.insert(key.strip_suffix(':').unwrap_or(key).to_owned(), value);
    }
    Ok(arguments)
}

enum Parsed {
    Run(Options),
    Print(String),
}

const COMMANDS: [&str; 4] = ["serve", "demo", "tools", "call"];
const FLAGS: [&str; 6] = ["--config", "--log", "--lenient", "--json", "--help", "--version"];

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Parsed, String> {
    let mut options = Options {
        log: std::env::var("PROXMOX_MCP_LOG").ok().and_then(|word| log::level(&word)),
        ..Options::default()
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let word = argument.into_string().map_err(|word| format!("The argument {word:?} is not UTF-8."))?;
        let in_call = options.words.first().is_some_and(|first| first == "call") && 2 <= options.words.len();
        let (flag, inline) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = |name: &str| match inline.clone() {
            Some(value) => Ok(OsString::from(value)),
            None => arguments.next().ok_or_else(|| format!("`{name}` needs a value.")),
        };
        match flag {
            _ if in_call && !flag.starts_with("--") => options.words.push(word),
            "--config" => options.config = Some(PathBuf::from(value("--config")?)),
            "--log" => {
                let level = value("--log")?;
                let level = level.to_string_lossy();
                options.log = Some(log::level(&level).ok_or_else(|| {
                    format!("`--log` is `{level}`, but it must be one of {}.", LEVELS.join(", "))
                })?);
            }
            "--lenient" => options.lenient = true,
            "--json" => options.json = true,
            "-h" | "--help" => return Ok(Parsed::Print(HELP.into())),
            "-V" | "--version" => {
                return Ok(Parsed::Print(format!("proxmox-mcp {}\n", env!("CARGO_PKG_VERSION"))));
            }
            _ if word.starts_with('-') => {
                return Err(format!("There is no option `{word}`.{}", did_you_mean(flag, FLAGS)));
            }
            "demo" if options.words.is_empty() && !options.demo => options.demo = true,
            _ => options.words.push(word),
        }
    }
    match options.words.as_slice() {
        [] => Ok(Parsed::Run(options)),
        [command] if command == "serve" || command == "tools" => Ok(Parsed::Run(options)),
        [command, _, ..] if command == "call" => Ok(Parsed::Run(options)),
        [command] if command == "call" => Err("`call` needs the name of a tool.".into()),
        [command, ..] if COMMANDS.contains(&command.as_str()) => {
            Err(format!("`{command}` takes no further words."))
        }
        [command, ..] => Err(format!("There is no command `{command}`.{}", did_you_mean(command, COMMANDS))),
    }
}
