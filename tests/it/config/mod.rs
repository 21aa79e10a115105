//! The configuration at its boundary: a file's text and variables as input; values, warnings and errors as output.

mod files;
mod values;
mod wrong;

use proxmox_mcp::{
    config::{Access, Config, ConfigError, KEYS, ListFormat},
    log::Level,
    pve::{Auth, Trust},
    secret::SecretSource,
};
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Stands for every secret in these tests; must never appear in an error or `Debug` output.
const SECRET: &str = "5ec2e7a0-0000-4000-8000-c0ffeec0ffee";

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("proxmox-mcp-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // An earlier one may be read-only.
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

type Variables<'a> = &'a [(&'a str, &'a str)];

fn load_text(text: &str, variables: Variables) -> Result<Config, ConfigError> {
    let folder = Folder::new();
    let path = folder.write("config.json", text);
    let result = load_from(Some(&path), variables, None);
    match &result {
        Ok(config) => {
            assert_hidden(&format!("{config:?}"));
            config.warnings.iter().for_each(|warning| assert_hidden(warning));
            if let Auth::Missing(sentence) = &config.settings.auth {
                assert_hidden(sentence);
            }
        }
        Err(error) => {
            assert_hidden(&format!("{error} {error:?}"));
            assert!(
                error
                    .problems
                    .iter()
                    .all(|problem| problem.contains("config.json") || problem.contains("variable"))
            );
        }
    }
    result
}

fn load_from(
    explicit: Option<&Path>,
    variables: Variables,
    exe_dir: Option<&Path>,
) -> Result<Config, ConfigError> {
    let env = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
    Config::load(explicit, &env, exe_dir)
}

#[track_caller]
fn assert_hidden(text: &str) {
    assert!(!text.contains(SECRET), "a secret is shown: {text}");
}

/// The parts of a configuration as one object, for comparison by key.
fn flat(config: &Config) -> Map<String, Value> {
    let settings = &config.settings;
    let reveal = |source: &SecretSource| match source {
        SecretSource::Value(secret) => secret.expose().to_string(),
        SecretSource::File(path) => format!("file {}", path.display()),
        SecretSource::Env(name) => format!("env {name}"),
        SecretSource::Command(words) => format!("command {}", words.join(" ")),
    };
    let auth = match &settings.auth {
        Auth::Token { id, secret } => json!({"id": id, "secret": reveal(secret)}),
        Auth::Password { user, password, totp } => {
            json!({"user": user, "password": reveal(password), "totp": totp.as_ref().map(reveal)})
        }
        Auth::Missing(sentence) => json!(sentence),
    };
    let trust = match &settings.trust {
        Trust::System => json!("system"),
        Trust::CaFile(path) => json!(format!("ca {}", path.display())),
        Trust::Fingerprint(bytes) => json!(bytes),
        Trust::Anything => json!("anything"),
    };
    let hosts: Vec<String> =
        settings.hosts.iter().map(|host| format!("{} {}", host.name, host.port)).collect();
    let value = json!({
        "hosts": hosts,
        "auth": auth,
        "trust": trust,
        "plain": settings.hosts.iter().any(|host| host.plain),
        "connect_timeout": settings.connect_timeout.as_secs(),
        "read_timeout": settings.read_timeout.as_secs(),
        "timeout": settings.timeout.as_secs(),
        "proxy": settings.proxy.as_ref().map(reveal),
        "no_proxy": settings.no_proxy,
        "base_path": settings.base_path,
        "client": settings.client_identity.as_ref().map(|own| [own.certificate.clone(), own.key.clone()]),
        "cluster_addresses": settings.cluster_addresses,
        "keep_warm": settings.keep_warm,
        "workers": settings.workers,
        "max_response_bytes": settings.max_response_bytes,
        "access": format!("{:?}", config.access),
        "toolsets": config.toolsets,
        "deny_tools": config.deny_tools,
        "list_format": format!("{:?}", config.list_format),
        "max_answer_bytes": config.max_answer_bytes,
        "wait": config.wait.as_secs(),
        "log": config.log.map(|level| format!("{level:?}")),
        "env": config.source.env,
        "warnings": config.warnings,
    });
    value.as_object().unwrap().clone()
}

/// Checks the configuration from a file with a complete token login, `more` added and variables on top; `expected` is
/// compared key by key, and there must be no warnings unless they are expected.
#[track_caller]
fn check(more: Value, variables: Variables, expected: Value) {
    let mut object = json!({"host": "pve1", "token_id": "root@pam!t", "token_secret": SECRET});
    object.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    check_whole(&object, variables, expected);
}

#[track_caller]
fn check_whole(object: &Value, variables: Variables, expected: Value) {
    let config =
        load_text(&object.to_string(), variables).unwrap_or_else(|error| panic!("{object}: {error}"));
    let found = flat(&config);
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&found[key], value, "`{key}` of {object} with {variables:?}");
    }
    if !expected.as_object().unwrap().contains_key("warnings") {
        assert_eq!(found["warnings"], json!([]), "{object} with {variables:?}");
    }
}

/// Checks an invalid file: all of `words` appear in the error, which has `problems` sentences.
#[track_caller]
fn check_error(text: &str, variables: Variables, problems: usize, words: &[&str]) {
    let Err(error) = load_text(text, variables) else { panic!("{text} with {variables:?} is accepted") };
    assert_eq!(error.problems.len(), problems, "{text}: {error}");
    for word in words {
        assert!(error.to_string().contains(word), "{text}: `{word}` is not in: {error}");
    }
    for problem in &error.problems {
        assert!(problem.ends_with('.') || problem.ends_with('?'), "not a sentence: {problem}");
    }
}

/// Checks the warning about a configuration that loads, by some of its words.
#[track_caller]
fn check_missing(object: Value, variables: Variables, words: &[&str]) {
    let config = load_text(&object.to_string(), variables).unwrap();
    let Auth::Missing(sentence) = &config.settings.auth else {
        panic!("{object} with {variables:?} is complete")
    };
    assert!(!config.settings.hosts.is_empty());
    for word in words {
        assert!(sentence.contains(word), "`{word}` is not in: {sentence}");
    }
}

#[track_caller]
fn check_warning(more: Value, variables: Variables, words: &[&str]) {
    let mut object = json!({"host": "pve1", "token_id": "root@pam!t", "token_secret": SECRET});
    object.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    let config = load_text(&object.to_string(), variables).unwrap();
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    for word in words {
        assert!(config.warnings[0].contains(word), "`{word}` is not in: {}", config.warnings[0]);
    }
}

fn fingerprint() -> (String, Value) {
    ("0F:".repeat(31) + "0f", json!(vec![15; 32]))
}
