//! Logs that Proxmox answers line by line: the system's and the firewall's.

use crate::{
    pve::Params,
    tools::{
        answer::{Outcome, rows},
        run::context::Context,
    },
};
use serde_json::Map;

/// How many lines are answered where the call does not say.
const LINES: usize = 50;

/// The newest lines of a log, `{"lines":[…],"total":N}`. Proxmox answers from the oldest line on and tells how
/// many there are: asked twice, it tells the newest.
///
/// # Errors
/// What the client says.
pub fn newest(context: &Context<'_>, path: &str, params: Params, limit: Option<usize>) -> Outcome {
    let total = context.get(path, &params.clone().with("limit", 1))?.total.unwrap_or_default();
    let limit = limit.unwrap_or(LINES) as u64;
    let start = total.saturating_sub(limit);
    let reply = context.get(path, &params.with("start", start).with("limit", limit))?;
    let mut lines: Vec<String> = rows(&reply)?.iter().map(|line| line.text("t").into_owned()).collect();
    // What an empty log is answered with.
    lines.retain(|line| line != "no content");
    context.fit(Map::from_iter([("lines".into(), lines.into()), ("total".into(), total.into())]))
}
