//! The command line: parses the arguments and runs the command. The only place that chooses an exit code.

#![allow(clippy::print_stdout, reason = "commands other than `serve` and `demo` print for people")]

mod approve;
mod call;
mod completion;
mod man;
mod parse;
mod spark;
pub mod table;

pub use table::help;

use crate::{
    audit,
    config::{Access, Config, ConfigError},
    demo, log,
    mcp::{self, Revision, Toolbox},
    setup::{
        ask::Person,
        check,
        finding::Finding,
        given::{Given, Stop},
        init::{self, InitContext},
        recipe::{self, Recipe},
    },
    signals,
    tools::{
        catalog::{deny, own::duplicate_names},
        toolbox::Tools,
    },
};
use parse::{Options, Parsed, parse};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    panic,
    path::{Path, PathBuf},
    process,
    process::ExitCode,
};

/// The exit code for wrong usage, as in most programs.
const USAGE: u8 = 2;

/// Runs the command line (without the program's name).
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        log::error(format_args!("This is a bug: the program panicked{place}. Please report it."));
    }));
    let mut arguments = arguments.peekable();
    if arguments.next_if(|word| word == completion::ASK).is_some() {
        complete(arguments);
        return ExitCode::SUCCESS;
    }
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
    match options.command.name {
        "token-recipe" => token_recipe(&options),
        "audit" => verify(&options),
        "init" => run_init(&options),
        "approve" => approve::run(&options),
        "completion" => {
            print!("{}", completion::script(options.words.first().map_or("", String::as_str)));
            ExitCode::SUCCESS
        }
        "man" => {
            print!("{}", man::page());
            ExitCode::SUCCESS
        }
        _ if options.demo => with_sample(&options),
        _ => with_config(&options, load(&options)),
    }
}

