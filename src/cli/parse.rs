//! Parses the arguments into options and words. Prints nothing and runs nothing.

use super::table::{COMMANDS, Command, Flag, GLOBAL, SAMPLE, Takes, command_help, find, help, words};
use crate::{log, suggest::did_you_mean};
use std::{ffi::OsString, path::PathBuf};

/// The parsed command line.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) command: &'static Command,
    /// Whether the command is run on the sample cluster.
    pub(super) demo: bool,
    /// The words after the command.
    pub(super) words: Vec<String>,
    flags: Vec<(&'static str, String)>,
}

impl Options {
    /// Whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(flag, _)| *flag == name)
    }

    /// The value of an option; if it is given several times, the last one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(flag, _)| *flag == name).map(|(_, value)| value.as_str())
    }

    /// The configuration file given with `--config`.
    pub(super) fn config(&self) -> Option<PathBuf> {
        self.value("--config").map(PathBuf::from)
    }

    /// The log level: from the option, else from the configuration, else from the environment, which is needed if the
    /// configuration could not be read.
    pub(super) fn log(&self, configured: Option<log::Level>) -> Option<log::Level> {
        let environment = || std::env::var("PROXMOX_MCP_LOG").ok().and_then(|word| log::level(&word));
        self.value("--log").and_then(log::level).or(configured).or_else(environment)
    }
}

/// The result of parsing the arguments.
pub(super) enum Parsed {
    Run(Options),
    Print(String),
}

/// Parses the arguments, without the program's name.
///
/// # Errors
/// The first argument that is wrong: a sentence.
pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Parsed, String> {
    let mut arguments = arguments
        .map(|word| word.into_string().map_err(|word| format!("The argument {word:?} is not UTF-8.")));
    let (mut flags, mut rest, mut demo) = (Vec::new(), Vec::new(), false);
    let (mut wants_help, mut wants_version) = (false, false);
    while let Some(argument) = arguments.next() {
        let word = argument?;
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        // An argument of a tool may begin with one dash; options have two.
        let of_call = rest.first().is_some_and(|first| first == "call") && 2 <= rest.len();
        match name {
            "-h" | "--help" => wants_help = true,
            "-V" | "--version" => wants_version = true,
            "demo" if rest.is_empty() && !demo => demo = true,
            _ if !name.starts_with('-') || name == "-" || (of_call && !name.starts_with("--")) => {
                rest.push(word);
            }
            _ => {
                let flag = known(name).ok_or_else(|| {
                    let names = every().map(|flag| flag.name);
                    format!("There is no option `{name}`.{}", did_you_mean(name, names))
                })?;
                let value = match (flag.takes, inline) {
                    (Takes::Nothing, None) => String::new(),
                    (Takes::Nothing, Some(_)) => return Err(format!("`{name}` takes no value.")),
                    (_, Some(value)) => value,
                    (_, None) => arguments.next().ok_or_else(|| format!("`{name}` needs a value."))??,
                };
                fits(flag, &value)?;
                flags.push((flag.name, value));
            }
        }
    }
    if wants_version {
        return Ok(Parsed::Print(format!("proxmox-mcp {}\n", env!("CARGO_PKG_VERSION"))));
    }
    let name = if rest.is_empty() { "serve".to_owned() } else { rest.remove(0) };
    let command = find(&name).filter(|command| command.name != "demo").ok_or_else(|| {
        let names = COMMANDS.iter().map(|command| command.name);
        format!("There is no command `{name}`.{}", did_you_mean(&name, names))
    });
    if wants_help {
        let chosen = command.ok().filter(|command| command.name != "serve");
        return Ok(Parsed::Print(chosen.map_or_else(help, command_help)));
    }
    let command = command?;
    let sample = if demo { SAMPLE } else { &[] };
    let own = |name: &str| GLOBAL.iter().chain(command.flags).chain(sample).any(|flag| flag.name == name);
    if let Some((name, _)) = flags.iter().find(|(name, _)| !own(name)) {
        return Err(format!("`{}` has no option `{name}`.", command.name));
    }
    match (command.takes, rest.as_slice()) {
        (Takes::Call, []) => Err("`call` needs the name of a tool.".into()),
        (Takes::Call, _) | (Takes::Nothing, []) => {
            Ok(Parsed::Run(Options { command, demo, words: rest, flags }))
        }
        (Takes::Verify, [word] | [word, _]) if word == "verify" => {
            Ok(Parsed::Run(Options { command, demo, words: rest, flags }))
        }
        (Takes::Verify, _) => Err("`audit` needs `verify`, and optionally a file after it.".into()),
        (Takes::Name, [] | [_]) => Ok(Parsed::Run(Options { command, demo, words: rest, flags })),
        (Takes::Name, _) => Err(format!("`{}` takes one name.", command.name)),
        (Takes::Nothing, _) => Err(format!("`{}` takes no more arguments.", command.name)),
        (takes, [word]) if words(takes).contains(&word.as_str()) => {
            Ok(Parsed::Run(Options { command, demo, words: rest, flags }))
        }
        (takes, _) => Err(format!("`{}` needs one of {}.", command.name, words(takes).join(", "))),
    }
}

fn every() -> impl Iterator<Item = &'static Flag> {
    GLOBAL.iter().chain(COMMANDS.iter().flat_map(|command| command.flags))
}

fn known(name: &str) -> Option<&'static Flag> {
    every().find(|flag| flag.name == name)
}

/// Checks that a value is one of the words, or in the range, that an option takes.
fn fits(flag: &Flag, value: &str) -> Result<(), String> {
    let choices = words(flag.takes);
    let given: Vec<&str> = match flag.takes {
        Takes::Word(_) => vec![value],
        Takes::Words(_) => value.split(',').collect(),
        Takes::Number(least, most) => {
            return match value.parse::<usize>() {
                Ok(number) if least <= number && number <= most => Ok(()),
                _ => Err(format!(
                    "`{}` is `{value}`, but it must be a number from {least} to {most}.",
                    flag.name
                )),
            };
        }
        _ => return Ok(()),
    };
    match given.into_iter().find(|word| !choices.contains(word)) {
        None => Ok(()),
        Some(wrong) => Err(format!(
            "`{}` is `{wrong}`, but it must be one of {}.{}",
            flag.name,
            choices.join(", "),
            did_you_mean(wrong, choices.iter().copied())
        )),
    }
}
