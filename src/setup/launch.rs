//! How a client starts this program: by its path, or through the runner (npx, uvx) that downloaded it, because a
//! runner may delete its copy at any time.

use crate::folders::WINDOWS;

/// The package's name on npm.
pub const NPM: &str = "proxmox-mcp";
/// The package's name on PyPI, where `proxmox-mcp` is the package of another project.
pub const PYPI: &str = "proxmox-mcp-rs";
/// The name of the program in the packages.
const PROGRAM: &str = "proxmox-mcp";

/// The command that starts this program, and its first arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program to start.
    pub command: String,
    /// The arguments before those of this program.
    pub arguments: Vec<String>,
}

impl Launch {
    /// The command that starts the program at that path. `system` is as in `std::env::consts::OS`.
    ///
    /// `npx` keeps packages below a folder `_npx` and `uvx` in archives of uv's cache; both may remove them again.
    #[must_use]
    pub fn of(program: &str, system: &str) -> Launch {
        let folders: Vec<&str> = program.split(['/', '\\']).collect();
        let launch = |words: &[&str]| Launch {
            command: words[0].to_owned(),
            arguments: words[1..].iter().map(|word| (*word).to_owned()).collect(),
        };
        if folders.contains(&"_npx") {
            // On Windows npx is a script, which only a shell can start.
            let shell: &[&str] = if system == WINDOWS { &["cmd", "/c"] } else { &[] };
            return launch(&[shell, &["npx", "-y", NPM]].concat());
        }
        let of_uv = |folder: &&str| folder.starts_with("archive-v") || folder.starts_with("environments-v");
        if folders.contains(&"uv") && folders.iter().any(of_uv) {
            return launch(&["uvx", "--from", PYPI, PROGRAM]);
        }
        launch(&[program])
    }

    /// The whole command line: the command, its first arguments, and then `more`.
    #[must_use]
    pub fn words(&self, more: &[String]) -> Vec<String> {
        [std::slice::from_ref(&self.command), &self.arguments, more].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runner_fetched_is_started_by_the_runner() {
        for (system, program, expected) in [
            ("linux", "/opt/bin/proxmox-mcp", "/opt/bin/proxmox-mcp"),
            ("linux", "/a b/proxmox-mcp", "/a b/proxmox-mcp"),
            (
                "linux",
                "/home/a/.npm/_npx/0f3/node_modules/proxmox-mcp-linux-x64/bin/proxmox-mcp",
                "npx -y proxmox-mcp",
            ),
            (
                "windows",
                r"C:\Users\a\AppData\Local\npm-cache\_npx\0f3\node_modules\proxmox-mcp-win32-x64\bin\proxmox-mcp.exe",
                "cmd /c npx -y proxmox-mcp",
            ),
            (
                "linux",
                "/usr/lib/node_modules/proxmox-mcp/node_modules/proxmox-mcp-linux-x64/bin/proxmox-mcp",
                "/usr/lib/node_modules/proxmox-mcp/node_modules/proxmox-mcp-linux-x64/bin/proxmox-mcp",
            ),
            (
                "macos",
                "/Users/a/.cache/uv/archive-v0/x_1/bin/proxmox-mcp",
                "uvx --from proxmox-mcp-rs proxmox-mcp",
            ),
            (
                "linux",
                "/home/a/.cache/uv/environments-v2/x/bin/proxmox-mcp",
                "uvx --from proxmox-mcp-rs proxmox-mcp",
            ),
            (
                "windows",
                r"C:\Users\a\AppData\Local\uv\cache\archive-v0\x\Scripts\proxmox-mcp.exe",
                "uvx --from proxmox-mcp-rs proxmox-mcp",
            ),
            (
                "linux",
                "/home/a/.local/share/uv/tools/proxmox-mcp/bin/proxmox-mcp",
                "/home/a/.local/share/uv/tools/proxmox-mcp/bin/proxmox-mcp",
            ),
        ] {
            let launch = Launch::of(program, system);
            assert_eq!(launch.words(&["x".into()]).join(" "), format!("{expected} x"), "{program}");
        }
    }
}
