//! The settings of the client for one cluster, created from the configuration or by a test.

use super::bypass;
use crate::secret::SecretSource;
use std::{path::PathBuf, time::Duration};

/// How to reach one cluster and log in to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Nodes of the cluster, in the order in which they are tried. Never empty.
    pub hosts: Vec<Host>,
    /// How to log in.
    pub auth: Auth,
    /// Which server certificates are trusted.
    pub trust: Trust,
    /// Time limit for connecting to one host, including the TLS handshake.
    pub connect_timeout: Duration,
    /// How long a connection may be silent while a response is awaited or read. Longer than the 30 s after which a
    /// node gives up on another node (pve.md section 3), because that response says more.
    pub read_timeout: Duration,
    /// Time limit for one whole request, including connecting.
    pub timeout: Duration,
    /// The maximum number of concurrent requests; also the size of the connection pool.
    pub workers: usize,
    /// The largest response that is read, in bytes.
    pub max_response_bytes: u64,
    /// How long an idle connection is kept. The server closes it after 4.5 to 5 s (pve.md section 1).
    pub max_idle: Duration,
    /// The HTTP proxy in front of the cluster, if any, as `http://[user:password@]host:port`.
    pub proxy: Option<SecretSource>,
    /// Hosts that are reached without the proxy: domain names (including their subdomains), addresses, networks such
    /// as `192.0.2.0/24`, or `*`.
    pub no_proxy: Vec<String>,
    /// The path prefix before `/api2`, for a reverse proxy: empty, or `/path` without a trailing slash.
    pub base_path: String,
    /// The certificate that this client presents to a server that requests one.
    pub client_identity: Option<ClientIdentity>,
    /// Whether the node addresses from `/cluster/status` are tried too when no configured host can be reached.
    pub cluster_addresses: bool,
    /// Whether a cheap request every few seconds keeps a connection open, until a minute after the last call.
    pub keep_warm: bool,
}

/// The files of a client certificate, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, followed by any intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key; may be the same file.
    pub key: PathBuf,
}

impl Settings {
    /// Settings with defaults for everything else: 10 s to connect, 45 s of silence, 60 s for a request, 6 workers,
    /// responses up to 64 MiB, connections idle for up to 3 s, no proxy.
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
    /// A DNS name or an IP address; an IPv6 address without brackets.
    pub name: String,
    /// The API's port, 8006 by default.
    pub port: u16,
    /// Whether to use plain HTTP instead of HTTPS. Only for the built-in sample cluster, on loopback.
    pub plain: bool,
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Auth {
    /// An API token.
    Token {
        /// `user@realm!name`.
        id: String,
        /// The UUID shown when the token was created.
        secret: SecretSource,
    },
    /// A user, who gets a ticket (pve.md section 2; API path `/access/ticket`).
    Password {
        /// `user@realm`.
        user: String,
        /// The password.
        password: SecretSource,
        /// The secret of the second factor TOTP, in base 32 as shown when it was set up, or as an `otpauth:` URL;
        /// or a source that returns the current code.
        totp: Option<SecretSource>,
    },
    /// Nothing is configured yet: every request fails with this message, which says what to set.
    Missing(String),
}

/// Which server certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system's certificate store, or the bundled roots if it is empty.
    System,
    /// Only the certificates in this PEM file.
    CaFile(PathBuf),
    /// Only the certificate with this SHA-256 fingerprint, whatever its name or dates.
    Fingerprint([u8; 32]),
    /// Any certificate: verification is disabled.
    Anything,
}
