//! The few programs that the sample's guests have, so that a command run through the guest agent has a result. Knows no
//! API.

use std::collections::BTreeMap;

/// The files of a guest, by absolute path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The result of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    /// The time it took, in seconds.
    pub(crate) seconds: f64,
}

/// The environment of a command.
struct Around<'a> {
    files: &'a Files,
    host: &'a str,
    input: &'a [u8],
}

const PROGRAMS: [&str; 10] =
    ["echo", "true", "false", "cat", "hostname", "whoami", "id", "uname", "sleep", "env"];
/// Package managers, each with the `ID` of the system that has it.
const MANAGERS: [(&str, &str); 3] = [("apt-get", "debian"), ("dnf", "fedora"), ("apk", "alpine")];

/// A value from the guest's `/etc/os-release`.
pub(crate) fn release(files: &Files, key: &str) -> String {
    let text =
        String::from_utf8_lossy(files.get("/etc/os-release").map_or(&[][..], Vec::as_slice)).into_owned();
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .find(|(name, _)| *name == key)
        .map_or_else(String::new, |(_, value)| value.trim_matches('"').to_owned())
}

/// Runs a program with its arguments; `None` if the guest has no such program.
pub(crate) fn run(files: &Files, host: &str, words: &[String], input: &[u8]) -> Option<Ended> {
    let around = Around { files, host, input };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["/bin/sh" | "/bin/bash" | "sh" | "bash", "-c", script, ..] => Some(shell(&around, script)),
        [program, ref rest @ ..] => program_run(&around, program, rest),
        [] => None,
    }
}

/// Runs commands one after the other, separated by line breaks, `;` and `&&`. Quotes group words and `>&2` redirects
/// output to standard error; there are no variables and no pipes.
fn shell(around: &Around<'_>, script: &str) -> Ended {
    let mut ended = Ended::default();
    for sequence in parted(script, &['\n', ';']) {
        for command in parted(&sequence, &['&']) {
            let mut words = split(&command);
            let to_errors = words.iter().any(|word| word == ">&2" || word == "1>&2");
            words.retain(|word| word != ">&2" && word != "1>&2");
            let Some((name, rest)) = words.split_first() else { continue };
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            if name == "exit" {
                ended.code = rest.first().and_then(|code| code.parse().ok()).unwrap_or(ended.code);
                return ended;
            }
            let mut one = program_run(around, name, &rest).unwrap_or_else(|| Ended {
                code: 127,
                err: format!("/bin/sh: 1: {name}: not found\n").into_bytes(),
                ..Ended::default()
            });
            let out = if to_errors { &mut ended.err } else { &mut ended.out };
            out.append(&mut one.out);
            ended.err.append(&mut one.err);
            ended.seconds += one.seconds;
            ended.code = one.code;
            if one.code != 0 {
                break;
            }
        }
    }
    ended
}

fn program_run(around: &Around<'_>, program: &str, rest: &[&str]) -> Option<Ended> {
    let name = program.rsplit('/').next().unwrap_or_default();
    if MANAGERS.contains(&(name, release(around.files, "ID").as_str())) {
        let out = "0 packages were upgraded.\n".as_bytes().to_vec();
        return Some(Ended { out, ..Ended::default() });
    }
    if name == "env" {
        let program = rest.iter().position(|word| !word.contains('=')).unwrap_or(rest.len());
        return rest.get(program).and_then(|name| program_run(around, name, &rest[program + 1..]));
    }
    if !PROGRAMS.contains(&name) {
        return None;
    }
    let line = |text: &str| format!("{text}\n").into_bytes();
    let mut ended = Ended::default();
    match name {
        "echo" => ended.out = line(&rest.join(" ")),
        "false" => ended.code = 1,
        "hostname" => ended.out = line(around.host),
        "whoami" => ended.out = line("root"),
        "id" => ended.out = line("uid=0(root) gid=0(root) groups=0(root)"),
        "uname" => ended.out = line("Linux"),
        "sleep" => ended.seconds = rest.first().and_then(|time| time.parse().ok()).unwrap_or(0.0),
        "cat" if rest.is_empty() => ended.out = around.input.to_vec(),
        "cat" => {
            for path in rest {
                if let Some(bytes) = around.files.get(*path) {
                    ended.out.extend_from_slice(bytes);
                } else {
                    ended.err.extend(line(&format!("cat: {path}: No such file or directory")));
                    ended.code = 1;
                }
            }
        }
        _ => {}
    }
    Some(ended)
}

/// Splits a script at these characters, but not inside quotes and not in `>&2`. Empty parts are skipped.
pub(super) fn parted(script: &str, at: &[char]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut quote, mut before) = (None, ' ');
    for character in script.chars() {
        if quote.is_none() && at.contains(&character) && before != '>' {
            parts.push(std::mem::take(&mut part));
        } else {
            quote = match quote {
                None if character == '\'' || character == '"' => Some(character),
                Some(open) if open == character => None,
                other => other,
            };
            part.push(character);
        }
        before = character;
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The words of a command, without their quotes.
pub(super) fn split(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for character in command.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => word.get_or_insert_default().push(character),
            None if character == '\'' || character == '"' => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], input: &str, expected: Option<(i32, &str, &str, f64)>) {
        let files = Files::from([("/etc/motd".to_owned(), b"hi\n".to_vec())]);
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let ended = run(&files, "guest", &words, input.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ended = ended.map(|ended| (ended.code, text(&ended.out), text(&ended.err), ended.seconds));
        assert_eq!(ended, expected.map(|(code, out, err, time)| (code, out.into(), err.into(), time)));
    }

    #[test]
    fn programs_and_scripts_end_as_one_expects() {
        let script = |script, code, out, err| {
            check(&["/bin/sh", "-c", script], "", Some((code, out, err, 0.0)));
        };
        script("echo hello; echo bad >&2; exit 3", 3, "hello\n", "bad\n");
        script("true && echo 'a;  b' && false && echo no\necho \"c&&d\"", 0, "a;  b\nc&&d\n", "");
        script("nope", 127, "", "/bin/sh: 1: nope: not found\n");
        script("cat /etc/motd /x", 1, "hi\n", "cat: /x: No such file or directory\n");
        script("", 0, "", "");
        script("hostname; whoami", 0, "guest\nroot\n", "");
        check(&["sleep", "2.5"], "", Some((0, "", "", 2.5)));
        check(&["/bin/cat"], "typed", Some((0, "typed", "", 0.0)));
        check(&["/usr/bin/nope"], "", None);
        check(&[], "", None);
    }
}
