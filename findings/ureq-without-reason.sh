#!/usr/bin/env bash
# crate ureq 3.5.1
# Input: an HTTP/1.1 response whose reason phrase says what is wrong and whose body is empty or {"data":null}, as pveproxy sends it
# for a failed login ("401 No ticket"), and before pve-http-server 5.2.0 (January 2025) for every error. RFC 9112, 4, has a
# reason phrase in the status line and allows a client to ignore it.
# Expected: the phrase can be read from the response or the error.
# Seen: it is dropped while the response is parsed; there is no way to get it from the response or the error.
# Matters: with an older Proxmox the only text that says why a request failed is lost. It has to be read from the bytes, with a
# custom transport, or another client is needed.
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

fn serve(listener: TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        write!(stream, "HTTP/1.1 500 VM 100 is locked (backup)\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{{\"data\":null}}").unwrap();
    }
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(|| serve(listener));
    println!("{}", ureq::get(&host).call().unwrap_err());
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(&host).call().unwrap();
    println!("{} {:?}", answer.status(), answer.headers());
    println!("in the answer: {}", format!("{answer:?} {:?}", answer.extensions()).contains("locked"));
    println!("{}", answer.body_mut().read_to_string().unwrap());
}
EOF
seen=$(cargo run -q)
expected='http status: 500
500 Internal Server Error {"connection": "close", "content-length": "13"}
in the answer: false
{"data":null}'
echo "$seen"
diff <(echo "$expected") <(echo "$seen") || { echo "CHANGED: this is no longer what happens" >&2; exit 1; }
