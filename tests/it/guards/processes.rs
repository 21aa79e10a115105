//! A person's confirmation with a process for each call and each decision: the binary with a configuration of its own,
//! one sample cluster, and people at terminals.

use crate::setup_box::{Authority, Home, Ran};
use proxmox_mcp::demo;
use serde_json::{Value, json};
use std::thread;

/// A sample cluster, and a home directory whose configuration leads to it and keeps a sealed audit log.
struct Desk {
    home: Home,
    server: demo::Server,
}

/// The call that waits for confirmation in these tests.
const DELETE: [&str; 4] = ["call", "proxmox_delete_vm", "vmid=101", "wait=0"];

impl Desk {
    fn new() -> Desk {
        let (fingerprint, tls) = Authority::new().server("127.0.0.1", 2090);
        let options =
            demo::Options { tls: Some(demo::Tls::new(tls)), clock_speed: 1e4, ..demo::Options::default() };
        let (home, server) = (Home::new(), demo::Server::start(options).unwrap());
        let (id, secret) = server.token();
        home.file("keys/audit.key", &"k".repeat(40));
        let config = json!({
            "host": "127.0.0.1", "port": server.address().port(), "fingerprint": fingerprint,
            "token_id": id, "token_secret": secret.expose(),
            "audit_log": home.path("audit.jsonl"), "audit_key": {"file": home.path("keys/audit.key")},
        });
        home.file(".config/proxmox-mcp/config.json", &config.to_string());
        Desk { home, server }
    }

