//! The state of a VM's guest agent as plain data.

use crate::demo::state::agent_shell::{Ended, Files};
use serde_json::Value;
use std::collections::BTreeMap;

/// The state of a VM's guest agent.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    /// The agent is enabled in the VM's configuration, but nothing answers inside the VM.
    pub(crate) silent: bool,
    /// The agent's own configuration inside the VM forbids running programs.
    pub(crate) no_exec: bool,
    /// What it answers when asked for network interfaces, instead of the VM's own.
    pub(crate) interfaces: Option<Value>,
    pub(crate) frozen: bool,
    pub(crate) files: Files,
    pub(crate) running: BTreeMap<u64, (f64, Ended)>,
    pub(crate) count: u64,
}
