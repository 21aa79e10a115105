//! MCP tasks (extension `io.modelcontextprotocol/tasks`): if a call has waited as long as it may and its work is still
//! running, the client is given a task instead of the answer, and polls that.
//!
//! Each task is stored in a small file that says which Proxmox tasks or which job it stands for, so that it outlives
//! the process. Its state is read when the client asks for it. A job takes its next steps then, too; once the task is
//! cancelled, it takes no more. Cancelling never stops a Proxmox task.

use super::{
    Tools,
    ran::{Ran, answered},
};
use crate::{
    mcp::{Answer, Call, Order, Place, Task, TaskStatus},
    pve::task::{self, Outcome, Upid},
    sync::lock,
    tools::{
        answer::Failure,
        run::{
            clusters::{self, CLUSTER, Chosen, Cluster},
            kept::Kept,
        },
    },
};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long a task is kept; Proxmox keeps its own tasks for longer.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How often the state of a task is read at most, however often a client asks.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the state of a task may be unreadable before the task is given up.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How many tasks this process remembers; for others, the file is read again.
const MOST: usize = 256;
/// The tool that waits for tasks.
const WAIT_TASK: &str = "proxmox_wait_task";
/// The tool that continues a job.
const CONTINUE_JOB: &str = "proxmox_continue_job";
/// The tool that reports the state of a job.
const GET_JOB: &str = "proxmox_get_job";

/// What is stored about a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredTask {
    work: Work,
    /// Unix time in milliseconds.
    created: u64,
    cancelled: bool,
}

/// What a task stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Work {
    /// Proxmox tasks, and what the answer contains besides how they ended.
    Tasks { upids: Vec<String>, facts: Map<String, Value> },
    /// A job, by its id.
    Job(String),
}

/// The state of a task when it was last read.
#[derive(Clone, Debug)]
struct Looked {
    at: Instant,
    /// Since when its state cannot be read.
    lost: Option<Instant>,
    updated: SystemTime,
    message: String,
    end: Option<End>,
}

#[derive(Clone, Debug)]
enum End {
    Data(String),
    Failure(String),
    Unknown(String),
}

/// The tasks whose states this process has read.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<HashMap<String, Looked>>);

impl Work {
    /// Returns the work that is still running after an answer; `None` if the answer is final.
    fn of(answer: &str) -> Option<Work> {
        let Ok(Value::Object(mut facts)) = serde_json::from_str(answer) else { return None };
        if let (Some(Value::String(job)), Some(_)) = (facts.get("job"), facts.get("to_do")) {
            return Some(Work::Job(job.clone()));
        }
        let upids: Vec<String> = match (facts.get("task"), facts.get("upid"), facts.get("tasks")) {
            (Some(task), Some(Value::String(upid)), _) if task == "running" => vec![upid.clone()],
            (_, _, Some(tasks)) => {
                let rows = tasks["rows"].as_array()?;
                let running = rows.iter().any(|row| row[1] == "running");
                let upids = rows.iter().filter_map(|row| row[0].as_str().map(str::to_owned));
                running.then(|| upids.collect())?
            }
            _ => return None,
        };
        for name in ["task", "tasks", "upid", "note"] {
            facts.shift_remove(name);
        }
        Some(Work::Tasks { upids, facts })
    }

    fn title(&self) -> String {
        match self {
            Work::Tasks { upids, .. } => upids.join(" "),
            Work::Job(id) => format!("Job {id}"),
        }
    }
}

impl Tools {
    /// Returns the answer of a call, or a task if its work is still running and the client supports tasks.
    pub(super) fn as_task(
        &self,
        call: &Call<'_>,
        mut arguments: Map<String, Value>,
        answer: Answer,
    ) -> Answer {
        let waits = arguments.get("wait").is_none_or(|wait| *wait != 0 && *wait != "0");
        if !call.client().accepts_tasks() || !waits {
            return answer;
        }
        let Answer::Data(data) = &answer else { return answer };
        let Some(work) = Work::of(data.get()) else { return answer };
        let Ok(Chosen::One(cluster)) = clusters::take(&self.clusters, &mut arguments) else { return answer };
        let forbidden = |name: &str| {
            let entry = self.find(name, &Map::new());
            entry.is_none_or(|entry| entry.forbidden_in(cluster).is_some())
        };
        let needed = if matches!(work, Work::Job(_)) { CONTINUE_JOB } else { WAIT_TASK };
        // Without a task, the answer itself names what is still running and the tool that waits for it.
        match new_id().filter(|_| !forbidden(needed)) {
            Some(id) => self.create_task(cluster, &id, work).map_or(answer, Answer::Task),
            None => answer,
        }
    }

