//! Tasks as data: those that run, wait or have ended, and their effects on a world that this module does not know.
//! `task_run` runs them.

use crate::demo::state::clock::whole;
use std::collections::VecDeque;

/// How many ended tasks are kept.
const KEPT: usize = 1000;

/// One step of a task: it changes the cluster, adds lines to the log, and may fail, in which case the error is the
/// task's exit status.
pub(crate) type Step<W> = Box<dyn FnOnce(&mut W, &mut Vec<String>) -> Result<(), String> + Send>;

/// The definition of a task.
pub(crate) struct Work<W> {
    /// The worker type as in the UPID, such as `qmstart`.
    pub(crate) kind: &'static str,
    /// The id in the UPID, usually a VMID; may be empty.
    pub(crate) id: String,
    /// The lock file that it holds, if any: tasks with the same lock file run one after the other.
    pub(crate) lock: Option<String>,
    /// Seconds from start to end.
    pub(crate) seconds: f64,
    /// Runs when the task starts.
    pub(crate) begin: Step<W>,
    /// Runs when the task ends.
    pub(crate) finish: Step<W>,
}

/// One task, running or ended.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) upid: String,
    pub(crate) node: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) pid: u64,
    pub(crate) pstart: u64,
    pub(crate) start: f64,
    /// When it ended, and its exit status; `None` while it runs.
    pub(crate) end: Option<(f64, String)>,
    pub(crate) log: Vec<String>,
}

pub(super) struct Active<W> {
    pub(super) upid: String,
    pub(super) lock: Option<String>,
    pub(super) since: f64,
    pub(super) seconds: f64,
    pub(super) begin: Option<Step<W>>,
    pub(super) finish: Option<Step<W>>,
    /// Set once the task has started: when it ends, and whether it fails.
    pub(super) ends: Option<(f64, Result<(), String>)>,
    /// How many tenths of its progress have been logged.
    pub(super) told: u32,
}

/// All tasks of the cluster.
pub(crate) struct Tasks<W> {
    list: VecDeque<Task>,
    pub(super) active: Vec<Active<W>>,
    /// Steps that run on their own at a time.
    pub(super) timers: Vec<(f64, Step<W>)>,
    count: u64,
}

impl<W> Default for Tasks<W> {
    fn default() -> Tasks<W> {
        Tasks { list: VecDeque::new(), active: Vec::new(), timers: Vec::new(), count: 0 }
    }
}

impl<W> Tasks<W> {
    /// Every task, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().rev()
    }

    /// The task with this UPID.
    pub(crate) fn find(&self, upid: &str) -> Option<&Task> {
        self.list.iter().rev().find(|task| task.upid == upid)
    }

    pub(super) fn find_mut(&mut self, upid: &str) -> Option<&mut Task> {
        self.list.iter_mut().rev().find(|task| task.upid == upid)
    }

    /// Schedules a step for a later time, outside of any task.
    pub(crate) fn at(&mut self, time: f64, step: Step<W>) {
        self.timers.push((time, step));
    }

    /// Adds a new task and returns its UPID.
    pub(super) fn enter(&mut self, node: &str, kind: &str, id: &str, user: &str, start: f64) -> String {
        self.count += 1;
        let (pid, pstart) = (680 + self.count * 7 % 30_000, 700_000 + self.count * 113);
        let upid = format!("UPID:{node}:{pid:08X}:{pstart:08X}:{:08X}:{kind}:{id}:{user}:", whole(start));
        self.list.push_back(Task {
            upid: upid.clone(),
            node: node.into(),
            kind: kind.into(),
            id: id.into(),
            user: user.into(),
            pid,
            pstart,
            start,
            end: None,
            log: Vec::new(),
        });
        if KEPT < self.list.len()
            && let Some(oldest) = self.list.iter().position(|task| task.end.is_some())
        {
            self.list.remove(oldest);
        }
        upid
    }

    /// Adds a task that ended in the past, for the sample.
    pub(crate) fn add_past_task(
        &mut self,
        past: (&str, &str, &str, &str),
        start: f64,
        seconds: f64,
        status: &str,
    ) {
        let (node, kind, id, user) = past;
        let upid = self.enter(node, kind, id, user, start);
        if let Some(task) = self.find_mut(&upid) {
            task.end = Some((start + seconds, status.to_owned()));
            task.log.push(last_line(status));
        }
    }
}

pub(super) fn last_line(status: &str) -> String {
    if status == "OK" || status.starts_with("WARNINGS") {
        format!("TASK {status}")
    } else {
        format!("TASK ERROR: {status}")
    }
}
