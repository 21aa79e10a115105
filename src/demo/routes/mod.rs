//! One file per area of the API: its table of routes and the functions that answer them.

pub(in crate::demo) mod access_admin;
pub(in crate::demo) mod access_api;
pub(in crate::demo) mod agent;
pub(in crate::demo) mod backup;
pub(in crate::demo) mod clone;
pub(in crate::demo) mod cluster;
pub(in crate::demo) mod config;
pub(in crate::demo) mod create;
pub(in crate::demo) mod definitions;
pub(in crate::demo) mod firewall;
pub(in crate::demo) mod firewall_objects;
pub(in crate::demo) mod guests;
pub(in crate::demo) mod ha;
pub(in crate::demo) mod host;
pub(in crate::demo) mod migrate;
pub(in crate::demo) mod move_disk;
pub(in crate::demo) mod network;
pub(in crate::demo) mod nodes;
pub(in crate::demo) mod power;
pub(in crate::demo) mod snapshots;
pub(in crate::demo) mod storage;
pub(in crate::demo) mod storage_admin;
pub(in crate::demo) mod task_api;
pub(in crate::demo) mod unordered;
pub(in crate::demo) mod upkeep;
pub(in crate::demo) mod volumes;

use crate::demo::wire::routes::Route;

/// The tables of all areas.
pub(in crate::demo) fn areas() -> &'static [&'static [Route]] {
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
