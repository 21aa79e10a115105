//! The guest agent of VMs (pve.md section 7): its information, the programs it runs, the files it reads and writes.

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        routes::route::{Request, Route, route},
        state::{
            agent::Agent,
            agent_shell::{release, run},
            clock::whole,
            cluster::Cluster,
            guest::{Guest, Kind, Oddity},
            windows_shell,
        },
    },
    pve::Method::{Get, Post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

const AUDIT: &str = "/vms/{vmid}, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted";
const ALL: &str = "/vms/{vmid}, VM.GuestAgent.Unrestricted";
const DISKS: &str = "/vms/{vmid}, VM.GuestAgent.FileSystemMgmt|VM.GuestAgent.Unrestricted";
const STATE: &str =
    "/vms/{vmid}, VM.GuestAgent.Audit|VM.GuestAgent.FileSystemMgmt|VM.GuestAgent.Unrestricted";
const READ: &str = "/vms/{vmid}, VM.GuestAgent.FileRead|VM.GuestAgent.Unrestricted";
const WRITE: &str = "/vms/{vmid}, VM.GuestAgent.FileWrite|VM.GuestAgent.Unrestricted";

pub(crate) const ROUTES: [Route; 21] = [
    route(Get, "/nodes/{node}/qemu/{vmid}/agent", "", index),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent", ALL, any),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/ping", AUDIT, |c, r| ask(c, r, "ping")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/info", AUDIT, |c, r| ask(c, r, "info")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-osinfo", AUDIT, |c, r| ask(c, r, "get-osinfo")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-host-name", AUDIT, |c, r| ask(c, r, "get-host-name")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-users", AUDIT, |c, r| ask(c, r, "get-users")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-fsinfo", AUDIT, |c, r| ask(c, r, "get-fsinfo")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-time", AUDIT, |c, r| ask(c, r, "get-time")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-timezone", AUDIT, |c, r| ask(c, r, "get-timezone")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/get-vcpus", AUDIT, |c, r| ask(c, r, "get-vcpus")),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", AUDIT, |c, r| {
        ask(c, r, "network-get-interfaces")
    }),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-status", STATE, |c, r| {
        ask(c, r, "fsfreeze-status")
    }),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-freeze", DISKS, |c, r| {
        ask(c, r, "fsfreeze-freeze")
    }),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-thaw", DISKS, |c, r| ask(c, r, "fsfreeze-thaw")),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/fstrim", DISKS, |c, r| ask(c, r, "fstrim")),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/set-user-password", ALL, |c, r| {
        ask(c, r, "set-user-password")
    }),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/exec", ALL, exec),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/exec-status", ALL, exec_status),
    route(Get, "/nodes/{node}/qemu/{vmid}/agent/file-read", READ, file_read),
    route(Post, "/nodes/{node}/qemu/{vmid}/agent/file-write", WRITE, file_write),
];

/// The maximum number of bytes that one read of a file returns, and the size of the pieces that `decode=0` encodes.
const READ_LIMIT: usize = 16 << 20;
const PIECE: usize = 1 << 20;

/// The VM, if its agent can be reached.
fn reach<'a>(cluster: &'a Cluster, request: &Request) -> Result<&'a Guest, ApiError> {
    let guest = cluster.guest(Kind::Qemu, request.node(), request.vmid())?;
    let configured = guest.config.get("agent").and_then(Value::as_str).unwrap_or("0");
    if !configured.split(',').any(|part| matches!(part, "1" | "enabled=1")) {
        return Err(ApiError::failed("No QEMU guest agent configured"));
    }
    if guest.started.is_none() {
        return Err(ApiError::failed(format!("VM {} is not running", guest.vmid)));
    }
    if guest.qmp.is_some() || cluster.agents.get(&guest.vmid).is_some_and(|agent| agent.silent) {
        return Err(ApiError::failed("QEMU guest agent is not running"));
    }
    Ok(guest)
}

fn agent<'a>(cluster: &'a mut Cluster, request: &Request) -> Result<&'a mut Agent, ApiError> {
    let guest = reach(cluster, request)?;
    let (vmid, name) = (guest.vmid, guest.name());
    let agent = cluster.agents.entry(vmid).or_default();
    if agent.files.is_empty() {
        let release = "NAME=\"TinyGuest\"\nID=tinyguest\nVERSION_ID=1.0\nPRETTY_NAME=\"Tiny Guest 1.0\"\n";
        agent.files.insert("C:\\motd.txt".into(), format!("Welcome to {name}.\r\n").into_bytes());
        agent.files.insert("/etc/os-release".into(), release.into());
        agent.files.insert("/etc/motd".into(), format!("Welcome to {name}.\n").into_bytes());
    }
    Ok(agent)
}

