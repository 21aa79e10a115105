//! Checks the connection to each host: name, port and certificate. Knows nothing of logins.

use crate::{
    cancel::Cancel,
    pve::{
        Auth, Host, Pve, Settings, Trust,
        certificate::{self, Certificate},
        colons,
    },
    setup::{
        dates,
        finding::{Finding, Tell},
    },
};
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A certificate that expires within this many seconds is reported. Proxmox renews its own two weeks before expiry.
const SOON: u64 = 10 * 86_400;

/// Checks every host. Returns whether at least one of them can be used.
pub fn check(settings: &Settings, tell: Tell<'_>) -> bool {
    let proxied = |host: &Host| settings.is_proxied(host);
    if settings.hosts.iter().any(proxied) {
        tell(Finding::ok("port", "An HTTP proxy is used; it resolves the name and connects."));
    }
    let mut reached = false;
    for host in &settings.hosts {
        if proxied(host) {
            reached |= trusted(settings, host, None, tell);
        } else if let Some(address) = reach(settings, host, tell) {
            reached |= host.plain || secure(settings, host, address, tell);
        }
    }
    reached
}

/// The first address at which a host accepts connections.
pub fn reach(settings: &Settings, host: &Host, tell: Tell<'_>) -> Option<SocketAddr> {
    let found = addresses(settings, host, tell)?;
    port(settings, host, &found, tell)
}

/// Whether the settings trust the certificate that a host presents.
pub fn trust(settings: &Settings, host: &Host, shown: &Certificate, tell: Tell<'_>) -> bool {
    trusted(settings, host, Some(shown), tell)
}

/// Resolves the addresses of a host.
fn addresses(settings: &Settings, host: &Host, tell: Tell<'_>) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = host.name.parse::<IpAddr>() {
        return Some(vec![SocketAddr::new(address, host.port)]);
    }
    let name = &host.name;
    let (answer, inbox) = mpsc::channel();
    let wanted = (name.clone(), host.port);
    // The system's lookup cannot be interrupted; its thread is abandoned when it takes too long.
    let started = thread::Builder::new().name("lookup".into()).spawn(move || {
        let _ = answer.send(wanted.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    });
    let found = match started {
        Ok(_) => inbox.recv_timeout(settings.connect_timeout).unwrap_or_else(|_| {
            Err(io::Error::other(format!("no answer within {} s", settings.connect_timeout.as_secs())))
        }),
        Err(error) => Err(error),
    };
    match found {
        Ok(found) if !found.is_empty() => {
            let list = found.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
            tell(Finding::ok("name", format!("`{name}` resolves to {list}.")));
            Some(found)
        }
        other => {
            let why = other.map_or_else(|error| error.to_string(), |_| "it has no address".into());
            tell(
                Finding::failure("name", format!("The name `{name}` cannot be resolved ({why})."))
                    .mend("Correct `host`, or set it to the node's IP address."),
            );
            None
        }
    }
}

/// The first address that accepts a connection.
fn port(settings: &Settings, host: &Host, found: &[SocketAddr], tell: Tell<'_>) -> Option<SocketAddr> {
    let mut failures = Vec::new();
    let (mut dropped, mut refused) = (false, false);
    for address in found.iter().take(4) {
        match TcpStream::connect_timeout(address, settings.connect_timeout) {
            Ok(_) => {
                tell(Finding::ok("port", format!("{address} accepts connections.")));
                return Some(*address);
            }
            Err(error) => {
                dropped |= matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
                refused |= error.kind() == io::ErrorKind::ConnectionRefused;
                failures.push(format!("{address}: {error}"));
            }
        }
    }
    let (name, port, why) = (&host.name, host.port, failures.join("; "));
    let usual =
        if port == 8006 { String::new() } else { format!(" Proxmox listens on 8006, `port` is {port}.") };
    tell(if dropped {
        Finding::failure("port", format!(
            "`{name}` did not answer on port {port} within {} s ({why}). This looks like a firewall that drops packets, or a host that is off.{usual}",
            settings.connect_timeout.as_secs_f64()
        ))
        .mend(format!(
            "Allow this computer to reach TCP port {port} (on the node: `pve-firewall status`, `iptables-save`); to test it from here: nc -vz {name} {port}"
        ))
    } else if refused {
        Finding::failure("port", format!("Nothing listens on port {port} of `{name}` ({why}).{usual}"))
            .mend("Correct `port` (8006), or start the service on the node: systemctl restart pveproxy")
    } else {
        Finding::failure("port", format!("Connecting to `{name}` failed ({why}).{usual}"))
            .mend("Check the address, the network and the route to it (VPN, routing).")
    });
    None
}

/// Fetches the certificate that the host presents, and checks whether it is trusted.
fn secure(settings: &Settings, host: &Host, address: SocketAddr, tell: Tell<'_>) -> bool {
    // A server that requires a client certificate may refuse a connection without one.
    if settings.client_identity.is_some() {
        return trusted(settings, host, None, tell);
    }
    match certificate::shown(host, address, settings.connect_timeout) {
        Ok(shown) => trusted(settings, host, Some(&shown), tell),
        Err(problem) => {
            let mend = "Set `host` and `port` to those of the API (8006).";
            tell(Finding::failure("tls", format!("`{}:{}`: {problem}", host.name, host.port)).mend(mend));
            false
        }
    }
}

