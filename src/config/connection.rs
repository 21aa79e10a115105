//! Turns the checked values into connection settings: hosts, login and trust, and which of them takes precedence if
//! they contradict each other.

use super::{
    host, keys,
    values::{Origin, Values},
};
use crate::{
    pve::{Auth, ClientIdentity, Host, Settings, Trust},
    secret::SecretSource,
};
use std::{path::Path, time::Duration};

/// The host when none is configured. The name never resolves (RFC 6761), and `Auth::Missing` prevents any attempt.
const NO_HOST: &str = "proxmox.invalid";

/// Where values were read from, and where missing ones can be set.
pub(super) struct Origins<'a> {
    pub(super) file: Option<&'a Path>,
    pub(super) looked: &'a [std::path::PathBuf],
}

/// Builds the settings. Contradictions become warnings in `values`; missing values become `Auth::Missing`.
pub(super) fn settings(values: &mut Values, origins: &Origins<'_>) -> Settings {
    let port = u16::try_from(values.integer("port")).expect("the row's range is that of a port");
    let (hosts, base_path) = hosts(values, port);
    let auth = auth(values, !hosts.is_empty(), origins);
    let trust = trust(values, hosts.len());
    let client_identity = client_identity(values);
    let seconds = |key| Duration::from_secs(values.integer(key));
    let hosts =
        if hosts.is_empty() { vec![Host { name: NO_HOST.into(), port, plain: false }] } else { hosts };
    Settings {
        connect_timeout: seconds("connect_timeout"),
        read_timeout: seconds("read_timeout"),
        timeout: seconds("timeout"),
        workers: usize::try_from(values.integer("workers")).expect("the row's range is small"),
        max_response_bytes: values.integer("max_response_bytes"),
        proxy: proxy(values),
        no_proxy: values.list("no_proxy").to_vec(),
        base_path,
        client_identity,
        cluster_addresses: values.bool("cluster_addresses"),
        keep_warm: values.bool("keep_warm"),
        ..Settings::new(hosts, auth, trust)
    }
}

/// The proxy, unless it is set to `none`.
fn proxy(values: &Values) -> Option<SecretSource> {
    let none = |source: &SecretSource| match source {
        SecretSource::Value(address) => address.expose().trim().eq_ignore_ascii_case("none"),
        _ => false,
    };
    values.secret_of("proxy").filter(|source| !none(source)).cloned()
}

/// The client certificate, for a server that requires one.
fn client_identity(values: &mut Values) -> Option<ClientIdentity> {
    let key = values.path_of("client_key").map(Path::to_path_buf);
    let Some(certificate) = values.path_of("client_certificate").map(Path::to_path_buf) else {
        if key.is_some() {
            values.warnings.push(
                "`client_key` is not used: there is no `client_certificate`. Set it to the certificate of that key.".into(),
            );
        }
        return None;
    };
    Some(ClientIdentity { key: key.unwrap_or_else(|| certificate.clone()), certificate })
}

/// `host`, then `hosts`, without duplicates, and the path that a reverse proxy needs. A host from the environment is
/// used alone: the other nodes in the file may be of another cluster, which must not be sent this one's credentials.
fn hosts(values: &mut Values, port: u16) -> (Vec<Host>, String) {
    let further = if values.given("host") == Some(Origin::Environment) { &[] } else { values.list("hosts") };
    let written = values.text("host").into_iter().chain(further.iter().map(String::as_str));
    let (mut hosts, mut paths): (Vec<Host>, Vec<String>) = (Vec::new(), Vec::new());
    for text in written {
        if let Ok(host) = host::parse(text, port)
            && !hosts.contains(&host)
        {
            hosts.push(host);
            paths.push(host::path(text));
        }
    }
    let path = paths.first().cloned().unwrap_or_default();
    if let Some(other) = paths.iter().find(|other| **other != path) {
        values.warnings.push(format!(
            "The hosts have different paths (`{path}/` and `{other}/`); the first is used for all. Write the same path in each."
        ));
    }
    (hosts, path)
}

/// The keys of an API token.
const TOKEN: [&str; 2] = ["token_id", "token_secret"];
/// The keys of a login with a password.
const LOGIN: [&str; 2] = ["user", "password"];

/// The login. The environment takes precedence over the file; within one of them, a token takes precedence over a
/// password.
fn auth(values: &mut Values, has_host: bool, origins: &Origins<'_>) -> Auth {
    let token = values.given("token_id").max(values.given("token_secret"));
    let password = values.given("password");
    let by_token = token.is_some() && password <= token;
    let mut lacking = Vec::new();
    if !has_host {
        lacking.push("host");
    }
    if by_token {
        if password == token {
            values.warnings.push(format!(
                "Both an API token and a password are configured ({}); the token is used. Remove one of them.",
                described(token, origins)
            ));
        }
        lacking.extend(TOKEN.iter().filter(|key| values.given(key).is_none()));
    } else if values.given("user").is_some() || password.is_some() {
        lacking.extend(LOGIN.iter().filter(|key| values.given(key).is_none()));
    } else {
        lacking.extend(TOKEN);
    }
    if !lacking.is_empty() {
        return Auth::Missing(missing(&lacking, origins));
    }
    if let Some(name) = untouched(values, by_token) {
        return Auth::Missing(format!(
            "Proxmox is not configured yet: `{name}` in `{}` still has the example's value. Enter your own `host`, `token_id` and `token_secret`, then restart the server.",
            origins.file.map_or_else(String::new, |file| file.display().to_string())
        ));
    }
    let user = values.text("user").map(|user| full_user(user, values.word("realm")));
    if let (Some(user), Some(_)) = (values.text("user"), values.given("realm"))
        && let Some((_, own)) = user.rsplit_once('@')
        && own != values.word("realm")
    {
        values
            .warnings
            .push(format!("`realm` is not used: `user` already has the realm `{own}`. Remove one of them."));
    }
    let secret = |key| values.secret_of(key).cloned();
    if !by_token {
        let (Some(user), Some(password)) = (user, secret("password")) else {
            return Auth::Missing(missing(&LOGIN, origins));
        };
        return Auth::Password { user, password, totp: secret("totp") };
    }
    let id = values.text("token_id").unwrap_or("");
    let id = match (id.contains('!'), user) {
        (true, _) => id.to_string(),
        (false, Some(user)) => format!("{user}!{id}"),
        (false, None) => {
            return Auth::Missing(format!(
                "Proxmox is not configured yet: `token_id` is only the token's name, `{id}`. Write it as `user@realm!{id}`, or set `user` (PROXMOX_USER) as well, then restart the server."
            ));
        }
    };
    match secret("token_secret") {
        Some(secret) => Auth::Token { id, secret },
        None => Auth::Missing(missing(&TOKEN[1..], origins)),
    }
}