fn index(cluster: &mut Cluster, request: &Request) -> Outcome {
    cluster.guest(Kind::Qemu, request.node(), request.vmid())?;
    let names = ROUTES.iter().filter_map(|route| route.path.split_once("/agent/"));
    Ok(Value::Array(names.map(|(_, name)| json!({"name": name})).collect()).into())
}

/// The older call, with the command as a parameter.
fn any(cluster: &mut Cluster, request: &Request) -> Outcome {
    ask(cluster, request, request.param("command").unwrap_or_default())
}

/// Runs commands that only return a result.
fn ask(cluster: &mut Cluster, request: &Request, command: &str) -> Outcome {
    let now = cluster.clock.now();
    let guest = reach(cluster, request)?.clone();
    let agent = agent(cluster, request)?;
    let result = match command {
        "get-host-name" => json!({"host-name": guest.name()}),
        "get-osinfo" if guest.is_windows() => json!({"id": "mswindows", "name": "Microsoft Windows",
            "pretty-name": "Windows 11 Pro", "version": "Microsoft Windows 11", "version-id": "11",
            "machine": "x86_64", "kernel-release": "26100", "kernel-version": "10.0"}),
        "get-osinfo" => json!({"id": release(&agent.files, "ID"), "name": release(&agent.files, "NAME"),
            "pretty-name": release(&agent.files, "PRETTY_NAME"), "version": release(&agent.files, "VERSION_ID"),
            "version-id": release(&agent.files, "VERSION_ID"), "machine": "x86_64",
            "kernel-release": "6.12.117+deb13-cloud-amd64",
            "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1 (2026-11-12)"}),
        "get-users" => json!([]),
        "get-time" => json!(whole(now) * 1_000_000_000),
        "get-timezone" => json!({"zone": "UTC", "offset": 0}),
        "get-vcpus" => (0..guest.cpus())
            .map(|at| json!({"logical-id": at, "online": true, "can-offline": at != 0}))
            .collect(),
        "get-fsinfo" => file_systems(&guest),
        "network-get-interfaces" => agent.interfaces.clone().unwrap_or_else(|| interfaces(&guest)),
        "info" => json!({"version": "10.0.2", "supported_commands": commands(agent)}),
        "fsfreeze-status" => json!(if agent.frozen { "frozen" } else { "thawed" }),
        "fsfreeze-freeze" | "fsfreeze-thaw" => {
            let freeze = command == "fsfreeze-freeze";
            let changed = agent.frozen != freeze;
            agent.frozen = freeze;
            json!(u8::from(changed))
        }
        "fstrim" => json!({"paths": [{"path": "/", "trimmed": guest.disk() / 5, "minimum": 0}]}),
        "ping" | "set-user-password" => json!({}),
        other => return Err(ApiError::failed(format!("the sample's guest agent has no command '{other}'"))),
    };
    Ok(json!({"result": result}).into())
}

fn commands(agent: &Agent) -> Value {
    let names = ["guest-ping", "guest-exec", "guest-exec-status", "guest-file-open", "guest-get-osinfo"];
    let row = |name: &str| {
        let enabled = !(agent.no_exec && name.starts_with("guest-exec"));
        json!({"name": name, "enabled": enabled, "success-response": true})
    };
    names.into_iter().map(row).collect()
}

/// A VM that boots directly from a kernel on its host has no file systems of its own.
fn file_systems(guest: &Guest) -> Value {
    if guest.config.contains_key("args") {
        return json!([]);
    }
    json!([{"name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": guest.disk(),
        "used-bytes": guest.disk() / 3, "disk": []}])
}

fn interfaces(guest: &Guest) -> Value {
    let statistics = json!({"rx-bytes": 0, "rx-packets": 0, "rx-errs": 0, "rx-dropped": 0, "tx-bytes": 266,
        "tx-packets": 3, "tx-errs": 0, "tx-dropped": 0});
    let address = |ip: &str, kind: &str, prefix: u8| json!({"ip-address": ip, "ip-address-type": kind, "prefix": prefix});
    let mut rows =
        vec![json!({"name": "lo", "hardware-address": "00:00:00:00:00:00", "statistics": statistics,
        "ip-addresses": [address("127.0.0.1", "ipv4", 8), address("::1", "ipv6", 128)]})];
    let net = guest.config.get("net0").and_then(Value::as_str).unwrap_or_default();
    if let Some((_, mac)) = net.split(',').next().and_then(|first| first.split_once('=')) {
        let mac = mac.to_lowercase();
        let bytes: Vec<u8> = mac.split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        let mut addresses = vec![address(&format!("10.99.0.{}", guest.vmid % 250), "ipv4", 24)];
        // The link-local address is derived from the MAC address (RFC 4291).
        if let [a, b, c, d, e, f] = bytes[..] {
            let local = format!("fe80::{:02x}{b:02x}:{c:02x}ff:fe{d:02x}:{e:02x}{f:02x}", a ^ 2);
            addresses.push(address(&local, "ipv6", 64));
        }
        rows.push(json!({"name": "eth0", "hardware-address": mac, "statistics": statistics,
            "ip-addresses": addresses}));
    }
    Value::Array(rows)
}

