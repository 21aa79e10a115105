//! proxmox-mcp: run a Proxmox VE cluster through the Model Context Protocol.
//!
//! The codemap, in reading order:
//!
//! * [`cli`] — the command line: what `main` does with its arguments.
//! * [`config`] — the configuration file and the environment, as one checked value.
//! * [`mcp`] — JSON-RPC over stdio, lifecycle, workers. Knows nothing of Proxmox.
//! * [`tools`] — one row per tool: what it is, what it sends, how its answer is shaped.
//! * [`views`] — pages for hosts that show them: the cluster, a guest, a confirmation.
//! * [`setup`] — for whoever sets it up or works in a shell: check, init, token recipes, tables, completion.
//! * [`pve`] — the client of the Proxmox VE API. Knows nothing of MCP or of tools.
//! * [`plot`] — history as pictures and as lines of letters.
//! * [`demo`] — a sample cluster that speaks Proxmox's wire format; the tests run against it too.
//! * [`approvals`] — what waits for a person's word outside the model.
//! * [`audit`] — each change, written down in a chain of hashes.
//! * [`ssh`] — a program run on a node, for containers, which have no agent.
//! * [`cancel`], [`folders`], [`notify`], [`secret`], [`signals`], [`suggest`], [`sync`], [`log`], [`visible`], `hex`, `websocket` —
//!   small things that several layers need.
//!
//! Invariants:
//!
//! * Every request read from a client is answered exactly once; a notification never is.
//! * The end of the input lets everything that was asked for come to its end, in its order; a signal cuts it short.
//! * stdout carries protocol lines only; logs go to stderr.
//! * Nothing touches the network or resolves a secret before the first tool call.
//! * What may have been carried out by Proxmox is never sent twice.
//! * No secret is ever printed: [`secret::Secret`] has no way to show itself.

pub mod approvals;
pub mod audit;
pub mod cancel;
pub mod cli;
pub mod config;
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
