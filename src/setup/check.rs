//! Tests a connection step by step: configuration, name, port, TLS, login, clock, version, quorum, permissions. Each
//! step reports what was found and, if something is wrong, the setting or command that corrects it.

use crate::{
    cancel::Cancel,
    config::{Config, ConfigError},
    pve::{Auth, Error, Params, Pve, Reply},
    secret::SecretSource,
    setup::{
        finding::{Finding, Tell, Verdict},
        network, rights,
    },
    tools::toolbox::Tools,
};
use serde::Deserialize;
use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// How far two clocks may differ without a warning, in seconds. One-time passwords are valid for 30 s.
const CLOCK_SLACK: u64 = 30;
/// The oldest major release of Proxmox VE that the tools support.
const OLDEST: u32 = 7;

/// Runs all checks, starting with the configuration. Returns whether nothing failed.
pub fn run(config: Result<Config, ConfigError>, tell: Tell<'_>) -> bool {
    let mut fine = true;
    let mut note = |finding: Finding| {
        fine &= finding.verdict != Verdict::Failure;
        tell(finding);
    };
    match config {
        Ok(config) if !config.clusters.is_empty() => {
            for (name, config) in config.clusters {
                let mut tell = |finding: Finding| note(finding.in_cluster(&name));
                if configured(&config, &mut tell) {
                    connection(config, &mut tell);
                }
            }
        }
        Ok(config) => {
            if configured(&config, &mut note) {
                connection(config, &mut note);
            }
        }
        Err(error) => {
            for problem in &error.problems {
                note(Finding::failure("config", problem.as_str()));
            }
        }
    }
    fine
}

/// Reports where the configuration was read from, and its warnings. Returns whether it is complete enough to continue.
fn configured(config: &Config, tell: Tell<'_>) -> bool {
    if let Auth::Missing(problem) = &config.settings.auth {
        tell(Finding::failure("config", problem.as_str()).mend("proxmox-mcp init"));
        return false;
    }
    tell(Finding::ok(
        "config",
        format!(
            "Read from {}; access `{}`, toolsets {}.",
            config.source,
            super::recipe::access_name(config.access),
            config.toolsets.join(", ")
        ),
    ));
    for warning in &config.warnings {
        let (detail, remedy) = warning.split_once("; run: ").unwrap_or((warning, ""));
        let finding = Finding::warning("config", ended(detail));
        tell(if remedy.is_empty() { finding } else { finding.mend(remedy) });
    }
    let known = super::recipe::toolsets();
    for name in config.toolsets.iter().filter(|name| !known.contains(name.as_str())) {
        let detail = format!("There is no toolset `{name}`, so it adds no tools.");
        let list = known.iter().copied().collect::<Vec<_>>().join(", ");
        tell(Finding::warning("config", detail).mend(format!("Set `toolsets` to some of: {list}.")));
    }
    true
}

fn ended(words: &str) -> String {
    if words.ends_with('.') { words.into() } else { format!("{words}.") }
}

/// Runs the checks, starting with the secrets. Returns the tools if the login worked.
pub fn connection(config: Config, tell: Tell<'_>) -> Option<Tools> {
    if !secrets(&config.settings.auth, tell) || !network::check(&config.settings, tell) {
        return None;
    }
    let tools = Tools::new(config);
    let cancel = Cancel::new();
    let reply = login(&tools, &cancel, tell)?;
    clock(&reply, tell);
    version(&reply, tell);
    let pve = Pve::new(tools.config().settings.clone());
    quorum(&pve, &cancel, tell);
    rights::check(&tools, &pve, &cancel, tell);
    Some(tools)
}

