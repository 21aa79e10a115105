//! A sample Proxmox VE 9.2 cluster in memory that speaks the real wire format over HTTP/1.1 on loopback, keeps state,
//! refuses what the real API refuses, and can be told to misbehave. Like Perl, it returns hash keys and the lists made
//! from them in random order: see `chance` and `routes::unordered`.
//!
//! Reading order: [`Server`] is the entry point; `wire` listens, reads requests and dispatches each to its route;
//! `routes` has a file for each area of the API; `state` is plain data, filled by `state::sample`. `wire` depends on
//! the other two, `routes` on `state`, and `state` on neither; `outcome` defines answers and refusals for all three.

mod chance;
mod list;
mod outcome;
mod random;
mod routes;
mod state;
mod wire;

#[doc(hidden)]
pub use wire::http::read_made_up;
pub use wire::{
    faults::{Fault, Faults},
    options::Options,
    plant::TextInjection,
    seen::Seen,
    server::Server,
    tls::Tls,
};
