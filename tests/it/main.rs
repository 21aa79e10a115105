//! The one integration crate: behaviour at the boundaries.

#![allow(unreachable_pub, reason = "helpers are shared between the modules of a crate that exports nothing")]

mod protocol;
mod schema;
mod testbox;
