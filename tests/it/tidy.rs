//! The tree keeps its own rules: layers that cannot see each other, files of one concern.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every word of the code; comments and the text of strings left out.
fn words(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let without_strings = |line: &str| line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let code: Vec<String> = text
        .lines()
        .map(|line| without_strings(line).split("//").next().unwrap_or_default().to_owned())
        .collect();
    let separate = |letter: char| !letter.is_alphanumeric() && letter != '_';
    code.join("\n").split(separate).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn layers_cannot_see_each_other() {
    for (layer, forbidden) in [
        ("src/mcp", &["pve", "tools", "demo", "config", "cli"][..]),
        ("src/pve", &["mcp", "tool", "tools", "demo", "config", "cli"]),
        ("src/config", &["mcp", "tools", "demo", "cli"]),
        ("src/tools", &["demo", "cli"]),
        ("src/demo", &["mcp", "tools", "config", "cli"]),
    ] {
        let files = rust_files(&root().join(layer));
        assert!(!files.is_empty(), "{layer} is there");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for word in forbidden {
                for path in [format!("crate::{word}"), format!("super::{word}::"), format!("    {word}::")] {
                    let named =
                        text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&path));
                    assert!(!named, "{} names `{path}`; {layer} must not know {word}", file.display());
                }
            }
            // Not even in a name: these two are to be of use without the rest.
            if layer == "src/mcp" || layer == "src/pve" {
                let named = words(&file).into_iter().find(|word| {
                    forbidden[..if layer == "src/mcp" { 1 } else { 3 }].contains(&word.as_str())
                });
                assert_eq!(named, None, "{} names another layer", file.display());
            }
        }
    }
}

#[test]
fn files_say_what_they_are_and_keep_to_one_concern() {
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{}: the first line says what the file is", file.display());
        let lines = text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines: has it still one concern?", file.display());
        for word in ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "FIXME", "XXX"] {
            let own = file.ends_with("tidy.rs");
            assert!(own || !text.contains(word), "{} has `{word}` left in it", file.display());
        }
    }
}
