//! The few programs that the sample's Windows guests have, and their two command lines, `cmd.exe` and PowerShell.
//! Knows no API.

use crate::demo::state::agent_shell::{Ended, Files, parted, split};
use base64::{Engine, prelude::BASE64_STANDARD};

/// Runs a program with its arguments; `None` if the guest has no such program.
pub(crate) fn run(files: &Files, host: &str, words: &[String]) -> Option<Ended> {
    let (program, rest) = words.split_first()?;
    let name = name(program);
    let script_after = |options: &[&str]| {
        let at = rest.iter().position(|word| options.contains(&word.to_ascii_lowercase().as_str()))?;
        Some(rest.get(at + 1..)?.join(" "))
    };
    match name.as_str() {
        "cmd" => {
            let script = script_after(&["/c", "/k"]).unwrap_or_default();
            Some(script_run(files, host, &script, &['&', '\n'], "cmd"))
        }
        "powershell" | "pwsh" => {
            let encoded = script_after(&["-encodedcommand", "-enc", "-e"]).and_then(|text| decoded(&text));
            let script = encoded.or_else(|| script_after(&["-command", "-c"])).unwrap_or_default();
            Some(script_run(files, host, &script, &[';', '\n'], "powershell"))
        }
        _ => {
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            program_run(files, host, &name, &rest, None)
        }
    }
}

/// A program's name without its folder and extension, in lower case.
fn name(program: &str) -> String {
    let name = program.rsplit(['\\', '/']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

/// Decodes the argument of `-EncodedCommand`: UTF-16 in base64.
fn decoded(text: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| {
            u16::from_le_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)])
        })
        .collect();
    Some(String::from_utf16_lossy(&units))
}

/// Runs commands one after the other. Quotes group words; there are no variables and no pipes.
fn script_run(files: &Files, host: &str, script: &str, marks: &[char], shell: &str) -> Ended {
    let mut ended = Ended::default();
    for command in parted(script, marks) {
        let words = split(&command);
        let Some((first, rest)) = words.split_first() else { continue };
        let rest: Vec<&str> =
            rest.iter().map(String::as_str).filter(|word| *word != "/b" && *word != "/B").collect();
        let name = name(first);
        if name == "exit" {
            ended.code = rest.first().and_then(|code| code.parse().ok()).unwrap_or(ended.code);
            return ended;
        }
        let mut one = program_run(files, host, &name, &rest, Some(shell)).unwrap_or_else(|| Ended {
            code: 1,
            err: match shell {
                "cmd" => format!(
                    "'{first}' is not recognized as an internal or external command,\r\n\
                     operable program or batch file.\r\n"
                ),
                _ => format!(
                    "{first} : The term '{first}' is not recognized as the name of a cmdlet, function, script file, \
                     or operable program.\r\n"
                ),
            }
            .into_bytes(),
            ..Ended::default()
        });
        ended.out.append(&mut one.out);
        ended.err.append(&mut one.err);
        ended.seconds += one.seconds;
        ended.code = one.code;
    }
    ended
}

/// The result of a command; some exist only inside a command line.
fn program_run(files: &Files, host: &str, name: &str, rest: &[&str], shell: Option<&str>) -> Option<Ended> {
    let line = |text: &str| format!("{text}\r\n").into_bytes();
    let mut ended = Ended::default();
    match (name, shell) {
        ("hostname", _) => ended.out = line(host),
        ("whoami", _) => ended.out = line("nt authority\\system"),
        ("ipconfig", _) => {
            ended.out = line("\r\nWindows IP Configuration\r\n\r\n   IPv4 Address. . . : 192.0.2.45");
        }
        ("echo", Some(_)) | ("write-output" | "write-host", Some("powershell")) => {
            ended.out = line(&rest.join(" "));
        }
        ("ver", Some("cmd")) => ended.out = line("\r\nMicrosoft Windows [Version 10.0.26100.1]"),
        ("start-sleep", Some("powershell")) => {
            ended.seconds = rest.last().and_then(|time| time.parse().ok()).unwrap_or(0.0);
        }
        ("type", Some("cmd")) | ("get-content", Some("powershell")) => {
            for path in rest {
                if let Some(bytes) = files.get(*path) {
                    ended.out.extend_from_slice(bytes);
                } else {
                    ended.err.extend(line("The system cannot find the file specified."));
                    ended.code = 1;
                }
            }
        }
        _ => return None,
    }
    Some(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: Option<(i32, &str, &str)>) {
        let files = Files::from([("C:\\motd.txt".to_owned(), b"hi\r\n".to_vec())]);
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ended = run(&files, "win", &words).map(|ended| (ended.code, text(&ended.out), text(&ended.err)));
        assert_eq!(ended, expected.map(|(code, out, err)| (code, out.into(), err.into())));
    }

    #[test]
    fn both_command_lines_run_what_they_know() {
        check(&["cmd.exe", "/c", "echo a b && hostname & exit /b 3"], Some((3, "a b\r\nwin\r\n", "")));
        check(
            &["C:\\Windows\\System32\\cmd.exe", "/d", "/s", "/c", "type C:\\motd.txt"],
            Some((0, "hi\r\n", "")),
        );
        check(
            &["powershell.exe", "-NoProfile", "-Command", "Write-Output 'x y'; exit 2"],
            Some((2, "x y\r\n", "")),
        );
        // `hostname` in UTF-16.
        check(&["powershell", "-EncodedCommand", "aABvAHMAdABuAGEAbQBlAA=="], Some((0, "win\r\n", "")));
        check(&["hostname.exe"], Some((0, "win\r\n", "")));
        check(&["/bin/sh", "-c", "echo a"], None);
        check(&["echo", "a"], None);
        let unknown = "'ls' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n";
        check(&["cmd", "/C", "ls"], Some((1, "", unknown)));
    }
}
