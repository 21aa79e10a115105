//! Files replaced as a whole: written beside the old one, private to their owner, and moved into its place.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Puts `bytes` into `path`, whose folder is made if it is not there. A reader sees the old content or the new one,
/// never a part. A new file is for its owner only (0600); one that was there keeps its mode. On Windows a new file has
/// the permissions of its folder: below a user's profile these are that user's alone.
///
/// # Errors
/// What the system says.
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
