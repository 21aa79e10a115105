//! The tools: their definitions, how their calls are run, and how their answers are formatted.
//!
//! Each module imports only from those below it:
//!
//! * [`toolbox`] — the interface to the protocol: finds the tool and runs it.
//! * [`offers`] — prompts, resources, completions, instructions.
//! * [`catalog`] — the tools: one row per tool, a file per toolset.
//! * [`jobs`] — work in several steps: planned as a whole, carried out, undone.
//! * [`api`] — tools that call any method of the API.
//! * [`row`] — the definition of a tool.
//! * [`run`] — how a call is run: arguments, policy, confirmation, tasks, undo.
//! * [`param`] — the definition of a parameter.
//! * [`answer`] — how answers are formatted: tables, objects, records.

pub mod answer;
pub mod api;
pub mod catalog;
pub mod jobs;
pub mod offers;
pub mod param;
pub mod row;
pub mod run;
pub mod toolbox;

pub use param::Effect;
pub use toolbox::{Tools, Word};
