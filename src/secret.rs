//! Secrets: values that cannot be printed, and where they come from.

use std::{
    env, fmt, fs,
    io::{self, Read},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// A secret value. Neither `Debug` nor anything else shows it; only [`Secret::expose`] returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is kept. It is fetched when it is first needed, never at startup.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The value itself.
    Value(Secret),
    /// A file holding the secret and nothing else; a final line break is dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A program and its arguments (no shell); its standard output without a final line break is the secret.
    Command(Vec<String>),
}

impl SecretSource {
    /// Fetches the secret.
    ///
    /// # Errors
    /// The source cannot be read or is empty: a sentence that names the source (never its content) and what to do.
    pub fn fetch(&self) -> Result<Secret, String> {
        let text = match self {
            SecretSource::Value(secret) => return Ok(secret.clone()),
            SecretSource::File(path) => fs::read_to_string(path).map_err(|error| {
                format!("The secret file `{}` cannot be read ({error}); create the file or correct the path.", path.display())
            })?,
            SecretSource::Env(name) => env::var(name).map_err(|_| {
                format!("The environment variable `{name}` that should hold the secret is not set or is not UTF-8; set it for the server.")
            })?,
            SecretSource::Command(words) => run(words)?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("The secret from {} is empty.", self.describe()));
        }
        Ok(Secret::new(text))
    }

    fn describe(&self) -> String {
        match self {
            SecretSource::Value(_) => "the configuration".into(),
            SecretSource::File(path) => format!("the file `{}`", path.display()),
            SecretSource::Env(name) => format!("the environment variable `{name}`"),
            SecretSource::Command(words) => {
                format!("the command `{}`", words.first().map_or("", String::as_str))
            }
        }
    }
}

impl fmt::Debug for SecretSource {
    /// Shows where the secret is kept. A command's arguments are left out, because they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// How long a secret's command may take: long enough to touch a hardware key, short enough not to hang.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// Runs a secret's command. Only the program's name is ever shown: its arguments and output may be secret.
fn run(words: &[String]) -> Result<String, String> {
    run_for(words, COMMAND_TIME)
}

fn run_for(words: &[String], time: Duration) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("The command for the secret is empty; give a list of a program and its arguments.".into());
    };
    let cannot =
        |error: io::Error| format!("The command `{program}` for the secret cannot be run ({error}).");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let mut stdout = child.stdout.take().expect("it was piped");
    let (answer, inbox) = mpsc::channel();
    thread::Builder::new()
        .name("secret".into())
        .spawn(move || {
            let mut output = Vec::new();
            let read = stdout.read_to_end(&mut output);
            let _ = answer.send(read.map(|_| output));
        })
        .map_err(cannot)?;
    let Ok(read) = inbox.recv_timeout(time) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!(
            "The command `{program}` for the secret was still running after {} s and was killed; it must print the secret without asking.",
            time.as_secs_f64()
        ));
    };
    let output = read.map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    if !status.success() {
        return Err(format!("The command `{program}` for the secret failed ({status})."));
    }
    String::from_utf8(output)
        .map_err(|_| format!("The command `{program}` for the secret printed something that is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_show_in_debug_output() {
        let source = SecretSource::Value(Secret::new("hunter2"));
        assert!(!format!("{source:?}").contains("hunter2"));
    }

    #[test]
    fn a_command_that_hangs_is_ended_and_its_arguments_stay_hidden() {
        let words = ["sleep".to_owned(), "600".to_owned()];
        let problem = run_for(&words, Duration::from_millis(50)).unwrap_err();
        assert!(problem.contains("`sleep`") && !problem.contains("600"), "{problem}");
        let source = SecretSource::Command(vec!["echo".into(), "hunter2".into()]);
        assert!(!format!("{source:?}").contains("hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_is_run_without_a_shell_and_its_line_break_dropped() {
        let words = |list: &[&str]| SecretSource::Command(list.iter().map(ToString::to_string).collect());
        assert_eq!(words(&["printf", "%s\n", "a b;c"]).fetch().unwrap().expose(), "a b;c");
        assert!(words(&["false"]).fetch().unwrap_err().contains("`false`"));
        assert!(words(&["true"]).fetch().unwrap_err().contains("empty"));
    }
}
