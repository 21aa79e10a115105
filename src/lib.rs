//! proxmox-mcp: run a Proxmox VE cluster through the Model Context Protocol.
//!
//! The codemap, in reading order:
//!
//! * [`cli`] — the command line: what `main` does with its arguments.
//! * [`config`] — the configuration file and the environment, as one checked value.
//! * [`mcp`] — JSON-RPC over stdio, lifecycle, workers. Knows nothing of Proxmox.
//! * [`tools`] — one row per tool: what it is, what it sends, how its answer is shaped.
//! * [`views`] — pages for clients that show views: the cluster, a guest, a confirmation.
//! * [`setup`] — for administrators: `init`, `check`, token recipes, client configuration files, tables in a shell.
//! * [`pve`] — the client of the Proxmox VE API. Knows nothing of MCP or of tools.
//! * [`plot`] — metrics history as pictures and as lines of characters.
//! * [`demo`] — a sample cluster that speaks Proxmox's wire format; the tests run against it too.
//! * [`approvals`] — requests that wait until a person approves them outside the client.
//! * [`audit`] — the audit log: requests and outcomes in a hash chain.
//! * [`ssh`] — runs a program on a node, for commands in containers, which have no guest agent.
//! * [`cancel`], [`folders`], [`notify`], [`secret`], [`signals`], [`suggest`], [`sync`], [`log`], [`visible`], `hex`,
//!   `websocket` — small helpers that several layers use.
//!
//! Invariants:
//!
//! * Every request read from a client is answered exactly once; a notification is never answered.
//! * At the end of the input, all requests received so far are completed in their order; a signal cuts this short.
//! * stdout carries protocol lines only; logs go to stderr.
//! * Nothing touches the network or resolves a secret before the first tool call.
//! * A request that Proxmox may have carried out is never sent again.
//! * No secret is ever printed: [`secret::Secret`] implements no way to print its value.

pub mod approvals;
pub mod audit;
pub mod cancel;
pub mod cli;
pub mod config;
mod counted;
pub mod demo;
pub mod folders;
mod hex;
pub mod log;
pub mod mcp;
pub mod notify;
pub mod plot;
pub mod pve;
pub mod secret;
pub mod setup;
pub mod signals;
pub mod ssh;
pub mod suggest;
pub mod sync;
pub mod tools;
pub mod views;
pub mod visible;
mod websocket;
