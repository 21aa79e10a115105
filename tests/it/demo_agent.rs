//! The guest agent of the sample's VMs: its information, commands and files, and its failures.

use crate::demo::{ask, root, send, slow};
use crate::wire::ticket_headers;
use proxmox_mcp::demo::Server;
use serde_json::{Value, json};

const AGENT: &str = "/nodes/pve1/qemu/100/agent";

/// A cluster on which VM 100, from which the recordings were made, runs.
fn started() -> Server {
    let server = slow();
    ask(&server, "POST /nodes/pve1/qemu/100/status/start", &[]);
    server
}

#[track_caller]
fn refused(server: &Server, line: &str, pairs: &[(&str, &str)], message: &str) {
    let body = send(server, &root(server), line, pairs).json();
    assert_eq!((&body["status"], &body["message"]), (&json!(500), &json!(message)), "{line}");
}

#[test]
fn the_agent_tells_what_was_recorded() {
    let server = started();
    let tell = |method: &str, command: &str| {
        ask(&server, &format!("{method} {AGENT}/{command}"), &[])["result"].clone()
    };
    assert_eq!(tell("POST", "ping"), json!({}));
    assert_eq!(tell("GET", "get-host-name"), json!({"host-name": "web01"}));
    assert_eq!(tell("GET", "get-osinfo")["pretty-name"], "Tiny Guest 1.0");
    assert_eq!((tell("GET", "get-users"), tell("GET", "get-fsinfo")), (json!([]), json!([])));
    let net = tell("GET", "network-get-interfaces");
    let mac = net[1]["hardware-address"].as_str().unwrap();
    let config = ask(&server, "GET /nodes/pve1/qemu/100/config", &[]);
    assert!(config["net0"].as_str().unwrap().to_lowercase().contains(mac), "{mac}");
    assert_eq!(
        net[1]["ip-addresses"][0],
        json!({"ip-address": "10.99.0.100", "ip-address-type": "ipv4", "prefix": 24})
    );
    assert_eq!(net[0]["statistics"].as_object().unwrap().len(), 8);
    assert_eq!(
        ask(&server, "GET /nodes/pve2/qemu/106/agent/get-fsinfo", &[])["result"][0]["mountpoint"],
        "/"
    );
    let old_way = ask(&server, &format!("POST {AGENT}"), &[("command", "get-host-name")]);
    assert_eq!(old_way["result"]["host-name"], "web01");
    let index = ask(&server, &format!("GET {AGENT}"), &[]);
    assert!(index.as_array().unwrap().contains(&json!({"name": "exec-status"})), "{index}");
}

#[test]
fn each_way_of_having_no_agent_has_its_words() {
    let server = slow();
    let ping = |node: &str, vmid: u32| format!("POST /nodes/{node}/qemu/{vmid}/agent/ping");
    refused(&server, &ping("pve1", 101), &[], "VM 101 is not running\n");
    refused(&server, &ping("pve3", 107), &[], "No QEMU guest agent configured\n");
    refused(&server, &ping("pve2", 108), &[], "QEMU guest agent is not running\n");
    let missing = "Configuration file 'nodes/pve2/qemu-server/999.conf' does not exist\n";
    refused(&server, &ping("pve2", 999), &[], missing);
    let forbidden = "Agent error: Command guest-exec has been disabled: the command is not allowed\n";
    refused(&server, "POST /nodes/pve1/qemu/110/agent/exec", &[("command", "id")], forbidden);
    ask(&server, "POST /nodes/pve1/qemu/110/status/suspend", &[]);
    refused(&server, &ping("pve1", 110), &[], "QEMU guest agent is not running\n");
}

#[test]
fn running_programs_needs_more_than_reading_files() {
    let server = slow();
    ask(&server, "POST /nodes/pve2/qemu/102/status/start", &[]);
    let alice = ticket_headers(&server, "alice@pve");
    let agent = "/nodes/pve2/qemu/102/agent";
    let read = send(&server, &alice, &format!("GET {agent}/file-read"), &[("file", "/etc/motd")]);
    assert_eq!(read.data()["content"], "Welcome to app01.\n");
    let body = send(&server, &alice, &format!("POST {agent}/exec"), &[("command", "id")]).json();
    assert_eq!(body["message"], "Permission check failed (/vms/102, VM.GuestAgent.Unrestricted)\n");
}

