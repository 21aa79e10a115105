//! The tools: what each one is, what it sends, how its answer is shaped.
//!
//! Each room imports only from those below it:
//!
//! * [`toolbox`] — what the protocol calls: finds the tool and runs it.
//! * [`offers`] — prompts, resources, completions, instructions.
//! * [`catalog`] — what there is: one row per tool, a file per toolset.
//! * [`jobs`] — work of many steps: planned as a whole, carried out, taken back.
//! * [`api`] — any method of the API as a tool.
//! * [`row`] — what a tool is.
//! * [`run`] — how a call is run: arguments, policy, confirmation, tasks, undo.
//! * [`param`] — what a parameter is.
//! * [`answer`] — how an answer is shaped: tables, objects, records.

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
