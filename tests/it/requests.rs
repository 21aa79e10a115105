//! The requests of each tool: every tool is called with every parameter that it has, and the requests that reached the
//! API are kept as a golden file and checked against the table of the API.

use crate::{cluster::Sample, golden::golden};
use proxmox_mcp::{
    config::Access,
    demo,
    pve::{
        Method,
        api::{self, Lookup, effect},
    },
    tools::{
        Effect,
        catalog::{does, entry::Entry, index::entries, sends},
        param::{Param, Shape},
    },
};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A value for a parameter, as a user would give it.
fn value(entry: &Entry, param: &Param) -> Value {
    let container = entry.name.contains("container");
    if entry.toolset == "jobs" {
        return match param.name {
            // This node has no guests under high availability, whose cycles would be counted here.
            "node" if param.required => json!("pve3"),
            "template" => json!(111),
            "vmid" if entry.name == "proxmox_provision_vm" => json!(900),
            "vmid" => json!(105),
            "calls" => json!([
                {"tool": "proxmox_list_nodes"},
                {"tool": "proxmox_create_vm", "arguments": {"node": "$1.rows.2.0", "vmid": 900, "name": "web"}},
                {"tool": "proxmox_start_vm", "arguments": {"vmid": "$2.vmid"}},
            ]),
            "count" => json!(1),
            "disk_size" => json!(20),
            "memory" => json!(512),
            "name" | "user" | "id" => json!(param.name),
            "sshkeys" => json!("ssh-ed25519 AAAA x"),
            "address" => json!("192.0.2.10/24"),
            "gateway" => json!("192.0.2.1"),
            "with-local-disks" | "start" | "apply" => json!(true),
            "cores" => json!(1),
            "wait" => json!(600),
            _ => json!([]),
        };
    }
    if entry.toolset == "api" {
        return match (param.name, entry.name) {
            ("query", _) => json!("resize disk"),
            ("path", "proxmox_call_api") => json!("/nodes/{node}/qemu/{vmid}/config"),
            ("path", _) => json!("/cluster/resources"),
            ("method", "proxmox_call_api") => json!("PUT"),
            ("method", _) => json!("GET"),
            ("arguments", "proxmox_call_api") => json!({"vmid": 100, "onboot": true}),
            ("arguments", _) => json!({"type": "vm"}),
            _ => json!([]),
        };
    }
    match (param.name, param.shape) {
        ("vmid", _) if entry.name.contains("create_vm") || entry.name.contains("create_container") => {
            json!(900)
        }
        // These tools look at running guests.
        ("vmid", _) if entry.name == "proxmox_get_vm_screen" => json!(105),
        ("vmid", _) if entry.name == "proxmox_read_serial" => json!(202),
        ("serial", _) => json!([]),
        ("vmid", _) => json!(if container { 200 } else { 100 }),
        ("newid", _) => json!(901),
        ("node", _) if param.required => json!("pve1"),
        ("target", _) => json!("pve2"),
        ("storage" | "targetstorage", _) => json!("shared"),
        ("archive", _) => json!("shared:backup/vzdump-qemu-100-2026_11_20-01_00_00.vma.zst"),
        ("volume", _) => json!("shared:iso/debian-13-netinst.iso"),
        ("ostemplate", _) => json!("shared:vztmpl/alpine-3.20-tiny_3.20_amd64.tar.zst"),
        ("iso", _) => json!("shared:iso/debian-13-netinst.iso"),
        ("content", Shape::Text) => json!("iso"),
        ("todisk", _) => json!([]),
        ("disk", _) if entry.name.contains("smart") => json!("/dev/sda"),
        ("disk", _) => json!("scsi0"),
        ("size", _) => json!("+1G"),
        ("upid", _) => json!("UPID:pve1:00000001:00000001:69000000:qmstart:100:root@pam:"),
        ("userid", _) => json!("bob@pve"),
        ("users", _) => json!("bob@pve"),
        ("tokens", _) => json!("bob@pve!t"),
        ("roles", _) => json!("PVEAuditor"),
        ("path", _) => json!("/vms/100"),
        ("service", _) => json!("pveproxy"),
        ("iface", _) if entry.name == "proxmox_update_network" => json!("vmbr0"),
        ("iface", _) => json!("vmbr1"),
        ("schedule", _) => json!("sun 01:00"),
        ("url", _) => json!("https://example.com/a.iso"),
        ("filename", _) => json!("a.iso"),
        ("file", _) if entry.name.contains("upload") => json!(an_image()),
        ("checksum", _) => json!("0".repeat(64)),
        ("vms", _) => json!("100"),
        ("dns1" | "dns2" | "dns3", _) => json!("192.0.2.1"),
        ("type", Shape::Text) if entry.name == "proxmox_create_storage" => json!("dir"),
        ("type", Shape::Text) => json!("bridge"),
        ("checksum-algorithm", _) => json!("sha256"),
        ("compress", _) => json!("zstd"),
        ("command", Shape::Text) => json!("id"),
        ("digest", _) => json!("0000000000000000000000000000000000000000"),
        ("since" | "until", Shape::Text) => json!("2026-11-01"),
        ("format", _) => json!("qcow2"),
        ("fields" | "where", _) => json!([]),
        ("portal" | "username" | "fingerprint", _) if entry.name == "proxmox_scan_storage" => json!([]),
        ("password", _) if entry.name == "proxmox_scan_storage" => json!([]),
        ("password", _) => json!("planted-password"),
        (_, Shape::Int(least, most)) => json!(least.max(1).min(most)),
        (_, Shape::OneOf(words)) => json!(words[0]),
        (_, Shape::Flag) => json!(true),
        (_, Shape::Texts | Shape::Words) => json!([]),
        (_, Shape::More) => json!({}),
        (_, Shape::Objects) => json!([]),
        (name, Shape::Text) => json!(name),
    }
}

