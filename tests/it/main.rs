//! The one integration crate: behaviour at the boundaries.

#![allow(unreachable_pub, reason = "helpers are shared between the modules of a crate that exports nothing")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod config;
