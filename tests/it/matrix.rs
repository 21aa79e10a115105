//! Every fault against a call that reads, one that changes, and one that waits for a task: each gets one answer, in
//! time, that states what is known, and a request that may have been carried out reaches the API once.

mod offline;
mod rows;

use crate::testbox::Live;
use proxmox_mcp::{
    cancel::Cancel,
    config::Config,
    demo::{self, Fault},
    mcp::{Answer, Call, Toolbox},
    pve::{Auth, Host, Trust},
    secret::{Secret, SecretSource},
    tools::Tools,
};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The time limits of every call here.
const CONNECT: Duration = Duration::from_millis(700);
const SILENCE: Duration = Duration::from_millis(1000);
const TOTAL: Duration = Duration::from_millis(2000);
/// How long the call that waits may wait, in seconds.
const WAIT: u64 = 1;
/// Additional time for a busy machine.
const SLACK: Duration = Duration::from_secs(60);
/// The factor by which the limits are longer when a cell is retried: if the machine is too busy even for a correct
/// answer, the limits end the call. Failures that must never occur, such as a change sent twice, do not depend on time.
const UNHURRIED: u32 = 10;
/// The number of cells that run at the same time.
const SIDE_BY_SIDE: usize = 12;

/// The three calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Read,
    Change,
    Wait,
}

const KINDS: [Kind; 3] = [Kind::Read, Kind::Change, Kind::Wait];

/// What an answer says about the request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// It worked.
    Done,
    /// The task continues; its id is given.
    Running,
    /// It failed, and nothing was changed.
    Failed,
    /// It may have been carried out.
    Maybe,
}

/// The expected answer to one call; several if it depends on timing.
struct Cell {
    known: Vec<Known>,
    /// How often it reaches the API; `None` if that depends on timing.
    reached: Option<usize>,
    /// Words in its answer.
    words: &'static str,
}

/// One fault.
struct Row {
    fault: &'static str,
    /// Causes the fault.
    arrange: fn(&mut Stage),
    /// The expected results of the three calls.
    cells: [Cell; 3],
}

/// A sample cluster of its own, and how it will be called.
struct Stage {
    server: demo::Server,
    config: Config,
    kind: Kind,
    /// Listening ports that the fault needs.
    listeners: Vec<TcpListener>,
    /// How often the API refuses the call with 401 before looking at it.
    turned_away: usize,
}

impl Stage {
    /// The call's `METHOD /path`, or a part of it.
    fn line(&self) -> &'static str {
        match self.kind {
            Kind::Read => "GET /version",
            Kind::Change => "POST /nodes/pve1/qemu/100/status/start",
            Kind::Wait => "/tasks/UPID",
        }
    }

    fn always(&self, fault: Fault) {
        self.server.faults().add(self.line(), usize::MAX, fault);
    }

    fn once(&self, fault: Fault) {
        self.server.faults().add(self.line(), 1, fault);
    }

    fn host(&mut self) -> &mut Host {
        &mut self.config.settings_mut().hosts[0]
    }

    /// Inserts a host before the sample's own.
    fn first_host(&mut self, name: &str, port: u16) {
        self.config.settings_mut().hosts.insert(0, Host { name: name.into(), port, plain: true });
    }

    /// A port that accepts connections and sends nothing.
    fn silent_port(&mut self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        self.listeners.push(listener);
        port
    }

    fn login(&mut self, user: &str, password: &str) {
        self.config.settings_mut().auth = Auth::Password {
            user: user.into(),
            password: SecretSource::Value(Secret::new(password)),
            totp: None,
        };
    }

    fn token(&mut self, id: &str, secret: Secret) {
        self.config.settings_mut().auth = Auth::Token { id: id.into(), secret: SecretSource::Value(secret) };
    }

    fn proxy(&mut self, address: String) {
        self.host().name = "192.0.2.1".into();
        self.config.settings_mut().proxy = Some(SecretSource::Value(Secret::new(address)));
    }

    /// The number of requests of the call that have reached the API.
    fn reached(&self) -> usize {
        let requests = self.server.requests();
        let line =
            |seen: &demo::Seen| format!("{} {}", seen.method, seen.path.replacen("/api2/extjs", "", 1));
        requests.iter().filter(|seen| line(seen).contains(self.line())).count()
    }
}

/// The result of a call.
struct Seen {
    row: usize,
    kind: Kind,
    known: Known,
    reached: usize,
    time: Duration,
    text: String,
    /// Deviations from what was expected.
    problems: Vec<String>,
    /// Deviations that must never occur.
    never: Vec<String>,
}

fn call(tools: &Tools, name: &str, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    match tools.call(&Call::detached(Cancel::new()), name, arguments) {
        Answer::Data(data) | Answer::DataWithMeta(data, _) | Answer::DataWithPicture(data, _) => {
            serde_json::from_str(data.get()).unwrap()
        }
        Answer::Failure(sentences) => panic!("{name}: {sentences}"),
        Answer::Ask { question, .. } => panic!("{name}: {}", question.message),
        Answer::Task(task) => panic!("{name}: a task, {}", task.id),
    }
}

