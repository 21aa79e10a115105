//! The questions of `init` about confirmation and the audit log: how requests are confirmed if the client cannot ask
//! the user, and whether an audit log is kept, with a key.

use super::{
    ask::Person,
    draft::Draft,
    given::{Given, Stop},
};
use crate::{approvals, audit, folders::Env, hex};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What each way to confirm means, in the order of the question.
const WAYS: [(&str, &str); 3] = [
    ("person", "you approve it in a terminal with `proxmox-mcp approve`; the model cannot approve it."),
    ("token", "the model sends back a token, which shows that a plan was made, but not that anybody agreed."),
    ("strict", "it is refused."),
];

/// Asks both questions. No file is created yet.
///
/// # Errors
/// An option is missing or wrong, or the input ended.
pub fn ask(
    given: &dyn Given,
    person: &mut Person<'_>,
    draft: &mut Draft,
    access: &str,
    env: Env<'_>,
) -> Result<Option<Log>, Stop> {
    confirm(given, person, draft, access)?;
    log(given, person, draft, env)
}

/// Asks how requests are confirmed. Not asked if nothing needs confirmation, as with `read-only` and `full`.
fn confirm(given: &dyn Given, person: &mut Person<'_>, draft: &mut Draft, access: &str) -> Result<(), Stop> {
    let option = given.value("--confirm");
    if access != "standard" && option.is_none() {
        return Ok(());
    }
    if option.is_none() && person.there && !person.defaults {
        person.say("Requests that destroy data, change permissions or contact other hosts must be confirmed. If the client cannot ask you:");
        WAYS.iter().for_each(|(way, meaning)| person.say(&format!("  {way}: {meaning}")));
    }
    let words = WAYS.map(|(way, _)| way);
    let way = person.word("--confirm", option, "How to confirm a request then", &words, "person");
    draft.set("confirm", way.map_err(Stop::Usage)?);
    Ok(())
}

/// The audit log to create, and the file with its key.
#[derive(Debug)]
pub struct Log {
    log: PathBuf,
    key: PathBuf,
}

/// Asks whether an audit log is kept, and where.
fn log(
    given: &dyn Given,
    person: &mut Person<'_>,
    draft: &mut Draft,
    env: Env<'_>,
) -> Result<Option<Log>, Stop> {
    let question = "Keep an audit log of what is changed, refused and approved?";
    let option = given.value("--audit-log");
    if option.is_none() && !person.agrees("--audit-log", question, false).map_err(Stop::Usage)? {
        return match given.value("--audit-key") {
            Some(_) => {
                Err(Stop::Usage("`--audit-key` needs `--audit-log`, the log that the key is for.".into()))
            }
            None => Ok(None),
        };
    }
    let usual = approvals::state_folder(env).ok().map(|folder| folder.join("audit.jsonl"));
    let beside = draft.folder().join("audit.key");
    let log = path(person, "--audit-log", option, "The audit log", usual.as_deref())?;
    let question = "Its key, in a separate file";
    let key = path(person, "--audit-key", given.value("--audit-key"), question, Some(&beside))?;
    if log == key {
        return Err(Stop::Usage(format!(
            "`--audit-log` and `--audit-key` are both `{}`, but the key must be kept apart from the log, in another file.",
            log.display()
        )));
    }
    draft.set("audit_log", log.display().to_string());
    draft.set("audit_key", json!({"file": key.display().to_string()}));
    Ok(Some(Log { log, key }))
}

/// An absolute path.
fn path(
    person: &mut Person<'_>,
    option: &str,
    given: Option<&str>,
    question: &str,
    usual: Option<&Path>,
) -> Result<PathBuf, Stop> {
    let usual = usual.map(|path| path.display().to_string());
    let text = person.text(option, given, question, usual.as_deref()).map_err(Stop::Usage)?;
    std::path::absolute(&text)
        .map_err(|error| Stop::Usage(format!("`{option}` is `{text}`, which is not a path ({error}).")))
}

impl Log {
    /// Creates the key and the folder of the log, and checks that an existing log can be continued with that key. Tells
    /// the user where the key is.
    ///
    /// # Errors
    /// A file cannot be created, or an existing log was sealed with another key or was changed: a sentence.
    pub fn make(&self, person: &mut Person<'_>, draft: &Draft) -> Result<(), Stop> {
        let Log { log, key } = self;
        let failed = |path: &Path, error: &io::Error| {
            Stop::Failed(format!("`{}` cannot be written ({error}).", path.display()))
        };
        for folder in [log, key].into_iter().filter_map(|file| file.parent()) {
            make_folder(folder).map_err(|error| failed(folder, &error))?;
        }
        let made = match make_key(key) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(key, &error)),
        };
        let seal = draft.load().map_err(Stop::Failed)?.audit.and_then(|place| place.seal);
        let seal = seal.map(|seal| seal.open()).transpose().map_err(Stop::Failed)?;
        if log.exists()
            && let Err(problem) = audit::verify(log, seal.as_ref())
        {
            if made {
                let _ = fs::remove_file(key);
            }
            return Err(Stop::Failed(format!(
                "The existing audit log cannot be continued: {problem} Give its key with `--audit-key`, or another log with `--audit-log`."
            )));
        }
        let is_new = if made { "was created in" } else { "already existed in" };
        person.say(&format!(
            "The key of the audit log {is_new} `{}`. Anyone who has it can forge the log, so keep it where those who can change the log cannot read it; without it, `proxmox-mcp audit verify` finds less.",
            key.display()
        ));
        if log.parent() == key.parent() {
            person.say(
                "It is in the same folder as the log: anyone who can change the log there can probably read the key.",
            );
        }
        Ok(())
    }
}

/// Creates a file with a random key, readable only by its owner.
fn make_key(path: &Path) -> io::Result<()> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(format!("{}\n", hex::encode(&key)).as_bytes())?;
    file.sync_all()
}

/// Creates a folder if it is missing; a new one is accessible only by its owner.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
