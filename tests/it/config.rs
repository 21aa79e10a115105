//! The configuration at its boundary: a file's text and variables in; values, warnings and sentences out.

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

/// Stands for every secret in these tests; must never be seen in a sentence or a `Debug` print.
const SECRET: &str = "5ec2e7a0-0000-4000-8000-c0ffeec0ffee";

/// A folder that goes away with its test.
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
        "timeout": settings.timeout.as_secs(),
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

/// What a file with a complete token login gives, `more` added and variables on top; `expected` is compared key
/// by key, and there are no warnings unless they are expected.
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

/// A file's text that is wrong: each of `words` stands in the error, which has `problems` sentences.
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

/// What is missing or odd about a configuration that loads: words of the sentence.
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

#[test]
fn each_key_of_the_file_arrives() {
    let (pin, pin_bytes) = fingerprint();
    check(
        json!({}),
        &[],
        json!({"hosts": ["pve1 8006"], "auth": {"id": "root@pam!t", "secret": SECRET}, "plain": false}),
    );
    check(json!({"port": 443}), &[], json!({"hosts": ["pve1 443"]}));
    check(json!({"host": "https://pve1:8443/", "port": 443}), &[], json!({"hosts": ["pve1 8443"]}));
    check(json!({"host": "[2001:db8::1]:1"}), &[], json!({"hosts": ["2001:db8::1 1"]}));
    check(
        json!({"hosts": ["pve2:1", "pve1", "::1"], "port": 7}),
        &[],
        json!({"hosts": ["pve1 7", "pve2 1", "::1 7"]}),
    );
    check(
        json!({"token_id": "t", "user": "me", "realm": "pve"}),
        &[],
        json!({"auth": {"id": "me@pve!t", "secret": SECRET}}),
    );
    check(json!({"fingerprint": pin}), &[], json!({"trust": pin_bytes}));
    check(json!({"ca_file": "/a/ca.pem"}), &[], json!({"trust": "ca /a/ca.pem"}));
    check(json!({"ca_file": "~/ca.pem"}), &[("HOME", "/home/me")], json!({"trust": "ca /home/me/ca.pem"}));
    check(json!({"connect_timeout": 1, "timeout": 2}), &[], json!({"connect_timeout": 1, "timeout": 2}));
    check(
        json!({"workers": 32, "max_response_bytes": 65536}),
        &[],
        json!({"workers": 32, "max_response_bytes": 65536}),
    );
    check(
        json!({"list_format": "objects", "max_answer_bytes": 1024}),
        &[],
        json!({"list_format": "Objects", "max_answer_bytes": 1024}),
    );
    check(json!({"wait": 0, "log": "debug"}), &[], json!({"wait": 0, "log": "Debug"}));
    check(json!({"access": "read-only"}), &[], json!({"access": "ReadOnly"}));
    check(json!({"access": "full"}), &[], json!({"access": "Full"}));
    check(
        json!({"toolsets": ["all"], "deny_tools": ["proxmox_delete_*"]}),
        &[],
        json!({"toolsets": ["all"], "deny_tools": ["proxmox_delete_*"]}),
    );
    check(json!({"_note": 1, "//port": "x", "// a": [], "timeout": null}), &[], json!({"timeout": 60}));
}

#[test]
fn secrets_come_from_four_places() {
    let token = |secret: &str| json!({"auth": {"id": "root@pam!t", "secret": secret}});
    check(json!({"token_secret": {"file": "/run/secret"}}), &[], token("file /run/secret"));
    check(json!({"token_secret": {"file": "~/s"}}), &[("HOME", "/h")], token("file /h/s"));
    check(json!({"token_secret": {"env": "MY_TOKEN"}}), &[], token("env MY_TOKEN"));
    check(json!({"token_secret": {"command": ["pass", "show", "pve"]}}), &[], token("command pass show pve"));
}

#[test]
fn a_relative_path_begins_at_the_file_and_not_at_the_working_directory() {
    let folder = Folder::new();
    let text =
        json!({"host": "a", "token_id": "a@pam!b", "token_secret": {"file": "s"}, "ca_file": "ca.pem"});
    let path = folder.write("config.json", &text.to_string());
    let config = load_from(Some(&path), &[], None).unwrap();
    assert_eq!(config.settings.trust, Trust::CaFile(folder.0.join("ca.pem")));
    let Auth::Token { secret, .. } = config.settings.auth else { panic!() };
    assert_eq!(secret, SecretSource::File(folder.0.join("s")));
}

