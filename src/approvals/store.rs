//! Waiting requests and the answers to them, as sealed files: written atomically, answered once, used once.

use super::folder::{PrivateFolder, is_private};
use crate::hex;
use ring::{
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long a request waits, and how long an unused approval is valid.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// How many requests may wait at the same time.
const MAX_WAITING: usize = 64;

/// A request that waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The short name that a person uses to approve it.
    pub name: String,
    /// Identifies the request exactly: the same request made again has the same digest.
    pub digest: String,
    /// When it was requested, in Unix time.
    pub asked: u64,
    /// When it stops waiting, in Unix time.
    pub expires: u64,
    /// The data needed to show it, without secrets.
    pub details: Value,
}

/// The decision of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may be carried out, once.
    Approved,
    /// It must not be carried out.
    Denied,
}

/// A person's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's digest.
    pub digest: String,
    /// The decision.
    pub verdict: Verdict,
    /// The plan's identity: the state of the target that was shown to the person.
    pub identity: String,
    /// Until when the answer is valid, in Unix time.
    pub expires: u64,
}

/// The waiting requests of one user.
#[derive(Debug)]
pub struct Store {
    folder: PrivateFolder,
    key: hmac::Key,
}

impl Store {
    /// Opens the store in that folder, which is created if it is missing.
    ///
    /// # Errors
    /// The folder or its key cannot be used: a sentence.
    pub fn open(path: &Path) -> Result<Store, String> {
        let folder = PrivateFolder::open(path)?;
        let key = key(folder.path())?;
        Ok(Store { folder, key })
    }

    /// Adds a waiting request. If it is already waiting, it keeps its name, and its waiting time starts again.
    ///
    /// # Errors
    /// It cannot be written, or too many requests are waiting: a sentence.
    pub fn ask(&self, request: &str, details: Value) -> Result<Waiting, String> {
        let digest = self.digest(request);
        let name = self.name(&digest);
        let others = self.waiting()?.into_iter().filter(|waiting| waiting.name != name).count();
        if MAX_WAITING <= others {
            return Err(format!(
                "{others} requests are already waiting for approval; approve or deny some with `proxmox-mcp approve`."
            ));
        }
        let now = now();
        let waiting = Waiting { name, digest, asked: now, expires: now + LIFETIME.as_secs(), details };
        self.write("waiting", &self.file(&waiting.name, "waiting"), &waiting)?;
        Ok(waiting)
    }

