//! What the client must know to reach one cluster. Made by the configuration, or by a test.

use super::bypass;
use crate::secret::SecretSource;
use std::{path::PathBuf, time::Duration};

/// How to reach and enter one cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Nodes of the cluster, in the order in which they are tried. Never empty.
    pub hosts: Vec<Host>,
    /// How to log in.
    pub auth: Auth,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Time to connect to one host, TLS included.
    pub connect_timeout: Duration,
    /// How long a connection may be silent while an answer is awaited or read. A node gives up another one after
    /// 30 s (pve.md section 3), and that answer says more.
    pub read_timeout: Duration,
    /// Time for one whole request, connecting included.
    pub timeout: Duration,
    /// How many requests may be under way at once; also the size of the connection pool.
    pub workers: usize,
    /// The largest answer that is read, in bytes.
    pub max_response_bytes: u64,
    /// How long an idle connection is kept. The server closes it after 4.5 to 5 s (pve.md section 1).
    pub max_idle: Duration,
    /// The HTTP proxy to the cluster, as `http://[user:password@]host:port`, if there is one in between.
    pub proxy: Option<SecretSource>,
    /// Hosts that are connected to without the proxy: names (with all below them), addresses, networks as
    /// `192.0.2.0/24`, or `*`.
    pub no_proxy: Vec<String>,
    /// What stands before `/api2` in every path, for a reverse proxy: empty, or `/path` without a slash at its end.
    pub base_path: String,
    /// What this client shows to a server that asks for a certificate.
    pub client_identity: Option<ClientIdentity>,
    /// Whether addresses that `/cluster/status` gives are tried too, when no configured host can be reached.
    pub cluster_addresses: bool,
    /// Whether a connection is held open by a cheap request every few seconds, until a minute after the last call.
    pub keep_warm: bool,
}

/// The files of a client certificate, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, and those of the authorities in between.
    pub certificate: PathBuf,
    /// Its private key; may be the same file.
    pub key: PathBuf,
}

impl Settings {
    /// Settings with everything else at its default: 10 s to connect, 45 s of silence, 60 s for a request, 6
    /// workers, answers up to 64 MiB, connections idle for up to 3 s, nothing in between.
    #[must_use]
    pub fn new(hosts: Vec<Host>, auth: Auth, trust: Trust) -> Settings {
        Settings {
            hosts,
            auth,
            trust,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(45),
            timeout: Duration::from_secs(60),
            workers: 6,
            max_response_bytes: 64 << 20,
            max_idle: Duration::from_secs(3),
            proxy: None,
            no_proxy: Vec::new(),
            base_path: String::new(),
            client_identity: None,
            cluster_addresses: false,
            keep_warm: false,
        }
    }

    /// Whether a host is reached through the proxy.
    #[must_use]
    pub fn is_proxied(&self, host: &Host) -> bool {
        self.proxy.is_some() && !bypass::is_direct(&host.name, host.port, &self.no_proxy)
    }
}

/// One node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A DNS name or an IP address; an IPv6 address stands without brackets.
    pub name: String,
    /// The API's port, 8006 by default.
    pub port: u16,
    /// Plain HTTP instead of HTTPS. Only the built-in sample cluster, on loopback, is spoken to like this.
    pub plain: bool,
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Auth {
    /// An API token.
    Token {
        /// `user@realm!name`.
        id: String,
        /// The UUID shown when the token was made.
        secret: SecretSource,
    },
    /// A user, who gets a ticket (pve.md section 2; API path `/access/ticket`).
    Password {
        /// `user@realm`.
        user: String,
        /// The password.
        password: SecretSource,
        /// The secret of the second factor TOTP, in base 32 as shown when it was set up, or as an `otpauth:` URL;
        /// or a source that gives the code of the moment.
        totp: Option<SecretSource>,
    },
    /// Nothing configured yet: every request is refused with this sentence, which says what to set.
    Missing(String),
}

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system's certificate store, or the bundled roots where there is none.
    System,
    /// The certificates in this PEM file and no others.
    CaFile(PathBuf),
    /// The one certificate with this SHA-256 fingerprint, whatever its name or date.
    Fingerprint([u8; 32]),
    /// Any certificate at all.
    Anything,
}
