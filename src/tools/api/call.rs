//! Runs a checked call: sends it and waits for its task.

use crate::{
    pve::Method,
    tools::{
        answer::{Outcome, table::Column},
        api::{request::Request, shape},
        run::{args::Args, context::Context, follow::follow},
    },
};
use serde_json::Map;

/// Runs `proxmox_get_api` and `proxmox_call_api`.
pub(in crate::tools) fn run(context: &Context<'_>, args: &Args) -> Outcome {
    run_with(context, args, &[])
}

/// Sends the call, follows its task if it starts one, and formats the answer; lists have these columns unless the call
/// asks for others.
///
/// # Errors
/// Fails if the call is wrong, or if the request fails.
pub fn run_with(context: &Context<'_>, args: &Args, columns: &[Column]) -> Outcome {
    let request = Request::read(args)?;
    let path = request.path(context)?;
    let reply = match request.method {
        Method::Get => context.get(&path, &request.params)?,
        _ => context.change(request.method, &path, &request.params)?,
    };
    let mut value = reply.value();
    if request.method != Method::Get
        && let Some(upid) = value.as_str().filter(|text| text.starts_with("UPID:"))
    {
        return follow(context, args, upid, Map::new());
    }
    if let Some(object) = value.as_object_mut() {
        // A login through the API would reveal a secret; this server logs in by itself.
        for name in ["ticket", "CSRFPreventionToken"] {
            object.entry(name).and_modify(|secret| *secret = "***".into());
        }
    }
    shape::answer(context, args, value, columns)
}
