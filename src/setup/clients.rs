//! MCP clients: where each keeps its configuration, and how a server stands in it. One row is one client.

use crate::setup::jsonc;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The name under which the server is added.
pub const SERVER: &str = "proxmox";

/// One client.
#[derive(Debug)]
pub struct Client {
    /// As it is named on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The object of its file that holds the servers.
    pub key: &'static str,
    /// How a server stands there.
    pub style: Style,
    /// Its file on Linux, on macOS and on Windows; `~` is the home folder, `$CONFIG` the folder for configuration,
    /// which is `%APPDATA%` on Windows. An empty one: there is none.
    pub files: [&'static str; 3],
}

/// How a server stands in a client's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{"command": …, "args": […]}`.
    Plain,
    /// The same with `"type": "stdio"`.
    Typed,
    /// The same with `"type": "local"`, and the program and its arguments in one list.
    List,
    /// A table of a TOML file, which is printed and not merged.
    Toml,
}

const fn client(
    name: &'static str,
    title: &'static str,
    key: &'static str,
    style: Style,
    files: [&'static str; 3],
) -> Client {
    Client { name, title, key, style, files }
}

/// Every client, in the order of the help.
pub const CLIENTS: &[Client] = &[
    client("claude-code", "Claude Code", "mcpServers", Style::Typed, ["~/.claude.json"; 3]),
    client(
        "claude-desktop",
        "Claude Desktop",
        "mcpServers",
        Style::Plain,
        [
            "$CONFIG/Claude/claude_desktop_config.json",
            "~/Library/Application Support/Claude/claude_desktop_config.json",
            "$CONFIG/Claude/claude_desktop_config.json",
        ],
    ),
    client("cursor", "Cursor", "mcpServers", Style::Plain, ["~/.cursor/mcp.json"; 3]),
    client(
        "vscode",
        "Visual Studio Code",
        "servers",
        Style::Typed,
        [
            "$CONFIG/Code/User/mcp.json",
            "~/Library/Application Support/Code/User/mcp.json",
            "$CONFIG/Code/User/mcp.json",
        ],
    ),
    client(
        "zed",
        "Zed",
        "context_servers",
        Style::Plain,
        ["$CONFIG/zed/settings.json", "~/.config/zed/settings.json", "$CONFIG/Zed/settings.json"],
    ),
    client("windsurf", "Windsurf", "mcpServers", Style::Plain, ["~/.codeium/windsurf/mcp_config.json"; 3]),
    client("gemini", "Gemini CLI", "mcpServers", Style::Plain, ["~/.gemini/settings.json"; 3]),
    client("lm-studio", "LM Studio", "mcpServers", Style::Plain, ["~/.lmstudio/mcp.json"; 3]),
    client("opencode", "opencode", "mcp", Style::List, ["~/.config/opencode/opencode.json"; 3]),
    client("codex", "Codex", "mcp_servers", Style::Toml, ["~/.codex/config.toml"; 3]),
];

/// The client of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name)
}

/// The environment, as a function.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Client {
    /// Where its file is. `system` is as in `std::env::consts::OS`.
    #[must_use]
    pub fn file(&self, system: &str, env: Env<'_>) -> Option<PathBuf> {
        let [linux, mac, windows] = self.files;
        let (text, home) = match system {
            "windows" => (windows, env("USERPROFILE")),
            "macos" => (mac, env("HOME")),
            _ => (linux, env("HOME")),
        };
        let home = home.filter(|home| !home.is_empty()).map(PathBuf::from);
        if let Some(rest) = text.strip_prefix("~/") {
            return Some(home?.join(rest));
        }
        let named = if system == "windows" { env("APPDATA") } else { env("XDG_CONFIG_HOME") };
        let folder = named.map(PathBuf::from).filter(|folder| folder.is_absolute() || system == "windows");
        Some(folder.or_else(|| Some(home?.join(".config")))?.join(text.strip_prefix("$CONFIG/")?))
    }

    /// The server as it stands in the client's file.
    #[must_use]
    pub fn entry(&self, program: &str, arguments: &[String]) -> Value {
        match self.style {
            Style::Plain | Style::Toml => json!({"command": program, "args": arguments}),
            Style::Typed => json!({"type": "stdio", "command": program, "args": arguments}),
            Style::List => {
                let words: Vec<&str> =
                    std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect();
                json!({"type": "local", "command": words})
            }
        }
    }

    /// What to put into the client's file by hand.
    #[must_use]
    pub fn snippet(&self, program: &str, arguments: &[String]) -> String {
        let entry = self.entry(program, arguments);
        if self.style == Style::Toml {
            // A TOML string may be written as a JSON one.
            return format!(
                "[{}.{SERVER}]\ncommand = {}\nargs = {}\n",
                self.key, entry["command"], entry["args"]
            );
        }
        format!("{}\n", jsonc::pretty(&json!({self.key: {SERVER: entry}}), 0))
    }

    /// The client's own command that does the same, where it has one.
    #[must_use]
    pub fn command(&self, program: &str, arguments: &[String]) -> Option<String> {
        let words: Vec<String> =
            std::iter::once(program).chain(arguments.iter().map(String::as_str)).map(shell).collect();
        (self.name == "claude-code")
            .then(|| format!("claude mcp add --scope user {SERVER} -- {}", words.join(" ")))
    }

    /// The client's file with the server added or replaced, and everything else as it was. An empty text becomes a
    /// new file.
    ///
    /// # Errors
    /// A sentence: the text is not what such a file holds.
    pub fn merged(&self, text: &str, program: &str, arguments: &[String]) -> Result<String, String> {
        if self.style == Style::Toml {
            return Err(format!(
                "The file of {} is TOML, which is not changed from here; paste the lines above.",
                self.title
            ));
        }
        jsonc::set(text, self.key, SERVER, &self.entry(program, arguments))
    }
}