/// An additional parameter for tools that accept any.
fn more(entry: &Entry, what: &str) -> Value {
    match (entry.name, what) {
        (name, _) if name.contains("firewall_rule") => json!({"proto": "tcp", "dport": "22"}),
        ("proxmox_update_firewall", _) => json!({"enable": 1}),
        ("proxmox_create_ha", "rule") => {
            json!({"type": "node-affinity", "resources": "vm:100", "nodes": "pve1"})
        }
        ("proxmox_update_ha", "rule") => json!({"type": "node-affinity", "nodes": "pve1"}),
        ("proxmox_create_ha", "group") => json!({"nodes": "pve1"}),
        (_, "resource") => json!({"max_restart": 2}),
        (name, "user") if name.contains("access") => json!({"email": "bob@example.com"}),
        (name, "role") if name.contains("access") => json!({"privs": "VM.Audit"}),
        (name, _) if name.contains("access") || name.contains("_ha") => json!({"comment": "x"}),
        (name, _) if name.contains("network") => json!({"cidr": "192.0.2.10/24"}),
        (name, _) if name.contains("storage") => json!({"content": "iso"}),
        ("proxmox_create_backup", _) => json!({"remove": 0}),
        ("proxmox_restore_backup", _) => json!({"description": "x"}),
        (name, _) if name.contains("backup") => json!({"mode": "snapshot"}),
        (name, _) if name.contains("cluster_options") => json!({"console": "html5"}),
        (name, _) if name.contains("clone") => json!({"tags": "x"}),
        _ => json!({"description": "x"}),
    }
}

/// A file that can be uploaded.
fn an_image() -> std::path::PathBuf {
    // In the build's own folder: another user's file of that name may be in the one for temporary files.
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxmox-mcp-requests.iso");
    std::fs::write(&file, "image").unwrap();
    file
}

/// Every tool's calls, by name.
pub fn every_call() -> impl Iterator<Item = (String, Value)> {
    entries().flat_map(|entry| {
        calls(&entry).into_iter().map(move |arguments| (entry.name.to_owned(), arguments)).collect::<Vec<_>>()
    })
}

/// One call for each value of `what`; one or two calls if there is no such parameter.
fn calls(entry: &Entry) -> Vec<Value> {
    let words = entry.params().find_map(|param| match param.shape {
        Shape::OneOf(words) if param.name == "what" => Some(words),
        _ => None,
    });
    // Rules of a security group are at a different path from those of a guest.
    let plain: &[&str] =
        if entry.params().any(|param| param.name == "group") { &["", "group"] } else { &[""] };
    words.unwrap_or(plain).iter().map(|what| arguments(entry, what)).collect()
}

