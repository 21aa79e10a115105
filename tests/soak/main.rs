//! A long session with the built binary over pipes, for hours of the sample cluster's time: tickets expire, nodes go
//! offline and return, the quorum is lost, tasks fail, connections break. Every call must be answered once, and the
//! server's memory use must stay constant.
//!
//! `cargo test --release --test soak -- CALLS [BINARY]`; with `size` for CALLS, lists of a large cluster are measured
//! instead.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::print_stdout, reason = "it reports what it did")]

mod size;

use proxmox_mcp::{
    demo::{Fault, Options, Server, Tls},
    pve::colons,
};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The speed of the cluster's clock as a multiple of real time: tickets are valid for two hours by it.
const SPEED: f64 = 60.0;
/// The maximum number of unanswered calls.
const WINDOW: u64 = 48;
/// The number of calls between two incidents.
const TROUBLE: u64 = 250;
/// The maximum growth of memory from the second quarter to the last, in KiB.
const GROWTH: u64 = 2048;

fn main() {
    let mut words = env::args().skip(1);
    let what = words.next().unwrap_or_else(|| "200000".into());
    let binary = words.next().unwrap_or_else(|| env!("CARGO_BIN_EXE_proxmox-mcp").into());
    match what.parse() {
        Ok(calls) => soak(calls, &binary),
        Err(_) if what == "size" => size::measure(&binary),
        Err(_) => panic!("usage: soak CALLS|size [BINARY]"),
    }
}

/// Starts the binary with a sample cluster that uses TLS; its configuration is removed with the guard.
fn start(binary: &str, cluster: &Server, certificate: &CertificateDer<'static>) -> (Child, Configuration) {
    let config = configuration(cluster, certificate);
    let server = Command::new(binary)
        .arg("--config")
        .arg(&config.0)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (server, config)
}

fn soak(calls: u64, binary: &str) {
    let (tls, certificate) = certificate();
    let options = Options { clock_speed: SPEED, tls: Some(Tls::new(tls)), ..Options::default() };
    let cluster = Server::start(options).unwrap();
    let (mut server, config) = start(binary, &cluster, &certificate);
    let started = Instant::now();
    let tally = talk(&mut server, &cluster, calls);
    let took = started.elapsed();
    let mut log = String::new();
    server.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let status = server.wait().unwrap();
    drop(config);
    report(&tally, calls, took);
    assert!(status.success(), "{status}: {log}");
    assert!(!log.contains("panicked"), "{log}");
    tally.judge(calls);
}

/// The answers received.
#[derive(Default)]
struct Tally {
    /// How often each call was answered, by its id.
    answers: Vec<u8>,
    good: u64,
    /// Failures by their first words.
    failed: BTreeMap<String, u64>,
    faults: u64,
    strangers: u64,
    longest: usize,
    /// The number of answered calls, and the memory in KiB at that time.
    memory: Vec<(u64, u64)>,
    highest: u64,
}

/// The number of unanswered calls.
#[derive(Default)]
struct Window {
    open: Mutex<u64>,
    changed: Condvar,
}

fn talk(server: &mut Child, cluster: &Server, calls: u64) -> Tally {
    let mut input = server.stdin.take().unwrap();
    let output = BufReader::new(server.stdout.take().unwrap());
    let (process, window) = (server.id(), Window::default());
    thread::scope(|scope| {
        let reader = scope.spawn(|| read(output, calls, process, &window));
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "soak", "version": "1"}}});
        writeln!(input, "{hello}").unwrap();
        for id in 1..=calls {
            {
                let open = window.open.lock().unwrap();
                let mut open = window.changed.wait_while(open, |open| WINDOW <= *open).unwrap();
                *open += 1;
            }
            if id % TROUBLE == 0 {
                trouble(cluster, id / TROUBLE);
            }
            let (name, arguments) = call(id);
            let params = json!({"name": name, "arguments": arguments});
            writeln!(
                input,
                "{}",
                json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
            )
            .unwrap();
        }
        drop(input);
        reader.join().unwrap()
    })
}

