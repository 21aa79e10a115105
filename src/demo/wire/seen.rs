//! A record of a request, for tests. Knows no API.

use crate::demo::wire::http::Incoming;
use std::fmt;

/// Headers that tests ask about; none that identify the sender.
const HEADERS: [&str; 5] = ["accept-encoding", "connection", "content-type", "host", "user-agent"];
/// Parameters whose values are not recorded.
const SECRET: [&str; 9] = [
    "password",
    "cipassword",
    "confirmation-password",
    "tfa-challenge",
    "otp",
    "sshkeys",
    "ssh-public-keys",
    "secret",
    "key",
];

/// A request that the server has received.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// Query and body, decoded, in order.
    pub pairs: Vec<(String, String)>,
    /// How it was authenticated: `token`, `ticket` or `none`.
    pub auth: &'static str,
    /// Whether it carried a CSRF token.
    pub csrf: bool,
    /// Which of the recorded headers it had, names in lower case; none of them is a secret.
    pub headers: Vec<(&'static str, String)>,
    /// The connection that it came on; connections are numbered from 1 as they are accepted.
    pub connection: u64,
    /// Its position in the sequence of all arrivals and answers.
    pub arrived: u64,
    /// The position of its answer in that sequence; `None` before it is answered.
    pub answered: Option<u64>,
}

impl Seen {
    pub(crate) fn of(request: &Incoming, connection: u64, arrived: u64) -> Seen {
        let auth = match (request.header("cookie"), request.header("authorization")) {
            (Some(_), _) => "ticket",
            (None, Some(_)) => "token",
            (None, None) => "none",
        };
        Seen {
            method: request.method.word().to_owned(),
            path: request.path.clone(),
            pairs: request.pairs.clone(),
            auth,
            csrf: request.header("csrfpreventiontoken").is_some(),
            headers: HEADERS
                .iter()
                .filter_map(|name| Some((*name, request.header(name)?.to_owned())))
                .collect(),
            connection,
            arrived,
            answered: None,
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (name, value) in &self.pairs {
            let secret = SECRET.contains(&name.as_str());
            write!(f, " {name}={}", if secret { "***" } else { value })?;
        }
        Ok(())
    }
}
