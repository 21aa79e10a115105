//! A person's word outside the model: a request that must be approved waits in a folder of the user's own, a person
//! approves or denies it in a terminal, and whichever server process makes the call finds the answer, once.
//!
//! Knows neither MCP nor Proxmox: a request is a digest that names it exactly and details to be shown.

mod folder;
mod store;

pub use folder::{Trusted, folder, is_private, state_folder};
pub use store::{Answer, LIFETIME, Store, Verdict, Waiting};
