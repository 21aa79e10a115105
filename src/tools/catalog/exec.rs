//! Commands in guests: how they are given, which may run, and how their output is told.

use crate::tools::{
    answer::Failure,
    param::Param,
    run::{args::Args, context::Context, pattern::fits},
};
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

/// The program and its arguments that a call asks for.
///
/// # Errors
/// The setting `exec_allow` does not name it.
pub fn program(context: &Context<'_>, args: &Args) -> Result<Vec<String>, Failure> {
    let command = args.text("command").unwrap_or_default();
    let more: Vec<&str> = args.texts("args").collect();
    let shell = args.flag("shell").unwrap_or(more.is_empty());
    let whole = [&[command][..], &more[..]].concat().join(" ");
    let allowed = &context.config.exec_allow;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| allows(pattern, &whole)) {
        return Err(Failure::new(format!(
            "`{}` is none of the commands that the setting `exec_allow` names: {}. Nothing was done.",
            whole.escape_debug(),
            allowed.join(", ")
        )));
    }
    let mut program: Vec<String> = if shell { vec!["/bin/sh".into(), "-c".into()] } else { Vec::new() };
    program.push(command.to_owned());
    program.extend(more.into_iter().map(str::to_owned));
    Ok(program)
}

/// Whether a pattern names a command. `*` stands for plain words only: what a shell would read as more than a
/// word (`;`, `|`, `$`, quotes, a line break …) must stand in the pattern itself.
fn allows(pattern: &str, command: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " ./_-:=@,+%".contains(c);
    fits(pattern, command, |star| star.chars().all(plain))
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

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn a_star_lets_no_second_command_in() {
        for (pattern, command, expected) in [
            ("df -h", "df -h", true),
            ("df -h", "df -h /", false),
            ("systemctl status *", "systemctl status nginx.service", true),
            ("systemctl status *", "systemctl status nginx; reboot", false),
            ("systemctl status *", "systemctl status $(reboot)", false),
            ("systemctl status *", "systemctl status x\nreboot", false),
            ("systemctl status *", "systemctl restart nginx", false),
            ("cat /var/log/*.log | tail -n *", "cat /var/log/a.log | tail -n 5", true),
            ("cat /var/log/*.log | tail -n *", "cat /var/log/a.log;x.log | tail -n 5", false),
            ("*", "echo \"x\"", false),
            ("", "", true),
        ] {
            assert_eq!(allows(pattern, command), expected, "{pattern} / {command}");
        }
    }
}
