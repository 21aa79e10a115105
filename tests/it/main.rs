//! The one integration crate: behaviour at the boundaries.

#![allow(unreachable_pub, reason = "helpers are shared between the modules of a crate that exports nothing")]
#![allow(clippy::print_stdout, reason = "a test that skips says so")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod api;
mod binary;
mod client;
mod cluster;
mod config;
mod confirm;
mod demo;
mod demo_agent;
mod demo_faults;
mod demo_lifecycle;
mod demo_wire;
mod docs;
mod former;
mod golden;
mod lifecycle;
mod people_box;
mod people_check;
mod people_init;
mod people_recipe;
mod people_shell;
mod protocol;
mod replay;
mod requests;
mod schema;
mod testbox;
mod tidy;
mod tiny_http;
mod tls;
mod tools;
mod wire;
