//! The manual page, proxmox-mcp(1), generated from the tables of commands, options and configuration keys. To read it:
//! `proxmox-mcp man | man -l -`.

use crate::{
    cli::table::{COMMANDS, Flag, GLOBAL, shown},
    config::{KEYS, Key},
};
use std::fmt::Write;

const DESCRIPTION: &str = "is a Model Context Protocol (MCP) server with which an AI assistant can manage a Proxmox \
    VE cluster. An MCP client starts it and talks to it over standard input and output. The same tools can be run \
    from a shell with the command `call`. The network is not used before the first call.";

const FILES: &str = "The first of these that exists is read: the file that `--config` names, the one that \
    $PROXMOX_MCP_CONFIG names, config.json beside the binary, $XDG_CONFIG_HOME/proxmox-mcp/config.json, \
    /etc/proxmox-mcp/config.json. The working directory is never searched.";

const EXAMPLES: &[(&str, &str)] = &[
    ("Try it on a built-in sample cluster.", "proxmox-mcp demo call proxmox_list_nodes"),
    ("Write a configuration, then test it.", "proxmox-mcp init && proxmox-mcp check"),
    ("Print the commands that create a read-only token.", "proxmox-mcp token-recipe --access read-only"),
    (
        "Show the requests of a call without sending them.",
        "proxmox-mcp call --dry-run proxmox_start_vm vmid=101",
    ),
];

/// The manual page, in the macros of man(7).
#[must_use]
pub(super) fn page() -> String {
    let mut text = format!(
        ".TH PROXMOX\\-MCP 1 \"\" \"proxmox\\-mcp {}\" \"User Commands\"\n\
         .SH NAME\nproxmox\\-mcp \\- run a Proxmox VE cluster from an AI assistant\n\
         .SH SYNOPSIS\n.B proxmox\\-mcp\n.RI [ OPTIONS ]\n.RI [ COMMAND ]\n\
         .SH DESCRIPTION\n.B proxmox\\-mcp\n",
        escaped(env!("CARGO_PKG_VERSION"))
    );
    paragraph(&mut text, DESCRIPTION);
    text += ".SH COMMANDS\n";
    for command in COMMANDS {
        item(&mut text, command.name, &shown(command.takes, true), command.about);
        if !command.flags.is_empty() {
            text += ".RS\n";
            options(&mut text, command.flags);
            text += ".RE\n";
        }
    }
    text += ".SH OPTIONS\nThese apply to every command.\n";
    options(&mut text, GLOBAL);
    text += ".SH FILES\n";
    paragraph(&mut text, FILES);
    text += ".PP\nThe file is one JSON object with these keys.\n";
    for key in KEYS {
        item(&mut text, key.name, "", &meaning(key));
    }
    text += ".SH ENVIRONMENT\nThese variables override the file; an empty one counts as not set.\n";
    for key in KEYS.iter().filter(|key| !key.env.is_empty()) {
        item(&mut text, &key.env.join(", "), "", &format!("The key `{}`.", key.name));
    }
    text += ".SH EXIT STATUS\n";
    for (code, meaning) in [("0", "Success."), ("1", "Failure."), ("2", "Wrong usage.")] {
        item(&mut text, code, "", meaning);
    }
    text += ".SH EXAMPLES\n";
    for (about, line) in EXAMPLES {
        item(&mut text, line, "", about);
    }
    text + ".SH SEE ALSO\n.BR pveum (1),\n.BR pvesh (1)\n"
}

fn options(text: &mut String, flags: &[Flag]) {
    for flag in flags {
        let mut about = flag.about.to_owned();
        let choices = super::table::words(flag.takes);
        if !choices.is_empty() {
            let _ = write!(about, " One of {}.", choices.join(", "));
        }
        item(text, flag.name, &shown(flag.takes, false), &about);
    }
}

/// One entry: its name, its arguments and its description.
fn item(text: &mut String, name: &str, takes: &str, about: &str) {
    let _ = writeln!(text, ".TP\n\\fB{}\\fR{}", escaped(name), escaped(takes));
    paragraph(text, about);
}

fn paragraph(text: &mut String, sentences: &str) {
    let _ = writeln!(text, "{}", line(sentences));
}

/// The description of a key, the type of its value and its default.
fn meaning(key: &Key) -> String {
    let default = key.default.map_or_else(String::new, |value| format!("; {value} if not given"));
    format!("{} The value is {}{default}.", key.about, key.kind.describe())
}

/// Escaped text whose first character is not taken for a roff request.
fn line(text: &str) -> String {
    let text = escaped(text);
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

/// Text escaped for roff: backslashes, quotes, hyphens (so that they can be copied), and the only non-ASCII character
/// in the tables.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('…', "...")
        .replace('`', "\\(ga")
        .replace('\'', "\\(aq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_option_key_and_variable_is_there_and_nothing_beyond_ascii() {
        let page = page();
        let flags = COMMANDS.iter().flat_map(|command| command.flags).chain(GLOBAL);
        for (name, about) in COMMANDS
            .iter()
            .map(|command| (command.name, command.about))
            .chain(flags.map(|flag| (flag.name, flag.about)))
            .chain(KEYS.iter().map(|key| (key.name, key.about)))
        {
            let entry = format!(".TP\n\\fB{}\\fR", escaped(name));
            assert!(page.contains(&entry) && page.contains(&line(about)), "{name}");
        }
        for variable in KEYS.iter().flat_map(|key| key.env) {
            assert!(page.contains(variable), "{variable}");
        }
        let odd = page.lines().find(|line| !line.is_ascii() || line.is_empty());
        assert_eq!(odd, None);
    }

    #[test]
    fn what_roff_would_read_as_its_own_is_written_out() {
        for (text, expected) in [
            ("a-b", "a\\-b"),
            ("C:\\x", "C:\\ex"),
            (".x", "\\&.x"),
            ("'x'", "\\(aqx\\(aq"),
            ("TOOL [ARGUMENT…]", "TOOL [ARGUMENT...]"),
        ] {
            assert_eq!(line(text), expected);
        }
    }
}