fn run(index: usize, row: &Row, kind: Kind, times: u32) -> Seen {
    let options = demo::Options { clock_speed: 50.0, ..demo::Options::default() };
    let server = demo::Server::start(options).unwrap();
    let (id, secret) = server.token();
    let healthy = Config::for_demo(server.address(), &id, secret.expose());
    let mut config = healthy.clone();
    config.settings_mut().trust = Trust::Anything;
    config.settings_mut().connect_timeout = CONNECT * times;
    config.settings_mut().read_timeout = SILENCE * times;
    config.settings_mut().timeout = TOTAL * times;
    config.settings_mut().max_response_bytes = 1 << 20;
    let healthy = Tools::new(healthy);
    let start = json!({"vmid": 100, "node": "pve1", "wait": 0});
    let (name, arguments) = match kind {
        Kind::Read => ("proxmox_get_version", json!({})),
        Kind::Change => ("proxmox_start_vm", start),
        Kind::Wait => {
            let upid = call(&healthy, "proxmox_start_vm", start)["upid"].clone();
            ("proxmox_wait_task", json!({"upid": upid, "wait": WAIT}))
        }
    };
    let mut stage = Stage { server, config, kind, listeners: Vec::new(), turned_away: 0 };
    (row.arrange)(&mut stage);
    let before = stage.reached();
    let live = Live::over(Arc::new(Tools::new(stage.config.clone())));
    let started = Instant::now();
    let params = json!({"name": name, "arguments": arguments});
    live.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
    let answer = live.receive();
    let time = started.elapsed();
    let further = live.end();
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    let known = match (answer["result"]["isError"] == true, kind) {
        (true, _) if text.contains("may have been carried out") => Known::Maybe,
        (true, _) => Known::Failed,
        (false, Kind::Wait) if text.contains(r#""task":"running""#) => Known::Running,
        (false, _) => Known::Done,
    };
    let reached = stage.reached() - before;
    let (mut problems, mut never) = (Vec::new(), Vec::new());
    let mut expect = |good: bool, problem: &str| {
        if !good {
            problems.push(problem.to_owned());
        }
    };
    let mut must = |good: bool, problem: &str| {
        if !good {
            never.push(problem.to_owned());
        }
    };
    must(answer["id"] == 1 && !text.is_empty(), "it is no answer to the call");
    must(further.is_empty(), "it was answered twice");
    expect(time < TOTAL * times + Duration::from_secs(WAIT) + SLACK, "it came too late");
    must(!text.contains(secret.expose()), "it shows a secret");
    let cell = &row.cells[index_of(kind)];
    expect(cell.known.contains(&known), &format!("it must be {:?}", cell.known));
    expect(text.contains(cell.words), &format!("it must say {:?}", cell.words));
    expect(
        cell.reached.is_none_or(|expected| expected == reached),
        "it reached the API another number of times",
    );
    match kind {
        Kind::Read => must(known != Known::Maybe, "reading leaves no doubt"),
        Kind::Change => {
            stage.server.faults().clear();
            stage.server.set_quorate(true);
            stage.server.set_online("pve1");
            stage.server.skip(60.0);
            let list = call(&healthy, "proxmox_list_vms", json!({"where": "vmid=100"}));
            let started = crate::cluster::column(&list, "status") == ["running"];
            must(reached <= 1 + stage.turned_away, "a change reached the API twice");
            must(known != Known::Done || started, "it says done, but nothing was");
            must(known != Known::Failed || !started, "it says that nothing was done, but it was");
        }
        Kind::Wait => {
            let upid = arguments["upid"].as_str().unwrap();
            must(known == Known::Done || text.contains(upid), "it does not name the task to look at");
        }
    }
    Seen { row: index, kind, known, reached, time, text, problems, never }
}

fn index_of(kind: Kind) -> usize {
    KINDS.iter().position(|known| *known == kind).unwrap()
}

#[test]
fn every_fault_is_answered_once_in_time_and_with_what_is_known() {
    let rows = rows::rows();
    let work = Mutex::new((0..rows.len()).flat_map(|row| KINDS.map(|kind| (row, kind))));
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next();
                    let Some((row, kind)) = next else { return };
                    let seen = run(row, &rows[row], kind, 1);
                    done.lock().unwrap().push(seen);
                }
            });
        }
    });
    let mut seen = done.into_inner().unwrap();
    for cell in seen.iter_mut().filter(|cell| !cell.problems.is_empty() && cell.never.is_empty()) {
        *cell = run(cell.row, &rows[cell.row], cell.kind, UNHURRIED);
    }
    seen.sort_by_key(|seen| (seen.row, index_of(seen.kind)));
    println!("| fault | reading | changing | waiting for a task | slowest | the change is answered |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for cells in seen.chunks(KINDS.len()) {
        let shown: Vec<String> =
            cells.iter().map(|cell| format!("{:?} ({})", cell.known, cell.reached)).collect();
        let slowest = cells.iter().map(|cell| cell.time.as_millis()).max().unwrap_or_default();
        let words: String = cells[1].text.replace(['\n', '|'], " ").chars().take(150).collect();
        println!("| {} | {} | {slowest} ms | {words} |", rows[cells[0].row].fault, shown.join(" | "));
    }
    let wrong: Vec<String> = seen
        .iter()
        .filter(|seen| !seen.problems.is_empty() || !seen.never.is_empty())
        .map(|seen| {
            let Seen { row, kind, known, reached, text, problems, never, .. } = seen;
            let fault = rows[*row].fault;
            format!(
                "{fault}, {kind:?}: {} ({known:?}, reached {reached}): {text}",
                [&problems[..], never].concat().join("; ")
            )
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