fn full_user(user: &str, realm: &str) -> String {
    if user.contains('@') { user.into() } else { format!("{user}@{realm}") }
}

/// Whether a file still has the host and token of `config.example.json`, so that it may be replaced.
#[must_use]
pub fn is_example(text: &str) -> bool {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) else { return false };
    ["host", TOKEN[0], TOKEN[1]]
        .iter()
        .all(|key| object.get(*key).is_some_and(|value| value.as_str() == sample(key)))
}

/// The value of a key in `config.example.json`.
fn sample(key: &str) -> Option<&'static str> {
    keys::find(key)?.example?.strip_prefix('"')?.strip_suffix('"')
}

/// A key of the file that still has the value of `config.example.json`.
fn untouched(values: &Values, by_token: bool) -> Option<&'static str> {
    let from_file = |key| values.given(key) == Some(Origin::File);
    if from_file("host") && values.text("host") == sample("host") {
        return Some("host");
    }
    let is_sample = match values.secret_of("token_secret") {
        Some(SecretSource::Value(value)) => Some(value.expose()) == sample("token_secret"),
        _ => false,
    };
    (by_token && from_file("token_secret") && is_sample).then_some("token_secret")
}

/// The message that says which keys are missing and where to set them.
fn missing(lacking: &[&str], origins: &Origins<'_>) -> String {
    let names = list(lacking.iter().map(|key| format!("`{key}`")).collect());
    let variable = |key: &&str| Some((*keys::find(key)?.env.first()?).to_owned());
    let variables = list(lacking.iter().filter_map(variable).collect());
    match origins.file {
        Some(file) => format!(
            "Proxmox is not configured yet: `{}` lacks {names}. Add this to the file, or set {variables} in the server's environment, then restart the server.",
            file.display()
        ),
        None => {
            let looked = list(origins.looked.iter().map(|path| format!("`{}`", path.display())).collect());
            format!(
                "Proxmox is not configured yet: there is no configuration file (searched: {looked}), and the environment lacks {variables}. Run `proxmox-mcp init`, or create one of these files with {names} (see `config.example.json`), or set the variables, then restart the server."
            )
        }
    }
}

fn list(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

fn described(origin: Option<Origin>, origins: &Origins<'_>) -> String {
    match (origin, origins.file) {
        (Some(Origin::File), Some(file)) => format!("in `{}`", file.display()),
        _ => "in the environment".into(),
    }
}

/// Which certificates are trusted. The environment takes precedence over the file; within one of them the strictest
/// setting is used: the fingerprint, then the CA file, then `ssl_verify: false`.
fn trust(values: &mut Values, hosts: usize) -> Trust {
    let off = if values.bool("ssl_verify") { None } else { values.given("ssl_verify") };
    let choices = [
        ("fingerprint", values.given("fingerprint")),
        ("ca_file", values.given("ca_file")),
        ("ssl_verify", off),
    ];
    // `max_by_key` returns the last of equals, hence the reversal.
    let Some((chosen, origin)) = choices
        .iter()
        .rev()
        .max_by_key(|(_, origin)| *origin)
        .copied()
        .filter(|(_, origin)| origin.is_some())
    else {
        return Trust::System;
    };
    for (name, _) in choices.iter().filter(|(name, other)| *name != chosen && *other == origin) {
        values.warnings.push(match *name {
            "ssl_verify" => format!("`ssl_verify: false` is not used: `{chosen}` is set, and the certificate is checked against it. Remove one of them."),
            name => format!("`{name}` is not used: `{chosen}` is set and stricter. Remove one of them."),
        });
    }
    match chosen {
        "fingerprint" => {
            if 1 < hosts {
                values.warnings.push("`fingerprint` matches only one node's certificate, but several hosts are configured, and each has its own; use `ca_file` with the cluster's `pve-root-ca.pem`.".into());
            }
            values
                .text("fingerprint")
                .and_then(|text| host::fingerprint(text).ok())
                .map_or(Trust::System, Trust::Fingerprint)
        }
        "ca_file" => values.path_of("ca_file").map_or(Trust::System, |path| Trust::CaFile(path.into())),
        _ => {
            values.warnings.push("`ssl_verify` is off: the server's certificate is not checked, and anyone who intercepts the connection can read the credentials. Set `fingerprint` or `ca_file` instead.".into());
            Trust::Anything
        }
    }
}