#[test]
fn a_user_logs_in_by_password() {
    let login = |user: &str| json!({"auth": {"user": user, "password": SECRET, "totp": null}});
    check_whole(&json!({"host": "a", "user": "root", "password": SECRET}), &[], login("root@pam"));
    check_whole(&json!({"host": "a", "user": "me@pve", "password": SECRET}), &[], login("me@pve"));
    check_whole(&json!({"host": "a", "user": "me", "realm": "ad", "password": SECRET}), &[], login("me@ad"));
    check_whole(
        &json!({"host": "a", "user": "me", "password": SECRET, "totp": {"command": ["otp"]}}),
        &[],
        json!({"auth": {"user": "me@pam", "password": SECRET, "totp": "command otp"}}),
    );
}

#[test]
fn each_variable_overrides_its_key() {
    let (pin, pin_bytes) = fingerprint();
    let other = "11111111-2222-3333-4444-555555555555";
    check(json!({}), &[("PROXMOX_HOST", "e1:9")], json!({"hosts": ["e1 9"], "env": ["PROXMOX_HOST"]}));
    check(json!({"hosts": ["pve2"]}), &[("PROXMOX_HOST", "e1")], json!({"hosts": ["e1 8006"]}));
    check(json!({}), &[("PROXMOX_PORT", "443")], json!({"hosts": ["pve1 443"]}));
    for name in ["PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_NAME"] {
        check(
            json!({}),
            &[(name, "a@pve!b")],
            json!({"auth": {"id": "a@pve!b", "secret": SECRET}, "env": [name]}),
        );
        for user in ["PROXMOX_USER", "PROXMOX_USERNAME"] {
            let id = |id: &str| json!({"auth": {"id": id, "secret": SECRET}});
            check(json!({}), &[(name, "b"), (user, "a@pve")], id("a@pve!b"));
            check(json!({}), &[(name, "b"), (user, "a")], id("a@pam!b"));
            check(json!({}), &[(name, "b"), (user, "a"), ("PROXMOX_REALM", "ad")], id("a@ad!b"));
            check(json!({}), &[(name, "x@y!b"), (user, "a@pve")], id("x@y!b"));
        }
    }
    for name in ["PROXMOX_TOKEN_SECRET", "PROXMOX_TOKEN_VALUE"] {
        check(json!({}), &[(name, other)], json!({"auth": {"id": "root@pam!t", "secret": other}}));
    }
    check(
        json!({}),
        &[("PROXMOX_USER", "me"), ("PROXMOX_PASSWORD", " p w ")],
        json!({"auth": {"user": "me@pam", "password": " p w ", "totp": null}}),
    );
    check_whole(
        &json!({"host": "a", "user": "me", "password": "p"}),
        &[("PROXMOX_TOKEN_ID", "a@pve!b"), ("PROXMOX_TOKEN_SECRET", SECRET)],
        json!({"auth": {"id": "a@pve!b", "secret": SECRET}}),
    );
    for name in ["PROXMOX_VERIFY_SSL", "PROXMOX_SSL_VERIFY"] {
        for word in ["true", "1", "yes", "on", "TRUE", " Yes "] {
            check(json!({"ssl_verify": false}), &[(name, word)], json!({"trust": "system"}));
        }
        for word in ["false", "0", "no", "off", "False"] {
            let config = load_text(r#"{"host":"a"}"#, &[(name, word)]).unwrap();
            assert_eq!(config.settings.trust, Trust::Anything, "{name}={word}");
        }
    }
    check(json!({"ca_file": "/a"}), &[("PROXMOX_FINGERPRINT", &pin)], json!({"trust": pin_bytes}));
    check(json!({"fingerprint": pin}), &[("PROXMOX_CA_FILE", "/b")], json!({"trust": "ca /b"}));
    check(json!({}), &[("PROXMOX_MCP_LOG", "WARN")], json!({"log": "Warn"}));
    check(
        json!({}),
        &[("PROXMOX_HOST", ""), ("PROXMOX_PORT", "  ")],
        json!({"hosts": ["pve1 8006"], "env": []}),
    );
}

#[test]
fn variables_alone_are_enough() {
    let variables =
        [("PROXMOX_HOST", "h"), ("PROXMOX_TOKEN_ID", "a@pve!b"), ("PROXMOX_TOKEN_SECRET", SECRET)];
    let config = load_from(None, &variables, None).unwrap();
    assert!(matches!(&config.settings.auth, Auth::Token { id, .. } if id == "a@pve!b"));
    assert_eq!(config.source.file, None);
    assert_eq!(
        config.source.to_string(),
        "the environment (PROXMOX_HOST, PROXMOX_TOKEN_ID, PROXMOX_TOKEN_SECRET)"
    );
    assert_hidden(&format!("{config:?}"));
}

#[test]
fn every_variable_of_the_table_is_read() {
    for key in KEYS {
        let sample: Value = serde_json::from_str(key.sample()).unwrap();
        let text = sample.as_str().map_or_else(|| sample.to_string(), String::from);
        let text = if key.name == "ca_file" { "/ca.pem".into() } else { text };
        for name in key.env {
            let config =
                load_from(None, &[(name, &text)], None).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(config.source.env, [*name]);
        }
    }
}

#[test]
fn a_wrong_file_is_named_with_key_value_and_expectation() {
    for (text, words) in [
        (r#"{"prot": 8006}"#, &["`prot` is not a known key. Did you mean `port`?"][..]),
        (r#"{"verify_ssl": true}"#, &["`ssl_verify`"]),
        (r#"{"token_value": "5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`token_secret`"]),
        (r#"{"proxmox": {"host": "a", "verify_ssl": true}}"#, &["`proxmox` is not a known key", "top level"]),
        (r#"{"clusters": {}}"#, &["`clusters` is not a known key"]),
        (r#"{"port": "8006"}"#, &["`port` is `\"8006\"`", "a whole number from 1 to 65535"]),
        (r#"{"port": 0}"#, &["`port` is `0`", "1 to 65535"]),
        (r#"{"port": 65536}"#, &["`65536`"]),
        (r#"{"port": -1}"#, &["`-1`"]),
        (r#"{"port": 1.5}"#, &["`1.5`"]),
        (r#"{"workers": 33}"#, &["1 to 32"]),
        (r#"{"wait": 601}"#, &["a whole number of seconds from 0 to 600"]),
        (r#"{"timeout": 0}"#, &["`timeout` is `0`"]),
        (r#"{"connect_timeout": true}"#, &["`true`"]),
        (r#"{"max_answer_bytes": 1023}"#, &["bytes from 1024"]),
        (r#"{"max_response_bytes": 1}"#, &["65536"]),
        (r#"{"ssl_verify": "false"}"#, &["`ssl_verify` is `\"false\"`", "`true` or `false`"]),
        (r#"{"ssl_verify": 0}"#, &["`ssl_verify` is `0`"]),
        (r#"{"access": "readonly"}"#, &["`\"read-only\"` or `\"standard\"`", "Did you mean `read-only`?"]),
        (r#"{"access": 1}"#, &["`access` is `1`"]),
        (r#"{"list_format": "tabel"}"#, &["Did you mean `table`?"]),
        (r#"{"log": "trace"}"#, &["`\"debug\"`"]),
        (r#"{"toolsets": "all"}"#, &["`toolsets` is `\"all\"`", "a list of names"]),
        (r#"{"toolsets": ["core", 1]}"#, &["`toolsets.1` is `1`", "must be a string"]),
        (r#"{"toolsets": ["co*"]}"#, &["`toolsets.0`", "letters, digits and `_`"]),
        (r#"{"deny_tools": ["rm -rf"]}"#, &["`deny_tools.0` is `\"rm -rf\"`", "`*`"]),
        (r#"{"host": 1}"#, &["`host` is `1`", "pve.example.com"]),
        (r#"{"host": "http://a"}"#, &["`\"http://a\"`", "https://"]),
        (r#"{"host": "a/b"}"#, &["no path"]),
        (r#"{"host": "https://root:5ec2e7a0-0000-4000-8000-c0ffeec0ffee@a"}"#, &["`\"***@a\"`"]),
        (r#"{"hosts": "a"}"#, &["`hosts`", "a list of hosts"]),
        (r#"{"hosts": ["a", "b c"]}"#, &["`hosts.1` is `\"b c\"`"]),
        (r#"{"user": "a b"}"#, &["without blanks"]),
        (r#"{"token_id": "root@pam"}"#, &["lacks the token's name"]),
        (r#"{"token_id": "root!t"}"#, &["`root@pam!t`"]),
        (r#"{"token_id": "root@pam!"}"#, &["`user@realm!name`"]),
        (r#"{"token_id": "a@b!c!d"}"#, &["two `!`"]),
        (r#"{"token_id": "PVEAPIToken a@b!c"}"#, &["no blanks"]),
        (
            r#"{"token_id": "a@b!c=5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#,
            &["`\"a@b!c\"`", "put it under `token_secret`"],
        ),
        (r#"{"token_id": "/5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`\"/***\"`"]),
        (r#"{"port": "5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}"#, &["`\"***\"`"]),
        (r#"{"fingerprint": "00:11"}"#, &["64 hexadecimal digits, not 4"]),
        (r#"{"fingerprint": "sha256:zz"}"#, &["not `s`"]),
        (r#"{"ca_file": ["a"]}"#, &["`ca_file` is a list", "the path of a file"]),
        (r#"{"ca_file": "~/a"}"#, &["`HOME` is not set"]),
        (r#"{"token_secret": 5}"#, &["`token_secret` is a number", "{\"command\": [program, …]}"]),
        (r#"{"token_secret": ["5ec2e7a0-0000-4000-8000-c0ffeec0ffee"]}"#, &["`token_secret` is a list"]),
        (r#"{"token_secret": {}}"#, &["has 0 keys"]),
        (r#"{"token_secret": {"file": "a", "env": "b"}}"#, &["has 2 keys"]),
        (r#"{"token_secret": {"fiel": "a"}}"#, &["`token_secret.fiel`", "Did you mean `file`?"]),
        (r#"{"token_secret": {"file": 1}}"#, &["`token_secret.file` is a number"]),
        (r#"{"token_secret": {"env": ""}}"#, &["`token_secret.env`", "not empty"]),
        (
            r#"{"token_secret": {"command": "echo 5ec2e7a0-0000-4000-8000-c0ffeec0ffee"}}"#,
            &["`token_secret.command` is a string", "no shell"],
        ),
        (r#"{"token_secret": {"command": []}}"#, &["`token_secret.command`"]),
        (r#"{"token_secret": {"command": ["5ec2e7a0-0000-4000-8000-c0ffeec0ffee", 1]}}"#, &["strings only"]),
        (r#"{"password": false}"#, &["`password` is a boolean"]),
        (r#"{"totp": 123456}"#, &["`totp` is a number"]),
        (r#"{"host": "a", "host": "b"}"#, &["`host` stands twice"]),
        ("[]", &["must hold one JSON object"]),
        (r#""5ec2e7a0-0000-4000-8000-c0ffeec0ffee""#, &["must hold one JSON object"]),
        ("7", &["must hold one JSON object"]),
        ("", &["line 1, column 0", "EOF"]),
        ("{\n  \"host\": \"a\",\n}", &["line 3, column 1", "trailing comma"]),
        ("{\n  \"host\": \"a\"\n  \"port\": 1}", &["line 3, column 3", "expected `,` or `}`"]),
        ("{\n  // note\n  \"host\": \"a\"}", &["line 2", "JSON has no comments"]),
        ("{} {}", &["trailing characters"]),
    ] {
        check_error(text, &[], 1, words);
    }
}

#[test]
fn wrong_variables_are_named() {
    for (name, value, words) in [
        ("PROXMOX_PORT", "abc", &["variable `PROXMOX_PORT` is `\"abc\"`", "1 to 65535"][..]),
        ("PROXMOX_HOST", "http://a", &["`PROXMOX_HOST`", "https://"]),
        ("PROXMOX_VERIFY_SSL", "maybe", &["`PROXMOX_VERIFY_SSL` is `\"maybe\"`"]),
        ("PROXMOX_FINGERPRINT", "12", &["`PROXMOX_FINGERPRINT`", "64"]),
        ("PROXMOX_CA_FILE", "ca.pem", &["`PROXMOX_CA_FILE`", "absolute path"]),
        ("PROXMOX_TOKEN_ID", "a@b!c=5ec2e7a0-0000-4000-8000-c0ffeec0ffee", &["token_secret"]),
        ("PROXMOX_MCP_LOG", "loud", &["`PROXMOX_MCP_LOG`"]),
    ] {
        check_error("{}", &[(name, value)], 1, words);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"{"prot": 1, "workers": 0, "token_secret": 1}"#;
    check_error(
        text,
        &[("PROXMOX_PORT", "x")],
        4,
        &["`prot`", "`workers`", "`token_secret`", "`PROXMOX_PORT`"],
    );
}

#[test]
fn what_is_missing_is_said() {
    check_missing(
        json!({}),
        &[],
        &["`host`, `token_id` and `token_secret`", "PROXMOX_HOST", "PROXMOX_TOKEN_SECRET"],
    );
    check_missing(json!({"host": "a"}), &[], &["lacks `token_id` and `token_secret`"]);
    check_missing(json!({"host": "a", "token_secret": ""}), &[], &["lacks `token_id` and `token_secret`"]);
    check_missing(
        json!({"host": "a", "token_id": "a@b!c"}),
        &[],
        &["lacks `token_secret`", "PROXMOX_TOKEN_SECRET"],
    );
    check_missing(json!({"token_id": "a@b!c", "token_secret": SECRET}), &[], &["lacks `host`"]);
    check_missing(json!({"host": "a", "user": "a"}), &[], &["lacks `password`"]);
    check_missing(json!({"host": "a", "password": SECRET}), &[], &["lacks `user`"]);
    check_missing(
        json!({"host": "a", "token_id": "t", "token_secret": SECRET}),
        &[],
        &["only the token's name, `t`"],
    );
    check_missing(
        json!({"host": "a", "user": "u", "password": SECRET}),
        &[("PROXMOX_TOKEN_ID", "a@b!c")],
        &["`token_secret`"],
    );
}

#[test]
fn contradictions_are_settled_and_warned_about() {
    let (pin, _) = fingerprint();
    check_warning(json!({"user": "a", "password": SECRET}), &[], &["token is used", "config.json"]);
    check_warning(json!({"ssl_verify": false}), &[], &["`ssl_verify` is off"]);
    check_warning(json!({}), &[("PROXMOX_VERIFY_SSL", "no")], &["`ssl_verify` is off"]);
    check_warning(
        json!({"ssl_verify": false, "fingerprint": pin}),
        &[],
        &["`ssl_verify: false` is not used: `fingerprint`"],
    );
    check_warning(
        json!({"ssl_verify": false, "ca_file": "/a"}),
        &[],
        &["`ssl_verify: false` is not used: `ca_file`"],
    );
    check_warning(
        json!({"ca_file": "/a", "fingerprint": pin}),
        &[],
        &["`ca_file` is not used: `fingerprint`"],
    );
    check_warning(json!({"fingerprint": pin, "hosts": ["b"]}), &[], &["several hosts"]);
    check_warning(
        json!({"user": "a@pve", "token_id": "t", "realm": "pam"}),
        &[],
        &["`realm` is not used", "`pve`"],
    );
    check_warning(
        json!({}),
        &[("PROXMOX_TOKEN_ID", "a@b!c"), ("PROXMOX_TOKEN_NAME", "a@b!d")],
        &["`PROXMOX_TOKEN_ID` and `PROXMOX_TOKEN_NAME`", "differ"],
    );
    // A strict setting of the file gives way only to the environment, and is kept otherwise.
    let trust = |more: Value, variables: Variables| {
        let mut object = json!({"host": "a"});
        object.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        load_text(&object.to_string(), variables).unwrap().settings.trust
    };
    assert_eq!(trust(json!({"ssl_verify": false, "fingerprint": pin}), &[]), Trust::Fingerprint([15; 32]));
    assert_eq!(trust(json!({"ca_file": "/a", "fingerprint": pin}), &[]), Trust::Fingerprint([15; 32]));
    assert_eq!(
        trust(json!({"fingerprint": pin}), &[("PROXMOX_VERIFY_SSL", "true")]),
        Trust::Fingerprint([15; 32])
    );
    assert_eq!(trust(json!({"fingerprint": pin}), &[("PROXMOX_VERIFY_SSL", "false")]), Trust::Anything);
}

#[test]
fn the_first_file_of_the_search_order_is_used() {
    let folder = Folder::new();
    let text = |host: &str| json!({"host": host}).to_string();
    let named = folder.write("named.json", &text("named"));
    let by_variable = folder.write("variable.json", &text("variable"));
    folder.write("bin/config.json", &text("bin"));
    folder.write("xdg/proxmox-mcp/config.json", &text("xdg"));
    folder.write("home/.config/proxmox-mcp/config.json", &text("home"));
    let (bin, xdg, home) = (folder.0.join("bin"), folder.0.join("xdg"), folder.0.join("home"));
    let (variable, xdg, home) =
        (by_variable.to_str().unwrap(), xdg.to_str().unwrap(), home.to_str().unwrap());
    let all = [("PROXMOX_MCP_CONFIG", variable), ("XDG_CONFIG_HOME", xdg), ("HOME", home)];
    let empty = folder.0.join("empty");
    for (explicit, variables, exe_dir, expected) in [
        (Some(named.as_path()), &all[..], Some(bin.as_path()), "named"),
        (None, &all[..], Some(&bin), "variable"),
        (None, &all[1..], Some(&bin), "bin"),
        (None, &all[1..], Some(&empty), "xdg"),
        (None, &all[1..], None, "xdg"),
        (None, &all[2..], Some(&empty), "home"),
        (None, &[("XDG_CONFIG_HOME", "relative"), ("HOME", home)], None, "home"),
    ] {
        let config = load_from(explicit, variables, exe_dir).unwrap();
        assert_eq!(config.settings.hosts[0].name, expected);
        assert!(config.source.file.as_ref().unwrap().starts_with(&folder.0));
        assert_eq!(config.source.env.contains(&"PROXMOX_MCP_CONFIG"), expected == "variable");
    }
    // The nearest file holds even when it is wrong; the next one might be of another cluster.
    folder.write("bin/config.json", "{");
    assert!(load_from(None, &all[1..], Some(&bin)).unwrap_err().to_string().contains("bin/config.json"));
}

#[test]
fn a_named_file_must_exist_and_an_unreadable_one_is_not_passed_over() {
    let folder = Folder::new();
    let absent = folder.0.join("absent.json");
    let error = load_from(Some(&absent), &[], None).unwrap_err();
    assert!(error.to_string().contains("`--config` names, does not exist"), "{error}");
    let error = load_from(None, &[("PROXMOX_MCP_CONFIG", absent.to_str().unwrap())], None).unwrap_err();
    assert!(error.to_string().contains("`PROXMOX_MCP_CONFIG` names, does not exist"), "{error}");
    fs::create_dir(folder.0.join("config.json")).unwrap();
    let error = load_from(None, &[], Some(&folder.0)).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    let latin = folder.0.join("latin.json");
    fs::write(&latin, b"{\"host\": \"\xe9\"}").unwrap();
    assert!(load_from(Some(&latin), &[], None).unwrap_err().to_string().contains("not UTF-8"));
    let marked = folder.write("marked.json", "\u{feff}{\"host\": \"a\"}");
    assert_eq!(load_from(Some(&marked), &[], None).unwrap().settings.hosts[0].name, "a");
}

#[test]
fn without_any_file_the_answer_lists_where_one_is_looked_for() {
    let folder = Folder::new();
    let home = folder.0.to_str().unwrap();
    let config = load_from(None, &[("HOME", home)], Some(&folder.0)).unwrap();
    let Auth::Missing(sentence) = &config.settings.auth else { panic!() };
    for word in [
        format!("{home}/config.json"),
        format!("{home}/.config/proxmox-mcp/config.json"),
        "/etc/proxmox-mcp/config.json".into(),
        "`setup.sh`".into(),
        "PROXMOX_HOST, PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET".into(),
    ] {
        assert!(sentence.contains(&word), "{word}: {sentence}");
    }
    assert_eq!((config.access, config.list_format), (Access::Standard, ListFormat::Table));
    assert_eq!((config.wait, config.log), (Duration::from_secs(30), None::<Level>));
    assert_eq!(config.source.to_string(), "nothing but defaults");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_about_when_it_holds_a_secret() {
    let folder = Folder::new();
    let login = |secret: Value| json!({"host": "a", "token_id": "a@b!c", "token_secret": secret}).to_string();
    let literal = login(json!(SECRET));
    let elsewhere = login(json!({"env": "X"}));
    for (text, mode, expected) in [
        (&literal, 0o600, None),
        (&literal, 0o400, None),
        (&literal, 0o644, Some("(mode 0644) holds a secret and can be read")),
        (&literal, 0o640, Some("(mode 0640) holds a secret and can be read")),
        (&elsewhere, 0o644, None),
        (&elsewhere, 0o622, Some("(mode 0622) can be changed by other users")),
        (&literal, 0o666, Some("can be changed by other users")),
    ] {
        let path = folder.write("it's.json", text);
        set_mode(&path, mode);
        // A secret of the file is in danger even where the environment overrides it.
        let config = load_from(Some(&path), &[("PROXMOX_TOKEN_SECRET", "other")], None).unwrap();
        match expected {
            None => assert_eq!(config.warnings, Vec::<String>::new(), "{mode:o}"),
            Some(words) => {
                assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
                assert!(config.warnings[0].contains(words), "{}", config.warnings[0]);
                assert!(config.warnings[0].contains(r"run: chmod 600 '/"), "{}", config.warnings[0]);
                assert!(config.warnings[0].ends_with(r"it'\''s.json'"), "{}", config.warnings[0]);
            }
        }
    }
}

#[test]
fn a_broken_configuration_still_makes_a_server_that_says_what_is_wrong() {
    let error = load_text(r#"{"prot": 1}"#, &[]).unwrap_err();
    let config = Config::broken(&error);
    let Auth::Missing(sentence) = &config.settings.auth else { panic!() };
    assert!(sentence.contains("Did you mean `port`?") && sentence.contains("restart"), "{sentence}");
    assert_eq!(config.source.file, error.file);
    assert_eq!(config.toolsets, ["core"]);
}

#[test]
fn the_sample_cluster_is_reached_without_tls() {
    let config = Config::for_demo("127.0.0.1:8123".parse().unwrap(), "root@pam!demo", SECRET);
    let found = flat(&config);
    assert_eq!(found["hosts"], json!(["127.0.0.1 8123"]));
    assert_eq!(found["plain"], json!(true));
    assert_eq!(found["auth"], json!({"id": "root@pam!demo", "secret": SECRET}));
    assert_hidden(&format!("{config:?}"));
}

fn example() -> Map<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_example_shows_every_key_with_its_default_and_is_accepted_whole() {
    let example = example();
    for key in KEYS {
        let sample: Value = serde_json::from_str(key.sample()).unwrap();
        let shown = example.get(key.name).or_else(|| example.get(&format!("//{}", key.name)));
        assert_eq!(shown, Some(&sample), "`{}` in config.example.json", key.name);
    }
    let expected = load_text("{}", &[]).unwrap();
    let config = load_text(&Value::Object(example.clone()).to_string(), &[]).unwrap();
    let (mut found, mut defaults) = (flat(&config), flat(&expected));
    for key in ["hosts", "auth", "log"] {
        found.remove(key);
        defaults.remove(key);
    }
    assert_eq!(found, defaults);
    // Taking the slashes away from a commented key leaves a file that is right.
    for name in example.keys().filter_map(|name| name.strip_prefix("//")) {
        if KEYS.iter().any(|key| key.name == name) {
            let mut object = example.clone();
            let value = object[&format!("//{name}")].clone();
            object.insert(name.into(), value);
            load_text(&Value::Object(object).to_string(), &[])
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn an_untouched_example_is_told_from_a_real_configuration() {
    let mut object = example();
    check_missing(Value::Object(object.clone()), &[], &["`host`", "example's value"]);
    object.insert("host".into(), json!("pve1"));
    check_missing(Value::Object(object.clone()), &[], &["`token_secret`", "example's value"]);
    object.insert("token_secret".into(), json!(SECRET));
    check_whole(&Value::Object(object), &[], json!({"auth": {"id": "mcp@pve!assistant", "secret": SECRET}}));
}
