//! A connection test in steps, each with a sentence about what was found.

use super::{
    Auth, Method, Params, Pve,
    error::{Error, Identity},
    in_flight::Peer,
    tls::colons,
};
use crate::cancel::Cancel;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `reach`, `tls`, `login`, `version` or `permissions`.
    pub name: &'static str,
    /// Whether it worked.
    pub ok: bool,
    /// Sentences: what was found, or what is wrong and what to do.
    pub detail: String,
}

/// `/version`.
#[derive(Deserialize)]
struct Version {
    version: String,
    release: Option<String>,
}

impl Pve {
    /// Tests reach, tls, login, version and permissions in this order and stops at the first that fails. The first
    /// two request `/access/domains`, which needs no login (pve.md section 2).
    #[must_use]
    pub fn probe(&self, cancel: &Cancel) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.probe_server(cancel, &mut steps) && self.probe_login(cancel, &mut steps) {
            steps.push(self.probe_permissions(cancel));
        }
        steps
    }

    /// The names of the realms that users can log in to (API path `/access/domains`, which needs no login).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn realms(&self, cancel: &Cancel) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Domain {
            realm: String,
        }
        let limits = self.limits(cancel);
        let _slot = self.slot(limits)?;
        let (method, path) = (Method::Get, "/access/domains");
        let (reply, _) = self.ask_as(limits, method, path, &Params::new(), Vec::new(), &Identity::Nobody);
        // Proxmox lists them in any order.
        let realms: BTreeSet<String> =
            reply?.parse::<Vec<Domain>>()?.into_iter().map(|domain| domain.realm).collect();
        Ok(realms.into_iter().collect())
    }

    fn probe_server(&self, cancel: &Cancel, steps: &mut Vec<Step>) -> bool {
        let limits = self.limits(cancel);
        let (result, peer) = match self.slot(limits) {
            Ok(_slot) => self.ask_as(
                limits,
                Method::Get,
                "/access/domains",
                &Params::new(),
                Vec::new(),
                &Identity::Nobody,
            ),
            Err(error) => (Err(error), Peer::default()),
        };
        let reached = match peer.address {
            Some(address) => format!("{address} answers."),
            None => "The server answers.".into(),
        };
        match result {
            Err(error @ Error::Tls { .. }) => {
                steps.push(done("reach", reached));
                steps.push(failed("tls", &error));
                return false;
            }
            // A refusal also shows that Proxmox answers.
            Ok(_)
            | Err(Error::Refused { .. } | Error::Unauthorized { .. } | Error::NodeUnreachable { .. }) => {}
            Err(error) => {
                steps.push(failed("reach", &error));
                return false;
            }
        }
        steps.push(done("reach", reached));
        steps.push(done(
            "tls",
            match peer.tls {
                Some((version, fingerprint)) => {
                    format!("{version}; the certificate's SHA-256 fingerprint is {}.", colons(&fingerprint))
                }
                None => "Not used: the connection is plain HTTP.".into(),
            },
        ));
        true
    }

    /// Any authenticated request tests the login; `/version` also gives the next step.
    fn probe_login(&self, cancel: &Cancel, steps: &mut Vec<Step>) -> bool {
        let reply = match self.get(cancel, "/version", &Params::new()) {
            Ok(reply) => reply,
            Err(error @ Error::Refused { .. }) => {
                steps.push(done("login", format!("Logged in as {}.", self.who())));
                steps.push(failed("version", &error));
                return false;
            }
            Err(error) => {
                steps.push(failed("login", &error));
                return false;
            }
        };
        steps.push(done("login", format!("Logged in as {}.", self.who())));
        match reply.parse::<Version>() {
            Ok(Version { version, release }) => {
                let release = release.map_or(String::new(), |release| format!(" (release {release})"));
                steps.push(done("version", format!("Proxmox VE {version}{release}.")));
                true
            }
            Err(error) => {
                steps.push(failed("version", &error));
                false
            }
        }
    }

    fn probe_permissions(&self, cancel: &Cancel) -> Step {
        let granted = self
            .get(cancel, "/access/permissions", &Params::new())
            .and_then(|reply| reply.parse::<Map<String, Value>>());
        let granted = match granted {
            Ok(granted) => granted,
            Err(error) => return failed("permissions", &error),
        };
        let mut paths: Vec<_> = granted
            .iter()
            .filter_map(|(path, privileges)| Some((path, privileges.as_object()?.len())))
            .filter(|(_, count)| 0 < *count)
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Step { name: "permissions", ok: false, detail: self.why_empty() };
        }
        let shown: Vec<_> =
            paths.iter().take(8).map(|(path, count)| format!("{count} on `{path}`")).collect();
        let more = match paths.len().saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and on {more} more paths"),
        };
        done("permissions", format!("Privileges: {}{more}.", shown.join(", ")))
    }

    fn who(&self) -> Identity {
        match &self.settings().auth {
            Auth::Token { id, .. } => Identity::Token(id.clone()),
            Auth::Password { user, .. } => Identity::User(user.clone()),
            Auth::Missing(_) => Identity::Nobody,
        }
    }

    fn why_empty(&self) -> String {
        match &self.settings().auth {
            Auth::Token { id, .. } => {
                let user = id.split('!').next().unwrap_or(id);
                format!(
                    "The API token `{id}` has no privileges, so every list comes back empty. A token made with privilege separation (the default) has only what is granted to itself and to its user. To let it read, on a node: `pveum acl modify / --tokens '{id}' --roles PVEAuditor`, and if the user lacks it too: `pveum acl modify / --users '{user}' --roles PVEAuditor`."
                )
            }
            Auth::Password { user, .. } => format!(
                "The user `{user}` has no privileges, so every list comes back empty. To let it read, on a node: `pveum acl modify / --users '{user}' --roles PVEAuditor`."
            ),
            Auth::Missing(problem) => problem.clone(),
        }
    }
}

fn done(name: &'static str, detail: String) -> Step {
    Step { name, ok: true, detail }
}

fn failed(name: &'static str, error: &Error) -> Step {
    Step { name, ok: false, detail: error.to_string() }
}
