//! A request as tests look at it afterwards. Knows no API.

use crate::demo::wire::http::Incoming;
use std::fmt;

/// Headers that tests ask about; what identifies the sender is not among them.
const HEADERS: [&str; 5] = ["accept-encoding", "connection", "content-type", "host", "user-agent"];
/// Parameters whose values are nobody's business.
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

/// A request that the server has seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// Query and body, decoded, in order.
    pub pairs: Vec<(String, String)>,
    /// How it identified itself: `token`, `ticket` or `none`.
    pub auth: &'static str,
    /// Whether it carried a CSRF token.
    pub csrf: bool,
    /// The headers of interest that it had, names in lower case; none of them is a secret.
    pub headers: Vec<(&'static str, String)>,
    /// The connection it came on; connections are numbered from 1 as they are accepted.
    pub connection: u64,
    /// Its place in the order of everything that arrived or was about to be answered.
    pub arrived: u64,
    /// The place of its answer in that order; `None` before there is one.
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
