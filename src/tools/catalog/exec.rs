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
pub const INPUT: Param = Param::text("input-data").unlisted();
/// How long the command may take, in seconds.
pub const TIMEOUT: Param = Param::int("timeout", 1, 600).unlisted();
/// Which shell the command is a line for, or `false` for none.
pub const SHELL: Param = Param::one_of("shell", &["true", "false", "sh", "cmd", "powershell"])
    .about("false: run a program directly, without a shell.")
    .unlisted();

/// How long a command may take unless its call says otherwise, in seconds.
pub const SECONDS: usize = 30;

/// A shell that runs a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `/bin/sh`.
    Sh,
    /// Windows' `cmd.exe`.
    Cmd,
    /// Windows' own PowerShell.
    PowerShell,
}

impl Shell {
    /// The program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Shell::Sh => "/bin/sh",
            Shell::Cmd => "cmd.exe",
            Shell::PowerShell => "powershell.exe",
        }
    }

    /// The program and arguments that run a line.
    fn run(self, line: &str) -> Vec<String> {
        let options: &[&str] = match self {
            Shell::Sh => &["-c"],
            Shell::Cmd => &["/d", "/c"],
            Shell::PowerShell => &["-NoProfile", "-NonInteractive", "-Command"],
        };
        let mut words: Vec<String> = vec![self.program().to_owned()];
        words.extend(options.iter().map(ToString::to_string));
        match self {
            // Windows has no argument lists: the agent joins them with quotes of its own, escaping those inside as
            // `cmd.exe` does not understand. Parted at the quotes, the words are quoted again as they were.
            Shell::Cmd if line.contains('"') => {
                // Neither may the line begin with a quote: `cmd.exe` would drop that one and the last.
                words.push("call".into());
                words.extend(parted(line));
            }
            _ => words.push(line.to_owned()),
        }
        words
    }
}

/// What a call wants its command run by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No shell.
    Program,
    /// The shell that the guest has.
    Line,
    /// That one.
    Shell(Shell),
}

/// What runs the command of a call: without `shell`, the guest's own one unless there are arguments.
#[must_use]
pub fn wanted(args: &Args) -> Wanted {
    match args.text("shell") {
        Some("false") => Wanted::Program,
        Some("sh") => Wanted::Shell(Shell::Sh),
        Some("cmd") => Wanted::Shell(Shell::Cmd),
        Some("powershell") => Wanted::Shell(Shell::PowerShell),
        Some(_) => Wanted::Line,
        None if args.texts("args").next().is_some() => Wanted::Program,
        None => Wanted::Line,
    }
}

/// The shell of Windows that a line is written for: PowerShell for what only it has, cmdlets and variables.
#[must_use]
pub fn windows_shell(line: &str) -> Shell {
    const VERBS: [&str; 33] = [
        "add",
        "checkpoint",
        "clear",
        "convertfrom",
        "convertto",
        "copy",
        "disable",
        "enable",
        "export",
        "find",
        "foreach",
        "format",
        "get",
        "import",
        "install",
        "invoke",
        "measure",
        "move",
        "new",
        "out",
        "remove",
        "rename",
        "resolve",
        "restart",
        "select",
        "set",
        "sort",
        "start",
        "stop",
        "test",
        "uninstall",
        "where",
        "write",
    ];
    let is_cmdlet = |word: &str| {
        word.split_once('-').is_some_and(|(verb, noun)| {
            VERBS.contains(&verb.to_ascii_lowercase().as_str())
                && noun.starts_with(|first: char| first.is_ascii_alphabetic())
                && noun.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    };
    let variable = |word: &str| {
        word.split('$').skip(1).any(|rest| {
            rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '(')
        })
    };
    let begins = |line: &str| line.split_whitespace().next().is_some_and(is_cmdlet);
    let parts = line.split(['|', ';', '(', ')', '{', '&', '\n', '=']);
    if variable(line) || line.contains("]::") || parts.into_iter().any(begins) {
        Shell::PowerShell
    } else {
        Shell::Cmd
    }
}

/// The program and its arguments that a call asks for; with a shell, the command with all arguments is a line for it.
///
/// # Errors
/// The setting `exec_allow` does not name it.
pub fn program(context: &Context<'_>, args: &Args, shell: Option<Shell>) -> Result<Vec<String>, Failure> {
    let command = args.text("command").unwrap_or_default();
    let more: Vec<&str> = args.texts("args").collect();
    let whole = [&[command][..], &more[..]].concat().join(" ");
    let allowed = &context.config.exec_allow;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| allows(pattern, &whole)) {
        return Err(Failure::new(format!(
            "`{}` is none of the commands that the setting `exec_allow` names: {}. Nothing was done.",
            whole.escape_debug(),
            allowed.join(", ")
        )));
    }
    let mut program = shell.map_or_else(|| vec![command.to_owned()], |shell| shell.run(command));
    program.extend(more.into_iter().map(str::to_owned));
    Ok(program)
}

/// The words of a line, those in double quotes as one without them.
fn parted(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (None::<String>, false);
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            letter if letter.is_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
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
    use super::*;

    #[test]
    fn a_line_for_windows_goes_to_the_shell_it_is_written_for() {
        for (line, expected) in [
            ("ipconfig /all", Shell::Cmd),
            ("dir C:\\Users && ver", Shell::Cmd),
            ("docker-compose up", Shell::Cmd),
            ("echo %PATH% > out.txt", Shell::Cmd),
            ("echo costs 5$", Shell::Cmd),
            ("net start w32time", Shell::Cmd),
            ("Get-Service", Shell::PowerShell),
            ("get-service w32time", Shell::PowerShell),
            ("ipconfig | Select-String IPv4", Shell::PowerShell),
            ("$x = 1; $x", Shell::PowerShell),
            ("echo $env:PATH", Shell::PowerShell),
            ("[Environment]::OSVersion", Shell::PowerShell),
            ("(Get-Date).Year", Shell::PowerShell),
        ] {
            assert_eq!(windows_shell(line), expected, "{line}");
        }
    }

    #[test]
    fn a_shell_gets_its_line_as_it_understands_it() {
        for (shell, line, expected) in [
            (Shell::Sh, "echo \"a b\"", &["/bin/sh", "-c", "echo \"a b\""][..]),
            (Shell::Cmd, "ipconfig /all", &["cmd.exe", "/d", "/c", "ipconfig /all"]),
            (
                Shell::Cmd,
                "\"C:\\Program Files\\x.exe\" -a & dir \"\"",
                &["cmd.exe", "/d", "/c", "call", "C:\\Program Files\\x.exe", "-a", "&", "dir", ""],
            ),
            (
                Shell::PowerShell,
                "Write-Output \"a\"",
                &["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", "Write-Output \"a\""],
            ),
        ] {
            assert_eq!(shell.run(line), expected, "{line}");
        }
    }

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
