//! The one integration crate: behaviour at the boundaries.
