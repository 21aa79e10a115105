//! The identity under which requests are sent.

use std::fmt;

/// The token or user whose privileges a request has.
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