    /// The waiting requests, the oldest first.
    ///
    /// # Errors
    /// The folder cannot be read: a sentence.
    pub fn waiting(&self) -> Result<Vec<Waiting>, String> {
        let entries = fs::read_dir(self.folder.path()).map_err(|error| self.trouble("read", &error))?;
        let mut found = Vec::new();
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.extension().is_some_and(|ending| ending == "waiting")
                && let Some(waiting) = self.read::<Waiting>("waiting", &path)
            {
                if now() < waiting.expires {
                    found.push(waiting);
                } else {
                    let _ = fs::remove_file(&path);
                }
            }
        }
        found.sort_by(|one, other| (one.asked, &one.name).cmp(&(other.asked, &other.name)));
        Ok(found)
    }

    /// Stores a person's decision about a request. `identity` is the state of the target that was shown.
    ///
    /// # Errors
    /// The request is no longer waiting or has already been answered, or the answer cannot be written: a sentence.
    pub fn answer(&self, name: &str, verdict: Verdict, identity: &str) -> Result<(), String> {
        let waiting = self.waiting()?.into_iter().find(|waiting| waiting.name == name);
        let Some(waiting) = waiting else {
            return Err(format!("No request `{}` is waiting for approval any more.", name.escape_debug()));
        };
        let answer = Answer {
            digest: waiting.digest,
            verdict,
            identity: identity.to_owned(),
            expires: now() + LIFETIME.as_secs(),
        };
        let path = self.file(name, "answer");
        if self.read::<Answer>("answer", &path).is_some_and(|old| old.expires <= now()) {
            let _ = fs::remove_file(&path);
        }
        let draft = self.file(name, &format!("draft-{}", std::process::id()));
        self.write("answer", &draft, &answer)?;
        // A hard link is created only if the file does not exist: if two people answer, the first answer counts.
        let linked = fs::hard_link(&draft, &path);
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(format!("The request `{name}` has already been answered."))
            }
            Err(error) => Err(self.trouble("written", &error)),
        }
    }

    /// The decision about a request that has not been used yet. It stays stored.
    #[must_use]
    pub fn answered(&self, waiting: &Waiting) -> Option<Verdict> {
        let answer = self.read::<Answer>("answer", &self.file(&waiting.name, "answer"))?;
        (answer.digest == waiting.digest && now() < answer.expires).then_some(answer.verdict)
    }

    /// Takes the answer to a request, if there is one. It is removed, and the request no longer waits.
    #[must_use]
    pub fn take(&self, request: &str) -> Option<Answer> {
        let digest = self.digest(request);
        let name = self.name(&digest);
        let path = self.file(&name, "answer");
        let answer = self.read::<Answer>("answer", &path)?;
        // If several processes try, only one can rename it.
        let mine = self.file(&name, &format!("taken-{}", std::process::id()));
        fs::rename(&path, &mine).ok()?;
        let _ = fs::remove_file(&mine);
        let _ = fs::remove_file(self.file(&name, "waiting"));
        (answer.digest == digest && now() < answer.expires).then_some(answer)
    }

    /// The short name that a person uses to approve a request.
    #[must_use]
    pub fn name_of(&self, request: &str) -> String {
        self.name(&self.digest(request))
    }

    /// The user who approves and denies requests, for the audit log: the owner of the folder.
    #[must_use]
    pub fn user(&self) -> String {
        self.folder.user()
    }

    /// Removes a request and any answer to it.
    pub fn withdraw(&self, request: &str) {
        let name = self.name(&self.digest(request));
        let _ = fs::remove_file(self.file(&name, "waiting"));
        let _ = fs::remove_file(self.file(&name, "answer"));
    }

    /// HMAC-SHA-256 of a request, in hexadecimal digits. Keyed, so that a digest reveals nothing about a secret in it.
    fn digest(&self, request: &str) -> String {
        hex::encode(hmac::sign(&self.key, &[b"request\0", request.as_bytes()].concat()).as_ref())
    }

    /// Six letters and digits that are hard to confuse with each other.
    fn name(&self, digest: &str) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let hash = digest::digest(&digest::SHA256, digest.as_bytes());
        hash.as_ref()[..6].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
    }

    fn file(&self, name: &str, kind: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.{kind}"))
    }

    /// Writes a sealed file atomically.
    fn write(&self, kind: &str, path: &Path, content: &impl Serialize) -> Result<(), String> {
        let text =
            serde_json::to_string(content).map_err(|error| format!("It cannot be written ({error})."))?;
        let sealed = format!("{text}\n{}\n", self.seal(kind, &text));
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        let written = create(&draft).and_then(|mut file| file.write_all(sealed.as_bytes()));
        written.and_then(|()| fs::rename(&draft, path)).map_err(|error| {
            let _ = fs::remove_file(&draft);
            self.trouble("written", &error)
        })
    }

    /// Reads a sealed file; `None` if it is missing, not private to this user, too large or altered.
    fn read<T: DeserializeOwned>(&self, kind: &str, path: &Path) -> Option<T> {
        let text = read(path).ok()?;
        let (body, seal) = text.trim_end().rsplit_once('\n')?;
        let tag = hex::decode(seal)?;
        hmac::verify(&self.key, &message(kind, body), &tag).ok()?;
        serde_json::from_str(body).ok()
    }

    fn seal(&self, kind: &str, body: &str) -> String {
        hex::encode(hmac::sign(&self.key, &message(kind, body)).as_ref())
    }

    fn trouble(&self, what: &str, error: &io::Error) -> String {
        format!("The folder `{}` for approvals cannot be {what} ({error}).", self.folder.path().display())
    }
}

/// The sealed message, which includes the kind of file, so that an answer cannot be used as a request.
fn message(kind: &str, body: &str) -> Vec<u8> {
    [kind.as_bytes(), b"\0", body.as_bytes()].concat()
}

/// The key of the folder, created by the first process that needs it.
fn key(folder: &Path) -> Result<hmac::Key, String> {
    let path = folder.join("key");
    let trouble =
        |error: io::Error| format!("The key `{}` for approvals cannot be used ({error}).", path.display());
    let mut fresh = [0; 32];
    SystemRandom::new()
        .fill(&mut fresh)
        .map_err(|_| "The system provides no random numbers, so nothing can be approved.".to_owned())?;
    let draft = folder.join(format!("key-{}-{}", std::process::id(), hex::encode(&fresh[..4])));
    let made = create(&draft).and_then(|mut file| file.write_all(hex::encode(&fresh).as_bytes()));
    let linked = made.and_then(|()| fs::hard_link(&draft, &path));
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(trouble(error)),
        _ => {}
    }
    let text = read(&path).map_err(trouble)?;
    let bytes = hex::decode(text.trim())
        .filter(|bytes| bytes.len() == 32)
        .ok_or_else(|| format!("The key `{}` for approvals is damaged; remove it.", path.display()))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// Creates a file that only this user can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// The text of a file that is not a link, belongs to the owner of its folder, and is closed to others.
