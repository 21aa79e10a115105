//! What the packages say agrees with the code: one version, variables and arguments that exist, the manual page.

use proxmox_mcp::config::{KEYS, Kind};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const FINGERPRINT: &str = "PROXMOX_FINGERPRINT";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn template(name: &str) -> Value {
    serde_json::from_str(&read(&format!("packaging/{name}"))).unwrap()
}

/// The key of the configuration that a variable sets.
#[track_caller]
fn kind(variable: &str) -> Kind {
    let key = KEYS.iter().find(|key| key.env.contains(&variable));
    key.unwrap_or_else(|| panic!("no key of the configuration is set by {variable}")).kind
}

#[test]
fn the_version_stands_in_one_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(VERSION), "{} holds the version; Cargo.toml alone does", path.display());
    }
    for name in ["manifest.json", "server.json"] {
        assert_eq!(template(name)["version"], "@VERSION@", "{name}");
    }
    let heading = format!("## [{VERSION}] - ");
    let entry = read("CHANGELOG.md").lines().find_map(|line| Some(line.strip_prefix(&heading)?.to_owned()));
    let date = entry.unwrap_or_else(|| panic!("CHANGELOG.md has no entry for {VERSION} with a date"));
    let digits = date.split('-').map(str::len).collect::<Vec<_>>();
    assert_eq!(digits, [4, 2, 2], "the date of {VERSION} is `{date}`");
}

#[test]
fn the_bundle_asks_for_what_the_server_reads() {
    let manifest = template("manifest.json");
    let asked = manifest["user_config"].as_object().unwrap();
    let given = manifest["server"]["mcp_config"]["env"].as_object().unwrap();
    assert_eq!(asked.len(), given.len(), "each that is asked for is handed over");
    for (variable, value) in given {
        let name = value.as_str().unwrap().trim_start_matches("${user_config.").trim_end_matches('}');
        let field = &asked[name];
        assert_eq!(kind(variable) == Kind::Secret, field["sensitive"] == true, "{variable}");
        // A client leaves the placeholder where nothing was filled in, unless there is a default.
        assert!(field["required"] == true || field["default"].is_string(), "{name} has no default");
        if let Kind::Word(words) = kind(variable) {
            assert!(words.contains(&field["default"].as_str().unwrap()), "{name}");
            for word in words {
                assert!(field["description"].as_str().unwrap().contains(word), "{name}: {word}");
            }
        }
    }
    assert!(given.contains_key(FINGERPRINT));
}

#[test]
fn the_registry_names_what_the_server_reads() {
    let entry = template("server.json");
    let mut named = 0;
    for variable in entry["packages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|package| package["environmentVariables"].as_array().map_or(&[][..], Vec::as_slice))
    {
        let name = variable["name"].as_str().unwrap();
        assert_eq!(kind(name) == Kind::Secret, variable["isSecret"] == true, "{name}");
        if let Kind::Word(words) = kind(name) {
            assert_eq!(variable["choices"], Value::from(words), "{name}");
            assert!(words.contains(&variable["default"].as_str().unwrap()), "{name}");
        }
        named += 1;
    }
    assert!(5 <= named, "{named} variables");
    let about = env!("CARGO_PKG_DESCRIPTION");
    assert!(about.len() <= 100, "the registry takes no description of {} bytes", about.len());
}

#[test]
fn the_binary_prints_its_manual_page() {
    let output = Command::new(env!("CARGO_BIN_EXE_proxmox-mcp")).arg("man").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(page.starts_with(".TH PROXMOX\\-MCP 1 ") && page.contains(VERSION), "{page}");
    for section in ["NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "FILES", "ENVIRONMENT", "EXIT STATUS"] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}");
    }
}
