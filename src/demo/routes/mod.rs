//! One file per area of the API, with its table of routes and the functions that answer them; also [`table`], which
//! combines all tables, and [`rows`], which stores objects that are only defined.

pub(in crate::demo) mod access_admin;
pub(in crate::demo) mod access_api;
pub(in crate::demo) mod agent;
pub(in crate::demo) mod backup;
pub(in crate::demo) mod backup_jobs;
pub(in crate::demo) mod clone;
pub(in crate::demo) mod cluster;
pub(in crate::demo) mod config;
pub(in crate::demo) mod console;
pub(in crate::demo) mod create;
pub(in crate::demo) mod definitions;
pub(in crate::demo) mod firewall;
pub(in crate::demo) mod firewall_objects;
pub(in crate::demo) mod groups;
pub(in crate::demo) mod guests;
pub(in crate::demo) mod ha;
pub(in crate::demo) mod host;
pub(in crate::demo) mod migrate;
pub(in crate::demo) mod move_disk;
pub(in crate::demo) mod network;
pub(in crate::demo) mod nodes;
pub(in crate::demo) mod pools;
pub(in crate::demo) mod power;
pub(in crate::demo) mod prune;
pub(in crate::demo) mod route;
pub(in crate::demo) mod rows;
pub(in crate::demo) mod snapshots;
pub(in crate::demo) mod storage;
pub(in crate::demo) mod storage_admin;
pub(in crate::demo) mod table;
pub(in crate::demo) mod task_api;
pub(in crate::demo) mod unordered;
pub(in crate::demo) mod upkeep;
pub(in crate::demo) mod volumes;
