//! Taking back changes of configuration.

use crate::tools::{
    param::{Effect, Param},
    row::Tool,
    run::undo,
};

/// The rows.
pub const TOOLS: &[Tool] = &[Tool::with("proxmox_undo", Effect::Change, undo::undo)
    .about("Take back a change of configuration made here; without id, list those that can be.")
    .params(&[Param::int("id", 1, i64::MAX).optional()])
    .task()];
