//! Secrets of new API tokens, which Proxmox shows only once: they are written to a file that only this user can read,
//! so that the model never sees them.

use crate::{
    approvals::{self, PrivateFolder},
    pve::{
        Reply,
        api::{self, Lookup},
    },
    tools::{
        answer::Failure,
        run::{context::Context, request::Request},
    },
};
use serde_json::Value;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The path under which a token is created and its secret is regenerated.
const TOKEN: &str = "/access/users/{userid}/token/{tokenid}";
/// The field of the answer that holds the secret.
const FIELD: &str = "value";

/// A file that is ready for a secret; it is removed again if no secret comes.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    file: File,
    used: bool,
}

/// Creates the file for the secret in a request's answer; `None` if the answer has no secret, or if the setting
/// `show_secrets` lets the model see it.
///
/// # Errors
/// Fails if the file cannot be created: the secret would be lost, so the request must not be sent.
pub fn place(context: &Context<'_>, request: &Request) -> Result<Option<Place>, Failure> {
    if context.config.show_secrets {
        return Ok(None);
    }
    let Lookup::Found(found) = api::find(request.method, &request.path) else { return Ok(None) };
    if found.row.path() != TOKEN || request.method == crate::pve::Method::Delete {
        return Ok(None);
    }
    let folder = match &context.config.secrets {
        Some(folder) => folder.clone(),
        None => {
            approvals::state_folder(&|name| std::env::var(name).ok()).map_err(Failure::new)?.join("secrets")
        }
    };
    let names: Vec<&str> = found.values.iter().map(|(_, value)| value.as_str()).collect();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let name: String = names.join("-").chars().map(plain).collect();
    let refused = |why: String| {
        Failure::new(format!(
            "{} was not sent: the secret in its answer goes to a file, and that file cannot be created. {why}",
            request.title()
        ))
    };
    let folder = PrivateFolder::open(&folder).map_err(refused)?;
    let made = make(folder.path(), &name);
    let (path, file) = made.map_err(|error| refused(format!("`{}`: {error}.", folder.path().display())))?;
    Ok(Some(Place { path, file, used: false }))
}

impl Place {
    /// Moves the secret from an answer to the file, and puts the file's path into the answer instead.
    ///
    /// # Errors
    /// Fails if the secret cannot be written and is lost; the error says what to do.
    pub fn take(mut self, reply: &mut Reply) -> Result<(), Failure> {
        let mut value = reply.value();
        let Some(secret) = value.get_mut(FIELD).and_then(|secret| match secret.take() {
            Value::String(text) => Some(text),
            _ => None,
        }) else {
            return Ok(());
        };
        let written =
            self.file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|error| {
            Failure::new(format!(
                "It was done, but the new secret could not be written to `{}` ({error}) and is lost; create another one with `regenerate`.",
                self.path.display()
            ))
        })?;
        self.used = true;
        value[FIELD] = "***".into();
        value["secret_file"] = self.path.display().to_string().into();
        value["note"] = "The secret is in that file, which only the user that runs this server can read; tell the person where it is. The setting `show_secrets` puts it into the answer instead.".into();
        reply.data = value.to_string();
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.used {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates a new file, named after `name` and the time.
fn make(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let path = folder.join(format!("{name}-{now}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(&path)?;
    Ok((path, file))
}
