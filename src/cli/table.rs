//! The commands and options as one table: parsing, `--help`, the manual page and shell completion follow from it.

use crate::{folders::SHOWN, log::LEVELS, setup::recipe, tools::catalog::index::entries};
use std::fmt::Write;

/// The arguments that an option or a command takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// Text; the help shows it under this name.
    Text(&'static str),
    /// The path of a file.
    File,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// One or more of these words, separated by commas.
    Words(fn() -> Vec<&'static str>),
    /// A number in this range, both ends included.
    Number(usize, usize),
    /// A tool and its arguments.
    Call,
    /// `verify`, and optionally a file.
    Verify,
    /// Optionally, the name of a request.
    Name,
}

/// One option.
#[derive(Debug)]
pub struct Flag {
    /// Its name, with the leading dashes.
    pub name: &'static str,
    /// Its argument.
    pub takes: Takes,
    /// Its description.
    pub about: &'static str,
}

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub takes: Takes,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Its own options, beside the global ones.
    pub flags: &'static [Flag],
}

const fn flag(name: &'static str, takes: Takes, about: &'static str) -> Flag {
    Flag { name, takes, about }
}

fn access() -> Vec<&'static str> {
    vec!["read-only", "standard", "full"]
}

fn toolsets() -> Vec<&'static str> {
    recipe::toolsets().into_iter().collect()
}

fn shells() -> Vec<&'static str> {
    vec!["bash", "zsh", "fish", "powershell", "nushell"]
}

fn clients() -> Vec<&'static str> {
    crate::setup::clients::CLIENTS.iter().map(|client| client.name).collect()
}

fn tools() -> Vec<&'static str> {
    entries().map(|entry| entry.name).collect()
}

/// Options of every command.
pub const GLOBAL: &[Flag] = &[
    flag("--config", Takes::File, "The configuration file."),
    flag("--log", Takes::Word(|| LEVELS.to_vec()), "How much is logged on stderr (also PROXMOX_MCP_LOG)."),
    flag("--lenient", Takes::Nothing, "Accept requests without a handshake, such as those typed by hand."),
    flag("--help", Takes::Nothing, "Show this help, or that of a command (-h)."),
    flag("--version", Takes::Nothing, "Show the version (-V)."),
];

const JSON: Flag = flag("--json", Takes::Nothing, "Print JSON, even on a terminal.");
const TABLE: Flag = flag("--table", Takes::Nothing, "Print tables for people, even into a pipe.");
const ACCESS: Flag = flag("--access", Takes::Word(access), "What may run.");
const TOOLSETS: Flag =
    flag("--toolsets", Takes::Words(toolsets), "The toolsets, separated by commas; core if not given.");

/// Options of the sample cluster, in addition to those of the command that is run on it.
pub const SAMPLE: &[Flag] = &[
    flag("--nodes", Takes::Number(1, 64), "How many nodes the sample cluster has; 3 if not given."),
    flag("--guests", Takes::Number(0, 20_000), "How many guests in all; further ones are generated."),
];