    fn create_task(&self, cluster: &Cluster, id: &str, work: Work) -> Option<Task> {
        let handed = StoredTask { work, created: milliseconds(SystemTime::now()), cancelled: false };
        keep(cluster, id, &handed).then(|| task_of(id, &handed, None))
    }

    /// Returns the cluster of a task and what is stored about it, unless it has expired.
    fn handed(&self, id: &str) -> Option<(&Cluster, StoredTask)> {
        self.clusters.iter().find_map(|cluster| {
            let handed: StoredTask = serde_json::from_value(cluster.tasks.find(id)?).ok()?;
            let until = UNIX_EPOCH + Duration::from_millis(handed.created) + LIFETIME;
            (SystemTime::now() < until).then_some((cluster, handed))
        })
    }

    /// Returns the state of a task.
    pub(super) fn stands(&self, call: &Call<'_>, id: &str) -> Option<Task> {
        let (cluster, handed) = self.handed(id)?;
        let before = lock(&self.looks.0).get(id).cloned();
        let is_new = |looked: &Looked| looked.end.is_some() || looked.at.elapsed() < INTERVAL;
        if handed.cancelled || before.as_ref().is_some_and(is_new) {
            return Some(task_of(id, &handed, before.as_ref()));
        }
        let lost = before.as_ref().and_then(|looked| looked.lost);
        let now = match &handed.work {
            Work::Tasks { upids, facts } => self.look_at_tasks(cluster, call, upids, facts, lost),
            Work::Job(job) => self.look_at_job(cluster, call, job),
        };
        let changed = before.as_ref().is_none_or(|old| old.message != now.message || now.end.is_some());
        let updated = before.filter(|_| !changed).map_or(now.updated, |old| old.updated);
        let now = Looked { updated, ..now };
        let task = task_of(id, &handed, Some(&now));
        let mut looks = lock(&self.looks.0);
        if MOST <= looks.len() {
            looks.retain(|_, looked| looked.at.elapsed() < INTERVAL * 10);
        }
        looks.insert(id.to_owned(), now);
        Some(task)
    }

    /// Returns whether there is such a task.
    pub(super) fn has_stored_task(&self, id: &str) -> bool {
        self.handed(id).is_some()
    }

    /// Cancels a task; one that has ended keeps its result. Returns whether there is such a task.
    pub(super) fn drop_task(&self, id: &str) -> bool {
        let Some((cluster, handed)) = self.handed(id) else { return false };
        let over = lock(&self.looks.0).get(id).is_some_and(|looked| looked.end.is_some());
        if !over && !handed.cancelled {
            keep(cluster, id, &StoredTask { cancelled: true, ..handed });
        }
        true
    }

    /// Returns how a request about a task is scheduled: one about a job may take the job's next step, so it counts as a
    /// change.
    pub(super) fn place_of_task(&self, id: &str) -> Place {
        let Some((cluster, handed)) = self.handed(id) else { return Place { queue: 0, order: Order::Read } };
        let named = Map::from_iter([(CLUSTER.to_owned(), Value::from(cluster.name.clone()))]);
        let order = if matches!(handed.work, Work::Job(_)) { Order::Change } else { Order::Read };
        Place { queue: clusters::lane(&self.clusters, &named), order }
    }

    fn look_at_tasks(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        upids: &[String],
        facts: &Map<String, Value>,
        lost: Option<Instant>,
    ) -> Looked {
        let (mut ended, mut message, mut trouble) = (0, String::new(), None);
        for text in upids {
            let Ok(upid) = Upid::parse(text) else { continue };
            let mut told = |poll: &task::Poll| message = poll.last_line.clone().unwrap_or_default();
            let watch = task::Watch { until: Instant::now(), log: true };
            match task::wait(&cluster.pve, &call.cancel, &upid, watch, &mut told) {
                Ok(Outcome::Running) => {}
                Ok(Outcome::Stopped { .. }) => ended += 1,
                Err(error) => trouble = Some((error.retryable(), error.to_string())),
            }
        }
        match trouble {
            Some((passes, why)) => {
                let since = lost.unwrap_or_else(Instant::now);
                let end = (!passes || PATIENCE < since.elapsed()).then(|| {
                    End::Unknown(format!("{why} {WAIT_TASK} with {} checks again.", upids.join(",")))
                });
                Looked { lost: Some(since), end, ..working(why) }
            }
            None if ended < upids.len() && upids.len() == 1 => {
                working(if message.is_empty() { upids[0].clone() } else { message })
            }
            None if ended < upids.len() => working(format!("{ended} of {} tasks have ended.", upids.len())),
            None => {
                let arguments = [("upid", json!(upids.join(","))), ("wait", json!(0))];
                over(self.run_own(cluster, call, WAIT_TASK, &arguments), facts)
            }
        }
    }

