//! What can go wrong with a request, by what is known about it having been carried out.
//!
//! `Display` is finished sentences with the next step; code branches on the predicates only.

pub use super::caller::Identity;

use super::{Method, advice, api, auth, tls};
use std::fmt;

/// The result of asking Proxmox.
pub type Result<T> = std::result::Result<T, Error>;

/// What was asked of whom. Parameters are left out: they may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path without `/api2/extjs` and without the query.
    pub path: String,
    /// `host:port` of the node asked.
    pub host: String,
}

impl Asked {
    /// Whether sending it a second time could do something a second time. A login only makes another ticket.
    pub(super) fn changes(&self) -> bool {
        self.method != Method::Get && self.path != auth::PATH
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.method, self.path)
    }
}

/// Why a request has no result. Sentences never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Never sent: the settings, a secret's source or the CA file are of no use.
    Setup {
        /// Finished sentences.
        problem: String,
    },
    /// Never sent, or not as a whole: no name, no connection, no free one, a break while sending.
    NotSent {
        /// `host:port`, one or several.
        host: String,
        /// The rest of the sentence, and the next step.
        problem: String,
    },
    /// Never sent: the server's certificate or TLS is not what the settings ask for.
    Tls {
        /// `host:port`.
        host: String,
        /// The rest of the sentence, and the next step.
        problem: String,
        /// SHA-256 of the certificate that was shown.
        seen: Option<[u8; 32]>,
    },
    /// Sent as a whole, and no whole answer came.
    Unanswered {
        /// What was asked.
        asked: Box<Asked>,
        /// How it ended, as a clause.
        problem: String,
        /// Whether the time was up; otherwise the connection broke.
        timed_out: bool,
    },
    /// Proxmox refused or failed.
    Refused {
        /// What was asked.
        asked: Box<Asked>,
        /// As whom.
        identity: Identity,
        /// 400, 403, 500, 501, …
        status: u16,
        /// Proxmox's words, less the final line break.
        message: String,
        /// Parameter names and what is wrong with each.
        errors: Vec<(String, String)>,
    },
    /// A 401 that logging in again does not cure. Not carried out.
    Unauthorized {
        /// As whom.
        identity: Identity,
        /// Proxmox's words.
        reason: String,
    },
    /// Logging in with a password failed.
    LoginRefused {
        /// `user@realm`.
        user: String,
        /// Proxmox's words.
        message: String,
        /// The next step.
        advice: String,
    },
    /// The account asks for a second factor that cannot be given.
    SecondFactor {
        /// `user@realm`.
        user: String,
        /// Finished sentences.
        problem: String,
    },
    /// 595–599: the node asked could not get an answer from the node (or service) that does the work.
    NodeUnreachable {
        /// What was asked.
        asked: Box<Asked>,
        /// 595 no connection, 596 no answer, 597 half an answer, 599 anything else.
        status: u16,
        /// The words beside the status.
        reason: String,
    },
    /// Something that is not the API answered, or the answer cannot be read.
    NotProxmox {
        /// What was asked.
        asked: Box<Asked>,
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// The rest of the sentence, and the next step.
        problem: String,
    },
    /// The answer is over the bound and was not read further.
    TooLarge {
        /// What was asked.
        asked: Box<Asked>,
        /// The bound in bytes.
        limit: u64,
    },
    /// The caller cancelled.
    Cancelled {
        /// Whether a change had been sent by then.
        may_have_been_carried_out: bool,
    },
}

