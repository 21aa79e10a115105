//! Commands in guests: their parameters, shells and output.

use crate::tools::{param::Param, run::args::Args};
use serde_json::{Map, Value, json};

/// The command.
pub const COMMAND: Param = Param::text("command");
/// Arguments of a program, passed unchanged; without them the command is a shell command line.
pub const ARGS: Param = Param::texts("args").unlisted();
/// What the command reads on its standard input.
pub const INPUT: Param = Param::text("input-data").unlisted();
/// How long the command may take, in seconds.
pub const TIMEOUT: Param = Param::int("timeout", 1, 600).unlisted();
/// The shell that runs the command line, or `false` for none.
pub const SHELL: Param = Param::one_of("shell", &["true", "false", "sh", "cmd", "powershell"])
    .about("false: run a program directly, without a shell.")
    .unlisted();

/// How long a command may take unless its call says otherwise, in seconds.
pub const SECONDS: usize = 30;

/// A shell that runs a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `/bin/sh`.
    Sh,
    /// Windows' `cmd.exe`.
    Cmd,
    /// Windows PowerShell.
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

    /// The program and arguments that run a command line.
    fn run(self, line: &str) -> Vec<String> {
        let options: &[&str] = match self {
            Shell::Sh => &["-c"],
            Shell::Cmd => &["/d", "/c"],
            Shell::PowerShell => &["-NoProfile", "-NonInteractive", "-Command"],
        };
        let mut words: Vec<String> = vec![self.program().to_owned()];
        words.extend(options.iter().map(ToString::to_string));
        match self {
            // Windows has no argument lists: the agent joins the arguments and quotes them itself, escaping inner
            // quotes in a way that `cmd.exe` does not understand. Split at its quotes, the line gets the same quotes
            // again.
            Shell::Cmd if line.contains('"') => {
                // Nor may the line begin with a quote: `cmd.exe` would drop that quote and the last one.
                words.push("call".into());
                words.extend(parted(line));
            }
            _ => words.push(line.to_owned()),
        }
        words
    }
}

/// How a call wants its command to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As a program, without a shell.
    Program,
    /// As a command line, by the guest's default shell.
    Line,
    /// As a command line, by that shell.
    Shell(Shell),
}

/// How to run the command of a call: without `shell`, by the guest's default shell unless there are arguments.
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

/// The Windows shell that a command line is written for: PowerShell if it has cmdlets or `$` variables, else `cmd.exe`.
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

/// The program and arguments that a call asks for; with a shell, the command is a line for it. Whether it may run is
/// decided when the request is checked (see `commands`).
#[must_use]
pub fn program(args: &Args, shell: Option<Shell>) -> Vec<String> {
    let command = args.text("command").unwrap_or_default();
    let mut program = shell.map_or_else(|| vec![command.to_owned()], |shell| shell.run(command));
    program.extend(args.texts("args").map(str::to_owned));
    program
}

/// Splits a line into words; text in double quotes is one word, without the quotes.
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

/// The exit code and output of a command, as an answer shows them.
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
}
