//! The state of the sample cluster: nodes, guests, storages, users and tasks as plain data, and its clock.

pub(in crate::demo) mod access;
pub(in crate::demo) mod agent;
pub(in crate::demo) mod agent_shell;
pub(in crate::demo) mod clock;
pub(in crate::demo) mod cluster;
pub(in crate::demo) mod console;
pub(in crate::demo) mod digest;
pub(in crate::demo) mod guest;
pub(in crate::demo) mod guest_disks;
pub(in crate::demo) mod retention;
pub(in crate::demo) mod sample;
pub(in crate::demo) mod sample_odd;
pub(in crate::demo) mod status;
pub(in crate::demo) mod task;
pub(in crate::demo) mod task_progress;
pub(in crate::demo) mod task_run;
pub(in crate::demo) mod windows_shell;
