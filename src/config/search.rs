//! Finds the configuration file and parses it into keys and values. Knows none of the keys.

use super::{
    clusters::Pairs,
    place::Env,
    trust::{FileRisk, danger},
};
use crate::folders;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::{
    env::consts::OS,
    fmt,
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

/// The file's name beside the binary and in the folders that are searched.
const NAME: &str = "config.json";

/// The result of the search.
pub(super) struct Search {
    /// The file to use.
    pub(super) found: Option<Found>,
    /// Every path that was searched, in order.
    pub(super) looked: Vec<PathBuf>,
    /// Whether `$PROXMOX_MCP_CONFIG` named the file.
    pub(super) by_variable: bool,
}

/// A file that was read.
pub(super) struct Found {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its keys and values, in their order.
    pub(super) pairs: Pairs,
    /// The owner and mode of the file that was read, even if it has been replaced since.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only on Unix does a file have a mode"))]
    metadata: Metadata,
}

/// Finds and parses the file: the one named by `explicit` or by `$PROXMOX_MCP_CONFIG`, which must exist, or else the
/// first that exists beside the binary, in the user's configuration folder or in the system-wide one (see [`folders`]).
/// Never the working directory: clients start servers inside whatever project is open, and a file in it could send the
/// token to another host.
///
/// # Errors
/// The file does not exist, cannot be read or is not a JSON object: its path, and a sentence.
pub(super) fn search(
    explicit: Option<&Path>,
    env: Env<'_>,
    exe_dir: Option<&Path>,
) -> Result<Search, (PathBuf, String)> {
    let variable =
        if explicit.is_some() { None } else { env("PROXMOX_MCP_CONFIG").filter(|text| !text.is_empty()) };
    let by_variable = variable.is_some();
    if let Some(path) = explicit.map(PathBuf::from).or(variable.map(PathBuf::from)) {
        let named = if by_variable { "`PROXMOX_MCP_CONFIG`" } else { "`--config`" };
        let absent = || {
            format!(
                "`{}`, which {named} names, does not exist; correct the path or create the file.",
                path.display()
            )
        };
        return match read(&path) {
            Ok(Some(file)) => {
                Ok(Search { looked: vec![path.clone()], found: Some(parse(path, file)?), by_variable })
            }
            Ok(None) => Err((path.clone(), absent())),
            Err(problem) => Err((path, problem)),
        };
    }
    let mut looked = Vec::new();
    for path in candidates(env, exe_dir) {
        match read(&path) {
            Ok(Some(file)) => {
                return Ok(Search { found: Some(parse(path, file)?), looked, by_variable });
            }
            Ok(None) => looked.push(path),
            Err(problem) => return Err((path, problem)),
        }
    }
    Ok(Search { found: None, looked, by_variable })
}

fn candidates(env: Env<'_>, exe_dir: Option<&Path>) -> Vec<PathBuf> {
    let folders = [
        exe_dir.filter(|path| path.is_absolute()).map(PathBuf::from),
        folders::config(OS, env).map(|path| path.join("proxmox-mcp")),
        folders::system_config(OS, env).map(|path| path.join("proxmox-mcp")),
    ];
    folders.into_iter().flatten().map(|folder| folder.join(NAME)).collect()
}

/// The bytes and the metadata of the file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<(Vec<u8>, Metadata)>, String> {
    match whole(path) {
        Ok(read) => Ok(Some(read)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => {
            Err(format!("`{}` cannot be read ({error}); correct its permissions or path.", path.display()))
        }
    }
}

fn whole(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// The keys and values of a file.
fn parse(path: PathBuf, (bytes, metadata): (Vec<u8>, Metadata)) -> Result<Found, (PathBuf, String)> {
    match str::from_utf8(&bytes).map(|text| pairs(&path, text)) {
        Ok(Ok(pairs)) => Ok(Found { path, pairs, metadata }),
        Ok(Err(problem)) => Err((path, problem)),
        Err(_) => {
            let problem = format!("`{}` is not UTF-8 text; save it as UTF-8.", path.display());
            Err((path, problem))
        }
    }
}

fn pairs(path: &Path, text: &str) -> Result<Pairs, String> {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str::<Object>(text).map(|object| object.0).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or("wrong");
        let here = text.lines().nth(line.saturating_sub(1)).unwrap_or("").trim_start();
        let hint = if here.starts_with("//") || here.starts_with("/*") || here.starts_with('#') {
            " JSON has no comments; write them as keys that begin with `//`."
        } else {
            ""
        };
        // serde's message for a wrong type would show a string that may be a secret.
        if error.is_data() {
            format!("`{}` must hold one JSON object, `{{…}}`.", path.display())
        } else {
            format!("`{}` is not valid JSON at line {line}, column {column}: {what}.{hint}", path.display())
        }
    })
}

/// A JSON object that keeps duplicate keys, so that they can be reported.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// What is unsafe about the file that was found.
pub(super) fn file_danger(found: &Found, holds_secret: bool) -> Option<FileRisk> {
    danger(&found.path, &found.metadata, holds_secret)
}