/// Runs a command that needs a configuration on the sample cluster.
fn with_sample(options: &Options) -> ExitCode {
    match demo::Server::start(sample_options(options)) {
        Ok(server) => {
            let (id, secret) = server.token();
            // The sample cluster stops when it is dropped, after the command has ended.
            let config = load(options);
            with_config(
                options,
                config.map(|config| config.with_sample_cluster(server.address(), &id, secret.expose())),
            )
        }
        Err(error) => {
            eprintln!("proxmox-mcp: The sample cluster cannot listen on 127.0.0.1 ({error}).");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command that needs a configuration.
fn with_config(options: &Options, config: Result<Config, ConfigError>) -> ExitCode {
    let configured = config.as_ref().ok().and_then(|config| config.log);
    if let Some(level) = options.log(configured) {
        log::set_level(level);
    }
    if options.command.name == "check" { run_check(options, config) } else { command(options, config) }
}

/// The size of the sample cluster; without options, the default size.
fn sample_options(options: &Options) -> demo::Options {
    let number = |name: &str| options.value(name).and_then(|text| text.parse().ok());
    let usual = demo::Options::default();
    demo::Options {
        nodes: number("--nodes").unwrap_or(usual.nodes),
        guests: number("--guests").unwrap_or(usual.guests),
        ..usual
    }
}

/// Runs a command that works with tools. A wrong configuration does not prevent the server from starting: each call
/// then reports what is wrong.
fn command(options: &Options, config: Result<Config, ConfigError>) -> ExitCode {
    let config = config.unwrap_or_else(|error| {
        // Every call reports this too, but a server may run for a long time before the first call.
        if options.command.name == "serve" {
            log::error(format_args!("{error}"));
        }
        Config::broken(&error)
    });
    for warning in config.warnings.iter().chain(&deny::warnings(&config.deny_tools)) {
        log::warn(format_args!("{warning}"));
    }
    let tools = Tools::new(config);
    match options.command.name {
        "tools" => list(options, &tools),
        "call" => call::run(options, &tools),
        _ => serve(options, &tools),
    }
}

fn load(options: &Options) -> Result<Config, ConfigError> {
    load_from(options.config().as_deref())
}

/// Loads the configuration from that file, or else from the one that is found.
fn load_from(explicit: Option<&Path>) -> Result<Config, ConfigError> {
    let env = |name: &str| std::env::var(name).ok();
    // Needed only if the file has to be searched for.
    let exe = if explicit.is_none() { std::env::current_exe().ok() } else { None };
    let exe_dir = exe.as_deref().and_then(Path::parent);
    Config::load(explicit, &env, exe_dir).and_then(|config| {
        let problems = duplicate_names(&config.tools);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { file: config.source.file, problems }) }
    })
}

fn serve(options: &Options, tools: &Tools) -> ExitCode {
    let input = io::stdin();
    let lenient = options.has("--lenient") || input.is_terminal();
    let on_output_closed = || process::exit(0);
    let workers = tools.config().settings.workers;
    let on_first_call = &signals::shut_down_on_signal;
    let options = mcp::Options { workers, lenient, on_output_closed, on_first_call };
    let served = mcp::serve(input.lock(), io::stdout(), tools, options);
    match served {
        // A signal may have interrupted the calls that were completed after the end of the input.
        Ok(()) => signals::exit_code().map_or(ExitCode::SUCCESS, ExitCode::from),
        Err(error) => {
            log::error(format_args!("Reading standard input failed: {error}."));
            ExitCode::FAILURE
        }
    }
}

fn list(options: &Options, tools: &Tools) -> ExitCode {
    if !call::prints_table(options) {
        println!("{}", tools.list(Revision::NEWEST_HANDSHAKE));
        return ExitCode::SUCCESS;
    }
    let width = tools.listed().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut toolset = "";
    for entry in tools.listed() {
        if entry.toolset != toolset {
            println!("{}{}", if toolset.is_empty() { "" } else { "\n" }, entry.toolset.to_uppercase());
            toolset = entry.toolset;
        }
        println!("{:width$}  {:10}  {}", entry.name, call::effect(&entry), entry.about());
    }
    ExitCode::SUCCESS
}

/// Verifies an audit log, with the key in the configuration if there is one.
fn verify(options: &Options) -> ExitCode {
    let place = load(options).ok().and_then(|config| config.audit);
    let given = options.words.get(1).map(PathBuf::from);
    let Some(file) = given.or_else(|| place.as_ref().map(|place| place.path.clone())) else {
        eprintln!(
            "proxmox-mcp: The configuration has no `audit_log`; name the file to check. See `proxmox-mcp audit --help`."
        );
        return ExitCode::from(USAGE);
    };
    let key = place.and_then(|place| place.seal);
    let checked = key.map(|key| key.open()).transpose();
    match checked.and_then(|seal| audit::verify(&file, seal.as_ref())) {
        Ok(verdict) => {
            print!("{verdict}");
            if verdict.alarms.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("proxmox-mcp: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run_check(options: &Options, config: Result<Config, ConfigError>) -> ExitCode {
    let json = options.has("--json");
    let mut findings: Vec<Value> = Vec::new();
    let fine = check::run(config, &mut |finding: Finding| {
        if json {
            findings.push(finding.json());
        } else {
            println!("{finding}");
        }
    });
    if json {
        println!("{}", Value::from(findings));
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the completion candidates for a shell, one per line.
fn complete(arguments: impl Iterator<Item = OsString>) {
    let mut before: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let current = before.pop().unwrap_or_default();
    for (word, about) in completion::candidates(&before, &current) {
        println!("{word}\t{about}");
    }
}

fn run_init(options: &Options) -> ExitCode {
    let (input, mut output) = (io::stdin(), io::stdout());
    let there = input.is_terminal();
    let mut person =
        Person { input: &mut input.lock(), output: &mut output, there, defaults: options.has("--yes") };
    let program = std::env::current_exe().map_or("proxmox-mcp".into(), |path| path.display().to_string());
    let around = InitContext { env: &|name| std::env::var(name).ok(), system: std::env::consts::OS, program };
    match init::run(options, &mut person, &around) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Usage(problem)) => {
            eprintln!("proxmox-mcp: {problem} See `proxmox-mcp init --help`.");
            ExitCode::from(USAGE)
        }
        Err(Stop::Failed(problem)) => {
            eprintln!("proxmox-mcp: {problem}");
            ExitCode::FAILURE
        }
    }
}

impl Given for Options {
    fn value(&self, name: &str) -> Option<&str> {
        Options::value(self, name)
    }

    fn has(&self, name: &str) -> bool {
        Options::has(self, name)
    }
}

fn token_recipe(options: &Options) -> ExitCode {
    let toolsets = options.value("--toolsets").unwrap_or("core");
    let recipe = Recipe {
        access: options.value("--access").and_then(recipe::access_by_name).unwrap_or(Access::Standard),
        toolsets: toolsets.split(',').map(str::to_owned).collect(),
        user: options.value("--user").unwrap_or("mcp").to_owned(),
        token: options.value("--token").unwrap_or("assistant").to_owned(),
        release: if options.value("--release") == Some("8") { 8 } else { 9 },
    };
    if let Err(problem) = recipe::names(&recipe) {
        eprintln!("proxmox-mcp: {problem}");
        return ExitCode::from(USAGE);
    }
    print!("{}", recipe::text(&recipe));
    ExitCode::SUCCESS
}
