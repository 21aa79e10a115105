//! The task engine: what runs, waits for a guest's lock, ends and is logged (pve.md section 5). Knows no guests:
//! what a task does is in two closures.

use crate::demo::state::{clock::whole, cluster::Cluster, task_progress::line};
use std::collections::VecDeque;

/// Seconds a task waits for the lock of its guest before it gives up.
const LOCK_WAIT: f64 = 10.0;
/// Seconds a task needs that fails as soon as it looks.
const FAILURE_TIME: f64 = 0.05;
/// How many ended tasks are kept.
const KEPT: usize = 1000;

/// One step of a task: it changes the cluster, adds lines to the log, and may fail with the exit status.
pub(crate) type Step = Box<dyn FnOnce(&mut Cluster, &mut Vec<String>) -> Result<(), String> + Send>;

/// What a task is to do.
pub(crate) struct Work {
    /// The worker type as it stands in the UPID, such as `qmstart`.
    pub(crate) kind: &'static str,
    /// The id in the UPID, mostly a VMID; may be empty.
    pub(crate) id: String,
    /// The lock file under which it runs, if any: tasks with the same one run one after the other.
    pub(crate) lock: Option<String>,
    /// Seconds from start to end.
    pub(crate) seconds: f64,
    /// Done when the task starts.
    pub(crate) begin: Step,
    /// Done when the task ends.
    pub(crate) finish: Step,
}

/// A step that does nothing.
pub(crate) fn nothing() -> Step {
    Box::new(|_, _| Ok(()))
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
    /// When it ended and how; `None` while it runs.
    pub(crate) end: Option<(f64, String)>,
    pub(crate) log: Vec<String>,
}

struct Active {
    upid: String,
    lock: Option<String>,
    since: f64,
    seconds: f64,
    begin: Option<Step>,
    finish: Option<Step>,
    /// Set once it has begun: when it ends, and with what failure.
    ends: Option<(f64, Result<(), String>)>,
    /// How much of it was told in its log, in tenths.
    told: u32,
}

/// All tasks of the cluster.
#[derive(Default)]
pub(crate) struct Tasks {
    list: VecDeque<Task>,
    active: Vec<Active>,
    /// What happens by itself, and when.
    timers: Vec<(f64, Step)>,
    count: u64,
}

