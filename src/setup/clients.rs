//! MCP clients: where each keeps its configuration, and the form of a server entry in it. One row is one client.

use crate::{
    folders::{self, WINDOWS},
    setup::{jsonc, launch::Launch, toml},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub use crate::folders::Env;

/// The name under which the server is added.
pub const SERVER: &str = "proxmox";

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its display name.
    pub title: &'static str,
    /// The key of the object in its file that holds the servers.
    pub key: &'static str,
    /// The form of a server entry.
    pub style: Style,
    /// Its file on Linux, on macOS and on Windows; `~` is the home folder, `$CONFIG` the folder for configuration,
    /// which is `%APPDATA%` on Windows. Empty if it has none.
    pub files: [&'static str; 3],
}

/// The form of a server entry in a client's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{"command": …, "args": […]}`.
    Plain,
    /// The same with `"type": "stdio"`.
    Typed,
    /// The same with `"type": "local"` and `"tools": ["*"]`, which allows all tools.
    Local,
    /// `{"type": "local", "command": […]}`: the program and its arguments in one list.
    List,
    /// A table of a TOML file.
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
    client("qwen", "Qwen Code", "mcpServers", Style::Plain, ["~/.qwen/settings.json"; 3]),
    client("copilot", "GitHub Copilot CLI", "mcpServers", Style::Local, ["~/.copilot/mcp-config.json"; 3]),
    client(
        "opencode",
        "opencode",
        "mcp",
        Style::List,
        [
            "$CONFIG/opencode/opencode.json",
            "$CONFIG/opencode/opencode.json",
            "~/.config/opencode/opencode.json",
        ],
    ),
    client("codex", "Codex", "mcp_servers", Style::Toml, ["~/.codex/config.toml"; 3]),
];

/// The client with that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name)
}

impl Client {
    /// The path of its file. `system` is as in `std::env::consts::OS`.
    #[must_use]
    pub fn file(&self, system: &str, env: Env<'_>) -> Option<PathBuf> {
        let [linux, mac, windows] = self.files;
        let text = match system {
            WINDOWS => windows,
            "macos" => mac,
            _ => linux,
        };
        let (folder, rest) = match text.split_once('/')? {
            ("~", rest) => (folders::home(system, env)?, rest),
            (_, rest) => (folders::config(system, env)?, rest),
        };
        // Joined with the separator of this system.
        Some(rest.split('/').fold(folder, |path, name| path.join(name)))
    }

    /// The server entry for the client's file.
    #[must_use]
    pub fn entry(&self, launch: &Launch, arguments: &[String]) -> Value {
        let words = launch.words(arguments);
        let (command, rest) = (&launch.command, &words[1..]);
        match self.style {
            Style::Plain | Style::Toml => json!({"command": command, "args": rest}),
            Style::Typed => json!({"type": "stdio", "command": command, "args": rest}),
            Style::Local => json!({"type": "local", "command": command, "args": rest, "tools": ["*"]}),
            Style::List => json!({"type": "local", "command": words}),
        }
    }

    /// The text to add to the client's file by hand.
    #[must_use]
    pub fn snippet(&self, launch: &Launch, arguments: &[String]) -> String {
        match (self.style, self.entry(launch, arguments)) {
            (Style::Toml, Value::Object(entry)) => toml::table(self.key, SERVER, &entry),
            (_, entry) => format!("{}\n", jsonc::pretty(&json!({self.key: {SERVER: entry}}), 0)),
        }
    }

    /// The client's own command that adds the server, if it has one.
    #[must_use]
    pub fn command(&self, system: &str, launch: &Launch, arguments: &[String]) -> Option<String> {
        let add = match self.name {
            "claude-code" => "claude mcp add --scope user",
            "codex" => "codex mcp add",
            _ => return None,
        };
        let words: Vec<String> = launch.words(arguments).iter().map(|word| shell(system, word)).collect();
        Some(format!("{add} {SERVER} -- {}", words.join(" ")))
    }

    /// The client's file with the server added or replaced, and everything else unchanged. An empty text becomes a
    /// new file.
    ///
    /// # Errors
    /// The text cannot be parsed or has an unexpected structure: a sentence.
    pub fn merged(&self, text: &str, launch: &Launch, arguments: &[String]) -> Result<String, String> {
        match (self.style, self.entry(launch, arguments)) {
            (Style::Toml, Value::Object(entry)) => toml::set(text, self.key, SERVER, &entry),
            (_, entry) => jsonc::set(text, self.key, SERVER, &entry),
        }
    }

    /// The client's file without the server, and everything else unchanged; `None` if the server is not in it.
    ///
    /// # Errors
    /// The text cannot be parsed or has an unexpected structure: a sentence.
    pub fn without(&self, text: &str) -> Result<Option<String>, String> {
        match self.style {
            Style::Toml => toml::remove(text, self.key, SERVER),
            _ => jsonc::remove(text, self.key, SERVER),
        }
    }
}

