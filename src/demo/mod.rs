//! A sample Proxmox VE 9.2 cluster in memory that speaks the real wire format over HTTP/1.1 on loopback, keeps
//! state, refuses what the real API refuses, and can be told to misbehave.
//!
//! Reading order: [`Server`] starts, `connection` listens, `http` reads and writes, `dispatch` takes a request to its route, `routes`
//! holds how routes look, and each area has its table and its handlers in one file. `state` is plain data, filled
//! by `sample`; `task` is the engine that lets changes take their time on `clock`.

mod access;
mod access_admin;
mod access_api;
mod agent;
mod agent_shell;
mod answer;
mod backup;
mod check;
mod clock;
mod clone;
mod cluster;
mod config;
mod connection;
mod create;
mod definitions;
mod dispatch;
mod faults;
mod firewall;
mod firewall_objects;
mod form;
mod guest_disks;
mod guests;
mod gzip;
mod ha;
mod host;
mod http;
mod login;
mod migrate;
mod move_disk;
mod network;
mod nodes;
mod power;
mod records;
mod routes;
mod sample;
mod seen;
mod server;
mod snapshots;
mod state;
mod status;
mod storage;
mod storage_admin;
mod task;
mod task_api;
mod task_progress;
mod upkeep;
mod volumes;

pub use connection::Tls;
pub use faults::{Fault, Faults};
#[doc(hidden)]
pub use http::read_made_up;
pub use seen::Seen;
pub use server::{Options, Server};

/// The tables of all areas.
fn areas() -> &'static [&'static [routes::Route]] {
    &[
        &access_api::ROUTES,
        &access_admin::ROUTES,
        &definitions::ROUTES,
        &cluster::ROUTES,
        &guests::ROUTES,
        &config::ROUTES,
        &power::ROUTES,
        &snapshots::ROUTES,
        &nodes::ROUTES,
        &host::ROUTES,
        &firewall::ROUTES,
        &firewall_objects::ROUTES,
        &network::ROUTES,
        &ha::ROUTES,
        &storage::ROUTES,
        &task_api::ROUTES,
        &create::ROUTES,
        &clone::ROUTES,
        &move_disk::ROUTES,
        &migrate::ROUTES,
        &backup::ROUTES,
        &volumes::ROUTES,
        &storage_admin::ROUTES,
        &upkeep::ROUTES,
        &agent::ROUTES,
    ]
}
