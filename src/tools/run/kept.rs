//! Jobs that were started, kept in memory and in a small file each, so that an interrupted job can be inspected and
//! continued. Does not know what a job is: each is a JSON value with an id.

use crate::{sync::lock, tools::answer::Failure};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, SystemTime},
};

/// How many jobs are kept; the oldest is dropped first.
const MOST: usize = 100;
/// How long a file is kept after it was last written.
const LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);
/// The largest file that is read back, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The jobs of one cluster.
#[derive(Debug)]
pub struct Kept {
    folder: Option<PathBuf>,
    jobs: Mutex<BTreeMap<String, Job>>,
    busy: Mutex<BTreeSet<String>>,
}

struct Job {
    at: SystemTime,
    value: Value,
}

impl fmt::Debug for Job {
    /// Leaves out the value, which may hold secrets of steps that are still to be sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("at", &self.at).finish_non_exhaustive()
    }
}

/// A lock on a job: while it is held, no other call or process carries the job out. Released when dropped.
#[derive(Debug)]
pub struct JobLock<'a> {
    kept: &'a Kept,
    id: String,
    /// The lock file; locked for as long as it is open.
    _file: Option<File>,
}

impl Drop for JobLock<'_> {
    fn drop(&mut self) {
        lock(&self.kept.busy).remove(&self.id);
    }
}

impl JobLock<'_> {
    /// Returns the job's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Kept {
    /// Keeps jobs as files in that folder, which is created when first needed; without a folder, only in memory.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Kept {
        Kept { folder, jobs: Mutex::default(), busy: Mutex::default() }
    }

    /// Starts a new job, and locks it.
    ///
    /// # Errors
    /// Fails if the system has no random numbers.
    pub fn begin(&self) -> Result<JobLock<'_>, Failure> {
        let mut bytes = [0; 4];
        SystemRandom::new().fill(&mut bytes).map_err(|_| {
            Failure::new("The system has no random numbers, so the job gets no id. Nothing was done.")
        })?;
        let id = format!("job-{:08x}", u32::from_be_bytes(bytes));
        self.hold(&id)
    }

    /// Locks a job.
    ///
    /// # Errors
    /// Fails if another call or process is carrying it out.
    pub fn hold(&self, id: &str) -> Result<JobLock<'_>, Failure> {
        let taken = || {
            Failure::new(format!(
                "Job {} is being carried out by another call. Nothing was done; check again with proxmox_get_job.",
                id.escape_debug()
            ))
        };
        if !lock(&self.busy).insert(id.to_owned()) {
            return Err(taken());
        }
        let mut hold = JobLock { kept: self, id: id.to_owned(), _file: None };
        if let Some(path) = self.path(id, "lock")
            && let Ok(file) = make(&path)
        {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(taken()),
                // If files cannot be locked here, the job is locked within this process only.
                Ok(()) | Err(TryLockError::Error(_)) => hold._file = Some(file),
            }
        }
        Ok(hold)
    }

    /// Keeps the state of a job; `lasting` is the part that may be written to its file. Returns whether it was written.
    pub fn save(&self, id: &str, value: Value, lasting: &Value) -> bool {
        let mut jobs = lock(&self.jobs);
        jobs.insert(id.to_owned(), Job { at: SystemTime::now(), value });
        if MOST < jobs.len()
            && let Some(oldest) = jobs.iter().min_by_key(|(_, job)| job.at).map(|(id, _)| id.clone())
        {
            jobs.remove(&oldest);
        }
        drop(jobs);
        let Some(path) = self.path(id, "json") else { return false };
        let part = path.with_extension("part");
        let written = make(&part).and_then(|mut file| {
            file.set_len(0)?;
            file.write_all(lasting.to_string().as_bytes())?;
            file.sync_data()?;
            fs::rename(&part, &path)
        });
        written.is_ok()
    }

    /// Returns the state of a job, if there is one with that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Value> {
        if let Some(job) = lock(&self.jobs).get(id) {
            return Some(job.value.clone());
        }
        read(&self.path(id, "json")?)
    }

    /// Returns every job, the newest first.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Value)> {
        let mut all: BTreeMap<String, (SystemTime, Value)> = BTreeMap::new();
        for path in self.files() {
            let id = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let at = path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            if at.elapsed().is_ok_and(|age| LIFETIME < age) {
                let _ = fs::remove_file(path.with_extension("lock"));
                let _ = fs::remove_file(&path);
            } else if let Some(value) = read(&path) {
                all.insert(id, (at, value));
            }
        }
        let jobs = lock(&self.jobs);
        all.extend(jobs.iter().map(|(id, job)| (id.clone(), (job.at, job.value.clone()))));
        drop(jobs);
        let mut all: Vec<_> = all.into_iter().map(|(id, (at, value))| (at, id, value)).collect();
        all.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        all.into_iter().take(MOST).map(|(_, id, value)| (id, value)).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
    }

    fn path(&self, id: &str, end: &str) -> Option<PathBuf> {
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(self.folder.as_ref().filter(|_| plain)?.join(format!("{id}.{end}")))
    }
}

/// Opens a file that only the user may access, and creates it and its folder if necessary.
fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        options.mode(0o600);
        folder.mode(0o700);
    }
    if let Some(parent) = path.parent() {
        folder.create(parent)?;
    }
    options.open(path)
}

fn read(path: &Path) -> Option<Value> {
    if MAX_FILE < path.metadata().ok()?.len() {
        return None;
    }
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("proxmox-mcp-kept-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_job_is_found_by_another_process_as_far_as_it_may_be_written_down() {
        let folder = folder("found");
        let kept = Kept::new(Some(folder.clone()));
        let id = kept.begin().unwrap().id().to_owned();
        assert!(kept.save(&id, json!({"all": 1}), &json!({"part": 1})));
        assert_eq!(kept.find(&id), Some(json!({"all": 1})));
        let other = Kept::new(Some(folder.clone()));
        assert_eq!(other.find(&id), Some(json!({"part": 1})));
        assert_eq!(other.all(), [(id.clone(), json!({"part": 1}))]);
        for wrong in ["", "job-00000000", "../x", &format!("./{id}")] {
            assert_eq!(other.find(wrong), None, "{wrong}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_job_is_in_one_hand_at_a_time() {
        let folder = folder("hand");
        let (kept, other) = (Kept::new(Some(folder.clone())), Kept::new(Some(folder.clone())));
        let hold = kept.begin().unwrap();
        let id = hold.id().to_owned();
        assert!(kept.hold(&id).is_err(), "by the same process");
        assert!(other.hold(&id).is_err(), "by another one");
        drop(hold);
        drop(kept.hold(&id).unwrap());
        drop(other.hold(&id).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_a_folder_it_is_kept_in_memory_and_says_so() {
        let kept = Kept::new(None);
        assert!(!kept.save("job-1", json!(1), &json!(1)));
        assert_eq!(kept.find("job-1"), Some(json!(1)));
        for number in 0..MOST + 5 {
            kept.save(&format!("job-{number}"), json!(number), &json!(null));
        }
        assert_eq!(kept.all().len(), MOST);
    }
}
