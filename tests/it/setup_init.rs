//! `init` end to end on a sample cluster with TLS: with options, and with a user who answers questions.

use crate::setup_box::{Authority, Home, Ran, has_mode, mode};
use proxmox_mcp::{
    demo,
    setup::{
        ask::Person,
        clients::CLIENTS,
        given::{Given, Stop},
        init::{self, InitContext},
    },
};
use serde_json::{Value, json};
use std::fs;

/// A sample cluster whose certificate was signed by its own CA or by another one.
struct Cluster {
    server: demo::Server,
    fingerprint: String,
}

impl Cluster {
    fn start(own_ca: bool) -> Cluster {
        let authority = Authority::new();
        let (fingerprint, tls) = authority.server("127.0.0.1", 2090);
        let ca = if own_ca { authority.pem() } else { Authority::new().pem() };
        let options = demo::Options { tls: Some(demo::Tls::new(tls)), ca, ..demo::Options::default() };
        Cluster { server: demo::Server::start(options).unwrap(), fingerprint }
    }

    fn secret(&self) -> String {
        self.server.token().1.expose().to_owned()
    }

    /// Runs `init` with the host, a token id and these options.
    fn init(&self, home: &Home, options: &[&str], input: &str) -> Ran {
        let port = self.server.address().port().to_string();
        let mut arguments = vec!["init", "--host", "127.0.0.1", "--port", &port];
        arguments.extend(options);
        let ran = home.run(&arguments, input);
        let secret = self.secret();
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{ran:?}");
        ran
    }
}

const USUAL: &str = ".config/proxmox-mcp/config.json";

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Checks that no drafts are left over.
#[track_caller]
fn is_tidy(home: &Home) {
    let folder = home.path(".config/proxmox-mcp");
    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("draft") && !name.contains("new-"), "{name} is left over");
    }
}

#[test]
fn options_alone_make_a_configuration_that_works() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let secret = home.file("secret.txt", &cluster.secret());
    let options = [
        "--fingerprint",
        &cluster.fingerprint,
        "--trust-ca",
        "--token-id",
        "root@pam!demo",
        "--token-secret-file",
        secret.to_str().unwrap(),
        "--access",
        "read-only",
        "--toolsets",
        "core,firewall",
        "--client",
        "cursor",
    ];
    let ran = cluster.init(&home, &options, "");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    for words in ["SHA-256 fingerprint", "the CA stays", "ok      login", "\"mcpServers\"", "~/.cursor"] {
        let words = words.replace('~', home.path("").to_str().unwrap().trim_end_matches('/'));
        assert!(ran.out.contains(&words), "{} lacks {words}", ran.out);
    }
    let config = parse(&home.read(USUAL));
    assert_eq!(
        config,
        json!({"host": "127.0.0.1", "port": cluster.server.address().port(), "token_id": "root@pam!demo",
            "token_secret": {"file": secret}, "ca_file": "pve-root-ca.pem", "access": "read-only",
            "toolsets": ["core", "firewall"]})
    );
    assert!(home.read(".config/proxmox-mcp/pve-root-ca.pem").starts_with("-----BEGIN CERTIFICATE-----"));
    has_mode(&home.path(USUAL), 0o600);
    assert!(!home.path(".cursor").exists(), "nothing is written that was not asked for");
    is_tidy(&home);
    let checked = home.run(&["check"], "");
    assert!(checked.code == Some(0) && !checked.out.contains("warning"), "{checked:?}");
    let called = home.run(&["call", "proxmox_get_version"], "");
    assert!(called.out.contains("\"release\":\"9.2\""), "{called:?}");
}

