//! Rules for the source tree: layers that must not depend on each other, files with a single concern.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension().is_some_and(|extension| wanted.iter().any(|one| extension == *one))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = all_files(folder);
    files.retain(|path| has_extension(path, &["rs"]));
    files
}

/// Every word of the code, without comments and string contents.
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

/// The modules of the crate that a file names: `x` of `crate::x` and of `use crate::{x, …}`.
fn named_modules(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut modules = Vec::new();
    for after in text.split("crate::").skip(1) {
        let mut depth = 0;
        let mut word = String::new();
        let mut wanted = true;
        for letter in after.chars() {
            match letter {
                'a'..='z' | '_' if wanted => word.push(letter),
                '{' if word.is_empty() && depth == 0 => depth = 1,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => wanted = true,
                letter if letter.is_whitespace() => {}
                _ => wanted = false,
            }
            if (!wanted || letter == ',' || depth == 0)
                && !word.is_empty()
                && !(letter.is_lowercase() || letter == '_')
            {
                modules.push(std::mem::take(&mut word));
                wanted = letter == ',' && depth == 1;
            }
            if depth == 0 && !wanted {
                break;
            }
        }
    }
    modules
}

#[test]
fn layers_cannot_see_each_other() {
    for (layer, forbidden) in [
        ("src/mcp", &["pve", "tools", "demo", "config", "cli", "setup"][..]),
        ("src/pve", &["mcp", "tools", "demo", "config", "cli", "setup"]),
        ("src/config", &["mcp", "tools", "demo", "cli", "setup"]),
        ("src/tools", &["demo", "cli", "setup"]),
        ("src/demo", &["mcp", "tools", "config", "cli", "setup"]),
        ("src/setup", &["mcp", "demo", "cli"]),
    ] {
        let files = rust_files(&root().join(layer));
        assert!(!files.is_empty(), "{layer} is there");
        for file in files {
            for module in named_modules(&file) {
                assert!(
                    !forbidden.contains(&module.as_str()),
                    "{} names `{module}`: {layer} must not",
                    file.display()
                );
            }
        }
    }
}

/// The layers of the tools, each above those that it may import from. `mod.rs` only declares them.
const ROOMS: [&str; 9] = ["toolbox", "offers", "catalog", "jobs", "api", "row", "run", "param", "answer"];

/// The layers that a file imports from: `x` of `tools::x` and of `tools::{x, …}`.
fn named_rooms(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.chars().filter(|letter| !letter.is_whitespace()))
        .collect();
    let mut rooms = Vec::new();
    for after in code.split("tools::").skip(1) {
        let mut depth = 0;
        let mut word = String::new();
        for letter in after.chars() {
            match letter {
                '{' if word.is_empty() && depth == 0 => depth = 1,
                '{' => depth += 1,
                '}' => depth -= 1,
                letter if depth <= 1 && (letter.is_alphanumeric() || letter == '_') => word.push(letter),
                ',' | ':' if depth <= 1 && !word.is_empty() => rooms.push(std::mem::take(&mut word)),
                _ => {}
            }
            if depth == 0 && letter != '{' && !(letter.is_alphanumeric() || letter == '_') {
                rooms.extend((!word.is_empty()).then_some(word));
                break;
            }
        }
    }
    rooms
}

#[test]
fn the_rooms_of_the_tools_import_one_way() {
    let text = "use crate::tools::{answer::{Failure, run}, param::Kind, Effect}; fn f(x: tools::row::Row) {}";
    let rooms = named_rooms(text);
    for room in ["answer", "param", "row"] {
        assert!(rooms.iter().any(|named| named == room), "{room} is missing in {rooms:?}");
    }
    assert!(!rooms.iter().any(|named| named == "run"), "what is in a room is no room: {rooms:?}");
    let mut seen = 0;
    for file in rust_files(&root().join("src/tools")) {
        let place = file.strip_prefix(root().join("src/tools")).unwrap().with_extension("");
        let room = place.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        let Some(floor) = ROOMS.iter().position(|known| *known == room) else {
            assert_eq!(room, "mod", "{} belongs to no room", file.display());
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("super::super"), "{} is named from its room", file.display());
        for named in named_rooms(&text) {
            let other = ROOMS.iter().position(|known| *known == named);
            assert!(other.is_none_or(|other| floor <= other), "{} imports from `{named}`", file.display());
            seen += usize::from(other.is_some());
        }
    }
    assert!(100 < seen, "{seen}");
}

#[test]
fn protocol_and_client_do_not_even_name_each_other() {
    for (layer, forbidden) in [("src/mcp", &["pve", "proxmox"][..]), ("src/pve", &["mcp", "tool", "tools"])] {
        for file in rust_files(&root().join(layer)) {
            let named = words(&file).into_iter().find(|word| forbidden.contains(&word.as_str()));
            assert_eq!(named, None, "{}", file.display());
        }
    }
}

#[test]
fn imports_are_read_as_they_are_written() {
    let file = root().join("src/cli/mod.rs");
    let modules = named_modules(&file);
    for module in ["config", "demo", "log", "mcp", "setup", "tools"] {
        assert!(modules.iter().any(|named| named == module), "{module} is missing in {modules:?}");
    }
}

#[test]
fn no_copies_of_files_are_left_behind() {
    for folder in ["src", "tests", "bench", "scripts"] {
        for file in all_files(&root().join(folder)) {
            assert!(
                !has_extension(&file, &["orig", "rej", "bak", "swp"]),
                "{} is a leftover",
                file.display()
            );
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