/// One call of a working day: mostly reads, some changes, some mistakes.
fn call(id: u64) -> (&'static str, Value) {
    let step = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let vm = [100, 101, 103, 106][usize::try_from(step / 100 % 4).unwrap()];
    match step % 100 {
        0..=14 => ("proxmox_list_vms", json!({"where": "status=running", "fields": "vmid,name,status"})),
        15..=24 => ("proxmox_list_containers", json!({})),
        25..=34 => ("proxmox_list_nodes", json!({})),
        35..=49 => ("proxmox_get_vm_info", json!({"vmid": vm})),
        50..=54 => ("proxmox_list_storage", json!({})),
        55..=59 => ("proxmox_list_tasks", json!({"limit": 20})),
        60..=62 => ("proxmox_get_cluster_status", json!({})),
        63..=65 => ("proxmox_search_api", json!({"query": "resize disk"})),
        66..=68 => ("proxmox_get_node_info", json!({"node": "pve2"})),
        69..=71 => ("proxmox_list_snapshots", json!({"vmid": vm})),
        72 => ("proxmox_get_vm_info", json!({"vmid": 9999})),
        73 => ("proxmox_get_vm_info", json!({"vmid": "x", "nodes": []})),
        74 => ("proxmox_no_such_tool", json!({})),
        75 => ("proxmox_delete_vm", json!({"vmid": vm})),
        76..=79 => ("proxmox_start_vm", json!({"vmid": vm})),
        80..=82 => ("proxmox_stop_vm", json!({"vmid": vm, "wait": 0})),
        83..=84 => ("proxmox_shutdown_vm", json!({"vmid": vm, "wait": 1})),
        85..=87 => {
            ("proxmox_create_snapshot", json!({"vmid": vm, "snapname": format!("s{}", step % 7), "wait": 0}))
        }
        88..=90 => {
            ("proxmox_delete_snapshot", json!({"vmid": vm, "snapname": format!("s{}", step % 7), "wait": 0}))
        }
        91..=94 => {
            ("proxmox_update_vm_config", json!({"vmid": vm, "config": {"description": format!("note {id}")}}))
        }
        95..=97 => ("proxmox_start_container", json!({"vmid": 200, "wait": 0})),
        _ => ("proxmox_stop_container", json!({"vmid": 200, "wait": 0})),
    }
}

/// Causes an incident; each is over before the next one of its kind.
fn trouble(cluster: &Server, turn: u64) {
    let faults = cluster.faults();
    match turn % 16 {
        0 => cluster.expire_tickets(),
        1 => cluster.set_offline("pve3"),
        2 => faults.add("", 5, Fault::DropBeforeReading),
        3 => cluster.set_online("pve3"),
        4 => faults.add("GET", 5, Fault::DropAfterReading),
        5 => cluster.set_quorate(false),
        6 => faults.add("GET", 3, Fault::BrokenJson),
        7 => cluster.set_quorate(true),
        8 => faults.add("GET", 3, Fault::Html(502)),
        9 => faults.add("POST", 2, Fault::DropAfterActing),
        10 => faults.add("GET", 3, Fault::DropMidAnswer),
        11 => faults.add("", 2, Fault::Empty(596, "Connection timed out")),
        12 => faults.add("GET", 3, Fault::Gzip),
        13 => faults.add("GET", 3, Fault::Chunked),
        14 => faults.add("GET", 2, Fault::Huge(3 << 20)),
        _ => cluster.skip(900.0),
    }
}

fn read(output: impl BufRead, calls: u64, process: u32, window: &Window) -> Tally {
    let mut tally = Tally { answers: vec![0; usize::try_from(calls).unwrap() + 1], ..Tally::default() };
    let mut count = 0;
    for line in output.split(b'\n') {
        let line = line.unwrap();
        let message: Value = serde_json::from_slice(&line).expect("every line is JSON");
        tally.longest = tally.longest.max(line.len());
        let place = message["id"].as_u64().and_then(|id| usize::try_from(id).ok());
        match place.and_then(|place| tally.answers.get_mut(place)) {
            Some(answers) => *answers = answers.saturating_add(1),
            None => tally.strangers += 1,
        }
        if place == Some(0) {
            continue;
        }
        tally.sort(&message);
        count += 1;
        if count % (calls / 100).max(1) == 0 {
            tally.look(count, process);
        }
        *window.open.lock().unwrap() -= 1;
        window.changed.notify_all();
    }
    tally
}