fn read(path: &Path) -> io::Result<String> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
    let there = fs::symlink_metadata(path)?;
    let folder = fs::symlink_metadata(path.parent().unwrap_or(path))?;
    if !there.is_file() || !is_private(&there, &folder) {
        return refused("it is a link, belongs to another user or is open to others");
    }
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// Unix time in seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn store(test: &str) -> (Store, PathBuf) {
        let folder = std::env::temp_dir().join(format!("proxmox-mcp-store-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        (Store::open(&folder).unwrap(), folder)
    }

    #[test]
    fn an_approval_is_found_once_by_whoever_makes_the_same_request() {
        let (store, folder) = store("once");
        assert!(store.take("delete 100").is_none());
        let waiting = store.ask("delete 100", json!({"title": "VM 100"})).unwrap();
        assert_eq!(store.ask("delete 100", json!({})).unwrap().name, waiting.name, "it waits already");
        store.ask("delete 101", json!({})).unwrap();
        assert_eq!(store.waiting().unwrap().len(), 2);
        store.answer(&waiting.name, Verdict::Approved, "as it was").unwrap();
        // Another process of the same user.
        let other = Store::open(&folder).unwrap();
        assert!(other.take("delete 101").is_none(), "the approval was for another request");
        let answer = other.take("delete 100").unwrap();
        assert_eq!((answer.verdict, &*answer.identity), (Verdict::Approved, "as it was"));
        assert!(store.take("delete 100").is_none(), "used");
        assert_eq!(store.waiting().unwrap().len(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn of_two_people_the_first_ones_word_counts() {
        let (store, folder) = store("two");
        let name = store.ask("x", json!({})).unwrap().name;
        assert_eq!(store.answered(&store.waiting().unwrap()[0]), None);
        store.answer(&name, Verdict::Denied, "").unwrap();
        assert_eq!(store.answered(&store.waiting().unwrap()[0]), Some(Verdict::Denied));
        assert!(store.answer(&name, Verdict::Approved, "").unwrap_err().contains("already been answered"));
        assert_eq!(store.take("x").unwrap().verdict, Verdict::Denied);
        assert!(store.answer(&name, Verdict::Approved, "").unwrap_err().contains("any more"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_altered_or_is_of_another_kind_does_not_count() {
        let (store, folder) = store("altered");
        let name = store.ask("x", json!({})).unwrap().name;
        let waiting = folder.join(format!("{name}.waiting"));
        let answer = folder.join(format!("{name}.answer"));
        fs::copy(&waiting, &answer).unwrap();
        assert!(store.take("x").is_none(), "a request is not an answer");
        fs::remove_file(&answer).unwrap();
        store.answer(&name, Verdict::Denied, "").unwrap();
        let text = fs::read_to_string(&answer).unwrap();
        fs::write(&answer, text.replace("denied", "approved")).unwrap();
        assert!(store.take("x").is_none(), "altered");
        fs::write(&waiting, "nonsense").unwrap();
        assert!(store.waiting().unwrap().is_empty());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_nobody_answered_in_time_no_longer_waits_and_an_old_word_does_not_count() {
        let (store, folder) = store("time");
        let mut waiting = store.ask("x", json!({})).unwrap();
        let path = folder.join(format!("{}.waiting", waiting.name));
        waiting.expires = now();
        store.write("waiting", &path, &waiting).unwrap();
        assert!(store.waiting().unwrap().is_empty() && !path.exists());
        assert!(store.answer(&waiting.name, Verdict::Approved, "").unwrap_err().contains("any more"));
        // An answer that was not used in time is neither taken nor does it block the next one.
        store.ask("x", json!({})).unwrap();
        let answer = folder.join(format!("{}.answer", waiting.name));
        let old = |verdict| Answer {
            digest: waiting.digest.clone(),
            verdict,
            identity: String::new(),
            expires: now(),
        };
        store.write("answer", &answer, &old(Verdict::Approved)).unwrap();
        assert!(store.take("x").is_none());
        store.ask("x", json!({})).unwrap();
        store.write("answer", &answer, &old(Verdict::Denied)).unwrap();
        store.answer(&waiting.name, Verdict::Approved, "").unwrap();
        assert_eq!(store.take("x").unwrap().verdict, Verdict::Approved);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn many_takers_get_it_once() {
        let (store, folder) = store("race");
        let name = store.ask("x", json!({})).unwrap().name;
        store.answer(&name, Verdict::Approved, "").unwrap();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| usize::from(store.take("x").is_some()))).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