impl Tasks {
    /// Every task, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().rev()
    }

    /// The task with this UPID.
    pub(crate) fn find(&self, upid: &str) -> Option<&Task> {
        self.list.iter().rev().find(|task| task.upid == upid)
    }

    fn find_mut(&mut self, upid: &str) -> Option<&mut Task> {
        self.list.iter_mut().rev().find(|task| task.upid == upid)
    }

    /// Lets something happen at a time to come, outside of any task.
    pub(crate) fn at(&mut self, time: f64, step: Step) {
        self.timers.push((time, step));
    }

    /// Enters a new task and gives its UPID.
    fn enter(&mut self, node: &str, kind: &str, id: &str, user: &str, start: f64) -> String {
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

    /// Enters a task that ended in the past, for the sample.
    pub(crate) fn enter_past(
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

fn last_line(status: &str) -> String {
    if status == "OK" || status.starts_with("WARNINGS") {
        format!("TASK {status}")
    } else {
        format!("TASK ERROR: {status}")
    }
}

impl Cluster {
    /// Starts a task on a node and gives its UPID. What the task does at its beginning is visible at once, unless
    /// it has to wait for the lock that an earlier task holds.
    pub(crate) fn start_task(&mut self, node: &str, user: &str, work: Work) -> String {
        let now = self.clock.now();
        let upid = self.tasks.enter(node, work.kind, &work.id, user, now);
        self.log_task(node, user, &format!("starting task {upid}"), now);
        self.tasks.active.push(Active {
            upid: upid.clone(),
            lock: work.lock,
            since: now,
            seconds: work.seconds,
            begin: Some(work.begin),
            finish: Some(work.finish),
            ends: None,
            told: 0,
        });
        self.begin_what_may(now);
        upid
    }

    /// Carries out everything that is due by now. Called before every request is handled.
    pub(crate) fn settle(&mut self) {
        let now = self.clock.now();
        while let Some(at) = self.tasks.timers.iter().position(|(time, _)| *time <= now) {
            let (_, step) = self.tasks.timers.remove(at);
            // What happens by itself has nobody to tell of a failure: its task, if it starts one, has the log.
            let _ = step(self, &mut Vec::new());
        }
        loop {
            self.begin_what_may(now);
            let due = self
                .tasks
                .active
                .iter()
                .enumerate()
                .filter_map(|(at, active)| active.ends.as_ref().map(|(ends, _)| (at, *ends)))
                .filter(|(_, ends)| *ends <= now)
                .min_by(|one, other| one.1.total_cmp(&other.1));
            let Some((at, ends)) = due else { break };
            let mut active = self.tasks.active.remove(at);
            let mut lines = Vec::new();
            let result = match (active.ends.take(), active.finish.take()) {
                (Some((_, Err(problem))), _) => Err(problem),
                (_, Some(finish)) => finish(self, &mut lines),
                _ => Ok(()),
            };
            self.end_task(&active.upid, lines, result.err().unwrap_or_else(|| "OK".into()), ends);
            self.free_at(active.lock.as_deref(), ends);
        }
        self.give_up_waiting(now);
        self.tell_progress(now);
    }

    /// Lets long tasks write into their logs how far they are, a line for each tenth.
    fn tell_progress(&mut self, now: f64) {
        let mut lines = Vec::new();
        for active in &mut self.tasks.active {
            let Some((ends, Ok(()))) = &active.ends else { continue };
            let share = 1.0 - (ends - now) / active.seconds.max(f64::MIN_POSITIVE);
            while f64::from(active.told + 1) <= share * 10.0 {
                active.told += 1;
                lines.push((active.upid.clone(), f64::from(active.told) / 10.0));
            }
        }
        for (upid, share) in lines {
            if let Some(task) = self.tasks.find_mut(&upid) {
                task.log.extend(line(&task.kind, share));
            }
        }
    }

    /// Whoever waits for this lock begins when it was freed, not when somebody looks.
    fn free_at(&mut self, lock: Option<&str>, time: f64) {
        let Some(lock) = lock else { return };
        let waiting = |active: &&mut Active| active.ends.is_none() && active.lock.as_deref() == Some(lock);
        if let Some(next) = self.tasks.active.iter_mut().find(waiting)
            && next.since + LOCK_WAIT >= time
        {
            next.since = next.since.max(time);
        }
    }

    fn begin_what_may(&mut self, now: f64) {
        let mut at = 0;
        while at < self.tasks.active.len() {
            let active = &self.tasks.active[at];
            let blocked = active.ends.is_some()
                || self.tasks.active[..at]
                    .iter()
                    .any(|other| other.lock.is_some() && other.lock == active.lock);
            if !blocked {
                let started = active.since.min(now);
                let (upid, seconds) = (active.upid.clone(), active.seconds);
                let begin = self.tasks.active[at].begin.take();
                let mut lines = Vec::new();
                let result = begin.map_or(Ok(()), |begin| begin(self, &mut lines));
                let ends = started + if result.is_ok() { seconds } else { FAILURE_TIME };
                if let Some(task) = self.tasks.find_mut(&upid) {
                    task.log.append(&mut lines);
                }
                if let Some(active) = self.tasks.active.iter_mut().find(|active| active.upid == upid) {
                    active.ends = Some((ends, result));
                }
            }
            at += 1;
        }
    }

    fn give_up_waiting(&mut self, now: f64) {
        let late = |active: &Active| active.ends.is_none() && active.since + LOCK_WAIT < now;
        while let Some(at) = self.tasks.active.iter().position(late) {
            let active = self.tasks.active.remove(at);
            let file = active.lock.unwrap_or_default();
            let problem = format!("can't lock file '{file}' - got timeout");
            self.end_task(
                &active.upid,
                vec!["trying to acquire lock...".into()],
                problem,
                active.since + LOCK_WAIT,
            );
        }
    }

    /// Kills a running task; what it was to do at its end is not done.
    pub(crate) fn kill_task(&mut self, upid: &str) {
        if let Some(at) = self.tasks.active.iter().position(|active| active.upid == upid) {
            let active = self.tasks.active.remove(at);
            let now = self.clock.now();
            if let Some(vmid) = self.tasks.find(upid).and_then(|task| task.id.parse().ok())
                && let Some(guest) = self.guests.get_mut(&vmid)
            {
                guest.config.remove("lock");
            }
            self.end_task(upid, vec!["received interrupt".into()], "unexpected status".into(), now);
            self.free_at(active.lock.as_deref(), now);
        }
    }

    fn end_task(&mut self, upid: &str, mut lines: Vec<String>, status: String, time: f64) {
        let Some(task) = self.tasks.find_mut(upid) else { return };
        task.log.append(&mut lines);
        if status != "unexpected status" {
            task.log.push(last_line(&status));
        }
        task.end = Some((time, status.clone()));
        let (node, user) = (task.node.clone(), task.user.clone());
        self.log_task(&node, &user, &format!("end task {upid} {status}"), time);
    }

    fn log_task(&mut self, node: &str, user: &str, message: &str, time: f64) {
        self.note(node, user, "pvedaemon", message, time);
    }
}