impl Error {
    /// Whether the caller cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled { .. })
    }

    /// Proxmox's status of a refusal (400, 403, 500, …), 401 for one at the door, or 595–599.
    #[must_use]
    pub fn api_status(&self) -> Option<u16> {
        match self {
            Error::Refused { status, .. } | Error::NodeUnreachable { status, .. } => Some(*status),
            Error::Unauthorized { .. } | Error::LoginRefused { .. } => Some(401),
            _ => None,
        }
    }

    /// Proxmox's own words, less the final line break.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Error::Refused { message, .. } | Error::LoginRefused { message, .. } => Some(message),
            Error::Unauthorized { reason, .. } | Error::NodeUnreachable { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What Proxmox says about single parameters.
    #[must_use]
    pub fn errors(&self) -> &[(String, String)] {
        if let Error::Refused { errors, .. } = self { errors } else { &[] }
    }

    /// Whether a change may have happened although there is no answer that says so.
    #[must_use]
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Error::Unanswered { asked, .. } | Error::TooLarge { asked, .. } => asked.changes(),
            Error::NodeUnreachable { asked, status, .. } => asked.changes() && *status != 595,
            // A redirect, a refusal or an overload notice comes before the work; what came with 200, or when
            // a proxy lost its server, may come after it.
            Error::NotProxmox { asked, status, .. } => {
                asked.changes() && !matches!(status, Some(300..=499 | 501 | 503))
            }
            Error::Cancelled { may_have_been_carried_out } => *may_have_been_carried_out,
            _ => false,
        }
    }

    /// Whether the same request may simply be sent again, with some hope: certainly nothing was done, or it only
    /// reads, and the cause may pass by itself.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Error::NotSent { .. } | Error::Unanswered { .. } | Error::NodeUnreachable { .. } => {
                !self.may_have_been_carried_out()
            }
            Error::NotProxmox { status: Some(429 | 502..=504), .. } => !self.may_have_been_carried_out(),
            _ => false,
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setup { problem } => f.write_str(problem),
            Error::NotSent { host, problem } => write!(f, "`{host}` cannot be reached: {problem}"),
            Error::Tls { host, problem, seen } => {
                write!(f, "`{host}` is not trusted: {problem}")?;
                match seen {
                    // The sentence of a wrong fingerprint names it already.
                    Some(seen) if !problem.contains(&tls::colons(seen)) => {
                        write!(f, " The certificate shown has the fingerprint {}.", tls::colons(seen))
                    }
                    _ => Ok(()),
                }
            }
            Error::Unanswered { asked, problem, .. } => {
                write!(f, "{asked} was sent to `{}`, but {problem}.", asked.host)
            }
            Error::Refused { asked, identity, status, message, errors } => {
                write!(f, "Proxmox refused {asked} ({status}): {}", stopped(message))?;
                for (parameter, problem) in errors {
                    write!(f, " `{parameter}`: {}", stopped(problem.trim_end()))?;
                }
                if let Some(advice) = advice::after_refusal(*status, message, identity) {
                    write!(f, " {advice}")?;
                }
                match api::later_than_server(asked.method, &asked.path, *status, errors) {
                    Some(advice) => write!(f, " {advice}"),
                    None => Ok(()),
                }
            }
            Error::Unauthorized { identity, reason } => {
                write!(f, "Proxmox did not let {identity} in (401): {}", stopped(reason))?;
                write!(f, " {}", advice::after_401(identity, reason))
            }
            Error::LoginRefused { user, message, advice } => {
                write!(f, "Proxmox refused the login of `{user}`: {} {advice}", stopped(message))
            }
            Error::SecondFactor { user, problem } => write!(f, "`{user}` cannot log in: {problem}"),
            Error::NodeUnreachable { asked, status, reason } => {
                write!(f, "`{}` could not pass {asked} on", asked.host)?;
                match asked.path.strip_prefix("/nodes/").and_then(|rest| rest.split('/').next()) {
                    Some(node) => write!(f, " to node `{node}`")?,
                    None => f.write_str(" to its own service pvedaemon")?,
                }
                write!(f, " ({status}): {}", stopped(reason))?;
                if *status == 596 {
                    f.write_str(" A node gives up after 30 s, while the work may go on.")?;
                }
                f.write_str(" Look at `/cluster/status` and `/nodes` for what is offline; guests of a dead node are listed as running for up to 5 minutes, then as unknown.")
            }
            Error::NotProxmox { asked, problem, .. } => {
                write!(f, "{asked} was not answered by a Proxmox API at `{}`: {problem}", asked.host)
            }
            Error::TooLarge { asked, limit } => {
                write!(
                    f,
                    "The answer to {asked} is larger than {limit} bytes and was not read. Ask for less."
                )
            }
            Error::Cancelled { .. } => f.write_str("The request was cancelled."),
        }?;
        if self.may_have_been_carried_out() {
            f.write_str(" It may have been carried out all the same: look at the target and at the newest tasks (`/cluster/tasks`) before sending it again.")?;
        } else if let Error::Unanswered { .. } = self {
            f.write_str(" It only reads, so it may simply be asked again.")?;
        }
        Ok(())
    }
}

/// The words with a full stop, so that another sentence can follow; verbatim otherwise.
fn stopped(words: &str) -> String {
    let ended = words.ends_with(['.', '!', '?']);
    if words.is_empty() {
        "it gave no reason.".into()
    } else {
        format!("{words}{}", if ended { "" } else { "." })
    }
}
