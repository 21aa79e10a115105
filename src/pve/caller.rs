//! As whom Proxmox is asked.

use std::fmt;

/// As whom Proxmox is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `user@realm!name`.
    Token(String),
    /// `user@realm`.
    User(String),
    /// Nobody: nothing is configured.
    Nobody,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Token(id) => write!(f, "the API token `{id}`"),
            Identity::User(user) => write!(f, "the user `{user}`"),
            Identity::Nobody => f.write_str("an anonymous caller"),
        }
    }
}
