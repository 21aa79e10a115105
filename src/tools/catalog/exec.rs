//! Commands in guests: how they are given, and how their output is told.

use crate::tools::{param::Param, run::args::Args};
use serde_json::{Map, Value, json};

/// What a command takes, beside the guest.
pub const COMMAND: Param = Param::text("command");
/// Arguments of a program, each exactly as it is; without them the command is a line for the shell.
pub const ARGS: Param = Param::texts("args").unlisted();
/// What the command reads on its standard input.
pub const INPUT: Param = Param::text("input-data").optional();
/// How long the command may take, in seconds.
pub const TIMEOUT: Param = Param::int("timeout", 1, 600).optional();
/// Whether the command is a line for the shell.
pub const SHELL: Param = Param::flag("shell").about("false: a program, not a shell line.").unlisted();

/// How long a command may take unless its call says otherwise, in seconds.
pub const SECONDS: usize = 30;

/// The program and its arguments that a call asks for. Which may run is decided on the request (see `commands`).
#[must_use]
pub fn program(args: &Args) -> Vec<String> {
    let command = args.text("command").unwrap_or_default();
    let more: Vec<&str> = args.texts("args").collect();
    let shell = args.flag("shell").unwrap_or(more.is_empty());
    let mut program: Vec<String> = if shell { vec!["/bin/sh".into(), "-c".into()] } else { Vec::new() };
    program.push(command.to_owned());
    program.extend(more.into_iter().map(str::to_owned));
    program
}

/// The output of a command as an answer has it.
#[must_use]
pub fn told(code: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Map<String, Value> {
    let mut facts = Map::from_iter([("exitcode".to_owned(), json!(code))]);
    for (name, bytes) in [("stdout", stdout), ("stderr", stderr)] {
        if !bytes.is_empty() {
            facts.insert(name.into(), String::from_utf8_lossy(bytes).into());
        }
    }
    facts
}
