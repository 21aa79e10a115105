//! What README and docs/ show is true: commands are run, links lead somewhere, examples are accepted.

use crate::setup_box::{Authority, Home};
use proxmox_mcp::{
    cli,
    config::Config,
    demo,
    setup::{clients, launch::Launch},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Pages whose links are checked.
const PAGES: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/clients.md",
    "docs/configuration.md",
    "docs/http.md",
    "docs/security.md",
    "docs/tools.md",
];
/// Pages whose examples are for this program.
const EXAMPLES: [&str; 4] = ["README.md", "docs/clients.md", "docs/configuration.md", "docs/tools.md"];
/// Commands that are tested elsewhere, and where.
const ELSEWHERE: [(&str, &str); 7] = [
    ("./setup.sh", "test_server.sh"),
    ("./test_server.sh", "continuous integration"),
    ("proxmox-mcp init", "setup_init, with somebody who answers"),
    ("pveum ", "setup_recipe; here it is Proxmox's own"),
    ("proxmox-mcp audit verify", "audit, with a log"),
    ("claude mcp add", "the_lines_for_clients_are_what_init_prints"),
    ("code --add-mcp", "the_lines_for_clients_are_what_init_prints"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The code blocks of a page in that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// A sample cluster, and the configuration of a user.
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
        // A line that ends with a backslash continues on the next.
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

/// The anchor of a heading, as GitHub generates it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere_and_tables_are_whole() {
    for name in PAGES {
        let text = page(name);
        let folder = Path::new(name).parent().unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            if target.starts_with("https://") {
                continue;
            }
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { Path::new(name).to_owned() } else { folder.join(file) };
            assert!(root().join(&file).exists(), "{name} links to {target}");
            let leads =
                |line: &str| line.starts_with('#') && anchor(line.trim_start_matches(['#', ' '])) == place;
            assert!(
                place.is_empty() || page(file.to_str().unwrap()).lines().any(leads),
                "{name} links to {target}: there is no such heading"
            );
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
fn every_page_of_docs_is_linked_and_looked_at() {
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = format!("docs/{}", entry.unwrap().file_name().to_str().unwrap());
        assert!(page("README.md").contains(&format!("]({name})")), "README does not link to {name}");
        assert!(
            PAGES.contains(&name.as_str()) || name.ends_with(".svg") || name.ends_with(".png"),
            "PAGES lacks {name}"
        );
    }
}

#[test]
fn the_lines_for_clients_are_what_init_prints() {
    let readme = page("README.md");
    let claude =
        clients::find("claude-code").unwrap().command("linux", &Launch::of("PROGRAM", "linux"), &[]).unwrap();
    assert!(readme.contains(claude.strip_suffix("PROGRAM").unwrap()), "README lacks `{claude}`");
    let line = readme.lines().find_map(|line| line.strip_prefix("code --add-mcp '")).unwrap();
    let server: Value = serde_json::from_str(line.strip_suffix('\'').unwrap()).unwrap();
    assert_eq!(server["name"], clients::SERVER);
    let desktop = blocks(&readme, "json").into_iter().find(|block| block.contains("mcpServers")).unwrap();
    let desktop: Value = serde_json::from_str(&desktop).unwrap();
    assert_eq!(server["command"], desktop["mcpServers"][clients::SERVER]["command"]);
}

#[test]
fn the_json_of_the_pages_is_what_it_is_for() {
    let home = Home::new();
    let mut configurations = 0;
    for (name, block) in EXAMPLES
        .iter()
        .flat_map(|name| blocks(&page(name), "json").into_iter().map(move |block| (name, block)))
    {
        let value: Value =
            serde_json::from_str(&block).unwrap_or_else(|error| panic!("{name}: {error}: {block}"));
        let config = if value.get("mcpServers").is_some() {
            assert!(value["mcpServers"][clients::SERVER]["command"].is_string(), "{name}: {value}");
            continue;
        } else if value.get("about").is_some() {
            json!({"host": "pve", "token_id": "a@pve!b", "token_secret": "c", "tools": [value]})
        } else {
            value
        };
        let file = home.file("config.json", &config.to_string());
        Config::load(Some(&file), &|_| None, None).unwrap_or_else(|error| panic!("{name}: {error}: {block}"));
        configurations += 1;
    }
    assert_eq!(configurations, 5);
    let table: String = page("README.md").lines().filter(|line| line.starts_with("| `\"")).collect();
    let mut settings = 0;
    for setting in table.split("| `").skip(1).filter_map(|row| row.split('`').next()) {
        let file = home.file(
            "config.json",
            &format!(r#"{{"host": "pve", "token_id": "a@pve!b", "token_secret": "c", {setting}}}"#),
        );
        Config::load(Some(&file), &|_| None, None).unwrap_or_else(|error| panic!("{setting}: {error}"));
        settings += 1;
    }
    assert_eq!(settings, 9);
}

/// The text of an SVG's lines, without tags.
fn shown(svg: &str) -> String {
    let plain = |line: &str| -> String {
        line.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
    };
    let lines: Vec<String> = svg.lines().filter(|line| line.starts_with("<text ")).map(plain).collect();
    lines.join("\n").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}

#[test]
fn the_recording_is_not_out_of_date() {
    let user = User::new();
    let mut compared = 0;
    let lines = shown(&page("docs/demo.svg"));
    for scene in lines.split("$ ").skip(1) {
        let (command, recorded) = scene.split_once('\n').unwrap();
        // A question is asked only on a terminal, which scripts/record.py has.
        if recorded.contains("\n> ") {
            continue;
        }
        let output = user.shell(&format!("{command} --table"));
        let printed = String::from_utf8(output.stdout).unwrap();
        // Ids and durations differ from run to run.
        let fixed = |text: &str| -> Vec<String> {
            let same = |line: &str| match line.split_once(' ') {
                Some(("upid" | "duration", _)) => line.split(' ').next().unwrap().to_owned(),
                _ => line.trim_end().to_owned(),
            };
            text.lines().map(same).collect()
        };
        assert_eq!(fixed(&printed), fixed(recorded.trim_end()), "run scripts/record.py ({command})");
        compared += 1;
    }
    assert_eq!(compared, 2);
}
