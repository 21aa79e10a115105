//! The single integration test crate: behaviour at the boundaries.

#![allow(unreachable_pub, reason = "helpers are shared between the modules of a crate that exports nothing")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod administration;
mod agreed;
mod aliases;
mod api;
mod api_calls;
mod api_own;
mod api_search;
mod api_tools;
mod audit;
mod binary;
mod client;
mod cluster;
mod clusters;
mod config;
mod confirm;
mod demo;
mod demo_agent;
mod demo_console;
mod demo_faults;
mod demo_lifecycle;
mod demo_odd;
mod demo_perl;
mod demo_wire;
mod docs;
mod elicit;
mod exec;
mod extensions;
mod golden;
mod guards;
mod handed;
mod imports;
mod jobs;
mod lifecycle;
mod long;
mod matrix;
mod notices;
mod odd;
mod offers;
mod packaging;
mod places;
mod policy;
mod protocol;
mod readme;
mod replay;
mod requests;
mod same;
mod schema;
mod secrets;
mod setup_box;
mod setup_check;
mod setup_init;
mod setup_recipe;
mod setup_shell;
#[cfg(unix)]
mod signals;
mod subscriptions;
mod testbox;
mod tidy;
mod tiny_http;
mod tls;
mod tools;
mod trips;
mod undo;
mod views;
mod views_confirm;
mod wild;
mod wire;
