//! Where a user's own files are on each system: the home folder, and the folders for configuration.

use std::path::{Path, PathBuf};

/// The environment, as a function.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The last places in which the configuration is searched for, as `--help` shows them on this system.
#[cfg(not(windows))]
pub const SHOWN: &str = "$XDG_CONFIG_HOME/proxmox-mcp/config.json, /etc/proxmox-mcp/config.json";
/// The last places in which the configuration is searched for, as `--help` shows them on this system.
#[cfg(windows)]
pub const SHOWN: &str = r"%APPDATA%\proxmox-mcp\config.json, %PROGRAMDATA%\proxmox-mcp\config.json";

/// Windows, as named in `std::env::consts::OS`. All other systems follow the Unix conventions.
pub const WINDOWS: &str = "windows";

/// The variable that names the home folder. `system` is as in `std::env::consts::OS`.
#[must_use]
pub fn home_variable(system: &str) -> &'static str {
    if system == WINDOWS { "USERPROFILE" } else { "HOME" }
}

/// The home folder.
#[must_use]
pub fn home(system: &str, env: Env<'_>) -> Option<PathBuf> {
    absolute(system, env, home_variable(system))
}

/// The user's folder for configuration files: `$XDG_CONFIG_HOME`, else `~/.config`; on Windows `%APPDATA%`.
#[must_use]
pub fn config(system: &str, env: Env<'_>) -> Option<PathBuf> {
    if system == WINDOWS {
        return absolute(system, env, "APPDATA")
            .or_else(|| Some(home(system, env)?.join("AppData").join("Roaming")));
    }
    absolute(system, env, "XDG_CONFIG_HOME").or_else(|| Some(home(system, env)?.join(".config")))
}

/// The system-wide folder for configuration files: `/etc`; on Windows `%PROGRAMDATA%`.
#[must_use]
pub fn system_config(system: &str, env: Env<'_>) -> Option<PathBuf> {
    if system == WINDOWS { absolute(system, env, "PROGRAMDATA") } else { Some("/etc".into()) }
}

/// The folder that a variable names. Relative paths are ignored: the working directory is whatever project is open.
fn absolute(system: &str, env: Env<'_>, name: &str) -> Option<PathBuf> {
    env(name).filter(|text| is_absolute(system, text)).map(PathBuf::from)
}

/// Whether a path is absolute by the rules of `system`, whichever system this program runs on.
fn is_absolute(system: &str, text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', b'\\', ..] | [b'a'..=b'z' | b'A'..=b'Z', b':', b'\\' | b'/', ..] if system == WINDOWS => true,
        _ => system != WINDOWS && Path::new(text).has_root(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folders of a system with these variables, as text with forward slashes.
    fn found(system: &str, variables: &[(&str, &str)]) -> [Option<String>; 3] {
        let env =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        [home(system, &env), config(system, &env), system_config(system, &env)]
            .map(|folder| folder.map(|folder| folder.display().to_string().replace('\\', "/")))
    }

    #[test]
    fn every_system_has_folders_of_its_own() {
        let all = [
            ("HOME", "/home/a"),
            ("USERPROFILE", r"C:\Users\a"),
            ("APPDATA", r"C:\Users\a\AppData\Roaming"),
            ("PROGRAMDATA", r"C:\ProgramData"),
        ];
        let text = |words: [&str; 3]| words.map(|word| Some(word.to_owned()));
        assert_eq!(found("linux", &all), text(["/home/a", "/home/a/.config", "/etc"]));
        assert_eq!(found("macos", &all), text(["/home/a", "/home/a/.config", "/etc"]));
        let roaming = "C:/Users/a/AppData/Roaming";
        assert_eq!(found("windows", &all), text(["C:/Users/a", roaming, "C:/ProgramData"]));
        assert_eq!(
            found("windows", &all[..2]),
            [Some("C:/Users/a".into()), Some(roaming.into()), None],
            "a service has no %APPDATA%"
        );
        let xdg = [("XDG_CONFIG_HOME", "/x"), ("HOME", "/home/a")];
        assert_eq!(found("linux", &xdg), text(["/home/a", "/x", "/etc"]));
        let share = [("USERPROFILE", r"\\server\a"), ("APPDATA", "D:/roaming")];
        assert_eq!(found("windows", &share), [Some("//server/a".into()), Some("D:/roaming".into()), None]);
    }

    #[test]
    fn what_is_relative_or_missing_is_no_folder() {
        assert_eq!(found("linux", &[]), [None, None, Some("/etc".into())]);
        assert_eq!(found("windows", &[("HOME", "/home/a")]), [None, None, None]);
        let relative = [("HOME", "a"), ("XDG_CONFIG_HOME", "x"), ("USERPROFILE", "C:a"), ("APPDATA", "a")];
        assert_eq!(found("linux", &relative), [None, None, Some("/etc".into())]);
        assert_eq!(found("windows", &relative), [None, None, None]);
    }
}
