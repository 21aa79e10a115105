//! A sample Proxmox VE 9.2 cluster in memory that speaks the real wire format over HTTP/1.1 on loopback, keeps
//! state, refuses what the real API refuses, and can be told to misbehave. Like Perl, it has no order where there is
//! none to rely on: see `chance` and `routes::unordered`.
//!
//! Reading order: [`Server`] starts; `wire` listens, reads requests and takes each to its route; `routes` has a file for
//! each area of the API; `state` is plain data, filled by `state::sample`. `wire` knows the other two, `routes` knows
//! `state`, and `state` neither; what an answer or a refusal is lies beside them in `outcome`.

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
    plant::Plant,
    seen::Seen,
    server::Server,
    tls::Tls,
};
