#!/usr/bin/env bash
# crate ureq 3.5.1
# Input: two parallel requests to one server, so that the pool has two connections, and then one request after the other.
# Expected: the connection that was used last is used again, because it is most likely still open, and the other one is closed.
# Seen: the pool reuses the connection that has been idle longest, so the two take turns forever and each is idle twice as long.
# Matters: pveproxy closes a connection that was idle for 5 seconds, and ureq keeps one for 15: the oldest connection may be closed
# just when it is chosen, and the pool never shrinks to what a quiet client needs. An API client for Proxmox should set max_idle_age
# below 5 seconds, or have its own pool.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cargo init -q --bin --name finding --vcs none
cargo add -q ureq@=3.5.1 --no-default-features

cat >src/main.rs <<'EOF'
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

/// Answers each request with the number of the connection that it came over, `/slow` late.
fn serve(listener: TcpListener) {
    for (number, stream) in (1..).zip(listener.incoming()) {
        thread::spawn(move || {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while let Some(Ok(first)) = lines.next() {
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                thread::sleep(Duration::from_millis(if first.contains("slow") { 1500 } else { 500 }));
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}").unwrap();
            }
        });
    }
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(|| serve(listener));
    let agent = ureq::Agent::new_with_defaults();
    let get = |path: &str| agent.get(format!("{host}/{path}")).call().unwrap().body_mut().read_to_string().unwrap();
    let (quick, slow) = thread::scope(|scope| {
        let slow = scope.spawn(|| get("slow"));
        (get("quick"), slow.join().unwrap())
    });
    assert_ne!(quick, slow);
    let name = |number: String| if number == quick { "first idle" } else { "last used" };
    for _ in 0..4 {
        println!("{}", name(get("next")));
    }
    println!("kept for {} s", agent.config().max_idle_age().as_secs());
}
EOF
seen=$(cargo run -q)
expected='first idle
last used
first idle
last used
kept for 15 s'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
