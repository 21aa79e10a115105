//! The guest agent of a VM as plain data: what it is like, and what it has under way.

use crate::demo::state::agent_shell::{Ended, Files};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a VM's agent knows and has under way.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    /// Configured in Proxmox, but no service answers inside the VM.
    pub(crate) silent: bool,
    /// Its own configuration inside the VM forbids running programs.
    pub(crate) no_exec: bool,
    /// What it answers when it is asked for network interfaces, instead of what the VM has.
    pub(crate) interfaces: Option<Value>,
    pub(crate) frozen: bool,
    pub(crate) files: Files,
    pub(crate) running: BTreeMap<u64, (f64, Ended)>,
    pub(crate) count: u64,
}
