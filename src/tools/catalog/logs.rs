//! Logs that Proxmox returns as numbered lines: the system log and the firewall log.

use crate::{
    pve::Params,
    tools::{
        answer::{Outcome, rows},
        run::context::Context,
    },
};
use serde_json::Map;

/// Number of lines to return by default.
const LINES: usize = 50;

/// Returns the newest lines of a log as `{"lines":[…],"total":N}`. Proxmox returns lines from the oldest on, with their
/// total number; so a first request reads the total, and a second one the newest lines.
///
/// # Errors
/// Fails if a request fails.
pub fn newest(context: &Context<'_>, path: &str, params: Params, limit: Option<usize>) -> Outcome {
    let total = context.get(path, &params.clone().with("limit", 1))?.total.unwrap_or_default();
    let limit = limit.unwrap_or(LINES) as u64;
    let start = total.saturating_sub(limit);
    let reply = context.get(path, &params.with("start", start).with("limit", limit))?;
    let mut lines: Vec<String> = rows(&reply)?.iter().map(|line| line.text("t").into_owned()).collect();
    // Proxmox's text for an empty log.
    lines.retain(|line| line != "no content");
    context.fit(Map::from_iter([("lines".into(), lines.into()), ("total".into(), total.into())]))
}
