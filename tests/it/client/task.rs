//! Waiting for tasks and reading their logs.

use super::client;
use crate::tiny_http::{Server, answer, data};
use proxmox_mcp::{
    cancel::Cancel,
    pve::task::{self, Outcome, Upid, Watch},
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

const UPID: &str = "UPID:pve1:000002AE:000ADB4F:6B00EC8C:qmstart:100:ops@pve!ai:";

/// A task that is reported as running `looks` times before it ends with this status.
fn task_server(looks: usize, end: &'static str) -> Server {
    let count = AtomicUsize::new(0);
    Server::answering(move |request| {
        if request.line().contains("/log?") {
            let start = request.line().contains("start=0&");
            let rows = if start {
                r#"[{"n":1,"t":"transferred 1.0 GiB of 4.0 GiB (25.00%)"},{"n":2,"t":""}]"#
            } else {
                "[]"
            };
            return answer("200 OK", "", format!(r#"{{"success":1,"total":2,"data":{rows}}}"#));
        }
        if count.fetch_add(1, Ordering::SeqCst) < looks {
            return data(r#"{"status":"running"}"#);
        }
        data(format!(r#"{{"status":"stopped","exitstatus":"{end}"}}"#))
    })
}

#[test]
fn a_task_is_awaited_and_its_progress_told() {
    let upid = Upid::parse(UPID).unwrap();
    for (end, expected_ok, expected_warnings) in
        [("OK", true, None), ("WARNINGS: 2", true, Some(2)), ("VM 100 already running", false, None)]
    {
        let server = task_server(2, end);
        let mut polls = Vec::new();
        let watch = Watch { until: Instant::now() + Duration::from_secs(600), log: true };
        let outcome =
            task::wait(&client(&server), &Cancel::new(), &upid, watch, &mut |poll| polls.push(poll.clone()))
                .unwrap();
        let Outcome::Stopped { exitstatus, ok, warnings, duration } = outcome else { panic!("{outcome:?}") };
        assert_eq!((&*exitstatus, ok, warnings), (end, expected_ok, expected_warnings));
        assert!((0.1..600.0).contains(&duration), "{duration}");
        assert_eq!(polls.len(), 2);
        assert!(polls.iter().all(|poll| poll.percent == Some(25.0)));
        assert_eq!(polls[1].last_line.as_deref(), Some("transferred 1.0 GiB of 4.0 GiB (25.00%)"));
        let path = "/api2/extjs/nodes/pve1/tasks/UPID%3Apve1%3A000002AE%3A000ADB4F%3A6B00EC8C%3Aqmstart%3A100%3Aops%40pve%21ai%3A";
        assert_eq!(server.lines()[0], format!("GET {path}/status"));
        assert_eq!(server.lines()[3], format!("GET {path}/log?start=2&limit=500"));
    }
}

#[test]
fn a_wait_ends_when_its_time_is_over_or_nobody_waits_any_more() {
    let upid = Upid::parse(UPID).unwrap();
    let server = task_server(usize::MAX, "OK");
    let pve = client(&server);
    let long = Duration::from_secs(600);
    let wait = |cancel: &Cancel, time: Duration, told: &mut dyn FnMut(&task::Poll)| {
        task::wait(&pve, cancel, &upid, Watch { until: Instant::now() + time, log: false }, told)
    };
    let started = Instant::now();
    assert_eq!(wait(&Cancel::new(), Duration::ZERO, &mut |_| {}), Ok(Outcome::Running));
    assert_eq!(server.seen().len(), 1);
    let cancel = Cancel::new();
    assert_eq!(wait(&cancel, long, &mut |_| cancel.stop_waiting()), Ok(Outcome::Running));
    let cancel = Cancel::new();
    assert!(wait(&cancel, long, &mut |_| cancel.cancel()).unwrap_err().is_cancelled());
    assert!(started.elapsed() < long);
}

#[test]
fn a_wait_outlives_a_restart_of_the_api() {
    let upid = Upid::parse(UPID).unwrap();
    let server = Server::new(|connection| {
        while let Some(request) = connection.next() {
            if connection.index < 2 {
                return;
            }
            let ended = request.line().ends_with("/status");
            connection.send(&data(if ended { r#"{"status":"stopped","exitstatus":"OK"}"# } else { "[]" }));
        }
    });
    let watch = Watch { until: Instant::now() + Duration::from_secs(600), log: false };
    let outcome = task::wait(&client(&server), &Cancel::new(), &upid, watch, &mut |_| {}).unwrap();
    assert!(matches!(outcome, Outcome::Stopped { ok: true, .. }));
}

#[test]
fn the_end_of_a_log_is_read_without_the_rest() {
    let upid = Upid::parse(UPID).unwrap();
    let server = Server::answering(|request| {
        let rows: Vec<_> = if request.line().contains("start=98&limit=2") {
            vec![r#"{"n":99,"t":"no space"}"#, r#"{"n":100,"t":"TASK ERROR: no space"}"#]
        } else {
            vec![r#"{"n":1,"t":"a"}"#, r#"{"n":2,"t":"b"}"#]
        };
        answer("200 OK", "", format!(r#"{{"success":1,"total":100,"data":[{}]}}"#, rows.join(",")))
    });
    let lines = task::log_tail(&client(&server), &Cancel::new(), &upid, 2).unwrap();
    assert_eq!(lines, ["no space", "TASK ERROR: no space"]);
    let empty =
        Server::answering(|_| answer("200 OK", "", r#"{"total":1,"data":[{"n":1,"t":"no content"}]}"#));
    assert!(task::log_tail(&client(&empty), &Cancel::new(), &upid, 2).unwrap().is_empty());
}

#[test]
fn a_task_that_was_over_long_ago_has_its_own_duration() {
    let upid = Upid::parse(UPID).unwrap();
    // The task started at 1795222668, half a minute before the server's clock.
    let date = "Date: Sat, 21 Nov 2026 00:58:18 GMT\r\n";
    let server = Server::answering(move |request| {
        let body = if request.line().ends_with("/status") {
            r#"{"data":{"status":"stopped","exitstatus":"OK"}}"#.to_owned()
        } else {
            format!(r#"{{"data":[{{"upid":"other","endtime":1}},{{"upid":"{UPID}","endtime":1795222680}}]}}"#)
        };
        answer("200 OK", date, body)
    });
    let watch = Watch { until: Instant::now(), log: false };
    let outcome = task::wait(&client(&server), &Cancel::new(), &upid, watch, &mut |_| {}).unwrap();
    let Outcome::Stopped { duration, .. } = outcome else { panic!("{outcome:?}") };
    assert!((duration - 12.0).abs() < f64::EPSILON, "{duration}");
}