#[test]
fn a_pin_a_password_and_standard_input_do_as_well() {
    let (cluster, home) = (Cluster::start(false), Home::new());
    let fingerprint = cluster.fingerprint.replace(':', "").to_lowercase();
    let options =
        ["--fingerprint", &fingerprint, "--user", "root@pam", "--password-file", "-", "--output", "a b.json"];
    let ran = cluster.init(&home, &[&options[..], &["--client", "vscode"]].concat(), "demo\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("is not signed by the cluster's own CA"), "{}", ran.out);
    let config = parse(&home.read("a b.json"));
    assert_eq!((&config["password"], &config["fingerprint"]), (&json!("demo"), &json!(fingerprint)));
    assert!(ran.out.contains("a b.json\"]") && !ran.out.contains("\"demo\""), "{}", ran.out);
    let ran = cluster.init(&home, &[&options[..], &["--force", "--trust-ca"]].concat(), "demo\n");
    assert!(ran.code == Some(1) && ran.err.contains("leave `--trust-ca` out"), "{ran:?}");
}

#[test]
fn what_cannot_work_is_not_written() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let wrong = home.file("wrong.txt", "12345678-90ab-cdef-1234-567890abcdef");
    let wrong = wrong.to_str().unwrap();
    let print = cluster.fingerprint.as_str();
    let zeros = "00".repeat(32);
    let token = ["--token-id", "root@pam!demo", "--token-secret-file", wrong];
    for (options, code, words) in [
        (&[][..], 2, "give `--fingerprint "),
        (&["--trust-ca", "--yes"], 2, "give `--fingerprint "),
        (&["--fingerprint", &zeros], 1, "does not match `--fingerprint`"),
        (&["--fingerprint", "12"], 2, "64 hexadecimal digits"),
        (&["--fingerprint", print], 2, "`--token-id` is missing"),
        (&["--fingerprint", print, "--token-id", "root"], 2, "`--token-secret-file` is missing"),
        (
            &["--fingerprint", print, "--token-id", "root@pam", "--token-secret-env", "X"],
            2,
            "lacks the token's name",
        ),
        (
            &["--fingerprint", print, "--token-id", "root@pam!demo", "--token-secret-file", "-"],
            2,
            "standard input is empty",
        ),
        (&[&["--fingerprint", print][..], &token].concat(), 1, "Nothing was written"),
        (&["--write"], 2, "`--write` needs `--client`"),
        (&["--remove"], 2, "`--remove` needs `--client`"),
        (&["--remove", "--write", "--client", "cursor"], 2, "use only one"),
        (&["--client", "emacs"], 2, "must be one of claude-code"),
        (&["--port", "0"], 2, "1 to 65535"),
    ] {
        let ran = cluster.init(&home, options, "");
        assert!(ran.code == Some(code) && ran.err.contains(words), "{options:?}: {ran:?}");
        assert!(!home.path(USUAL).exists(), "{options:?}");
        is_tidy(&home);
    }
    let closed = home.run(&["init", "--host", "127.0.0.1:1"], "");
    assert!(closed.code == Some(1) && closed.err.contains("Nothing listens on port 1"), "{closed:?}");
    let ran = home.run(&["init"], "");
    assert!(ran.code == Some(2) && ran.err.contains("`--host` is missing"), "{ran:?}");
    let forced = cluster.init(&home, &[&["--fingerprint", print, "--force"][..], &token].concat(), "");
    assert!(forced.code == Some(0) && forced.out.contains("failure login"), "{forced:?}");
    let before = home.read(USUAL);
    let ran = cluster.init(&home, &[&["--fingerprint", print][..], &token].concat(), "");
    assert!(ran.code == Some(1) && ran.err.contains("already exists and was not changed"), "{ran:?}");
    assert_eq!(home.read(USUAL), before);
}

