//! How a call is run: arguments, policy, confirmation, requests, tasks, undo.

pub mod args;
pub mod changes;
pub mod clusters;
pub mod commands;
pub mod confirm;
pub mod context;
pub mod convert;
pub mod door;
pub mod encoded;
pub mod find;
pub mod follow;
pub mod fresh;
mod guest_facts;
pub mod inventory;
pub mod journal;
pub mod keep;
pub mod list;
pub mod look;
pub mod pattern;
pub mod person;
pub mod places;
pub mod plan;
pub mod policy;
pub mod question;
pub mod replaced;
pub mod request;
pub mod risk;
pub mod rules;
pub mod seen;
pub mod state;
pub mod states;
pub mod storages;
pub mod tokens;
pub mod undo;

pub use args::Args;
pub use context::Context;
