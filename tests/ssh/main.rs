//! Commands in containers over a real SSH server on loopback, with a stand-in for `pct` behind it. Run by
//! `./test_server.sh`, which gets an sshd and sets its path in `SSHD`; not by a plain `cargo test`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(dead_code, unreachable_pub, reason = "the helpers are those of tests/it")]

#[path = "../it/cluster.rs"]
mod cluster;
#[path = "../it/testbox.rs"]
mod testbox;

use cluster::{Sample, column};
use proxmox_mcp::{
    cancel::Cancel,
    demo,
    mcp::{Answer, Call, Toolbox},
    ssh::Ssh,
    visible,
};
use serde_json::{Value, json};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Text that a shell, ssh or pct could misinterpret.
const NASTY: [&str; 40] = [
    "plain",
    "two words",
    " leading",
    "trailing ",
    "",
    "'",
    "\"",
    "''",
    "\"\"",
    "it's",
    "a\"b",
    "\\",
    "\\\\",
    "\\n",
    "new\nline",
    "\n",
    "tab\there",
    "\r",
    "$HOME",
    "$(reboot)",
    "`reboot`",
    "${x}",
    ";",
    "; reboot",
    "&& reboot",
    "| cat",
    "> /tmp/x",
    "< /etc/passwd",
    "*",
    "?",
    "[a-z]",
    "~",
    "~root",
    "#comment",
    "!history",
    "-n",
    "--",
    "-oProxyCommand=x",
    "日本語 ümläut 🦀",
    "%s %d %%",
];

struct Server {
    sshd: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

fn key(path: &Path) -> String {
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
    fs::read_to_string(path.with_extension("pub")).unwrap()
}

/// An SSH server for the user that runs the test, with the folder's `bin` first in the search path.
fn start(name: &str) -> Server {
    let sshd = std::env::var("SSHD").expect("SSHD names the server program");
    let folder = std::env::temp_dir().join(format!("proxmox-mcp-ssh-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bin")).unwrap();
    // Only root's sshd needs it.
    let _ = fs::create_dir_all("/run/sshd");
    let host = key(&folder.join("host"));
    fs::write(folder.join("authorized"), key(&folder.join("user"))).unwrap();
    let pct = folder.join("bin/pct");
    let log = folder.join("arguments");
    fs::write(
        &pct,
        format!(
            "#!/bin/sh\nfor word in \"$@\"; do printf %s \"$word\" | od -An -v -tx1 | tr -d ' \\n'; echo; done > {}\nshift 3\nexec \"$@\"\n",
            log.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&pct, fs::Permissions::from_mode(0o755)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shown = folder.display();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {shown}/host\nAuthorizedKeysFile {shown}/authorized\nStrictModes no\n\
         UsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nLogLevel ERROR\n\
         SetEnv PATH={shown}/bin:/usr/local/bin:/usr/bin:/bin\n"
    );
    fs::write(folder.join("sshd_config"), config).unwrap();
    let child = Command::new(sshd)
        .args(["-D", "-e", "-f", folder.join("sshd_config").to_str().unwrap()])
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mark = host.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {mark}\n")).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "sshd did not start");
        std::thread::yield_now();
    }
    Server { sshd: child, folder, port }
}

fn sample(server: &Server) -> Sample {
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let nodes = ["pve1", "pve2", "pve3"].map(|node| (node.to_owned(), "127.0.0.1".to_owned()));
    let ssh = Ssh {
        user: user.trim().to_owned(),
        port: server.port,
        identity: Some(server.folder.join("user")),
        known_hosts: Some(server.folder.join("known")),
        addresses: nodes.into_iter().collect(),
        program: "ssh".into(),
    };
    Sample::with(demo::Options { clock_speed: 50.0, ..demo::Options::default() }, |config| {
        config.ssh = Some(ssh);
    })
}

fn running(sample: &Sample) -> Value {
    column(&sample.ok("proxmox_list_containers", json!({"status": "running"})), "vmid")[0].clone()
}

#[test]
fn arguments_arrive_byte_for_byte_and_output_and_exit_codes_come_back() {
    let server = start("bytes");
    let sample = sample(&server);
    let vmid = running(&sample);
    for nasty in NASTY {
        let arguments = json!({"vmid": vmid, "command": "/usr/bin/printf", "args": ["%s", nasty]});
        let ran = sample.ok("proxmox_execute_container_command", arguments);
        assert_eq!(ran["exitcode"], 0, "{nasty:?}: {ran}");
        // Invisible characters are escaped in the answer; in the guest they arrived unchanged.
        assert_eq!(ran["stdout"].as_str().unwrap_or_default(), visible::text(nasty), "{ran}");
        let log = fs::read_to_string(server.folder.join("arguments")).unwrap();
        let seen: Vec<String> = log
            .lines()
            .map(|hex| {
                let bytes =
                    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
                String::from_utf8(bytes.collect()).unwrap()
            })
            .collect();
        assert_eq!(seen, ["exec", &vmid.to_string(), "--", "/usr/bin/printf", "%s", nasty]);
    }
    let ran = sample.ok(
        "proxmox_execute_container_command",
        json!({"vmid": vmid, "command": "cat; echo problem >&2; exit 7", "input-data": "through\n"}),
    );
    assert_eq!(ran, json!({"exitcode": 7, "stdout": "through\n", "stderr": "problem\n"}));
    let environment = sample.ok("proxmox_execute_container_command", json!({"vmid": vmid, "command": "env"}));
    assert!(
        !environment.to_string().contains("CARGO"),
        "nothing of this process's environment: {environment}"
    );
}

#[test]
fn a_changed_host_key_is_refused_and_what_takes_too_long_or_is_cancelled_ends() {
    let server = start("keys");
    let sample = sample(&server);
    let vmid = running(&sample);
    let slow = json!({"vmid": vmid, "command": "sleep 600", "timeout": 1});
    sample.fails("proxmox_execute_container_command", slow, &["did not end within 1 s"]);
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !server.folder.join("arguments").exists() {
                std::thread::yield_now();
            }
            cancel.cancel();
        });
        fs::remove_file(server.folder.join("arguments")).unwrap();
        let Value::Object(arguments) = json!({"vmid": vmid, "command": "sleep 600", "timeout": 600}) else {
            panic!()
        };
        let call = Call::detached(cancel.clone());
        let answer = sample.tools.call(&call, "proxmox_execute_container_command", arguments);
        assert!(matches!(answer, Answer::Failure(_)), "{answer:?}");
    });
    let other = key(&server.folder.join("other"));
    let mark = other.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    fs::write(server.folder.join("known"), format!("[127.0.0.1]:{} {mark}\n", server.port)).unwrap();
    fs::remove_file(server.folder.join("arguments")).unwrap();
    sample.fails(
        "proxmox_execute_container_command",
        json!({"vmid": vmid, "command": "id"}),
        &["cannot be reached", "known_hosts"],
    );
    fs::write(server.folder.join("known"), "").unwrap();
    sample.fails(
        "proxmox_execute_container_command",
        json!({"vmid": vmid, "command": "id"}),
        &["cannot be reached"],
    );
    assert!(!server.folder.join("arguments").exists(), "nothing ran");
}
