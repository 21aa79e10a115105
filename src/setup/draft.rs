//! A configuration in the making: kept in a file beside the one it will be, so that what is tested is what is
//! written, by the same checks.

use super::file;
use crate::{config::Config, folders::home_variable};
use serde_json::{Map, Value};
use std::{
    env::consts::OS,
    fs,
    path::{Path, PathBuf},
};

/// A configuration in the making. Its file goes away with it unless it is kept.
pub struct Draft {
    values: Map<String, Value>,
    output: PathBuf,
    beside: PathBuf,
    home: Option<String>,
}

impl Draft {
    /// An empty one that will be `output`; `home` is what `~` stands for.
    #[must_use]
    pub fn new(output: &Path, home: Option<String>) -> Draft {
        let mut name = output.as_os_str().to_owned();
        name.push(format!(".draft-{}", std::process::id()));
        Draft { values: Map::new(), output: output.into(), beside: name.into(), home }
    }

    /// Sets a key.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.values.insert(key.into(), value.into());
    }

    /// Takes a key out.
    pub fn unset(&mut self, key: &str) {
        self.values.shift_remove(key);
    }

    /// The folder in which relative paths begin.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.output.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// The configuration as the server would read it, without this process's environment.
    ///
    /// # Errors
    /// Sentences about what is wrong with the keys so far, or why the file cannot be written.
    pub fn load(&self) -> Result<Config, String> {
        file::replace(&self.beside, self.text().as_bytes())
            .map_err(|error| format!("`{}` cannot be written ({error}).", self.beside.display()))?;
        let env = |name: &str| if name == home_variable(OS) { self.home.clone() } else { None };
        Config::load(Some(&self.beside), &env, None).map_err(|error| self.named(&error.to_string()))
    }

    /// Words about the draft as words about the file it will be.
    #[must_use]
    pub fn named(&self, words: &str) -> String {
        words.replace(&*self.beside.to_string_lossy(), &self.output.to_string_lossy())
    }

    /// Moves the draft to where it belongs.
    ///
    /// # Errors
    /// A sentence.
    pub fn keep(self) -> Result<(), String> {
        self.load()?;
        fs::rename(&self.beside, &self.output)
            .map_err(|error| format!("`{}` cannot be written ({error}).", self.output.display()))
    }

    fn text(&self) -> String {
        format!("{}\n", super::jsonc::pretty(&Value::Object(self.values.clone()), 0))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.beside);
    }
}