    fn look_at_job(&self, cluster: &Cluster, call: &Call<'_>, job: &str) -> Looked {
        let outcome = self.run_own(cluster, call, CONTINUE_JOB, &[("id", json!(job)), ("wait", json!(0))]);
        match outcome {
            Ok(Ran::Data(data)) if Work::of(data.get()).is_some() => {
                let facts: Value = serde_json::from_str(data.get()).unwrap_or_default();
                let now = facts["now"][0].as_str().map(|step| format!("; now: {step}"));
                working(format!("{}{}", facts["done"].as_str().unwrap_or_default(), now.unwrap_or_default()))
            }
            // It was refused because another call carries it out, or because it has ended.
            Err(Failure(why)) => match self.run_own(cluster, call, GET_JOB, &[("id", json!(job))]) {
                Ok(Ran::Data(data)) => {
                    let facts: Value = serde_json::from_str(data.get()).unwrap_or_default();
                    match facts["state"].as_str() {
                        Some("done") => over(Ok(Ran::Data(data)), &Map::new()),
                        Some("not finished" | "being taken back") => working(why),
                        _ => over(Err(Failure(why)), &Map::new()),
                    }
                }
                _ => over(Err(Failure(why)), &Map::new()),
            },
            outcome => over(outcome, &Map::new()),
        }
    }

    fn run_own(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        name: &str,
        arguments: &[(&str, Value)],
    ) -> Result<Ran, Failure> {
        let arguments: Map<String, Value> =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let missing = || Failure::new(format!("There is no tool `{name}`."));
        let entry = self.find(name, &arguments).ok_or_else(missing)?;
        self.run_in(cluster, call, entry, arguments)
    }
}

fn new_id() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok().map(|()| crate::hex::encode(&bytes))
}

/// Stores a task. Returns whether other processes can find it, or need not: a sample cluster ends with this process.
fn keep(cluster: &Cluster, id: &str, handed: &StoredTask) -> bool {
    let value = json!(handed);
    let kept: &Kept = &cluster.tasks;
    kept.save(id, value.clone(), &value) || cluster.config.sample
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn working(message: String) -> Looked {
    Looked { at: Instant::now(), lost: None, updated: SystemTime::now(), message, end: None }
}

/// The result of a call whose work has ended: what the call answered at first, and how the work ended.
fn over(outcome: Result<Ran, Failure>, facts: &Map<String, Value>) -> Looked {
    let end = match answered(outcome) {
        Answer::Data(data) => match serde_json::from_str(data.get()) {
            Ok(Value::Object(more)) => {
                let mut whole = facts.clone();
                whole.extend(more);
                End::Data(Value::from(whole).to_string())
            }
            _ => End::Data(data.get().to_owned()),
        },
        Answer::Failure(why) => End::Failure(why),
        Answer::Ask { question, .. } => End::Failure(question.message),
        _ => End::Unknown("An answer of this kind cannot be the result of a task.".into()),
    };
    Looked { end: Some(end), ..working(String::new()) }
}

fn task_of(id: &str, handed: &StoredTask, looked: Option<&Looked>) -> Task {
    let created = UNIX_EPOCH + Duration::from_millis(handed.created);
    let mut message = looked.map_or_else(|| handed.work.title(), |looked| looked.message.clone());
    let status = match looked.and_then(|looked| looked.end.as_ref()) {
        Some(End::Data(text)) => match serde_json::value::RawValue::from_string(text.clone()) {
            Ok(data) => TaskStatus::Completed(Box::new(Answer::Data(data))),
            Err(_) => TaskStatus::Failed("The answer could not be read as JSON.".into()),
        },
        Some(End::Failure(why)) => TaskStatus::Completed(Box::new(Answer::Failure(why.clone()))),
        Some(End::Unknown(why)) => TaskStatus::Failed(why.clone()),
        None if handed.cancelled => {
            message = format!("No longer followed; work already started goes on: {}", handed.work.title());
            TaskStatus::Cancelled
        }
        None => TaskStatus::Working,
    };
    Task {
        id: id.to_owned(),
        status,
        message: crate::visible::text(&message).into_owned(),
        created,
        updated: looked.map_or(created, |looked| looked.updated),
        ttl_ms: u64::try_from(LIFETIME.as_millis()).unwrap_or(u64::MAX),
        poll_interval_ms: u64::try_from(INTERVAL.as_millis()).unwrap_or(u64::MAX),
    }
}
