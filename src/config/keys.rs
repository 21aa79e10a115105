//! The table of configuration keys: one row is one key. Parsing, checks, environment variables, hints, the manual page
//! and the table in the documentation are derived from the rows. Knows nothing of files.

use crate::{log::LEVELS, suggest};
use serde_json::json;
use std::fmt::{self, Write};

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`; in the environment also yes, no, on, off, 1 and 0.
    Bool,
    /// A whole number from the first to the second; the third is its unit, or empty.
    Integer(u64, u64, &'static str),
    /// A string without whitespace.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A host: `name`, `name:port`, `https://name:port/`, `[v6]:port` or a bare IPv6 address.
    Host,
    /// A list of hosts.
    Hosts,
    /// A list of names; whether they may contain `*`.
    Names(bool),
    /// A token's id: `user@realm!name`, or only `name` if a user is set.
    TokenId,
    /// A SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.
    Fingerprint,
    /// A selection of guests and nodes.
    Selection,
    /// How nodes are reached by SSH.
    Ssh,
    /// The keys of several clusters, by name.
    Clusters,
    /// A list of command patterns, in which `*` matches any plain words.
    Patterns,
    /// A list of hosts that are reached without the proxy.
    Direct,
    /// The path of a file: absolute, `~/…`, or relative to the configuration file (never to the working directory).
    Path,
    /// A list of paths, each as in [`Kind::Path`].
    Paths,
    /// A list of some of these words.
    WordList(&'static [&'static str]),
    /// A secret: a string, `{"file": path}`, `{"env": name}` or `{"command": [program, argument…]}`.
    Secret,
    /// The users' own tools.
    Tools,
}

/// A default value.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A string.
    Word(&'static str),
    /// A list of strings.
    Names(&'static [&'static str]),
}

impl fmt::Display for DefaultValue {
    /// As JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DefaultValue::Flag(flag) => flag.fmt(f),
            DefaultValue::Number(number) => number.fmt(f),
            DefaultValue::Word(word) => json!(word).fmt(f),
            DefaultValue::Names(names) => json!(names).fmt(f),
        }
    }
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// One sentence for the documentation.
    pub about: &'static str,
    /// Environment variables that override the file; the first one that is set is used.
    pub env: &'static [&'static str],
    /// Variables shared by many programs (`HTTPS_PROXY`); used if neither the file nor `env` sets the key.
    pub ambient: &'static [&'static str],
    /// The default value.
    pub default: Option<DefaultValue>,
    /// A value for the example file and the hints, as JSON; the default is used if there is none.
    pub example: Option<&'static str>,
    /// Whether it applies to one cluster rather than to the server as a whole.
    pub per_cluster: bool,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Key {
        Key { name, kind, about, env: &[], ambient: &[], default: None, example: None, per_cluster: false }
    }

    const fn env(self, env: &'static [&'static str]) -> Key {
        Key { env, ..self }
    }

    const fn ambient(self, ambient: &'static [&'static str]) -> Key {
        Key { ambient, ..self }
    }

    const fn default(self, fallback: DefaultValue) -> Key {
        Key { default: Some(fallback), ..self }
    }

    const fn example(self, json: &'static str) -> Key {
        Key { example: Some(json), ..self }
    }

    const fn per_cluster(self) -> Key {
        Key { per_cluster: true, ..self }
    }

    /// The example, or else the default, as JSON.
    #[must_use]
    pub fn sample(&self) -> String {
        self.example.map(str::to_owned).or(self.default.map(|value| value.to_string())).unwrap_or_default()
    }
}

/// The values of `access`, from the most to the least restrictive.
pub(super) const ACCESS: &[&str] = &["read-only", "standard", "full"];
/// The values of `confirm`.
pub(super) const CONFIRM: &[&str] = &["person", "token", "strict"];
/// The values of `ask`: classes of requests, as in the table of effects.
pub(super) const ASK: &[&str] = &["change", "interrupt", "destroy", "rights", "execute", "outbound"];
/// The values of `list_format`.
pub(super) const LIST_FORMAT: &[&str] = &["table", "objects"];