/// A word quoted for the system's shell.
fn shell(system: &str, word: &str) -> String {
    let plain = |letter: char| {
        letter.is_ascii_alphanumeric() || "/._-+=:@".contains(letter) || (system == WINDOWS && letter == '\\')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if system == WINDOWS {
        return format!("\"{}\"", word.replace('"', "\\\""));
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Adds the server to a client's file; the previous file is kept beside it with the extension `.backup`.
///
/// # Errors
/// The file cannot be read, parsed or written: a sentence.
pub fn write(client: &Client, file: &Path, launch: &Launch, arguments: &[String]) -> Result<String, String> {
    let change = |text: &str| client.merged(text, launch, arguments).map(Some);
    let done = changed(file, &change).map_err(|problem| match problem {
        Problem::Access(problem) => format!("{problem}; paste the lines above instead."),
        Problem::Content(problem) => problem,
    })?;
    Ok(match done {
        Some(kept) => format!("Added to `{}`.{kept} Restart {}.", file.display(), client.title),
        None => format!("`{}` already contains the server.", file.display()),
    })
}

/// Removes the server from a client's file; the previous file is kept beside it with the extension `.backup`.
///
/// # Errors
/// The file cannot be read, parsed or written: a sentence.
pub fn remove(client: &Client, file: &Path) -> Result<String, String> {
    let done = changed(file, &|text| client.without(text)).map_err(|problem| match problem {
        Problem::Access(problem) => format!("{problem}; remove `{SERVER}` from it by hand."),
        Problem::Content(problem) => problem,
    })?;
    Ok(match done {
        Some(kept) => format!("Removed from `{}`.{kept} Restart {}.", file.display(), client.title),
        None => format!("`{}` does not contain the server.", file.display()),
    })
}

/// Why a file was not changed.
enum Problem {
    /// It cannot be read or written: the beginning of a sentence.
    Access(String),
    /// Its content has a problem: a sentence.
    Content(String),
}

/// Changes a file, unless its content stays the same. Returns a sentence that says where the previous file is kept, or
/// `None` if nothing changed.
fn changed(
    file: &Path,
    change: &dyn Fn(&str) -> Result<Option<String>, String>,
) -> Result<Option<String>, Problem> {
    let cannot = |what: &str, error: std::io::Error| {
        Problem::Access(format!("`{}` cannot be {what} ({error})", file.display()))
    };
    // Some users keep these files elsewhere and link to them: the target of the link is changed.
    let is_link = file.symlink_metadata().is_ok_and(|there| there.is_symlink());
    let place = if is_link { file.canonicalize().ok() } else { None };
    let place = place.as_deref().unwrap_or(file);
    let before = match std::fs::read_to_string(place) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot("read", error)),
    };
    let after = change(before.as_deref().unwrap_or_default())
        .map_err(|problem| Problem::Content(format!("`{}`: {problem}", file.display())))?;
    let Some(after) = after.filter(|after| before.as_ref() != Some(after)) else { return Ok(None) };
    let mut kept = String::new();
    if before.is_some() {
        let mut name = place.as_os_str().to_owned();
        name.push(".backup");
        std::fs::copy(place, &name).map_err(|error| cannot("copied", error))?;
        kept = format!(" The previous file is kept as `{}`.", Path::new(&name).display());
    }
    super::file::replace(place, after.as_bytes()).map_err(|error| cannot("written", error))?;
    Ok(Some(kept))
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
                let text = file.to_string_lossy().replace('\\', "/");
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
        let launch = Launch::of("/opt/proxmox-mcp", "linux");
        for client in CLIENTS {
            let text = client.snippet(&launch, &arguments);
            assert_eq!(client.merged("", &launch, &arguments).unwrap(), text);
            assert_eq!(client.without("").unwrap(), None);
            assert!(!client.without(&text).unwrap().unwrap().contains("/opt/proxmox-mcp"), "{text}");
            if client.style == Style::Toml {
                assert_eq!(
                    text,
                    "[mcp_servers.proxmox]\ncommand = \"/opt/proxmox-mcp\"\nargs = [\"--config\",\"/a b/config.json\"]\n"
                );
                continue;
            }
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(value[client.key][SERVER]["command"].to_string().contains("/opt/proxmox-mcp"), "{text}");
        }
    }

    #[test]
    fn the_command_is_written_for_the_systems_shell() {
        let claude = find("claude-code").unwrap();
        let arguments = ["--config".to_owned(), r"C:\it's mine\config.json".to_owned()];
        for (system, program, expected) in [
            ("linux", "/opt/p", r"/opt/p --config 'C:\it'\''s mine\config.json'"),
            ("windows", r"C:\p.exe", r#"C:\p.exe --config "C:\it's mine\config.json""#),
            ("windows", r"C:\_npx\p.exe", r#"cmd /c npx -y proxmox-mcp --config "C:\it's mine\config.json""#),
        ] {
            let command = claude.command(system, &Launch::of(program, system), &arguments).unwrap();
            assert_eq!(command, format!("claude mcp add --scope user proxmox -- {expected}"));
        }
    }
}