fn arguments(entry: &Entry, what: &str) -> Value {
    // Most calls use the default of a filter or of a guest's node; filters are tested with the lists.
    let given = entry.params().filter(|param| !param.filter && (param.name != "node" || param.required));
    let values = given.map(|param| {
        let value = match param.name {
            "what" => json!(what),
            "config" | "options" => more(entry, what),
            "id" => match what {
                "user" => json!("bob@pve"),
                "token" => json!("bob@pve!t"),
                "resource" => json!("vm:100"),
                _ => json!("nightly"),
            },
            "vmid" | "cidr" if what.starts_with("group") => json!([]),
            "group" if what.is_empty() => json!([]),
            "cidr" => json!("192.0.2.0/24"),
            _ => value(entry, param),
        };
        (param.name.to_owned(), value)
    });
    let mut arguments: Map<String, Value> = values.filter(|(_, value)| *value != json!([])).collect();
    for name in ["confirm", "offset", "where", "dry_run"] {
        arguments.remove(name);
    }
    if entry.name.contains("_list_") {
        arguments.remove("limit");
        if !matches!(what, "ipset") {
            arguments.remove("name");
        }
        if what != "subnets" {
            arguments.remove("vnet");
        }
    }
    arguments.into()
}

/// The request as one line, and the violations of the API's table.
fn judge(seen: &demo::Seen) -> (String, Vec<String>) {
    // Websockets are requested as the web interface does.
    let path = seen.path.trim_start_matches("/api2/extjs").trim_start_matches("/api2/json");
    let pairs: Vec<(&str, &str)> =
        seen.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // A ticket is different each time.
    let value =
        |name: &str, value: &str| if name == "vncticket" { "***".to_owned() } else { value.to_owned() };
    let shown: Vec<String> =
        pairs.iter().map(|(name, given)| format!("{name}={}", value(name, given))).collect();
    let line = format!("{} {path} {}", seen.method, shown.join(" ")).trim_end().to_owned();
    let method = match seen.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        _ => Method::Delete,
    };
    let decoded = path.replace("%3A", ":").replace("%2F", "/").replace("%40", "@").replace("%21", "!");
    let problems = match api::find(method, &decoded) {
        Lookup::Found(found) => found
            .check(&pairs)
            .iter()
            .map(|violation| format!("{}: {}", violation.param, violation.message))
            .collect(),
        _ => vec!["there is no such method".to_owned()],
    };
    (line, problems)
}

#[test]
fn what_a_tool_can_do_follows_from_what_it_sends() {
    let (mut text, mut wrong) = (String::new(), Vec::new());
    for entry in entries() {
        let does = does::by_table(&entry);
        let words: Vec<&str> = does.classes().iter().map(|class| class.word()).collect();
        writeln!(text, "{} {}", entry.name, words.join(" ")).unwrap();
        // A request that is needed in any case, in each way that the tool can take.
        let asks = |row: &api::Row| {
            let possible = effect::possible(row);
            possible.iter().any(|one| one.when.is_none() && does::ASKED.contains(&one.class))
        };
        let methods = sends::methods(&entry);
        let mut changing = methods.iter().filter(|row| row.method() != Method::Get).peekable();
        let reads = changing.peek().is_none();
        let expected = match entry.tool.effect {
            // What its arguments name, or what it does by other means than the API.
            effect if does.classes().len() == 7 => effect,
            _ if methods.iter().any(|row| row.method() == Method::Get && asks(row)) => Effect::Ask,
            _ if reads => Effect::Read,
            _ if changing.all(asks) => Effect::Ask,
            // It may always ask, so that its list contains the token of its question.
            Effect::Ask if does.classes().iter().any(|class| does::ASKED.contains(class)) => Effect::Ask,
            _ => Effect::Change,
        };
        if entry.tool.effect != expected {
            wrong.push(format!("{} is {:?} and must be {expected:?}", entry.name, entry.tool.effect));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    golden("tests/golden/classes.txt", &text);
}

#[test]
fn every_tool_sends_what_the_api_takes() {
    let mut text = String::new();
    let mut problems = Vec::new();
    for entry in entries() {
        let mut lines: Vec<String> = Vec::new();
        for arguments in calls(&entry) {
            let sample =
                Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
                    config.access = Access::Full;
                });
            let _ = sample.call(entry.name, arguments);
            let mut batch: Vec<String> = Vec::new();
            for seen in sample.server.requests() {
                let (line, wrong) = judge(&seen);
                // How often a task is polled depends on the machine.
                let looks = line.contains("/tasks/UPID") || line.contains("/tasks since=");
                if !looks || entry.toolset == "tasks" {
                    batch.push(line.replace("planted-password", "***"));
                }
                problems.extend(wrong.into_iter().map(|wrong| format!("{}: {line}: {wrong}", entry.name)));
            }
            // Concurrent reads arrive in any order.
            batch
                .chunk_by_mut(|one, other| one.starts_with("GET") && other.starts_with("GET"))
                .for_each(<[_]>::sort);
            lines.append(&mut batch);
        }
        writeln!(text, "{}\n    {}", entry.name, lines.join("\n    ")).unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    golden("tests/golden/requests.txt", &text);
}
