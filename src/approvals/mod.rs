//! Approval by a person outside the model: a request that must be approved waits in a private folder of the user, a
//! person approves or denies it in a terminal, and the server process that makes the call next uses the answer, once.
//!
//! Knows neither MCP nor Proxmox: a request is a digest that identifies it exactly, and details to show.

mod folder;
mod store;

pub use folder::{PrivateFolder, folder, is_private, state_folder};
pub use store::{Answer, LIFETIME, Store, Verdict, Waiting};