/// Every key, in the order of the table in the documentation and of the example.
pub const KEYS: &[Key] = &[
    Key::new("host", Kind::Host, "A node of the cluster: a name or address, optionally with a port, or a URL; behind a reverse proxy, with its path.")
        .env(&["PROXMOX_HOST"])
        .example(r#""pve.example.com""#)
        .per_cluster(),
    Key::new("hosts", Kind::Hosts, "More nodes, tried in this order if those before them cannot be reached.")
        .example(r#"["pve2.example.com","192.0.2.3:8006"]"#)
        .per_cluster(),
    Key::new("port", Kind::Integer(1, 65535, ""), "The API's port, for every host that is given without one.")
        .env(&["PROXMOX_PORT"])
        .default(DefaultValue::Number(8006))
        .per_cluster(),
    Key::new("token_id", Kind::TokenId, "The API token's id, `user@realm!name`, or only its name if `user` is set.")
        .env(&["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_NAME"])
        .example(r#""mcp@pve!assistant""#)
        .per_cluster(),
    Key::new("token_secret", Kind::Secret, "The API token's secret.")
        .env(&["PROXMOX_TOKEN_SECRET", "PROXMOX_TOKEN_VALUE"])
        .example(r#""xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx""#)
        .per_cluster(),
    Key::new("user", Kind::Text, "The user to log in with if there is no token, with or without `@realm`.")
        .env(&["PROXMOX_USER", "PROXMOX_USERNAME"])
        .example(r#""mcp@pve""#)
        .per_cluster(),
    Key::new("password", Kind::Secret, "The user's password.")
        .env(&["PROXMOX_PASSWORD"])
        .example(r#"{"file":"password.txt"}"#)
        .per_cluster(),
    Key::new("realm", Kind::Text, "The realm of a `user` that is given without one.")
        .env(&["PROXMOX_REALM"])
        .default(DefaultValue::Word("pam"))
        .per_cluster(),
    Key::new("totp", Kind::Secret, "The second factor of the account, if it needs one: a TOTP secret, or a command that prints a code.")
        .example(r#"{"command":["pass","otp","proxmox"]}"#)
        .per_cluster(),
    Key::new("ssl_verify", Kind::Bool, "Whether the server's certificate is checked; `false` is unsafe.")
        .env(&["PROXMOX_VERIFY_SSL", "PROXMOX_SSL_VERIFY"])
        .default(DefaultValue::Flag(true))
        .per_cluster(),
    Key::new("ca_file", Kind::Path, "PEM file of the only CA to trust, such as a copy of `pve-root-ca.pem`.")
        .env(&["PROXMOX_CA_FILE"])
        .example(r#""pve-root-ca.pem""#)
        .per_cluster(),
    Key::new("fingerprint", Kind::Fingerprint, "SHA-256 fingerprint of the only certificate to trust.")
        .env(&["PROXMOX_FINGERPRINT"])
        .example(
            r#""00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF""#,
        )
        .per_cluster(),
    Key::new("client_certificate", Kind::Path, "PEM file of the client certificate, for a reverse proxy that requires one.")
        .example(r#""client.pem""#)
        .per_cluster(),
    Key::new("client_key", Kind::Path, "PEM file of the client certificate's private key; the same file if not given.")
        .example(r#""client.key""#)
        .per_cluster(),
    Key::new("proxy", Kind::Secret, "The HTTP proxy to use, `http://host:port`, optionally with `user:password@`; `none` for no proxy, whatever the environment says.")
        .env(&["PROXMOX_PROXY"])
        .ambient(&["HTTPS_PROXY", "https_proxy"])
        .example(r#""http://proxy.example.com:3128""#)
        .per_cluster(),
    Key::new("no_proxy", Kind::Direct, "Hosts that are reached without the proxy, as this computer itself always is.")
        .ambient(&["NO_PROXY", "no_proxy"])
        .example(r#"["example.com","192.0.2.0/24"]"#)
        .per_cluster(),
    Key::new("cluster_addresses", Kind::Bool, "Whether the node addresses that the cluster reports are tried too if no configured host can be reached.")
        .default(DefaultValue::Flag(false))
        .per_cluster(),
    Key::new("connect_timeout", Kind::Integer(1, 300, "seconds"), "Time to connect to a host, TLS included.")
        .default(DefaultValue::Number(10))
        .per_cluster(),
    // A node answers 596 for another node after 30 s, and that answer says more than a timeout of ours.
    Key::new("read_timeout", Kind::Integer(1, 3600, "seconds"), "How long to wait for a host that sends nothing while an answer is expected.")
        .default(DefaultValue::Number(45))
        .per_cluster(),
    Key::new("timeout", Kind::Integer(1, 3600, "seconds"), "Time for one request, connecting included.")
        .default(DefaultValue::Number(60))
        .per_cluster(),
    Key::new("workers", Kind::Integer(1, 32, ""), "How many requests are sent to the cluster at once.")
        .default(DefaultValue::Number(6))
        .per_cluster(),
    Key::new("keep_warm", Kind::Bool, "Whether one connection is kept open by a small request every 2 seconds until a minute after the last call, so that the next call need not open one.")
        .default(DefaultValue::Flag(false))
        .per_cluster(),
    Key::new("max_response_bytes", Kind::Integer(65_536, 1 << 32, "bytes"), "The largest answer read from Proxmox.")
        .default(DefaultValue::Number(64 << 20))
        .per_cluster(),
    Key::new("access", Kind::Word(ACCESS), "What may run: only reading, everything with confirmation (see `ask`), or everything without.")
        .env(&["PROXMOX_ACCESS"])
        .default(DefaultValue::Word("standard"))
        .per_cluster(),
    Key::new("clusters", Kind::Clusters, "Several clusters, each with its address and login; other keys may be set for all or for each.")
        .example(r#"{"lab":{"host":"lab.example.com"},"prod":{"host":"pve.example.com","access":"read-only"}}"#),
    Key::new("cluster", Kind::Text, "The default cluster, used if a call names none; the first of `clusters` if not given.")
        .example(r#""prod""#),
    Key::new("toolsets", Kind::Names(false), "Which toolsets are listed; `[\"all\"]` lists every one.")
        .default(DefaultValue::Names(&["core"])),
    Key::new("deny_tools", Kind::Names(true), "Tools that never run: names, or patterns such as `proxmox_delete_*`.")
        .default(DefaultValue::Names(&[])),
    Key::new("protected", Kind::Selection, "Guests, pools and nodes that nothing may interrupt, destroy, run programs in or remove the protection of, whatever the access. A pool includes the pools inside it.")
        .default(DefaultValue::Names(&[]))
        .example(r#"[100,"200-299","tag:prod","pool:infra"]"#)
        .per_cluster(),
    Key::new("only", Kind::Selection, "Nothing outside of this is changed; a target must match each kind of entry that is listed.")
        .default(DefaultValue::Names(&[]))
        .example(r#"["500-599","node:pve3"]"#)
        .per_cluster(),
    Key::new("ask", Kind::WordList(ASK), "Classes of requests that must be confirmed with access `standard`; `interrupt` only if more than one guest or a whole node is affected.")
        .default(DefaultValue::Names(&["destroy", "rights", "outbound", "interrupt"]))
        .per_cluster(),
    Key::new("confirm", Kind::Word(CONFIRM), "How a request is confirmed if the client cannot ask the user: by a person in a terminal (`proxmox-mcp approve`), by a token that the model sends back, or not at all (refused).")
        .default(DefaultValue::Word("person")),
    Key::new("notify", Kind::Bool, "Whether a desktop notification is shown when a request waits for approval.")
        .default(DefaultValue::Flag(false)),
    Key::new("show_secrets", Kind::Bool, "Whether the secret of a new token is returned to the model instead of being written to a file.")
        .default(DefaultValue::Flag(false)),
    Key::new("upload_from", Kind::Paths, "Folders from which files may be uploaded; if not given, no file may.")
        .example(r#"["/srv/iso"]"#),
    Key::new("audit_log", Kind::Path, "File to which requests, refusals, plans, approvals and outcomes are written, one line of JSON each.")
        .example(r#""audit.jsonl""#),
    Key::new("audit_key", Kind::Secret, "The key that seals the audit log, kept apart from it: at least 32 characters.")
        .example(r#"{"file":"audit.key"}"#),
    Key::new("audit_syslog", Kind::Bool, "Whether each line of the audit log is also sent to the system log.")
        .default(DefaultValue::Flag(false)),
    Key::new("tools", Kind::Tools, "Your own tools: each gives an API method a name and a description. They are always listed.")
        .example(
            r#"[{"name":"proxmox_list_gpus","about":"PCI devices of a node.","get":"/nodes/{node}/hardware/pci","columns":["id","device_name"]}]"#,
        ),
    Key::new("ssh", Kind::Ssh, "How nodes are reached by SSH for commands in containers; if not given, there are no such commands.")
        .example(r#"{"user":"root","identity":"id_ed25519","known_hosts":"known_hosts"}"#)
        .per_cluster(),
    Key::new("exec_allow", Kind::Patterns, "The only commands that may run in guests; if not given, any may.")
        .example(r#"["systemctl status *","df -h"]"#),
    Key::new("wait", Kind::Integer(0, 600, "seconds"), "How long a tool waits for the task that it started.")
        .default(DefaultValue::Number(30)),
    Key::new("list_format", Kind::Word(LIST_FORMAT), "How lists are answered: as a compact table or as objects.")
        .default(DefaultValue::Word("table")),
    Key::new("max_answer_bytes", Kind::Integer(1024, 16 << 20, "bytes"), "The largest answer sent to the client.")
        .default(DefaultValue::Number(32768)),
    Key::new("log", Kind::Word(&LEVELS), "How much is logged on stderr.")
        .env(&["PROXMOX_MCP_LOG"])
        .default(DefaultValue::Word("info")),
];

/// The row with that name.
#[must_use]
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether a key is a comment, which begins with `_` or `//`.
#[must_use]
pub(super) fn is_comment(name: &str) -> bool {
    matches!(name.as_bytes(), [b'_', ..] | [b'/', b'/', ..])
}

/// ` Did you mean …?` for a key that does not exist. The names of environment variables without `PROXMOX_`
/// (`verify_ssl`, `token_value`) lead to their keys.
#[must_use]
pub(super) fn hint(wrong: &str) -> String {
    let meant = |variable: &&str| {
        variable.strip_prefix("PROXMOX_").is_some_and(|rest| rest.eq_ignore_ascii_case(wrong))
    };
    match KEYS.iter().find(|key| key.env.iter().any(&meant)) {
        Some(key) => format!(" Did you mean `{}`?", key.name),
        None => suggest::did_you_mean(wrong, KEYS.iter().map(|key| key.name)),
    }
}

/// The documentation's table of keys.
#[must_use]
pub fn markdown_table() -> String {
    let mut table =
        String::from("| key | value | default | environment | meaning |\n| --- | --- | --- | --- | --- |\n");
    for key in KEYS {
        let default = key.default.map_or_else(String::new, |value| format!("`{value}`"));
        let env: Vec<String> = key.env.iter().chain(key.ambient).map(|name| format!("`{name}`")).collect();
        let _ = writeln!(
            table,
            "| `{}` | {} | {default} | {} | {} |",
            key.name,
            key.kind.describe(),
            env.join(", "),
            key.about
        );
    }
    table
}

impl Kind {
    /// What is expected, as the end of a sentence with "must be".
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Kind::Bool => "`true` or `false`".into(),
            Kind::Integer(min, max, "") => format!("a whole number from {min} to {max}"),
            Kind::Integer(min, max, unit) => format!("a whole number of {unit} from {min} to {max}"),
            Kind::Text => "a string without whitespace".into(),
            Kind::Word(words) => {
                words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
            }
            Kind::Host => "a host such as `\"pve.example.com\"` or `\"192.0.2.1:8006\"`".into(),
            Kind::Hosts => "a list of hosts".into(),
            Kind::Names(false) => "a list of names".into(),
            Kind::Names(true) => "a list of names or patterns".into(),
            Kind::TokenId => "a token id such as `\"mcp@pve!assistant\"`".into(),
            Kind::Fingerprint => "64 hexadecimal digits, with or without colons".into(),
            Kind::Selection => format!("a list of {}", super::selection::EXPECTED),
            Kind::Ssh => "an object with `user`, `port`, `identity`, `known_hosts`, `addresses`".into(),
            Kind::Direct => "a list of names, addresses and networks such as `\"192.0.2.0/24\"`, or `*`".into(),
            Kind::Patterns => "a list of patterns, in which `*` matches any plain words".into(),
            Kind::Clusters => "an object that maps each cluster's name to its keys".into(),
            Kind::Path => "the path of a file".into(),
            Kind::Paths => "a list of paths".into(),
            Kind::WordList(words) => {
                format!("a list of some of {}", words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "))
            }
            Kind::Tools => {
                "a list of `{\"name\", \"about\", \"get\": path}`, also with `post`, `put` or `delete`, `arguments`, `columns`".into()
            }
            Kind::Secret => {
                "a string, `{\"file\": path}`, `{\"env\": name}` or `{\"command\": [program, …]}`".into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_whole() {
        let mut names = BTreeSet::new();
        let mut variables = BTreeSet::new();
        for key in KEYS {
            assert!(names.insert(key.name), "`{}` occurs twice", key.name);
            assert!(key.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", key.name);
            assert!(key.about.ends_with('.') && !key.about.contains('|'), "`{}`: one sentence", key.name);
            assert_ne!(key.sample(), "", "`{}` needs a default or an example", key.name);
            for variable in key.env {
                assert!(variables.insert(variable), "{variable} occurs twice");
                assert!(variable.starts_with("PROXMOX_"), "{variable}");
            }
            for variable in key.ambient {
                assert!(variables.insert(variable), "{variable} occurs twice");
                assert!(!variable.starts_with("PROXMOX_"), "{variable}");
            }
        }
    }

    #[test]
    fn names_of_the_environment_and_slips_lead_to_the_key() {
        for (wrong, right) in [
            ("verify_ssl", "`ssl_verify`"),
            ("token_value", "`token_secret`"),
            ("username", "`user`"),
            ("prot", "`port`"),
            ("hostt", "`host`"),
        ] {
            assert!(hint(wrong).contains(right), "{wrong}: {}", hint(wrong));
        }
        assert_eq!(hint("completely_else"), "");
    }

    #[test]
    fn the_table_has_a_line_for_each_key_and_as_many_cells_in_each() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), KEYS.len() + 2);
        for line in table.lines() {
            assert_eq!(line.matches('|').count(), 6, "{line}");
        }
    }
}