/// Every command, in the order of the help.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "serve",
        takes: Takes::Nothing,
        about: "Serve MCP on stdin and stdout (the default).",
        flags: &[],
    },
    Command {
        name: "init",
        takes: Takes::Nothing,
        about: "Ask a few questions, test the answers and write the configuration.",
        flags: &[
            flag("--host", Takes::Text("HOST"), "A node of the cluster: name or address."),
            flag("--port", Takes::Text("PORT"), "The API's port; 8006 if not given."),
            flag(
                "--fingerprint",
                Takes::Text("SHA256"),
                "The certificate to trust, as `pvenode cert info` shows it.",
            ),
            flag(
                "--trust-ca",
                Takes::Nothing,
                "Trust the cluster's own CA, fetched over the pinned connection.",
            ),
            flag("--ca-file", Takes::File, "Trust the CA in this PEM file."),
            flag("--insecure", Takes::Nothing, "Do not check the certificate (unsafe)."),
            flag("--token-id", Takes::Text("ID"), "The API token, `user@realm!name`."),
            flag("--token-secret-file", Takes::File, "The file that holds its secret; - for standard input."),
            flag("--token-secret-env", Takes::Text("NAME"), "The environment variable with its secret."),
            flag("--user", Takes::Text("USER"), "Instead of a token: the user, `name@realm`."),
            flag("--password-file", Takes::File, "The file that holds the password; - for standard input."),
            flag("--password-env", Takes::Text("NAME"), "The environment variable with the password."),
            flag("--totp-file", Takes::File, "The file that holds the secret of the second factor."),
            ACCESS,
            flag(
                "--confirm",
                Takes::Word(|| vec!["person", "token", "strict"]),
                "How a request is confirmed if the client cannot ask the user; person if not given.",
            ),
            flag("--audit-log", Takes::File, "Keep an audit log in this file."),
            flag(
                "--audit-key",
                Takes::File,
                "The file for its key, created if missing; audit.key beside the configuration if not given.",
            ),
            TOOLSETS,
            flag("--output", Takes::File, "Where to write the configuration."),
            flag("--client", Takes::Word(clients), "The MCP client to show the configuration for."),
            flag("--write", Takes::Nothing, "Add the server to that client's own configuration file."),
            flag("--remove", Takes::Nothing, "Only remove the server from that client's configuration file."),
            flag("--yes", Takes::Nothing, "Use the defaults instead of asking."),
            flag("--force", Takes::Nothing, "Overwrite an existing file, and write it even if a test fails."),
        ],
    },
    Command {
        name: "check",
        takes: Takes::Nothing,
        about: "Test the configuration, TLS, login and permissions, and say how to fix what is wrong.",
        flags: &[JSON],
    },
    Command {
        name: "token-recipe",
        takes: Takes::Nothing,
        about: "Print the commands that create an API token with the privileges that the tools need.",
        flags: &[
            ACCESS,
            TOOLSETS,
            flag("--user", Takes::Text("NAME"), "The user to create; mcp@pve if not given."),
            flag("--token", Takes::Text("NAME"), "The token's name; assistant if not given."),
            flag("--release", Takes::Word(|| vec!["8", "9"]), "Proxmox VE's major release; 9 if not given."),
        ],
    },
    Command { name: "tools", takes: Takes::Nothing, about: "List the tools.", flags: &[JSON, TABLE] },
    Command {
        name: "call",
        takes: Takes::Call,
        about: "Run one tool. Arguments are KEY=VALUE, KEY:=JSON, or - for a JSON object on stdin.",
        flags: &[
            JSON,
            TABLE,
            flag("--dry-run", Takes::Nothing, "Show the requests that would be sent, and send nothing."),
        ],
    },
    Command {
        name: "approve",
        takes: Takes::Name,
        about: "Show the requests that wait for approval; each is approved by typing the word it asks for.",
        flags: &[
            flag("--list", Takes::Nothing, "Only list the waiting requests."),
            flag("--deny", Takes::Nothing, "Deny the named request."),
            flag("--watch", Takes::Nothing, "Wait for requests, and ring the bell for each."),
        ],
    },
    Command {
        name: "audit",
        takes: Takes::Verify,
        about: "Find changed, forged and missing lines in an audit log: the configured one if no file is given.",
        flags: &[],
    },
    Command {
        name: "completion",
        takes: Takes::Word(shells),
        about: "Print a shell completion script for commands, tools and arguments.",
        flags: &[],
    },
    Command {
        name: "man",
        takes: Takes::Nothing,
        about: "Print the manual page, for `man -l -`.",
        flags: &[],
    },
    Command {
        name: "demo",
        takes: Takes::Nothing,
        about: "Serve, or run the command after it, on a built-in sample cluster.",
        flags: SAMPLE,
    },
];

