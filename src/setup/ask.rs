//! Asks the user questions. Without a terminal the default is used, or an error names the option to give instead.

use crate::{secret::Secret, visible};
use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::{Command, Stdio},
};

/// The user who answers.
pub struct Person<'a> {
    /// Where answers are read from, one per line.
    pub input: &'a mut dyn BufRead,
    /// Where questions are written to.
    pub output: &'a mut dyn Write,
    /// Whether a user can answer, because the input is a terminal.
    pub there: bool,
    /// Whether defaults are used instead of asking.
    pub defaults: bool,
}

/// A shell script that reads one line from the terminal without echo. Unlike this process, the shell restores the echo
/// even when it is interrupted.
const UNSEEN: &str = "trap 'stty echo' EXIT; trap 'exit 130' INT TERM HUP; stty -echo || exit 3; IFS= read -r line; printf %s \"$line\"";

impl Person<'_> {
    /// Prints a message with invisible characters escaped: the names in a certificate can be any text.
    pub fn say(&mut self, words: &str) {
        let _ = writeln!(self.output, "{}", visible::text(words));
    }

    /// The value of the option, or the user's answer, or the default.
    ///
    /// # Errors
    /// Nobody can be asked and there is no default, or the input ended: a sentence that names the option.
    pub fn text(
        &mut self,
        option: &str,
        given: Option<&str>,
        question: &str,
        default: Option<&str>,
    ) -> Result<String, String> {
        if let Some(given) = given {
            return Ok(given.to_owned());
        }
        if let (Some(default), true) = (default, self.defaults || !self.there) {
            return Ok(default.to_owned());
        }
        self.must_be_there(option)?;
        loop {
            let _ = match default {
                Some(default) => write!(self.output, "{question} [{default}]: "),
                None => write!(self.output, "{question}: "),
            };
            let line = self.line(option)?;
            match (line.as_str(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => {}
                (line, _) => return Ok(line.to_owned()),
            }
        }
    }

    /// An answer that consists of one or more of these words, separated by commas.
    ///
    /// # Errors
    /// Like [`Person::text`]; also if the option has any other word.
    pub fn word(
        &mut self,
        option: &str,
        given: Option<&str>,
        question: &str,
        words: &[&str],
        default: &str,
    ) -> Result<String, String> {
        loop {
            let answer =
                self.text(option, given, &format!("{question} ({})", words.join(", ")), Some(default))?;
            let fits = answer.split(',').all(|word| words.contains(&word.trim()));
            if fits {
                return Ok(answer);
            }
            if given.is_some() || !self.there {
                return Err(format!("`{option}` is `{answer}`, but must be one of {}.", words.join(", ")));
            }
            self.say(&format!("The answer must be one of {}.", words.join(", ")));
        }
    }

    /// A yes-or-no question.
    ///
    /// # Errors
    /// Like [`Person::text`].
    pub fn agrees(&mut self, option: &str, question: &str, default: bool) -> Result<bool, String> {
        if self.defaults || !self.there {
            return Ok(default);
        }
        loop {
            let _ = write!(self.output, "{question} [{}]: ", if default { "Y/n" } else { "y/N" });
            match self.line(option)?.to_ascii_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.say("Answer y or n."),
            }
        }
    }

    /// A secret, which is not shown while it is typed.
    ///
    /// # Errors
    /// Nobody can be asked, the input ended, or nothing was typed: a sentence.
    pub fn secret(&mut self, option: &str, question: &str) -> Result<Secret, String> {
        self.must_be_there(option)?;
        let _ = write!(self.output, "{question} (input is hidden): ").and_then(|()| self.output.flush());
        let unseen = if io::stdin().is_terminal() { unseen() } else { None };
        let line = match unseen {
            Some(line) => {
                self.say("");
                line
            }
            None if io::stdin().is_terminal() => {
                self.say("");
                self.say(&format!(
                    "This terminal cannot hide your input (there is no `stty`): it will be visible. To read it from a file, press Ctrl+C and use `{option}`."
                ));
                self.line(option)?
            }
            None => self.line(option)?,
        };
        if line.is_empty() { Err("Nothing was typed.".into()) } else { Ok(Secret::new(line)) }
    }

    fn must_be_there(&self, option: &str) -> Result<(), String> {
        if self.there {
            return Ok(());
        }
        Err(format!(
            "`{option}` is missing, and cannot be asked for because standard input is not a terminal."
        ))
    }

    fn line(&mut self, option: &str) -> Result<String, String> {
        let _ = self.output.flush();
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) => Err(format!("The input ended before `{option}` was answered.")),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(format!("The answer cannot be read ({error}).")),
        }
    }
}

/// Reads a line from the terminal without echo; `None` if that is not possible.
fn unseen() -> Option<String> {
    let output = Command::new("sh")
        .args(["-c", UNSEEN])
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(
        typed: &str,
        there: bool,
        ask: impl Fn(&mut Person<'_>) -> Result<T, String>,
        expected: Result<T, &str>,
    ) -> String {
        let (mut input, mut output) = (typed.as_bytes(), Vec::new());
        let mut person = Person { input: &mut input, output: &mut output, there, defaults: false };
        match (ask(&mut person), expected) {
            (Ok(answer), Ok(expected)) => assert_eq!(answer, expected),
            (Err(problem), Err(words)) => assert!(problem.contains(words), "{problem}"),
            (answer, expected) => panic!("{answer:?} is not {expected:?}"),
        }
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn questions_are_answered_by_options_people_or_defaults() {
        let host = |person: &mut Person<'_>| person.text("--host", None, "Host", None);
        check("\n pve1 \n", true, host, Ok("pve1".into()));
        check("", true, host, Err("The input ended before `--host`"));
        check("pve1\n", false, host, Err("`--host` is missing"));
        check("", false, |person| person.text("--host", Some("pve2"), "Host", None), Ok("pve2".into()));
        let access = |person: &mut Person<'_>| person.word("--access", None, "Access", &["a", "b"], "b");
        assert!(check("c\na\n", true, access, Ok("a".into())).contains("must be one of a, b"));
        check("\n", true, access, Ok("b".into()));
        check("", false, access, Ok("b".into()));
        check("maybe\nYES\n", true, |person| person.agrees("--x", "Sure?", false), Ok(true));
        check("\n", true, |person| person.agrees("--x", "Sure?", true), Ok(true));
        check("y\n", false, |person| person.agrees("--x", "Sure?", false), Ok(false));
        let secret = |person: &mut Person<'_>| person.secret("--token-secret-file", "Secret").map(|_| ());
        assert!(!check("hunter2\n", true, secret, Ok(())).contains("hunter2"));
        check("hunter2\n", false, secret, Err("`--token-secret-file` is missing"));
    }
}