impl Tally {
    fn sort(&mut self, message: &Value) {
        if message.get("error").is_some() {
            self.faults += 1;
        } else if message["result"]["isError"] == true {
            let text = message["result"]["content"][0]["text"].as_str().unwrap_or_default();
            let words = text.split(['`', '\n', '(']).step_by(2).take(2).collect::<Vec<_>>().join("…");
            let short: String = words
                .chars()
                .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
                .take(70)
                .collect();
            *self.failed.entry(short).or_default() += 1;
        } else {
            self.good += 1;
        }
    }

    /// Records the current and the peak memory of the process.
    fn look(&mut self, count: u64, process: u32) {
        self.memory.extend(kib(process, "VmRSS:").map(|now| (count, now)));
        self.highest = kib(process, "VmHWM:").unwrap_or(0).max(self.highest);
    }

    /// The median memory use between two percentages of the calls, in KiB.
    fn median(&self, from: usize, to: usize) -> u64 {
        let place = |percent: usize| self.memory.len() * percent / 100;
        let mut part: Vec<u64> = self.memory[place(from)..place(to)].iter().map(|(_, kib)| *kib).collect();
        part.sort_unstable();
        part.get(part.len() / 2).copied().unwrap_or(0)
    }

    fn judge(&self, calls: u64) {
        let lost = self.answers.iter().filter(|answers| **answers == 0).count();
        let double = self.answers.iter().filter(|answers| 1 < **answers).count();
        assert_eq!((lost, double, self.strangers), (0, 0, 0), "lost, double, never asked");
        // Only the tool that does not exist is a protocol error.
        let wrong = (1..=calls).filter(|id| call(*id).0 == "proxmox_no_such_tool").count() as u64;
        assert_eq!(self.faults, wrong);
        assert!(calls / 2 < self.good, "{} of {calls} calls went well", self.good);
        let (early, late) = (self.median(25, 50), self.median(75, 100));
        assert!(late <= early + GROWTH, "the memory grew from {early} to {late} KiB");
    }
}

/// A value from a process's memory status, in KiB.
fn kib(process: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    status.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1)?.parse().ok()
}

fn report(tally: &Tally, calls: u64, took: Duration) {
    let cluster_hours = took.as_secs_f64() * SPEED / 3600.0;
    println!(
        "{calls} calls in {:.0} s, {:.1} hours of the cluster's time",
        took.as_secs_f64(),
        cluster_hours
    );
    println!(
        "went well {}, failed {}, refused by the protocol {}",
        tally.good,
        tally.failed.values().sum::<u64>(),
        tally.faults
    );
    for (words, count) in &tally.failed {
        println!("  {count:7}  {words}");
    }
    println!("longest answer {} bytes", tally.longest);
    let quarters: Vec<u64> = [0, 25, 50, 75].iter().map(|from| tally.median(*from, from + 25)).collect();
    println!("memory by quarters {quarters:?} KiB, at most {} KiB", tally.highest);
}

/// A configuration file that is removed when this is dropped.
struct Configuration(PathBuf);

impl Drop for Configuration {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn configuration(cluster: &Server, certificate: &CertificateDer<'static>) -> Configuration {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let fingerprint = colons(digest.as_ref().try_into().unwrap());
    let config = json!({
        "host": cluster.address().to_string(), "user": "root@pam", "password": "demo", "fingerprint": fingerprint,
        "toolsets": ["all"], "confirm": "token", "wait": 1, "max_response_bytes": 2 << 20, "log": "error",
    });
    let path = env::temp_dir().join(format!("proxmox-mcp-soak-{}.json", std::process::id()));
    fs::write(&path, config.to_string()).unwrap();
    Configuration(path)
}

fn certificate() -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (Arc::new(tls), certificate)
}