/// Every client's file is merged: other servers, comments and order are preserved, a backup is kept, and a second run
/// changes nothing.
#[test]
fn clients_are_given_the_server_and_keep_everything_else() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let secret = home.file("secret.txt", &cluster.secret());
    let env = |name: &str| match name {
        "HOME" | "USERPROFILE" => Some(home.path("").to_str().unwrap().to_owned()),
        "APPDATA" => Some(home.path(".config").to_str().unwrap().to_owned()),
        _ => None,
    };
    for client in CLIENTS {
        let file = client.file(std::env::consts::OS, &env).unwrap();
        let is_toml = client.name == "codex";
        let text = if is_toml {
            "# mine\nz = 1\n\n[mcp_servers.other]\ncommand = \"x\"\n".to_owned()
        } else {
            format!(
                "{{\n  // mine\n  \"z\": 1,\n  \"{}\": {{ \"other\": {{\"command\": \"x\"}}, }},\n}}\n",
                client.key
            )
        };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &text).unwrap();
        mode(&file, 0o640);
        let options = [
            "--fingerprint",
            &cluster.fingerprint,
            "--token-id",
            "root@pam!demo",
            "--token-secret-file",
            secret.to_str().unwrap(),
            "--client",
            client.name,
            "--write",
            "--force",
        ];
        let ran = cluster.init(&home, &options, "");
        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let (kept, added) = if is_toml {
            (text.as_str(), "[mcp_servers.proxmox]")
        } else {
            ("\"other\": {\"command\": \"x\"}, }", "\"proxmox\": {")
        };
        assert!(after.contains(" mine\n") && after.contains(kept), "{after}");
        assert!(after.contains(added) && after.contains(env!("CARGO_BIN_EXE_proxmox-mcp")), "{after}");
        assert_eq!(fs::read_to_string(format!("{}.backup", file.display())).unwrap(), text);
        has_mode(&file, 0o640);
        let ran = cluster.init(&home, &options, "");
        assert!(ran.code == Some(0) && ran.out.contains("already contains the server"), "{ran:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), after);
        for (removed, words) in [(true, "Removed from"), (false, "does not contain the server")] {
            let ran = home.run(&["init", "--remove", "--client", client.name], "");
            assert!(ran.code == Some(0) && ran.out.contains(words), "{removed}: {ran:?}");
            let left = fs::read_to_string(&file).unwrap();
            assert!(left.contains(kept) && !left.contains("proxmox"), "{left}");
        }
    }
    let file = home.file(".cursor/mcp.json", "{\"mcpServers\": [");
    let options = [
        "--fingerprint",
        &cluster.fingerprint,
        "--token-id",
        "root@pam!demo",
        "--token-secret-file",
        secret.to_str().unwrap(),
        "--client",
        "cursor",
        "--write",
        "--force",
    ];
    let ran = cluster.init(&home, &options, "");
    assert!(ran.code == Some(1) && ran.err.contains("paste the lines above"), "{ran:?}");
    assert_eq!(fs::read_to_string(file).unwrap(), "{\"mcpServers\": [");
}

/// No options.
struct Nothing;

impl Given for Nothing {
    fn value(&self, _: &str) -> Option<&str> {
        None
    }

    fn has(&self, _: &str) -> bool {
        false
    }
}

/// Answers the questions of `init`; returns its output.
fn answer(home: &Home, typed: &str) -> (Result<(), Stop>, String) {
    answer_to("/opt/proxmox-mcp", home, typed)
}

/// Like [`answer`], for a program at another path.
fn answer_to(program: &str, home: &Home, typed: &str) -> (Result<(), Stop>, String) {
    let (mut input, mut output) = (typed.as_bytes(), Vec::new());
    let path = home.path("").to_str().unwrap().to_owned();
    let env = |name: &str| (name == "HOME").then(|| path.clone());
    let mut person = Person { input: &mut input, output: &mut output, there: true, defaults: false };
    let around = InitContext { env: &env, system: "linux", program: program.into() };
    let result = init::run(&Nothing, &mut person, &around);
    (result, String::from_utf8(output).unwrap())
}

