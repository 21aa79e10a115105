//! Undoing configuration changes.

use crate::tools::{
    param::{Effect, Param},
    row::Tool,
    run::undo,
};

/// The tools of this toolset.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_undo", Effect::Change, undo::undo)
    .about("Undo a configuration change by this server; without id, list what can be undone.")
    .params(&[Param::int("id", 1, i64::MAX).optional()])
    .task()];
