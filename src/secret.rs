//! Secrets: values that cannot be printed, and where they come from.

use std::{env, fmt, fs, path::PathBuf, process::Command};

/// A secret value. Neither `Debug` nor anything else shows it; [`Secret::expose`] is the one way in.
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

/// Where a secret is kept. It is fetched when it is first needed, never at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The value itself.
    Value(Secret),
    /// A file holding the secret and nothing else; a final line break is dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A program and its arguments (no shell); its standard output is the secret, less a final line break.
    Command(Vec<String>),
}

impl SecretSource {
    /// Fetches the secret.
    ///
    /// # Errors
    /// A finished sentence naming the source (never its content) and what to do.
    pub fn fetch(&self) -> Result<Secret, String> {
        let text = match self {
            SecretSource::Value(secret) => return Ok(secret.clone()),
            SecretSource::File(path) => fs::read_to_string(path).map_err(|error| {
                format!("The secret file `{}` cannot be read ({error}); create it or correct its path.", path.display())
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

/// Runs a secret's command. Only the program's name is ever shown: its arguments and output may be secret.
fn run(words: &[String]) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("The command for the secret is empty; give a program and its arguments as a list.".into());
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output()
        .map_err(|error| format!("The command `{program}` for the secret cannot be run ({error})."))?;
    if !output.status.success() {
        return Err(format!("The command `{program}` for the secret failed ({}).", output.status));
    }
    String::from_utf8(output.stdout)
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
    fn a_command_is_run_without_a_shell_and_its_line_break_dropped() {
        let words = |list: &[&str]| SecretSource::Command(list.iter().map(ToString::to_string).collect());
        assert_eq!(words(&["printf", "%s\n", "a b;c"]).fetch().unwrap().expose(), "a b;c");
        assert!(words(&["false"]).fetch().unwrap_err().contains("`false`"));
        assert!(words(&["true"]).fetch().unwrap_err().contains("empty"));
    }
}
