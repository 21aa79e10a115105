//! The packages' metadata agrees with the code: one version, existing variables and arguments, the manual page.

use proxmox_mcp::{
    config::{KEYS, Kind},
    setup::launch,
};
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

/// The configuration key that a variable sets.
#[track_caller]
fn kind(variable: &str) -> Kind {
    let key = KEYS.iter().find(|key| key.env.contains(&variable));
    key.unwrap_or_else(|| panic!("no key of the configuration is set by {variable}")).kind
}

#[test]
fn the_version_stands_in_one_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let entries =
        [folder.join("npm"), folder.join("pypi"), folder].map(|folder| fs::read_dir(folder).unwrap());
    for path in entries.into_iter().flatten().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
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
        // A client leaves the placeholder in place if nothing was filled in, unless there is a default.
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
    let kinds: Vec<&str> = entry["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["registryType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["npm", "pypi", "mcpb", "oci"]);
    assert_eq!(entry["packages"][0]["identifier"], launch::NPM);
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

/// The page about HTTP describes what `packaging/http.sh` runs: the same release of the bridge, the same options.
#[test]
fn the_page_about_the_bridge_says_what_is_tried() {
    let page = read("docs/http.md");
    let script = read("packaging/http.sh");
    let common = read("packaging/common.sh");
    let bridge = common.split(['(', ' ', ')']).find(|word| word.starts_with("mcp-proxy@")).unwrap();
    let (_, after) = page.split_once(bridge).unwrap_or_else(|| panic!("docs/http.md does not name {bridge}"));
    let command = after.split("```").next().unwrap();
    let options: Vec<&str> = command
        .split_whitespace()
        .take_while(|word| *word != "--")
        .filter(|word| word.starts_with("--"))
        .collect();
    assert_eq!(options, ["--host", "--port", "--server", "--sslCert", "--sslKey"]);
    for option in options.iter().chain(&["MCP_PROXY_API_KEY=", "--server stream", "X-API-Key"]) {
        assert!(script.contains(option) && page.contains(option), "{option}");
    }
}

/// What `init` writes for a client uses the name under which the packages are published, and the npm launcher finds
/// what is packed.
#[test]
fn packages_have_the_names_that_clients_are_given() {
    let common = read("packaging/common.sh");
    let pypi = common.lines().find_map(|line| line.strip_prefix("pypi_name=")).unwrap();
    assert_eq!(pypi, launch::PYPI);
    let npm = template("npm/package.json");
    assert_eq!(npm["name"], launch::NPM);
    let one = template("npm/platform.json")["name"].as_str().unwrap().to_owned();
    let launcher = read("packaging/npm/launch.js");
    assert!(launcher.contains("`proxmox-mcp-${platform}/bin/proxmox-mcp${suffix}`"), "{launcher}");
    let platforms = common.split("for platform in ").nth(1).unwrap().split(';').next().unwrap();
    let packed: Vec<String> =
        platforms.split_whitespace().map(|name| one.replace("@PLATFORM@", name)).collect();
    let mut wanted: Vec<&String> = npm["optionalDependencies"].as_object().unwrap().keys().collect();
    wanted.sort_by_key(|name| packed.iter().position(|one| one == *name));
    assert_eq!(wanted, packed.iter().collect::<Vec<_>>());
}
