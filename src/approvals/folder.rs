//! The folder in which requests wait: where it is, and whether nobody else can read or write it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where requests for approval wait: below `$XDG_RUNTIME_DIR`, else below the state directory
/// (`$XDG_STATE_HOME`, `~/.local/state`); on Windows below `%LOCALAPPDATA%`.
///
/// # Errors
/// A sentence: no variable says where a user's own files are.
pub fn folder(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = absolute("XDG_RUNTIME_DIR").filter(|path| !cfg!(windows) && path.is_dir());
    match runtime {
        Some(runtime) => Ok(runtime.join("proxmox-mcp").join("approvals")),
        None => state_folder(env).map(|state| state.join("approvals")),
    }
}

/// Where what outlives the program is kept: below the state directory (`$XDG_STATE_HOME`, `~/.local/state`); on Windows
/// below `%LOCALAPPDATA%`.
///
/// # Errors
/// A sentence: no variable says where a user's own files are.
pub fn state_folder(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else {
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
    };
    base.map(|base| base.join("proxmox-mcp")).ok_or_else(|| {
        let names = if cfg!(windows) { "`LOCALAPPDATA`" } else { "`XDG_STATE_HOME` or `HOME`" };
        format!("There is no folder for what this program keeps: set {names} to an absolute path.")
    })
}

/// A folder that only this user can read and write.
#[derive(Clone, Debug)]
pub struct Trusted(PathBuf);

impl Trusted {
    /// Makes the folder where it is missing, and checks that it is this user's alone.
    ///
    /// # Errors
    /// A sentence: it cannot be made, is a link, belongs to somebody else, or is open to others.
    pub fn open(path: &Path) -> Result<Trusted, String> {
        let shown = path.display();
        make(path)
            .map_err(|error| format!("The folder `{shown}` for approvals cannot be made ({error})."))?;
        let there = fs::symlink_metadata(path)
            .map_err(|error| format!("The folder `{shown}` for approvals cannot be read ({error})."))?;
        if !there.is_dir() {
            return Err(format!(
                "`{shown}` must be a folder for approvals, but it is a link or a file; remove it."
            ));
        }
        match trouble(path, &there) {
            None => Ok(Trusted(path.to_owned())),
            Some(trouble) => Err(format!(
                "The folder `{shown}` for approvals is not used, because {trouble}; remove it, and it is made anew."
            )),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The user whose folder it is, which is the one who runs this program: `root (uid 0)`.
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
    // name:password:uid:…; users of a directory service are not in it.
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

/// Whether a file or folder belongs to this user and is closed to all others. Where the system has no modes, it is.
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

/// What speaks against a folder. A file made in it has this user as its owner, whoever that is.
fn trouble(path: &Path, there: &fs::Metadata) -> Option<String> {
    let probe = path.join(format!(".probe-{}-{:?}", std::process::id(), std::thread::current().id()));
    let own =
        fs::OpenOptions::new().write(true).create_new(true).open(&probe).and_then(|file| file.metadata());
    let _ = fs::remove_file(&probe);
    match own {
        Err(error) => Some(format!("no file can be made in it ({error})")),
        Ok(own) if is_private(there, &own) => None,
        Ok(_) => Some("it belongs to another user or is open to others".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
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

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_enter_is_refused_and_so_is_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let base = std::env::temp_dir().join(format!("proxmox-mcp-folder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let own = base.join("own");
        Trusted::open(&own).unwrap();
        assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&own, fs::Permissions::from_mode(0o750)).unwrap();
        let problem = Trusted::open(&own).unwrap_err();
        assert!(problem.contains("open to others"), "{problem}");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
        let link = base.join("link");
        std::os::unix::fs::symlink(&own, &link).unwrap();
        assert!(Trusted::open(&link).unwrap_err().contains("link"));
        fs::remove_dir_all(&base).unwrap();
    }
}
