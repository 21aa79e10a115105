//! What each tool sends: every row is called once with every parameter it has, and what reached the API is kept
//! as a golden file and judged by the table of the API.

use crate::{cluster::Sample, golden::golden};
use proxmox_mcp::{
    config::Access,
    demo,
    pve::{
        Method,
        api::{self, Lookup},
    },
    tools::{
        Param,
        row::Shape,
        spec::{Entry, entries},
    },
};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A value for a parameter, such as a user would give.
fn value(entry: &Entry, param: &Param) -> Value {
    let container = entry.name.contains("container");
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
        ("iface", _) => json!("vmbr1"),
        ("sid", _) => json!("vm:100"),
        ("schedule", _) => json!("sun 01:00"),
        ("url", _) => json!("https://example.com/a.iso"),
        ("filename", _) => json!("a.iso"),
        ("checksum", _) => json!("00"),
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
        ("fields", _) => json!([]),
        ("portal" | "username" | "fingerprint", _) if entry.name == "proxmox_scan_storage" => json!([]),
        ("password", _) if entry.name == "proxmox_scan_storage" => json!([]),
        ("password", _) => json!("planted-password"),
        ("config" | "options", _) => more(entry),
        (_, Shape::Int(least, most)) => json!(least.max(1).min(most)),
        (_, Shape::OneOf(words)) => json!(words[0]),
        (_, Shape::Flag) => json!(true),
        (_, Shape::Texts | Shape::Words) => json!([]),
        (_, Shape::More) => json!({}),
        (name, Shape::Text) => json!(name),
    }
}

/// A further parameter for those that take any.
fn more(entry: &Entry) -> Value {
    match entry.name {
        name if name.contains("firewall_rule") => json!({"proto": "tcp", "dport": "22"}),
        name if name.contains("ha_resource") => json!({"max_restart": 2}),
        name if name.contains("network") => json!({"cidr": "192.0.2.10/24"}),
        name if name.contains("storage") => json!({"content": "iso"}),
        name if name.contains("user") => json!({"email": "bob@example.com"}),
        "proxmox_create_backup" => json!({"remove": 0}),
        "proxmox_restore_backup" => json!({"description": "x"}),
        name if name.contains("backup") => json!({"mode": "snapshot"}),
        name if name.contains("cluster_options") => json!({"console": "html5"}),
        _ => json!({"description": "x"}),
    }
}

fn arguments(entry: &Entry) -> Value {
    // The default of a filter or of a guest's node is what most calls have; filters are tested with the lists.
    let given = entry.params().filter(|param| !param.filter && (param.name != "node" || param.required));
    let values = given.map(|param| (param.name.to_owned(), value(entry, param)));
    let mut arguments: Map<String, Value> = values.filter(|(_, value)| *value != json!([])).collect();
    arguments.remove("confirm");
    arguments.remove("limit");
    arguments.remove("offset");
    arguments.into()
}

/// The request in one line, and what the API's table has against it.
fn judge(seen: &demo::Seen) -> (String, Vec<String>) {
    let path = seen.path.trim_start_matches("/api2/extjs");
    let pairs: Vec<(&str, &str)> =
        seen.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let shown: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
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
fn every_tool_sends_what_the_api_takes() {
    let mut text = String::new();
    let mut problems = Vec::new();
    for entry in entries() {
        let sample =
            Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
                config.access = Access::Full;
            });
        let _ = sample.call(entry.name, arguments(&entry));
        let mut lines: Vec<String> = Vec::new();
        for seen in sample.server.requests() {
            let (line, wrong) = judge(&seen);
            if !line.contains("/tasks/UPID") || entry.toolset == "tasks" {
                lines.push(line.replace("planted-password", "***"));
            }
            problems.extend(wrong.into_iter().map(|wrong| format!("{}: {line}: {wrong}", entry.name)));
        }
        // Reads that run at the same time arrive in any order.
        lines
            .chunk_by_mut(|one, other| one.starts_with("GET") && other.starts_with("GET"))
            .for_each(<[_]>::sort);
        writeln!(text, "{}\n    {}", entry.name, lines.join("\n    ")).unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    golden("tests/golden/requests.txt", &text);
}
