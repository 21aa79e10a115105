//! Commands for administrators: setting the server up, checking it, and using it in a shell.
//!
//! In reading order: [`check`] (tests a connection step by step; [`network`] and [`rights`] are its two long parts,
//! [`finding`] is one result), [`required_privileges`] (which privileges each tool needs), [`permissions`] (what an
//! account may do), [`recipe`] (the commands that create a token), [`init`] (writes a configuration, as a [`draft`]
//! first, after asking a [`ask::Person`]; [`given`] are the command-line options, and [`agreement`] has the questions
//! about confirmation and the audit log), [`clients`] (MCP clients and their configuration files, edited by [`jsonc`]
//! and [`toml`]), [`launch`] (how a client starts this program), [`show`] (answers as tables).

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
