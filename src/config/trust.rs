//! Whether other users can read or change a file. A configuration that others can change is not used, because it says
//! where credentials are sent. Only Unix has file modes to check.

use std::{fs::Metadata, path::Path};

/// What is unsafe about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has file modes to check"))]
pub(super) enum FileRisk {
    /// It must not be used.
    Refuse(String),
    /// It is used, with a warning.
    Warn(String),
}

/// What is unsafe about a file, with the command that corrects it. `secret`: whether the file contains one.
#[cfg(unix)]
pub(super) fn danger(path: &Path, file: &Metadata, secret: bool) -> Option<FileRisk> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.mode() & 0o777;
    let quoted = path.display().to_string().replace('\'', r"'\''");
    let shown = path.display();
    // A group with the same number as the user is the user's private group.
    let own_group = file.uid() == file.gid();
    let by_others = mode & 0o002 != 0 || (mode & 0o020 != 0 && !own_group);
    if by_others {
        return Some(FileRisk::Refuse(format!(
            "`{shown}` (mode {mode:04o}) can be changed by other users, who could send your credentials elsewhere, so it is not used; run: chmod 600 '{quoted}'"
        )));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(there) = folder.metadata()
        && there.mode() & 0o002 != 0
        && there.mode() & 0o1000 == 0
    {
        return Some(FileRisk::Refuse(format!(
            "`{shown}` is in a folder that other users may write to, who could replace it, so it is not used; run: chmod o-w '{}'",
            folder.display().to_string().replace('\'', r"'\''")
        )));
    }
    if let Some(own) = own_id()
        && file.uid() != own
        && file.uid() != 0
    {
        return Some(FileRisk::Warn(format!(
            "`{shown}` belongs to another user (uid {}), who can change it; take ownership with: chown {own} '{quoted}'",
            file.uid()
        )));
    }
    let why = if mode & 0o020 != 0 {
        "can be changed by its group"
    } else if secret && mode & 0o044 != 0 {
        "holds a secret and can be read by other users"
    } else {
        return None;
    };
    Some(FileRisk::Warn(format!("`{shown}` (mode {mode:04o}) {why}; run: chmod 600 '{quoted}'")))
}

#[cfg(not(unix))]
pub(super) fn danger(_: &Path, _: &Metadata, _: bool) -> Option<FileRisk> {
    None
}

/// The uid of this process, if `/proc` shows it.
#[cfg(unix)]
fn own_id() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|own| own.uid())
}
