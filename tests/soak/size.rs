//! Lists of a large cluster: how much longer they take than the raw request, and how much memory.

use crate::{certificate, kib, start};
use proxmox_mcp::{
    cancel::Cancel,
    config::Config,
    demo::{Options, Server, Tls},
    pve::{Host, Params, Pve, Trust},
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    time::{Duration, Instant},
};

const NODES: usize = 32;
const GUESTS: usize = 5000;
/// Each list is measured this often, and the fastest run counts: other load on the machine only makes it slower.
const TURNS: usize = 100;
/// The maximum time that a list may take in excess of the raw request.
const OVER: Duration = Duration::from_millis(40);
/// The maximum memory of the server, in KiB.
const MEMORY: u64 = 24 * 1024;

/// Measures lists with a filter, without one, and of nodes, against `GET /cluster/resources`.
pub(crate) fn measure(binary: &str) {
    let (tls, certificate) = certificate();
    let options = Options { nodes: NODES, guests: GUESTS, tls: Some(Tls::new(tls)), ..Options::default() };
    let cluster = Server::start(options).unwrap();
    let (id, secret) = cluster.token();
    let mut config = Config::for_demo(cluster.address(), &id, secret.expose());
    let (name, port) = (cluster.address().ip().to_string(), cluster.address().port());
    config.settings_mut().hosts = vec![Host { name, port, plain: false }];
    config.settings_mut().trust =
        Trust::Fingerprint(digest(&SHA256, &certificate).as_ref().try_into().unwrap());
    let pve = Pve::new(config.settings);
    let mut size = 0;
    let raw = quickest(|| {
        let params = Params::new().with("type", "vm");
        size = pve.get(&Cancel::new(), "/cluster/resources", &params).unwrap().data.len();
    });
    println!("{NODES} nodes, {GUESTS} guests: the raw request takes {:.1} ms for {size} bytes", millis(raw));
    let (mut server, _config) = start(binary, &cluster, &certificate);
    let mut input = server.stdin.take().unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut talk = |message: Value| {
        writeln!(input, "{message}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["result"]["isError"].is_null() && answer["error"].is_null(), "{line}");
        line.len()
    };
    talk(
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "size", "version": "1"}}}),
    );
    let mut slowest = Duration::ZERO;
    for (tool, arguments) in [
        ("proxmox_list_vms", json!({"where": "status=running", "limit": 50})),
        ("proxmox_list_vms", json!({"where": "name~web", "fields": "vmid,name,node,status"})),
        ("proxmox_list_vms", json!({"where": "node=pve7"})),
        ("proxmox_list_containers", json!({"where": "status=stopped"})),
        ("proxmox_list_vms", json!({})),
    ] {
        let params = json!({"name": tool, "arguments": arguments});
        let mut bytes = 0;
        let took = quickest(|| {
            bytes = talk(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        });
        let over = took.saturating_sub(raw);
        println!(
            "{tool} {arguments}: {:.1} ms, {:.1} ms over the raw request, {bytes} bytes",
            millis(took),
            millis(over)
        );
        slowest = slowest.max(over);
    }
    let highest = kib(server.id(), "VmHWM:");
    println!("at most {} KiB of memory", highest.unwrap_or(0));
    drop(input);
    assert!(server.wait().unwrap().success());
    assert!(slowest <= OVER, "{slowest:?} over the raw request, at most {OVER:?} are meant");
    assert!(highest.is_none_or(|highest| highest <= MEMORY), "{highest:?} KiB, at most {MEMORY} are meant");
}

fn quickest(mut what: impl FnMut()) -> Duration {
    let once = |_| {
        let started = Instant::now();
        what();
        started.elapsed()
    };
    (0..TURNS).map(once).min().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
