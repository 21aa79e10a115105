//! What README shows is what happens: its commands are run, its links lead somewhere, its examples are accepted.

use crate::setup_box::{Authority, Home};
use proxmox_mcp::{cli, config::Config, demo};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Pages whose links are looked at.
const PAGES: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/http.md"];
/// Commands that are run elsewhere, and by whom.
const ELSEWHERE: [(&str, &str); 5] = [
    ("./setup.sh", "test_server.sh"),
    ("./test_server.sh", "continuous integration"),
    ("proxmox-mcp init", "setup_init, with somebody who answers"),
    ("pveum ", "setup_recipe; here it is Proxmox's own"),
    ("proxmox-mcp audit verify", "audit, with a log"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The blocks of a page in that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// A sample cluster, and the configuration of somebody who uses it.
struct User {
    home: Home,
    _server: demo::Server,
}

impl User {
    fn new() -> User {
        let (fingerprint, tls) = Authority::new().server("127.0.0.1", 2090);
        let options = demo::Options { tls: Some(demo::Tls::new(tls)), ..demo::Options::default() };
        let server = demo::Server::start(options).unwrap();
        let (id, secret) = server.token();
        let home = Home::new();
        let config = json!({
            "host": server.address().to_string(), "fingerprint": fingerprint,
            "token_id": id, "token_secret": secret.expose(),
        });
        home.file(".config/proxmox-mcp/config.json", &config.to_string());
        User { home, _server: server }
    }

    /// Runs lines in a shell in which `proxmox-mcp` is this build.
    fn shell(&self, lines: &str) -> Output {
        let folder = Path::new(env!("CARGO_BIN_EXE_proxmox-mcp")).parent().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", lines]).env_clear().env("PATH", path);
        command.env("HOME", self.home.path("")).current_dir(self.home.path("")).stdin(Stdio::null());
        command.output().unwrap()
    }
}

#[test]
fn what_readme_shows_is_what_is_answered() {
    let user = User::new();
    let mut shown = 0;
    for block in blocks(&page("README.md"), "console") {
        for part in block.split("$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap();
            let output = user.shell(command);
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            let mut said = said.lines();
            for line in expected.lines() {
                let got = said.next().unwrap_or_default();
                match line.strip_suffix('…') {
                    Some(start) => assert!(got.starts_with(start), "{command}: {got}"),
                    None => assert_eq!(got, line, "{command}"),
                }
            }
            shown += 1;
        }
    }
    assert!(2 < shown, "{shown}");
}

#[test]
fn every_command_of_readme_runs() {
    let user = User::new();
    let mut ran = 0;
    for block in blocks(&page("README.md"), "sh") {
        // A line that ends with a backslash goes on in the next.
        for line in block.replace("\\\n", "\u{0}").lines().map(|line| line.replace('\u{0}', "\\\n")) {
            if ELSEWHERE.iter().any(|(start, _)| line.starts_with(start)) {
                continue;
            }
            let output = user.shell(&line);
            assert!(output.status.success() && !output.stdout.is_empty(), "{line}: {output:?}");
            ran += 1;
        }
    }
    assert!(8 <= ran, "{ran}");
}

#[test]
fn every_option_and_command_in_prose_exists() {
    let help = cli::help() + &page("scripts/fuzz.sh") + &page("setup.sh") + &page("test_server.sh");
    let known: BTreeSet<&str> = help.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
    let commands: String = ["init", "call", "check", "token-recipe", "tools", "completion", "audit", "demo"]
        .iter()
        .map(|name| {
            let output =
                Command::new(env!("CARGO_BIN_EXE_proxmox-mcp")).args([name, "--help"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    let own: BTreeSet<&str> = commands.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
    let text = page("README.md");
    for code in text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.starts_with("proxmox-mcp ") || code.starts_with("--"))
    {
        for word in code.split(' ').filter(|word| word.starts_with("--") && 2 < word.len()) {
            let foreign = ["--privsep", "--tokens", "--users", "--roles"].contains(&word);
            assert!(foreign || known.contains(word) || own.contains(word), "README names `{word}`");
        }
    }
}

#[test]
fn links_lead_somewhere_and_tables_are_whole() {
    for name in PAGES {
        let text = page(name);
        let folder = root().join(name);
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            if target.starts_with("https://") {
                continue;
            }
            let file = folder.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(file.exists(), "{name} links to {target}");
        }
        let mut columns = None;
        for line in text.lines() {
            let cells = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
            if let (Some(before), Some(now)) = (columns, cells) {
                assert_eq!(before, now, "{name}: {line}");
            }
            columns = cells;
        }
    }
}

#[test]
fn the_json_of_readme_is_what_it_is_for() {
    let home = Home::new();
    let mut configurations = 0;
    for block in blocks(&page("README.md"), "json") {
        let value: Value = serde_json::from_str(&block).unwrap_or_else(|error| panic!("{error}: {block}"));
        let config = if value.get("clusters").is_some() {
            value
        } else if value.get("about").is_some() {
            json!({"host": "pve", "token_id": "a@pve!b", "token_secret": "c", "tools": [value]})
        } else {
            assert!(value["mcpServers"]["proxmox"]["command"].is_string(), "{value}");
            continue;
        };
        let file = home.file("config.json", &config.to_string());
        Config::load(Some(&file), &|_| None, None).unwrap();
        configurations += 1;
    }
    assert_eq!(configurations, 2);
    let table: String = page("README.md").lines().filter(|line| line.starts_with("| `\"")).collect();
    for setting in table.split("| `").skip(1).filter_map(|row| row.split('`').next()) {
        let file = home.file(
            "config.json",
            &format!(r#"{{"host": "pve", "token_id": "a@pve!b", "token_secret": "c", {setting}}}"#),
        );
        Config::load(Some(&file), &|_| None, None).unwrap_or_else(|error| panic!("{setting}: {error}"));
    }
}