/// Describes a certificate in a sentence.
#[must_use]
pub fn describe(shown: &Certificate) -> String {
    let signed = if shown.issuer == shown.subject {
        "self-signed".into()
    } else {
        format!("signed by `{}`", shown.issuer)
    };
    format!(
        "The certificate of `{}` is {signed}, is valid until {}, and has the SHA-256 fingerprint {}.",
        shown.subject,
        dates::day(shown.not_after),
        colons(&shown.fingerprint)
    )
}

/// Whether the settings trust the host, tested without sending credentials.
fn trusted(settings: &Settings, host: &Host, shown: Option<&Certificate>, tell: Tell<'_>) -> bool {
    let auth = Auth::Missing("This step does not log in.".into());
    let alone = Settings { hosts: vec![host.clone()], auth, ..settings.clone() };
    let steps = Pve::new(alone).probe(&Cancel::new());
    // The login step that follows fails without credentials and is ignored.
    let failed = steps.iter().find(|step| !step.ok && matches!(step.name, "reach" | "tls"));
    let Some(failed) = failed else {
        tell(believed(settings, shown));
        return true;
    };
    let Some(shown) = shown else {
        tell(Finding::failure(if failed.name == "tls" { "tls" } else { "port" }, failed.detail.as_str()));
        return false;
    };
    let finding = Finding::failure("tls", format!("{} {}", failed.detail, describe(shown)));
    tell(match remedy(settings, host, shown) {
        Some(remedy) => finding.mend(remedy),
        None => finding,
    });
    false
}

fn believed(settings: &Settings, shown: Option<&Certificate>) -> Finding {
    let Some(shown) = shown else { return Finding::ok("tls", "The certificate is trusted.") };
    let why = match &settings.trust {
        Trust::System => "this computer trusts its issuer",
        Trust::CaFile(_) => "it is signed by the CA in `ca_file`",
        Trust::Fingerprint(_) => "it matches `fingerprint`",
        Trust::Anything => {
            return Finding::warning(
                "tls",
                format!("{} It is not checked, because `ssl_verify` is off.", describe(shown)),
            )
            .mend(format!("Instead of `ssl_verify` set {}", pin(shown)));
        }
    };
    let detail = format!("{} It is trusted: {why}.", describe(shown));
    let left = shown.not_after.saturating_sub(now());
    if matches!(settings.trust, Trust::Fingerprint(_)) {
        if left < SOON {
            return Finding::warning(
                "tls",
                format!("{detail} It will be renewed soon, and the fingerprint will not match then."),
            )
            .mend("Trust the cluster's own CA instead, which does not change: proxmox-mcp init --trust-ca");
        }
    } else if left < SOON {
        return Finding::warning("tls", format!("{detail} It expires soon."))
            .mend("On the node: pvecm updatecerts --force && systemctl restart pveproxy");
    }
    Finding::ok("tls", detail)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// The setting that pins a certificate.
#[must_use]
pub fn pin(shown: &Certificate) -> String {
    format!("\"fingerprint\": \"{}\"", colons(&shown.fingerprint))
}

/// The exact setting or command that corrects what is wrong with a certificate.
fn remedy(settings: &Settings, host: &Host, shown: &Certificate) -> Option<String> {
    let compare = "after comparing it with `pvenode cert info` on the node";
    if let Trust::Fingerprint(expected) = &settings.trust {
        return (*expected != shown.fingerprint).then(|| {
            format!(
                "If the certificate was renewed, set {} {compare}; to avoid this in future, trust the cluster's CA: proxmox-mcp init --trust-ca",
                pin(shown)
            )
        });
    }
    let now = now();
    if shown.not_after < now {
        return Some(format!(
            "It expired on {}. Renew it on the node: pvecm updatecerts --force && systemctl restart pveproxy",
            dates::day(shown.not_after)
        ));
    }
    if now < shown.not_before {
        return Some(format!(
            "It is not valid before {}: correct the clocks of this computer and of the node (timedatectl).",
            dates::day(shown.not_before)
        ));
    }
    if !names(shown, &host.name) {
        let list = shown.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "none".into() } else { list };
        return Some(format!(
            "Set `host` to a name that the certificate is for ({list}), or set {} {compare}",
            pin(shown)
        ));
    }
    Some(format!(
        "Copy `/etc/pve/pve-root-ca.pem` from a node and set \"ca_file\" to the copy, or set {} {compare}; `proxmox-mcp init` can do either.",
        pin(shown)
    ))
}

/// Whether a certificate covers that name. A wildcard matches one label.
fn names(shown: &Certificate, wanted: &str) -> bool {
    shown.names.iter().any(|name| {
        let wild = || {
            let (_, domain) = wanted.split_once('.')?;
            Some(name.strip_prefix("*.")?.eq_ignore_ascii_case(domain))
        };
        let same = name.eq_ignore_ascii_case(wanted.trim_end_matches('.'));
        same || wild() == Some(true)
    })
}