/// The command with that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The words that may be given as the argument; empty if it is not one of a fixed list.
#[must_use]
pub fn words(takes: Takes) -> Vec<&'static str> {
    match takes {
        Takes::Word(words) | Takes::Words(words) => words(),
        Takes::Call => tools(),
        Takes::Verify => vec!["verify"],
        Takes::Nothing | Takes::Text(_) | Takes::File | Takes::Number(..) | Takes::Name => Vec::new(),
    }
}

/// The arguments of a command or an option, as the help shows them.
pub(super) fn shown(takes: Takes, words_too: bool) -> String {
    match takes {
        Takes::Nothing => String::new(),
        Takes::Text(name) => format!(" {name}"),
        Takes::File => " FILE".into(),
        Takes::Word(words) if words_too && words().len() < 6 => format!(" {}", words().join("|")),
        Takes::Word(_) => " WORD".into(),
        Takes::Words(_) => " LIST".into(),
        Takes::Number(..) => " NUMBER".into(),
        Takes::Call => " TOOL [ARGUMENT…]".into(),
        Takes::Verify => " verify [FILE]".into(),
        Takes::Name => " [NAME]".into(),
    }
}

/// A sentence below the description of an option, wrapped to lines of at most 110 characters.
fn wrapped(sentence: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in sentence.split(' ') {
        if !line.is_empty() && 110 < 28 + line.len() + 1 + word.len() {
            let _ = writeln!(text, "  {:26}{line}", "");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "  {:26}{line}", "");
    text
}

fn options(text: &mut String, flags: &[Flag]) {
    for flag in flags {
        let left = format!("{}{}", flag.name, shown(flag.takes, false));
        let _ = writeln!(text, "  {left:26}{}", flag.about);
        if let (Takes::Word(_), choices) = (flag.takes, words(flag.takes)) {
            text.push_str(&wrapped(&format!("One of {}.", choices.join(", "))));
        }
    }
}

/// What `--help` prints.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "proxmox-mcp: run a Proxmox VE cluster from an AI assistant (MCP server over stdio)\n\n\
         Usage: proxmox-mcp [OPTIONS] [COMMAND]\n\nCommands:\n",
    );
    for command in COMMANDS {
        let left = format!("{}{}", command.name, shown(command.takes, true));
        let _ = writeln!(text, "  {left:25} {}", command.about);
    }
    text += "\nOptions:\n";
    options(&mut text, GLOBAL);
    let _ = write!(
        text,
        "\n`proxmox-mcp COMMAND --help` shows the options of a command.\n\
         Without --config: $PROXMOX_MCP_CONFIG, config.json beside the binary,\n\
         {SHOWN}.\n\
         PROXMOX_HOST, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET and others override the file.\n\
         Exit codes: 0 done, 1 failed, 2 wrong usage.\n"
    );
    text
}

/// What `COMMAND --help` prints.
#[must_use]
pub fn command_help(command: &Command) -> String {
    let mut text = format!(
        "{}\n\nUsage: proxmox-mcp {}{}{}\n",
        command.about,
        command.name,
        shown(command.takes, true),
        if command.flags.is_empty() { "" } else { " [OPTIONS]" }
    );
    if !command.flags.is_empty() {
        text += "\nOptions:\n";
        options(&mut text, command.flags);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, mem::discriminant};

    #[test]
    fn options_of_one_name_take_the_same_everywhere_and_lines_are_short() {
        let mut seen = HashMap::new();
        for flag in COMMANDS.iter().flat_map(|command| command.flags).chain(GLOBAL) {
            let before = *seen.entry(flag.name).or_insert(discriminant(&flag.takes));
            assert_eq!(before, discriminant(&flag.takes), "{}", flag.name);
            assert!(flag.about.ends_with(['.', ')']) && flag.name.starts_with("--"), "{}", flag.name);
        }
        for line in COMMANDS
            .iter()
            .map(command_help)
            .chain([help()])
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(line.chars().count() <= 130, "{line}");
        }
    }
}