/// A word as a shell takes it.
fn shell(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Adds the server to a client's file; what was there before is kept beside it under `.backup`.
///
/// # Errors
/// A sentence: the file cannot be read, understood or written.
pub fn write(client: &Client, file: &Path, program: &str, arguments: &[String]) -> Result<String, String> {
    let cannot = |what: &str, error: std::io::Error| {
        format!("`{}` cannot be {what} ({error}); paste the lines above instead.", file.display())
    };
    // Some people keep these files elsewhere and link to them: what the link leads to is changed.
    let file = &file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let before = match std::fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot("read", error)),
    };
    let after = client
        .merged(before.as_deref().unwrap_or_default(), program, arguments)
        .map_err(|problem| format!("`{}`: {problem}", file.display()))?;
    if before.as_ref() == Some(&after) {
        return Ok(format!("`{}` has the server already.", file.display()));
    }
    let mut kept = String::new();
    if before.is_some() {
        let mut name = file.as_os_str().to_owned();
        name.push(".backup");
        std::fs::copy(file, &name).map_err(|error| cannot("copied", error))?;
        kept = format!(" The file as it was is in `{}`.", Path::new(&name).display());
    }
    super::file::replace(file, after.as_bytes()).map_err(|error| cannot("written", error))?;
    Ok(format!("Added to `{}`.{kept} Restart {}.", file.display(), client.title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_place_on_every_system() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/a".to_owned()),
            "USERPROFILE" => Some(r"C:\Users\a".to_owned()),
            "APPDATA" => Some(r"C:\Users\a\AppData\Roaming".to_owned()),
            _ => None,
        };
        for client in CLIENTS {
            for system in ["linux", "macos", "windows"] {
                let file = client.file(system, &env).expect(client.name);
                let text = file.to_string_lossy();
                assert!(text.contains("Users") || text.starts_with("/home/a/"), "{text}");
            }
            assert_eq!(client.file("linux", &|_| None), None, "{}", client.name);
        }
        let zed = find("zed").unwrap();
        assert_eq!(zed.file("linux", &env).unwrap(), Path::new("/home/a/.config/zed/settings.json"));
        let xdg = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/x".to_owned());
        assert_eq!(zed.file("linux", &xdg).unwrap(), Path::new("/x/zed/settings.json"));
    }

    #[test]
    fn snippets_are_what_each_client_reads() {
        let arguments = ["--config".to_owned(), "/a b/config.json".to_owned()];
        for client in CLIENTS {
            let text = client.snippet("/opt/proxmox-mcp", &arguments);
            if client.style == Style::Toml {
                assert_eq!(
                    text,
                    "[mcp_servers.proxmox]\ncommand = \"/opt/proxmox-mcp\"\nargs = [\"--config\",\"/a b/config.json\"]\n"
                );
                assert!(client.merged("", "x", &[]).is_err());
                continue;
            }
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(value[client.key][SERVER]["command"].to_string().contains("/opt/proxmox-mcp"), "{text}");
            assert_eq!(client.merged("", "/opt/proxmox-mcp", &arguments).unwrap(), text);
        }
    }
}
