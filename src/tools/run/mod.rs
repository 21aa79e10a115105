//! How a call is run: arguments, policy, confirmation, requests, tasks, undo.

pub mod args;
pub mod asked;
pub mod changes;
pub mod clusters;
pub mod confirm;
pub mod context;
pub mod convert;
pub mod door;
pub mod find;
pub mod follow;
pub mod fresh;
pub mod inventory;
pub mod journal;
pub mod kept;
pub mod list;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod replaced;
pub mod request;
pub mod risk;
pub mod storages;
pub mod tokens;
pub mod undo;

pub use args::Args;
pub use context::Context;
