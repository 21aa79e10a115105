//! For the people who use it: the first minute, and daily use in a shell.
//!
//! In reading order: [`check`] (a connection step by step; [`network`] and [`rights`] are its two long parts,
//! [`finding`] is what comes out), [`required_privileges`] (which privileges each tool needs), [`permissions`] (what an account may
//! do), [`recipe`] (the commands that make a token), [`init`] (writes a configuration, in a [`draft`], after asking
//! a [`ask::Person`]; [`given`] is what the command line says, and [`agreement`] has the questions about confirming and
//! the audit log), [`clients`] (MCP clients and their files, changed by [`jsonc`] and [`toml`]), [`launch`] (how a client
//! starts this program), [`show`] (answers as tables).

pub mod agreement;
pub mod ask;
pub mod check;
pub mod clients;
pub mod dates;
pub mod draft;
pub mod file;
pub mod finding;
pub mod given;
pub mod init;
pub mod jsonc;
pub mod launch;
pub mod network;
pub mod permissions;
pub mod recipe;
pub mod required_privileges;
pub mod rights;
pub mod show;
pub mod toml;
