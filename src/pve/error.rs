//! The errors of a request, classified by whether it may have been carried out.
//!
//! `Display` gives complete sentences with the next step; code should branch only on the methods.

pub use super::caller::Identity;

use super::{Method, advice, api, auth, tls};
use std::fmt;

/// The result of a request to Proxmox.
pub type Result<T> = std::result::Result<T, Error>;

/// The request that an error is about. Without parameters, as they may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path without `/api2/extjs` and without the query.
    pub path: String,
    /// `host:port` of the host that the request was sent to.
    pub host: String,
}

impl Asked {
    /// Whether sending it twice could have an effect twice. A login only creates another ticket.
    pub(super) fn changes(&self) -> bool {
        self.method != Method::Get && self.path != auth::PATH
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.method, self.path)
    }
}

/// Why a request has no result. Messages never contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Never sent: the settings, the source of a secret or the CA file cannot be used.
    Setup {
        /// Complete sentences.
        problem: String,
    },
    /// Not sent, or not completely: name resolution or connecting failed, all request slots were busy, or the
    /// connection broke while sending.
    NotSent {
        /// One or several `host:port`.
        host: String,
        /// The rest of the sentence, and the next step.
        problem: String,
    },
    /// Never sent: the server's certificate or TLS does not meet the settings.
    Tls {
        /// `host:port`.
        host: String,
        /// The rest of the sentence, and the next step.
        problem: String,
        /// SHA-256 fingerprint of the server's certificate.
        seen: Option<[u8; 32]>,
    },
    /// Sent completely, but no complete response came.
    Unanswered {
        /// The request.
        asked: Box<Asked>,
        /// How it ended, as a clause.
        problem: String,
        /// Whether it timed out; otherwise the connection broke.
        timed_out: bool,
    },
    /// Proxmox refused the request or failed to carry it out.
    Refused {
        /// The request.
        asked: Box<Asked>,
        /// The identity of the request.
        identity: Identity,
        /// 400, 403, 500, 501, …
        status: u16,
        /// Proxmox's message, without the final line break.
        message: String,
        /// Parameter names and what is wrong with each.
        errors: Vec<(String, String)>,
    },
    /// A 401 even after logging in again. Not carried out.
    Unauthorized {
        /// The identity of the request.
        identity: Identity,
        /// Proxmox's message.
        reason: String,
    },
    /// Logging in with a password failed.
    LoginRefused {
        /// `user@realm`.
        user: String,
        /// Proxmox's message.
        message: String,
        /// The next step.
        advice: String,
    },
    /// The account requires a second factor that is not available.
    SecondFactor {
        /// `user@realm`.
        user: String,
        /// Complete sentences.
        problem: String,
    },
    /// 595–599: the host could not get an answer from the node (or service) that does the work.
    NodeUnreachable {
        /// The request.
        asked: Box<Asked>,
        /// 595 no connection, 596 no answer, 597 incomplete answer, 599 anything else.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// Something other than the API answered, or the response cannot be parsed.
    NotProxmox {
        /// The request.
        asked: Box<Asked>,
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// The rest of the sentence, and the next step.
        problem: String,
    },
    /// The response exceeds the size limit and was not read further.
    TooLarge {
        /// The request.
        asked: Box<Asked>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The caller cancelled.
    Cancelled {
        /// Whether a change had already been sent.
        may_have_been_carried_out: bool,
    },
}

impl Error {
    /// Whether the caller cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled { .. })
    }

    /// The status of a refusal (400, 403, 500, …), 401 for a rejected login, or 595–599.
    #[must_use]
    pub fn api_status(&self) -> Option<u16> {
        match self {
            Error::Refused { status, .. } | Error::NodeUnreachable { status, .. } => Some(*status),
            Error::Unauthorized { .. } | Error::LoginRefused { .. } => Some(401),
            _ => None,
        }
    }

    /// Proxmox's own message, without the final line break.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Error::Refused { message, .. } | Error::LoginRefused { message, .. } => Some(message),
            Error::Unauthorized { reason, .. } | Error::NodeUnreachable { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What Proxmox reports about individual parameters.
    #[must_use]
    pub fn errors(&self) -> &[(String, String)] {
        if let Error::Refused { errors, .. } = self { errors } else { &[] }
    }

    /// Whether a change may have been carried out although no response says so.
    #[must_use]
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Error::Unanswered { asked, .. } | Error::TooLarge { asked, .. } => asked.changes(),
            Error::NodeUnreachable { asked, status, .. } => asked.changes() && *status != 595,
            // A redirect, a refusal or an overload notice is sent before the work; a 200, or an error of a proxy that
            // lost its server, may be sent after it.
            Error::NotProxmox { asked, status, .. } => {
                asked.changes() && !matches!(status, Some(300..=499 | 501 | 503))
            }
            Error::Cancelled { may_have_been_carried_out } => *may_have_been_carried_out,
            _ => false,
        }
    }

    /// Whether it is safe and useful to send the same request again: nothing was done, or it only reads, and the cause
    /// may go away by itself.
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
                    // The message about a wrong fingerprint already contains it.
                    Some(seen) if !problem.contains(&tls::colons(seen)) => {
                        write!(f, " Its certificate has the fingerprint {}.", tls::colons(seen))
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
                match api::version_hint(asked.method, &asked.path, *status, errors) {
                    Some(advice) => write!(f, " {advice}"),
                    None => Ok(()),
                }
            }
            Error::Unauthorized { identity, reason } => {
                write!(f, "Proxmox rejected {identity} (401): {}", stopped(reason))?;
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
                f.write_str(" See `/cluster/status` and `/nodes` for what is offline; guests of a dead node are listed as running for up to 5 minutes, then as unknown.")
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
            f.write_str(" It may have been carried out anyway: check the target and the newest tasks (`/cluster/tasks`) before sending it again.")?;
        } else if let Error::Unanswered { .. } = self {
            f.write_str(" It only reads, so it can be sent again.")?;
        }
        Ok(())
    }
}

/// Adds a full stop to the message if it has none, so that another sentence can follow.
fn stopped(words: &str) -> String {
    let ended = words.ends_with(['.', '!', '?']);
    if words.is_empty() {
        "it gave no reason.".into()
    } else {
        format!("{words}{}", if ended { "" } else { "." })
    }
}