#[test]
fn the_example_beside_the_program_makes_room() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let (address, secret) = (cluster.server.address(), cluster.secret());
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.json")).unwrap();
    home.file("bin/config.json", &example);
    let program = home.path("bin/proxmox-mcp").to_str().unwrap().to_owned();
    let typed = format!("{address}\ny\ntoken\nroot@pam!demo\n{secret}\n\n\n\n\n\n\n\n");
    let (result, shown) = answer_to(&program, &home, &typed);
    assert_eq!(result, Ok(()), "{shown}");
    assert_eq!(parse(&home.read("bin/config.json"))["token_secret"], json!(secret), "{shown}");
    assert!(!home.path(USUAL).exists(), "it would never be read");
    // From now on the file is the user's own.
    let (result, _) = answer_to(&program, &home, "n\n");
    assert!(matches!(result, Err(Stop::Failed(_))), "{result:?}");
}

#[test]
fn somebody_who_answers_questions_gets_a_configuration() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let (address, secret) = (cluster.server.address(), cluster.secret());
    let (result, shown) = answer(&home, &format!("{address}\nno\n"));
    assert!(matches!(result, Err(Stop::Failed(_))), "{result:?}");
    assert!(shown.contains(&cluster.fingerprint) && shown.contains("pvenode cert info"), "{shown}");
    assert!(cluster.server.requests().iter().all(|seen| !seen.path.contains("certificates")));

    let typed = format!("{address}\ny\ntoken\nroot@pam!demo\n{secret}\n\nfull\nn\n\nclaude-desktop\ny\n");
    let (result, shown) = answer(&home, &typed);
    assert_eq!(result, Ok(()), "{shown}");
    assert!(!shown.contains(&secret), "{shown}");
    let config = parse(&home.read(USUAL));
    assert_eq!(config["token_secret"], json!(secret));
    assert_eq!((&config["access"], &config["ca_file"]), (&json!("full"), &json!("pve-root-ca.pem")));
    let client = parse(&home.read(".config/Claude/claude_desktop_config.json"));
    assert_eq!(client, json!({"mcpServers": {"proxmox": {"command": "/opt/proxmox-mcp", "args": []}}}));

    let before = home.read(USUAL);
    let (result, _) = answer(&home, "n\n");
    assert!(matches!(result, Err(Stop::Failed(_))));
    let typed =
        format!("y\n{address}\ny\ntoken\nroot@pam!demo\n12345678-90ab-cdef-1234-567890abcdef\n\n\n\n\nn\n");
    let (result, shown) = answer(&home, &typed);
    assert!(
        matches!(result, Err(Stop::Failed(_))) && shown.contains("Write the configuration anyway?"),
        "{shown}"
    );
    assert_eq!(home.read(USUAL), before);
    is_tidy(&home);
}

/// The options of `init` that work with the cluster, and these.
fn working<'a>(cluster: &'a Cluster, secret: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let token = ["--token-id", "root@pam!demo", "--token-secret-file", secret];
    [&["--fingerprint", cluster.fingerprint.as_str()][..], &token, more].concat()
}

#[test]
fn whose_word_confirms_is_asked_where_anything_is_confirmed() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let secret = home.file("secret.txt", &cluster.secret());
    let secret = secret.to_str().unwrap();
    for (more, expected) in [
        (&[][..], json!("person")),
        (&["--confirm", "token"], json!("token")),
        (&["--confirm", "strict", "--access", "full"], json!("strict")),
        (&["--access", "read-only"], Value::Null),
    ] {
        let ran = cluster.init(&home, &working(&cluster, secret, &[more, &["--force"]].concat()), "");
        assert_eq!(ran.code, Some(0), "{more:?}: {ran:?}");
        assert_eq!(parse(&home.read(USUAL))["confirm"], expected, "{more:?}");
    }
    let ran = cluster.init(&home, &working(&cluster, secret, &["--confirm", "maybe"]), "");
    assert!(ran.code == Some(2) && ran.err.contains("person"), "{ran:?}");

    let home = Home::new();
    let address = cluster.server.address();
    let typed = format!(
        "{address}\ny\ntoken\nroot@pam!demo\n{secret}\n\n\nnobody\ntoken\n\n\n\n",
        secret = cluster.secret()
    );
    let (result, shown) = answer(&home, &typed);
    assert_eq!(result, Ok(()), "{shown}");
    for (way, meaning) in
        [("person", "`proxmox-mcp approve`"), ("token", "not that anybody agreed"), ("strict", "refused")]
    {
        let line = shown.lines().find(|line| line.trim_start().starts_with(&format!("{way}: ")));
        assert!(line.is_some_and(|line| line.contains(meaning)), "{way}: {shown}");
    }
    assert_eq!(parse(&home.read(USUAL))["confirm"], "token");
}

