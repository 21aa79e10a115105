//! The licences of the crates linked into the binary, as included in packages: generated from the sources that cargo
//! has.

use crate::golden::golden;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
};

/// The platforms for which packages are built.
const PLATFORMS: [&str; 5] = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-pc-windows-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

const HEAD: &str = "\
The binary of proxmox-mcp contains the Rust crates listed here, Rust's standard library (MIT OR Apache-2.0,
Copyright the Rust Project contributors) and, on Linux, the C library musl (MIT, Copyright 2005-2020 Rich Felker and
others) and LLVM's libunwind (Apache-2.0 WITH LLVM-exception), on Windows the start code of mingw-w64 (ZPL-2.1) and parts
of libgcc (GPL-3.0 WITH GCC-exception-3.1). Where a crate may be used under one of several licences
and MIT is one of them, it is used under MIT. The texts follow, each with the crates that it came with.
";

/// Every linked crate, with its licence and its licence files.
fn linked(metadata: &Value) -> BTreeMap<String, (String, Vec<String>)> {
    let packages = metadata["packages"].as_array().unwrap();
    let package = |id: &Value| packages.iter().find(|package| package["id"] == *id).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![&metadata["resolve"]["root"]]);
    let mut found = BTreeMap::new();
    while let Some(id) = waiting.pop() {
        let crate_ = package(id);
        // A procedural macro runs in the compiler and is not linked.
        let is_macro = |target: &Value| target["kind"].as_array().unwrap().contains(&"proc-macro".into());
        if !seen.insert(id.to_string()) || crate_["targets"].as_array().unwrap().iter().any(is_macro) {
            continue;
        }
        if !crate_["source"].is_null() {
            let text = |key: &str| crate_[key].as_str().unwrap_or_default().to_owned();
            let files = texts(Path::new(crate_["manifest_path"].as_str().unwrap()).parent().unwrap());
            found.insert(format!("{} {}", text("name"), text("version")), (text("license"), files));
        }
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        waiting.extend(node["deps"].as_array().unwrap().iter().filter_map(|dependency| {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            kinds.iter().any(|kind| kind["kind"].is_null()).then_some(&dependency["pkg"])
        }));
    }
    found
}

/// The licence texts in a crate's folder: only MIT's if that is one of several.
fn texts(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            let name = name.to_uppercase();
            ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|begin| name.starts_with(begin))
        })
        .collect();
    names.sort();
    if names.iter().any(|name| name.to_uppercase().starts_with("LICENSE-MIT")) {
        names.retain(|name| {
            ["LICENSE-MIT", "NOTICE"].iter().any(|begin| name.to_uppercase().starts_with(begin))
        });
    }
    let read = |name: &String| fs::read_to_string(folder.join(name)).unwrap();
    let lines = |text: String| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    names.iter().map(read).map(lines).map(|text| text.trim_matches('\n').to_owned()).collect()
}

#[test]
fn packages_carry_the_licences_of_what_is_linked() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    for platform in PLATFORMS {
        cargo.args(["--filter-platform", platform]);
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    // Those of other systems are not downloaded by a build for this one.
    let hint = "`cargo fetch --locked` downloads what is missing";
    assert!(output.status.success(), "{}\n{hint}", String::from_utf8_lossy(&output.stderr));
    let crates = linked(&serde_json::from_slice(&output.stdout).unwrap());
    let mut text = HEAD.to_owned();
    let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    text.push('\n');
    for (name, (licence, texts)) in &crates {
        assert!(!licence.is_empty() && !texts.is_empty(), "{name} comes without a licence");
        writeln!(text, "{name}: {licence}").unwrap();
        for one in texts {
            by_text.entry(one).or_default().push(name);
        }
    }
    let mut parts: Vec<_> = by_text.into_iter().map(|(text, names)| (names, text)).collect();
    parts.sort();
    for (names, one) in parts {
        write!(text, "\n{}\n{}\n\n{one}\n", "=".repeat(100), names.join(", ")).unwrap();
    }
    golden("packaging/THIRD-PARTY-NOTICES.txt", &text);
    const PAPERS: &str = "THIRD-PARTY-NOTICES.txt";
    for (script, word) in [
        ("common.sh", PAPERS),
        ("binaries.sh", "pack_tar"),
        ("macos.sh", "pack_tar"),
        ("windows.sh", "add_papers"),
        ("debian.sh", PAPERS),
        ("bundle.sh", PAPERS),
        ("image.sh", PAPERS),
        ("npm.sh", PAPERS),
        ("pypi/wheel.py", PAPERS),
    ] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(script);
        assert!(fs::read_to_string(&script).unwrap().contains(word), "{}", script.display());
    }
}
