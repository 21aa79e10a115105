//! Atomic file replacement: the new file is written beside the old one, readable only by its owner, and renamed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Writes `bytes` to `path`, and creates its folder if it is missing. A reader sees either the old or the new content,
/// never a part of it. A new file is readable only by its owner (0600); an existing one keeps its mode. On Windows a
/// new file inherits the permissions of its folder: below a user's profile, only that user has access.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let beside = Path::new(&name);
    let done = write(beside, bytes)
        .and_then(|()| match fs::metadata(path) {
            Ok(old) => fs::set_permissions(beside, old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(beside, path));
    if done.is_err() {
        let _ = fs::remove_file(beside);
    }
    done
}

/// Writes a new file that only its owner can read.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
