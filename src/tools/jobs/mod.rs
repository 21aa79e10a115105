//! Work of many steps: planned from live reads and shown whole, agreed to once, carried out step by step, and taken back
//! where a step fails.
//!
//! * [`step`] — what a step is, and how it stands.
//! * [`job`] — a list of steps, and how it is kept.
//! * [`plan`] — what is shown before anything is sent.
//! * [`engine`] — carries the steps out.
//! * [`act`] — carries one step out and follows it to its end.
//! * [`back`] — takes back what was done.
//! * [`told`] — how a job stands, for its answer.
//! * [`look`] — the tools for jobs that were begun.
//!
//! Each job is a file of its own that makes the list: [`provision`] (with [`source`] and [`guest`]), [`drain`] (with
//! [`place`]), [`restore`] (with [`backups`]), [`update`], [`rightsize`] and [`calls`] (with [`inverse`]), which is of the caller's own; what they read of the cluster is in [`read`], and which guests
//! they are for in [`chosen`].

pub mod act;
pub mod back;
pub mod backups;
pub mod calls;
pub mod chosen;
pub mod drain;
pub mod engine;
pub mod guest;
pub mod inverse;
pub mod job;
pub mod look;
pub mod place;
pub mod plan;
pub mod provision;
pub mod read;
pub mod restore;
pub mod rightsize;
pub mod source;
pub mod step;
pub mod told;
pub mod update;
