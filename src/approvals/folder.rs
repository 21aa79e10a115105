//! The folder in which requests wait: where it is, and whether it is private.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder in which requests wait for approval: below `$XDG_RUNTIME_DIR`, else below the state folder
/// (`$XDG_STATE_HOME`, `~/.local/state`); on Windows below `%LOCALAPPDATA%`.
///
/// # Errors
/// None of these variables is set to an absolute path: a sentence.
pub fn folder(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = absolute("XDG_RUNTIME_DIR").filter(|path| !cfg!(windows) && path.is_dir());
    match runtime {
        Some(runtime) => Ok(runtime.join("proxmox-mcp").join("approvals")),
        None => state_folder(env).map(|state| state.join("approvals")),
    }
}

/// The folder for persistent state: below `$XDG_STATE_HOME` or `~/.local/state`; on Windows below `%LOCALAPPDATA%`.
///
/// # Errors
/// None of these variables is set to an absolute path: a sentence.
pub fn state_folder(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else {
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
    };
    base.map(|base| base.join("proxmox-mcp")).ok_or_else(|| {
        let names = if cfg!(windows) { "`LOCALAPPDATA`" } else { "`XDG_STATE_HOME` or `HOME`" };
        format!("There is no folder for the state of this program: set {names} to an absolute path.")
    })
}

/// A folder that only this user can read and write.
#[derive(Clone, Debug)]
pub struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Creates the folder if it is missing, and checks that only this user has access.
    ///
    /// # Errors
    /// It cannot be created, is a link, belongs to another user, or is open to others: a sentence.
    pub fn open(path: &Path) -> Result<PrivateFolder, String> {
        let shown = path.display();
        make(path)
            .map_err(|error| format!("The folder `{shown}` for approvals cannot be created ({error})."))?;
        let there = fs::symlink_metadata(path)
            .map_err(|error| format!("The folder `{shown}` for approvals cannot be read ({error})."))?;
        if !there.is_dir() {
            return Err(format!(
                "`{shown}` must be a folder for approvals, but it is a link or a file; remove it."
            ));
        }
        match trouble(path, &there) {
            None => Ok(PrivateFolder(path.to_owned())),
            Some(trouble) => Err(format!(
                "The folder `{shown}` for approvals is not used, because {trouble}; remove it, and it will be created again."
            )),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The owner of the folder, who is the user that runs this program: `root (uid 0)`.
    #[must_use]
    pub fn user(&self) -> String {
        user(&self.0)
    }
}

#[cfg(unix)]
fn user(folder: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(there) = fs::metadata(folder) else { return "unknown".to_owned() };
    let uid = there.uid().to_string();
    // The format is name:password:uid:…; users of a directory service are not in it.
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    });
    name.map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

#[cfg(not(unix))]
fn user(_: &Path) -> String {
    std::env::var("USERNAME").unwrap_or_else(|_| "unknown".to_owned())
}

/// Whether a file or folder has the same owner as `own` and is closed to all others. Always `true` on systems without
/// file modes.
#[must_use]
pub fn is_private(there: &fs::Metadata, own: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        there.uid() == own.uid() && there.mode() & 0o077 == 0
    }
    #[cfg(not(unix))]
    {
        let _ = (there, own);
        true
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Why a folder cannot be used. A file created in it shows which user this program runs as.
fn trouble(path: &Path, there: &fs::Metadata) -> Option<String> {
    let probe = path.join(format!(".probe-{}-{:?}", std::process::id(), std::thread::current().id()));
    let own =
        fs::OpenOptions::new().write(true).create_new(true).open(&probe).and_then(|file| file.metadata());
    let _ = fs::remove_file(&probe);
    match own {
        Err(error) => Some(format!("no file can be created in it ({error})")),
        Ok(own) if is_private(there, &own) => None,
        Ok(_) => Some("it belongs to another user or is open to others".to_owned()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_by_the_variables_in_order() {
        let runtime = std::env::temp_dir();
        let runtime = runtime.to_str().unwrap();
        for (variables, expected) in [
            (
                &[("XDG_RUNTIME_DIR", runtime), ("HOME", "/home/a")][..],
                Some(format!("{runtime}/proxmox-mcp/approvals")),
            ),
            (
                &[("XDG_RUNTIME_DIR", "/nowhere/at/all"), ("HOME", "/home/a")],
                Some("/home/a/.local/state/proxmox-mcp/approvals".into()),
            ),
            (
                &[("XDG_STATE_HOME", "/state"), ("HOME", "/home/a")],
                Some("/state/proxmox-mcp/approvals".into()),
            ),
            (
                &[("XDG_STATE_HOME", "relative"), ("HOME", "/home/a")],
                Some("/home/a/.local/state/proxmox-mcp/approvals".into()),
            ),
            (&[("HOME", "relative")], None),
        ] {
            let env = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(folder(&env).ok(), expected.map(PathBuf::from), "{variables:?}");
        }
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused_and_so_is_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let base = std::env::temp_dir().join(format!("proxmox-mcp-folder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let own = base.join("own");
        PrivateFolder::open(&own).unwrap();
        assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&own, fs::Permissions::from_mode(0o750)).unwrap();
        let problem = PrivateFolder::open(&own).unwrap_err();
        assert!(problem.contains("open to others"), "{problem}");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
        let link = base.join("link");
        std::os::unix::fs::symlink(&own, &link).unwrap();
        assert!(PrivateFolder::open(&link).unwrap_err().contains("link"));
        fs::remove_dir_all(&base).unwrap();
    }
}
