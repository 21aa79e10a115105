//! A draft configuration: kept in a file beside the final one, so that the tested configuration is exactly the one
//! that is written, and passes the same checks.

use super::file;
use crate::{config::Config, folders::home_variable};
use serde_json::{Map, Value};
use std::{
    env::consts::OS,
    fs,
    path::{Path, PathBuf},
};

/// A draft configuration. Its file is removed when it is dropped, unless it is kept.
pub struct Draft {
    values: Map<String, Value>,
    output: PathBuf,
    beside: PathBuf,
    home: Option<String>,
}

impl Draft {
    /// An empty draft that will become the file `output`; `home` is what `~` stands for.
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

    /// Removes a key.
    pub fn unset(&mut self, key: &str) {
        self.values.shift_remove(key);
    }

    /// The folder to which paths are relative.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.output.parent().map(PathBuf::from).unwrap_or_default()
    }

    /// The configuration as the server would read it, without this process's environment.
    ///
    /// # Errors
    /// The keys so far have problems, or the file cannot be written: sentences.
    pub fn load(&self) -> Result<Config, String> {
        file::replace(&self.beside, self.text().as_bytes())
            .map_err(|error| format!("`{}` cannot be written ({error}).", self.beside.display()))?;
        let env = |name: &str| if name == home_variable(OS) { self.home.clone() } else { None };
        Config::load(Some(&self.beside), &env, None).map_err(|error| self.named(&error.to_string()))
    }

    /// A message about the draft, with the draft's path replaced by that of the final file.
    #[must_use]
    pub fn named(&self, words: &str) -> String {
        words.replace(&*self.beside.to_string_lossy(), &self.output.to_string_lossy())
    }

    /// Moves the draft to the final path.
    ///
    /// # Errors
    /// The draft has problems or the file cannot be written: a sentence.
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
