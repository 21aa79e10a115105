//! Opens the file to upload: only from folders that the configuration names, not through a link, and only the same file
//! that was checked.

use crate::config::Config;
use std::{
    fs::{self, File},
    path::{Component, Path, PathBuf},
};

/// A file that may leave this machine.
#[derive(Debug)]
pub struct UploadFile {
    /// Where it is, without links.
    pub path: PathBuf,
    /// The file, open.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
}

/// Opens a file that may be uploaded.
///
/// # Errors
/// Fails with a sentence if the file is in none of the folders, is reached by a link, has hard links or is not regular.
pub fn open(config: &Config, given: &str) -> Result<UploadFile, String> {
    let path = Path::new(given);
    let place = config.source.file.as_ref();
    let place = place.map_or_else(|| "the configuration".to_owned(), |file| format!("`{}`", file.display()));
    let line =
        |folder: &Path| format!("\"upload_from\": [{}]", serde_json::json!(folder.display().to_string()));
    if !path.is_absolute() || path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err("give its absolute path, without `..`.".into());
    }
    let parent = path.parent().unwrap_or(path);
    let mut folders = config.upload_from.iter().filter_map(|folder| {
        let real = folder.canonicalize().ok()?;
        let rest = path.strip_prefix(folder).or_else(|_| path.strip_prefix(&real)).ok()?;
        Some(real.join(rest))
    });
    let Some(real) = folders.next() else {
        return Err(format!(
            "it is in none of the folders that the setting `upload_from` names. To allow it, a person adds to {place}: {}",
            line(parent)
        ));
    };
    let unreadable = |error: std::io::Error| format!("{error}.");
    if real.canonicalize().map_err(unreadable)? != real {
        return Err("it is reached by a link; give the file itself.".into());
    }
    let there = fs::symlink_metadata(&real).map_err(unreadable)?;
    if !there.is_file() {
        return Err("it is not a regular file.".into());
    }
    let file = File::open(&real).map_err(unreadable)?;
    let opened = file.metadata().map_err(unreadable)?;
    if !opened.is_file() || !is_same(&there, &opened) {
        return Err("it was replaced while it was being opened.".into());
    }
    if has_other_names(&opened) {
        return Err(
            "it has another name too (a hard link), so it may be any file; copy it into the folder.".into()
        );
    }
    Ok(UploadFile { path: real, size: opened.len(), file })
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.len() == other.len() && one.created().ok() == other.created().ok()
}

#[cfg(unix)]
fn has_other_names(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.nlink() != 1
}

#[cfg(not(unix))]
fn has_other_names(_: &fs::Metadata) -> bool {
    false
}