/// Checks that the secrets can be read, and warns if other users can read the files they are in.
fn secrets(auth: &Auth, tell: Tell<'_>) -> bool {
    let sources: Vec<(&str, &SecretSource)> = match auth {
        Auth::Token { secret, .. } => vec![("token_secret", secret)],
        Auth::Password { password, totp, .. } => {
            [Some(("password", password)), totp.as_ref().map(|totp| ("totp", totp))]
                .into_iter()
                .flatten()
                .collect()
        }
        Auth::Missing(_) => Vec::new(),
    };
    for (key, source) in sources {
        match source.fetch() {
            Err(problem) => {
                tell(Finding::failure("secret", format!("`{key}`: {problem}")));
                return false;
            }
            Ok(secret) if key == "token_secret" && !is_uuid(secret.expose()) => {
                let detail = "`token_secret` does not look like the secret of a token, which is a UUID such as `12345678-90ab-cdef-1234-567890abcdef`.";
                let remedy =
                    "Copy the `value` that was shown when the token was created; it is shown only once.";
                tell(Finding::warning("secret", detail).mend(remedy));
            }
            Ok(_) => {}
        }
        if let SecretSource::File(path) = source {
            tell(match readable_by_others(path) {
                None => Finding::ok("secret", format!("`{key}` is in `{}`.", path.display())),
                Some(mode) => Finding::warning(
                    "secret",
                    format!(
                        "`{}` (mode {mode:04o}) holds `{key}` and can be read by other users.",
                        path.display()
                    ),
                )
                .mend(format!("chmod 600 '{}'", path.display().to_string().replace('\'', r"'\''"))),
            });
        }
    }
    true
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Only Unix has file modes to check.
#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<u32> {
    None
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn login(tools: &Tools, cancel: &Cancel, tell: Tell<'_>) -> Option<Reply> {
    let settings = &tools.config().settings;
    let pve = Pve::new(settings.clone());
    let (who, user) = match &settings.auth {
        Auth::Token { id, .. } => (format!("the API token `{id}`"), id.split('!').next().unwrap_or_default()),
        Auth::Password { user, .. } => (format!("the user `{user}`"), user.as_str()),
        Auth::Missing(_) => return None,
    };
    let error = match pve.get(cancel, "/version", &Params::new()) {
        Ok(reply) => {
            tell(Finding::ok("login", format!("Logged in as {who}.")));
            return Some(reply);
        }
        Err(error) => error,
    };
    let realm = user.rsplit('@').next().unwrap_or_default();
    let realms = match &error {
        Error::LoginRefused { .. } | Error::Unauthorized { .. } => pve.realms(cancel).unwrap_or_default(),
        _ => Vec::new(),
    };
    let finding = Finding::failure("login", error.to_string());
    tell(if !realms.is_empty() && realms.iter().all(|known| known != realm) {
        let name = user.rsplit_once('@').map_or(user, |(name, _)| name);
        let detail = format!("{error} This cluster has no realm `{realm}`, only {}.", realms.join(", "));
        let right = realms.iter().map(|realm| format!("`{name}@{realm}`")).collect::<Vec<_>>().join(" or ");
        Finding::failure("login", detail).mend(format!("Write the account with its realm: {right}."))
    } else {
        match &error {
            Error::LoginRefused { .. } => finding.mend(format!(
                "Correct `password` (to test it, log in to the web interface as `{user}`; to change it, on a node: `pveum passwd {user}`), or use a token: proxmox-mcp token-recipe"
            )),
            Error::SecondFactor { .. } => finding.mend(
                "Set `totp` to the secret of the second factor, or use an API token, which needs none: proxmox-mcp token-recipe",
            ),
            Error::Unauthorized { .. } => finding.mend(format!(
                "Check that the token exists and has not expired: pveum user token list '{user}'; to create a new one: proxmox-mcp token-recipe"
            )),
            _ => finding,
        }
    });
    None
}

/// Compares this computer's clock with the cluster's.
fn clock(reply: &Reply, tell: Tell<'_>) {
    let Some(theirs) = reply.date else { return };
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let apart = ours.abs_diff(theirs);
    if apart <= CLOCK_SLACK {
        return tell(Finding::ok(
            "clock",
            format!("The clocks of the cluster and this computer differ by {apart} s."),
        ));
    }
    let which = if ours < theirs { "ahead of" } else { "behind" };
    tell(
        Finding::warning(
            "clock",
            format!("The cluster's clock is {apart} s {which} this computer's: one-time passwords will fail, and times in answers are off."),
        )
        .mend("Check `timedatectl` on both, and synchronize their clocks with NTP (on a node: `systemctl restart chrony`)."),
    );
}

fn version(reply: &Reply, tell: Tell<'_>) {
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let Ok(Version { version }) = reply.parse() else {
        let detail = "The answer to `/version` contains no version: is this Proxmox VE?";
        return tell(Finding::failure("version", detail).mend("Check `host` and `port` (8006)."));
    };
    let major = version.split(['.', '-']).next().and_then(|word| word.parse::<u32>().ok());
    let found = format!("Proxmox VE {version}.");
    tell(if major.is_none_or(|major| OLDEST <= major) {
        Finding::ok("version", found)
    } else {
        Finding::warning(
            "version",
            format!("{found} The tools support {OLDEST}.0 and newer: some will fail."),
        )
        .mend("Upgrade the cluster, or expect errors about methods or parameters that do not exist.")
    });
}

fn quorum(pve: &Pve, cancel: &Cancel, tell: Tell<'_>) {
    #[derive(Deserialize)]
    struct Row {
        r#type: String,
        name: String,
        quorate: Option<u8>,
        online: Option<u8>,
    }
    let rows = pve.get(cancel, "/cluster/status", &Params::new()).and_then(|reply| reply.parse::<Vec<Row>>());
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) if error.api_status() == Some(403) => {
            return tell(
                Finding::warning("quorum", "The account has no permission to read the cluster status.")
                    .mend("Give it Sys.Audit on / (role PVEAuditor)."),
            );
        }
        Err(error) => return tell(Finding::failure("quorum", error.to_string())),
    };
    let nodes = rows.iter().filter(|row| row.r#type == "node");
    let (online, offline): (Vec<&Row>, Vec<&Row>) = nodes.partition(|row| row.online != Some(0));
    let names = |rows: &[&Row]| rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ");
    let count = online.len() + offline.len();
    let Some(cluster) = rows.iter().find(|row| row.r#type == "cluster") else {
        return tell(Finding::ok("quorum", format!("A single node, {}, without a cluster.", names(&online))));
    };
    let missing = if offline.is_empty() { String::new() } else { format!(" Offline: {}.", names(&offline)) };
    let there = format!("{} of {count} nodes of cluster `{}` are online.", online.len(), cluster.name);
    tell(if cluster.quorate == Some(0) {
        Finding::failure(
            "quorum",
            format!("The cluster has no quorum: it can be read but not changed. {there}{missing}"),
        )
        .mend("Start the missing nodes or repair their network (corosync); on a node: pvecm status")
    } else if offline.is_empty() {
        Finding::ok("quorum", format!("The cluster is quorate; {there}"))
    } else {
        Finding::warning("quorum", format!("The cluster is quorate, but {there}{missing}"))
            .mend("On a node: pvecm status")
    });
}
