//! Jobs: work of many steps that is planned from live data, shown as a whole, confirmed once, carried out step by step,
//! and undone if a step fails.
//!
//! * [`step`] — what a step does, what undoes it, and its state.
//! * [`job`] — a list of steps, and how it is stored.
//! * [`plan`] — what is shown before anything is sent.
//! * [`engine`] — carries the steps out.
//! * [`act`] — carries out one step and follows it to its end.
//! * [`back`] — undoes what was done.
//! * [`told`] — the state of a job, as an answer.
//! * [`look`] — the tools for jobs that were started.
//!
//! Each kind of job has a file of its own that builds the list: [`provision`] (with [`source`] and [`guest`]),
//! [`drain`] (with [`place`]), [`restore`] (with [`backups`]), [`update`], [`rightsize`], and [`calls`] (with
//! [`inverse`]), which is a plan of the caller's own. What they read from the cluster is in [`read`], and which guests
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
