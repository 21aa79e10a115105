//! The task engine: it runs tasks, lets them wait for a guest's lock, ends them and logs (pve.md section 5). Knows no
//! guests: what a task does is in two closures.

use crate::demo::state::{
    cluster::Cluster,
    task::{self, Active, last_line},
    task_progress::line,
};

/// Seconds a task waits for the lock of its guest before it gives up.
const LOCK_WAIT: f64 = 10.0;
/// Duration in seconds of a task that fails immediately.
const FAILURE_TIME: f64 = 0.05;

/// One step of a task of the cluster.
pub(crate) type Step = task::Step<Cluster>;
/// The definition of a task of the cluster.
pub(crate) type Work = task::Work<Cluster>;

/// A step that does nothing.
pub(crate) fn nothing() -> Step {
    Box::new(|_, _| Ok(()))
}

impl Cluster {
    /// Starts a task on a node and returns its UPID. The effects of its first step are visible at once, unless it has
    /// to wait for a lock that an earlier task holds.
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

    /// Ends a started task immediately and returns its result; `None` if it has not started.
    pub(crate) fn finish_task_now(&mut self, upid: &str) -> Option<Result<(), String>> {
        let now = self.clock.now();
        let active = self.tasks.active.iter_mut().find(|active| active.upid == upid)?;
        let (ends, result) = active.ends.as_mut()?;
        *ends = now;
        let result = result.clone();
        self.settle();
        Some(result)
    }

    /// Runs everything that is due by now. Called before every request is handled.
    pub(crate) fn settle(&mut self) {
        let now = self.clock.now();
        while let Some(at) = self.tasks.timers.iter().position(|(time, _)| *time <= now) {
            let (_, step) = self.tasks.timers.remove(at);
            // A scheduled step has nowhere to report a failure: if it starts a task, the task's log has it.
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
        self.log_progress(now);
    }

    /// Adds progress lines to the logs of long tasks, one for each tenth.
    fn log_progress(&mut self, now: f64) {
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

    /// A task that waits for this lock starts at the time it was freed, not at the time of the next request.
    fn free_at(&mut self, lock: Option<&str>, time: f64) {
        let Some(lock) = lock else { return };
        let waiting =
            |active: &&mut Active<Cluster>| active.ends.is_none() && active.lock.as_deref() == Some(lock);
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
        let late = |active: &Active<Cluster>| active.ends.is_none() && active.since + LOCK_WAIT < now;
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

    /// Kills a running task; its last step is not run.
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
