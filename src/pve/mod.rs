//! The client of the Proxmox VE API: TLS, login, requests, tasks and errors.
//!
//! Knows nothing of MCP and nothing of what is offered to an assistant: paths and parameters in, data out.

pub mod api;
pub mod params;
pub mod settings;

pub use params::Params;
pub use settings::{Auth, Host, Settings, Trust};

use std::fmt;

/// The four methods Proxmox knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Reads; may be sent again.
    Get,
    /// Creates or acts; sent once.
    Post,
    /// Changes; sent once.
    Put,
    /// Deletes; sent once, its parameters in the query.
    Delete,
}

impl Method {
    /// The word in the request line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