#[test]
fn a_program_runs_and_its_end_can_be_read_once() {
    let server = started();
    let start = |words: &[&str]| {
        let pairs: Vec<(&str, &str)> = words.iter().map(|word| ("command", *word)).collect();
        ask(&server, &format!("POST {AGENT}/exec"), &pairs)["pid"].to_string()
    };
    let status = format!("GET {AGENT}/exec-status");
    let pid = start(&["/bin/sh", "-c", "echo hello; echo bad >&2; exit 3"]);
    assert_eq!(
        ask(&server, &status, &[("pid", &pid)]),
        json!({"exited": 1, "exitcode": 3, "out-data": "hello\n", "err-data": "bad\n", "out-truncated": 0,
            "err-truncated": 0})
    );
    refused(&server, &status, &[("pid", &pid)], "Agent error: PID ld does not exist\n");
    // Non-ASCII characters arrive as one character per byte.
    let pid = start(&["echo", "\u{e9}"]);
    assert_eq!(ask(&server, &status, &[("pid", &pid)])["out-data"], "\u{c3}\u{a9}\n");
    let pid = start(&["sleep", "30"]);
    assert_eq!(ask(&server, &status, &[("pid", &pid)]), json!({"exited": 0}));
    server.skip(31.0);
    assert_eq!(ask(&server, &status, &[("pid", &pid)])["exitcode"], 0);
    // A missing program breaks only that answer, not the server.
    let answer = send(&server, &root(&server), &format!("POST {AGENT}/exec"), &[("command", "/no/such")]);
    assert_eq!((answer.status, answer.reason.as_str(), answer.body.len()), (596, "Broken pipe", 0));
}

#[test]
fn files_are_bytes_that_travel_as_characters() {
    let server = started();
    let (read, write) = (format!("GET {AGENT}/file-read"), format!("POST {AGENT}/file-write"));
    let content = |pairs: &[(&str, &str)]| ask(&server, &read, pairs);
    let put = |content: &str, encode: &str| {
        ask(&server, &write, &[("file", "/tmp/x"), ("content", content), ("encode", encode)])
    };
    let missing = "Agent error: failed to open file '/etc/hostname' (mode: 'r'): No such file or directory\n";
    refused(&server, &read, &[("file", "/etc/hostname")], missing);
    assert_eq!(put("hello", "1"), Value::Null);
    assert_eq!(content(&[("file", "/tmp/x")]), json!({"content": "hello"}));
    assert_eq!(content(&[("file", "/tmp/x"), ("decode", "0")]), json!({"content": "aGVsbG8="}));
    let part = content(&[("file", "/tmp/x"), ("offset", "1"), ("count", "2")]);
    assert_eq!(part, json!({"content": "el", "truncated": 1}));
    // UTF-8 of two and three bytes per character, encoded in base64 beforehand.
    put("w6nigqw=", "0");
    assert_eq!(content(&[("file", "/tmp/x")])["content"], "\u{c3}\u{a9}\u{e2}\u{82}\u{ac}");
    let euro = [("file", "/tmp/x"), ("content", "\u{20ac}")];
    refused(&server, &write, &euro, "Wide character in subroutine entry\n");
    let broken = [("file", "/tmp/x"), ("content", "w6n"), ("encode", "0")];
    refused(&server, &write, &broken, "Agent error: Invalid base64 data\n");
    let long = "x".repeat(61_441);
    let body = send(&server, &root(&server), &write, &[("file", "/tmp/x"), ("content", &long)]).json();
    assert_eq!((&body["status"], body["errors"]["content"].is_string()), (&json!("400"), true), "{body}");
}

#[test]
fn freezing_lasts_until_thawed() {
    let server = started();
    let tell =
        |command: &str| ask(&server, &format!("POST {AGENT}/fsfreeze-{command}"), &[])["result"].clone();
    let seen = ["status", "freeze", "status", "thaw", "status"].map(tell);
    assert_eq!(seen, [json!("thawed"), json!(1), json!("frozen"), json!(1), json!("thawed")]);
}