    /// Calls a tool in a process of its own; returns its JSON, or its error.
    fn call(&self, arguments: &[&str]) -> Result<Value, String> {
        let ran = self.home.run(arguments, "");
        match ran.code {
            Some(0) => Ok(serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))),
            _ => Err(ran.err),
        }
    }

    /// Makes the call, which must wait for a person, and returns the name of the request.
    #[track_caller]
    fn waits(&self) -> String {
        let answer = self.call(&DELETE).unwrap();
        assert!(answer["confirm"].is_null(), "no token, for the model could send it back: {answer}");
        answer["approve"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Types this text at the terminal in which `approve` shows a request.
    fn types(&self, name: &str, typed: &str) -> Option<Ran> {
        self.home.at_terminal(&["approve", name], &format!("{typed}\n"))
    }

    fn deletions(&self) -> usize {
        self.server.requests().iter().filter(|seen| seen.method == "DELETE").count()
    }

    /// The entries of the audit log, which must be intact: phase, the person's decision, and the name of the request.
    #[track_caller]
    fn audit(&self) -> Vec<Value> {
        let ran = self.home.run(&["audit", "verify"], "");
        assert!(ran.code == Some(0) && ran.out.contains("none is missing at the end"), "{ran:?}");
        self.home.read("audit.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_word_in_a_terminal_is_found_by_the_next_process_and_each_step_is_written_down() {
    let desk = Desk::new();
    let name = desk.waits();
    let listed = desk.home.run(&["approve", "--list"], "");
    assert!(listed.out.starts_with(&name) && listed.out.contains("proxmox_delete_vm"), "{listed:?}");
    // Neither a typing error nor a token that the model invented counts as confirmation.
    let Some(mistyped) = desk.types(&name, "102") else { return };
    assert!(mistyped.out.contains("Delete VM 101") && mistyped.out.contains("not approved"), "{mistyped:?}");
    let lied = desk.call(&[&DELETE[..], &["confirm=00112233445566778899"]].concat()).unwrap();
    assert_eq!(lied["approve"], name.as_str());
    assert_eq!(desk.deletions(), 0);
    let approved = desk.types(&name, "101").unwrap();
    assert!(approved.out.contains("Approved: it will be carried out once"), "{approved:?}");
    let listed = desk.home.run(&["approve", "--list"], "");
    assert!(listed.out.contains("approved, and not carried out yet"), "{listed:?}");
    // The server that asked has ended; another one serves the same call from a client that cannot ask.
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "proxmox_delete_vm", "arguments": {"vmid": 101, "wait": 30}}});
    let served = desk.home.run(&["serve"], &format!("{hello}\n{call}\n"));
    assert!(served.out.contains("\"exitstatus\\\":\\\"OK\\\"") && desk.deletions() == 1, "{served:?}");

    let lines = desk.audit();
    let phases: Vec<&str> = lines.iter().map(|line| line["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["asked", "asked", "approved", "found", "before", "after"], "{lines:?}");
    let said = &lines[2];
    assert!(said["user"].as_str().is_some_and(|user| user.contains("uid")), "{said}");
    assert_eq!((&said["name"], &said["tool"]), (&json!(name), &json!("proxmox_delete_vm")));
    assert_eq!((&said["plan"], said["plan"].as_str().unwrap().len()), (&lines[1]["plan"], 64));
    assert_eq!((&lines[3]["said"], &lines[3]["name"]), (&json!("approved"), &json!(name)));
    assert!(lines.iter().all(|line| line["seal"].is_string()), "{lines:?}");
}

#[test]
fn of_two_people_at_once_one_is_heard() {
    let desk = Desk::new();
    let name = desk.waits();
    let both: Vec<Option<Ran>> = thread::scope(|scope| {
        let people: Vec<_> = (0..2).map(|_| scope.spawn(|| desk.types(&name, "101"))).collect();
        people.into_iter().map(|person| person.join().unwrap()).collect()
    });
    let Some(both) = both.into_iter().collect::<Option<Vec<Ran>>>() else { return };
    let count = |words: &str| both.iter().filter(|ran| ran.out.contains(words)).count();
    assert_eq!((count("Approved: it will"), count("already been answered")), (1, 1), "{both:?}");
    assert!(desk.call(&DELETE).is_ok() && desk.deletions() == 1);
    let lines = desk.audit();
    let phases = |wanted: &str| lines.iter().filter(|line| line["phase"] == wanted).count();
    // A second person who comes after a decision was made is not asked any more.
    assert_eq!((phases("approved") - phases("void"), phases("found")), (1, 1), "{lines:?}");
    assert!(desk.call(&DELETE).unwrap_err().contains("There is no VM 101"), "the word is used up");
}

#[test]
fn a_no_by_either_way_is_told_and_written_down() {
    let desk = Desk::new();
    let name = desk.waits();
    let denied = desk.home.run(&["approve", "--deny", &name], "");
    assert!(denied.code == Some(0) && denied.out.contains("Denied"), "{denied:?}");
    assert!(desk.call(&DELETE).unwrap_err().contains("A person denied this"));
    let name = desk.waits();
    let Some(denied) = desk.types(&name, "deny") else { return };
    assert!(denied.out.contains("Denied"), "{denied:?}");
    assert!(desk.call(&DELETE).unwrap_err().contains("A person denied this"));
    let lines = desk.audit();
    let said: Vec<&Value> = lines.iter().filter(|line| line["phase"] == "denied").collect();
    assert_eq!(said.len(), 2, "{lines:?}");
    assert!(said.iter().all(|line| line["user"].is_string() && line["name"] == name.as_str()), "{said:?}");
    let unknown = desk.home.run(&["approve", "--deny", "nobody"], "");
    assert!(unknown.code == Some(1) && unknown.err.contains("No request `nobody` is waiting"), "{unknown:?}");
    assert_eq!(desk.deletions(), 0);
}

#[test]
fn a_target_that_changes_is_shown_as_it_is_and_not_deleted_as_it_was() {
    let desk = Desk::new();
    let name = desk.waits();
    desk.call(&["call", "proxmox_update_vm_config", "vmid=101", "config:={\"name\":\"renamed\"}"]).unwrap();
    let Some(shown) = desk.types(&name, "101") else { return };
    assert!(shown.out.contains("renamed") && shown.out.contains("Approved"), "{shown:?}");
    desk.call(&["call", "proxmox_update_vm_config", "vmid=101", "config:={\"cores\":3}"]).unwrap();
    let problem = desk.call(&DELETE).unwrap_err();
    assert!(problem.contains("changed after a person approved it"), "{problem}");
    assert_eq!(desk.deletions(), 0);
}

#[test]
fn what_cannot_be_written_down_is_not_approved() {
    let desk = Desk::new();
    let name = desk.waits();
    // The key is gone, so no line can be sealed.
    std::fs::rename(desk.home.path("keys"), desk.home.path("elsewhere")).unwrap();
    let Some(tried) = desk.types(&name, "101") else { return };
    assert!(
        tried.out.contains("It was not approved") && tried.out.contains("key of the audit log"),
        "{tried:?}"
    );
    std::fs::rename(desk.home.path("elsewhere"), desk.home.path("keys")).unwrap();
    desk.waits();
    assert_eq!(desk.deletions(), 0);
}

#[test]
fn a_notification_tells_what_waits_in_plain_words() {
    let desk = Desk::new();
    let told = desk.home.path("told");
    // A `notify-send` that records its arguments, one per line.
    let program = desk.home.file(
        "bin/notify-send",
        &format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}.part' && mv '{0}.part' '{0}'\n", told.display()),
    );
    crate::setup_box::mode(&program, 0o700);
    let file = desk.home.path(".config/proxmox-mcp/config.json");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let tell = |config: &Value| {
        std::fs::write(&file, config.to_string()).unwrap();
        let path = format!("{}:/usr/bin:/bin", desk.home.path("bin").display());
        let ran = desk.home.run_with(&DELETE, "", &[("PATH", &path)]);
        let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        answer["approve"].as_str().unwrap().to_owned()
    };
    tell(&config);
    config["notify"] = true.into();
    assert!(!told.exists(), "nobody asked for one");
    let name = tell(&config);
    // The program continues by itself; the process that started it has ended.
    while !told.exists() {
        thread::yield_now();
    }
    let words = std::fs::read_to_string(&told).unwrap();
    let words: Vec<&str> = words.lines().collect();
    assert_eq!(words[2..4], ["--", &format!("proxmox-mcp approve {name}")]);
    assert!(words.len() == 5 && words[4].contains("Delete VM 101"), "{words:?}");
}