#[test]
fn an_audit_log_gets_a_key_that_is_kept_apart() {
    let (cluster, home) = (Cluster::start(true), Home::new());
    let secret = home.file("secret.txt", &cluster.secret());
    let secret = secret.to_str().unwrap();
    let log = home.path("logs/audit.jsonl");
    let audit = ["--audit-log", log.to_str().unwrap(), "--force"];
    let ran = cluster.init(&home, &working(&cluster, secret, &audit), "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let key = home.path(".config/proxmox-mcp/audit.key");
    assert!(ran.out.contains(&format!("was created in `{}`", key.display())), "{}", ran.out);
    assert!(!ran.out.contains(home.read(".config/proxmox-mcp/audit.key").trim()), "{}", ran.out);
    has_mode(&key, 0o600);
    let config = parse(&home.read(USUAL));
    assert_eq!((&config["audit_log"], &config["audit_key"]), (&json!(log), &json!({"file": key})));
    let called = home.run(&["call", "proxmox_start_vm", "vmid=100"], "");
    assert_eq!(called.code, Some(0), "{called:?}");
    let verified = home.run(&["audit", "verify"], "");
    assert!(verified.code == Some(0) && verified.out.contains("2 are sealed"), "{verified:?}");

    // The log continues with the existing key, and with no other.
    let before = home.read(".config/proxmox-mcp/audit.key");
    let ran = cluster.init(&home, &working(&cluster, secret, &audit), "");
    assert!(ran.code == Some(0) && ran.out.contains("already existed in"), "{ran:?}");
    assert_eq!(home.read(".config/proxmox-mcp/audit.key"), before);
    let other = home.path("other.key");
    let another = [&audit[..], &["--audit-key", other.to_str().unwrap()]].concat();
    let ran = cluster.init(&home, &working(&cluster, secret, &another), "");
    assert!(ran.code == Some(1) && ran.err.contains("cannot be continued"), "{ran:?}");
    assert!(!other.exists(), "a key for nothing");
    let same = [&audit[..], &["--audit-key", log.to_str().unwrap()]].concat();
    for (more, words) in
        [(&same[..], "kept apart"), (&["--audit-key", "x", "--force"], "needs `--audit-log`")]
    {
        let ran = cluster.init(&home, &working(&cluster, secret, more), "");
        assert!(ran.code == Some(2) && ran.err.contains(words), "{more:?}: {ran:?}");
    }
    home.file("short.key", "short");
    let short = home.path("short.key");
    let short = ["--audit-log", "new.jsonl", "--audit-key", short.to_str().unwrap(), "--force"];
    let ran = cluster.init(&home, &working(&cluster, secret, &short), "");
    assert!(ran.code == Some(1) && ran.err.contains("at least 32"), "{ran:?}");

    // A user who is asked gets each of them in a place of its own.
    let home = Home::new();
    let address = cluster.server.address();
    let typed =
        format!("{address}\ny\ntoken\nroot@pam!demo\n{secret}\n\n\n\ny\n\n\n\n\n", secret = cluster.secret());
    let (result, shown) = answer(&home, &typed);
    assert_eq!(result, Ok(()), "{shown}");
    assert_eq!(
        parse(&home.read(USUAL))["audit_log"],
        json!(home.path(".local/state/proxmox-mcp/audit.jsonl"))
    );
    has_mode(&home.path(".config/proxmox-mcp/audit.key"), 0o600);
    is_tidy(&home);
}