fn exec(cluster: &mut Cluster, request: &Request) -> Outcome {
    let now = cluster.clock.now();
    let guest = reach(cluster, request)?;
    let (host, windows) = (guest.name(), guest.is_windows());
    let as_text = guest.has_oddity(Oddity::NumbersAreTexts);
    let agent = agent(cluster, request)?;
    if agent.no_exec {
        let problem = "Agent error: Command guest-exec has been disabled: the command is not allowed";
        return Err(ApiError::failed(problem));
    }
    let words = request.params.iter().filter(|(name, _)| name == "command").map(|(_, word)| word.clone());
    let words: Vec<String> = words.collect();
    let input = request.param("input-data").unwrap_or_default();
    let ended = match windows {
        true => windows_shell::run(&agent.files, &host, &words),
        false => run(&agent.files, &host, &words, input.as_bytes()),
    };
    let Some(ended) = ended else {
        // On Linux the agent's message for this contains curly quotes, on which the API's daemon dies (pve.md section
        // 3).
        return Err(match windows {
            true => {
                ApiError::failed("Agent error: Failed to execute child process (No such file or directory)")
            }
            false => ApiError::bare(596, "Broken pipe"),
        });
    };
    agent.count += 1;
    let pid = 177 + agent.count;
    agent.running.insert(pid, (now + ended.seconds, ended));
    let pid = if as_text { json!(pid.to_string()) } else { json!(pid) };
    Ok(json!({"pid": pid}).into())
}

/// The state of a program; its end can be read only once.
fn exec_status(cluster: &mut Cluster, request: &Request) -> Outcome {
    let now = cluster.clock.now();
    let agent = agent(cluster, request)?;
    let pid = request.number("pid").unwrap_or(0);
    if agent.running.get(&pid).is_some_and(|(ends, _)| now < *ends) {
        return Ok(json!({"exited": 0}).into());
    }
    let Some((_, ended)) = agent.running.remove(&pid) else {
        // Proxmox does not substitute the number in the agent's message: so it was recorded.
        return Err(ApiError::failed("Agent error: PID ld does not exist"));
    };
    let mut data = json!({"exited": 1, "exitcode": ended.code, "out-truncated": 0, "err-truncated": 0});
    for (name, bytes) in [("out-data", &ended.out), ("err-data", &ended.err)] {
        if !bytes.is_empty() {
            data[name] = json!(latin1(bytes));
        }
    }
    Ok(data.into())
}

/// Bytes as Proxmox returns them: each as the character with that number, so that UTF-8 arrives encoded twice.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn file_read(cluster: &mut Cluster, request: &Request) -> Outcome {
    let agent = agent(cluster, request)?;
    let path = request.param("file").unwrap_or_default();
    let Some(bytes) = agent.files.get(path) else { return Err(not_opened(path, 'r')) };
    let number = |name: &str, default: usize| {
        request.number(name).map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let bytes = &bytes[number("offset", 0).min(bytes.len())..];
    let count = number("count", READ_LIMIT).min(READ_LIMIT);
    let read = &bytes[..count.min(bytes.len())];
    let content = if request.param("decode") == Some("0") {
        // Each piece is encoded on its own, so padding may occur in the middle.
        read.chunks(PIECE).map(|piece| BASE64_STANDARD.encode(piece)).collect()
    } else {
        latin1(read)
    };
    let mut data = json!({"content": content});
    if read.len() < bytes.len() {
        data["truncated"] = json!(1);
    }
    Ok(data.into())
}

fn file_write(cluster: &mut Cluster, request: &Request) -> Outcome {
    let agent = agent(cluster, request)?;
    let content = request.param("content").unwrap_or_default();
    let bytes = if request.param("encode") == Some("0") {
        BASE64_STANDARD.decode(content).map_err(|_| ApiError::failed("Agent error: Invalid base64 data"))?
    } else {
        // Proxmox encodes each character as the byte with its number, and fails for characters above 255.
        let bytes: Result<Vec<u8>, _> = content.chars().map(u8::try_from).collect();
        bytes.map_err(|_| ApiError::failed("Wide character in subroutine entry"))?
    };
    let path = request.param("file").unwrap_or_default();
    if !path.starts_with('/') {
        return Err(not_opened(path, 'w'));
    }
    agent.files.insert(path.to_owned(), bytes);
    Ok(Value::Null.into())
}

fn not_opened(path: &str, mode: char) -> ApiError {
    ApiError::failed(format!(
        "Agent error: failed to open file '{path}' (mode: '{mode}'): No such file or directory"
    ))
}
