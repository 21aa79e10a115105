//! The client of the Proxmox VE API: TLS, login, requests, tasks and errors.
//!
//! Independent of MCP and of the tools offered to an assistant: paths and parameters in, data out.

mod advice;
pub mod api;
mod auth;
mod bypass;
mod caller;
pub mod certificate;
mod client;
mod console;
mod des;
pub mod error;
mod exchange;
mod failover;
mod hosts;
mod identity;
mod in_flight;
mod names;
mod order;
pub mod params;
pub mod path;
mod pool;
pub mod probe;
mod reply;
mod rfb;
mod session;
pub mod settings;
mod slots;
pub mod task;
mod tls;
mod totp;
mod transport;
mod upgrade;
pub mod upload;
pub mod values;
mod warm;
mod watch;

pub use client::Pve;
pub use console::ConsoleOutput;
pub(crate) use des::vnc_response;
pub use error::Error;
pub use params::Params;
pub use reply::Reply;
#[doc(hidden)]
pub use reply::read_made_up;
pub use rfb::Picture;
pub use settings::{Auth, ClientIdentity, Host, Settings, Trust};
pub use tls::colons;

use std::fmt;

/// The four HTTP methods of the Proxmox API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Reads; may be retried.
    Get,
    /// Creates something or performs an action; sent once.
    Post,
    /// Changes; sent once.
    Put,
    /// Deletes; sent once, with its parameters in the query.
    Delete,
}

impl Method {
    /// The method's name in the request line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    /// The method with that name, in upper or lower case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Method> {
        let all = [Method::Get, Method::Post, Method::Put, Method::Delete];
        all.into_iter().find(|method| method.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
