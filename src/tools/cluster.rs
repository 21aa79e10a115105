//! The cluster as a whole, and the connection to it.

use super::{Args, Context, Effect, Failure, Outcome, Tool, answer};
use serde_json::json;

/// The rows.
pub const TOOLS: &[Tool] = &[
    Tool::with("proxmox_test_connection", Effect::Read, test_connection)
        .about("Test the connection step by step: reach, TLS, login, version, permissions.")
        .core(),
    Tool::get("proxmox_get_version", "/version").about("Proxmox VE version of the API host.").core(),
];

/// Each step in words; a step that fails makes the call a failure, with the steps before it as context.
fn test_connection(context: &Context<'_>, _: &Args) -> Outcome {
    let steps = context.pve.probe(&context.call.cancel);
    if steps.iter().all(|step| step.ok) {
        let rows: Vec<_> = steps.iter().map(|step| json!([step.name, "ok", step.detail])).collect();
        return answer(&json!({"columns": ["step", "result", "detail"], "rows": rows}));
    }
    let line = |step: &crate::pve::probe::Step| {
        format!("{}: {}: {}", step.name, if step.ok { "ok" } else { "FAILED" }, step.detail)
    };
    Err(Failure::new(steps.iter().map(line).collect::<Vec<_>>().join("\n")))
}
