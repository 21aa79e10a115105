//! Running a checked call: sending it, waiting for its task.

use crate::{
    pve::Method,
    tools::{
        answer::{Outcome, table::Column},
        api::{request::Request, shape},
        run::{args::Args, context::Context, follow::follow},
    },
};
use serde_json::Map;

/// `proxmox_get_api` and `proxmox_call_api`.
pub(in crate::tools) fn run(context: &Context<'_>, args: &Args) -> Outcome {
    run_with(context, args, &[])
}

/// Sends the call, follows its task where it starts one, and shapes the answer; lists have these columns unless
/// others are asked for.
///
/// # Errors
/// The call is wrong, or what Proxmox says.
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
        // A login through the API would hand out a secret; this server logs in by itself.
        for name in ["ticket", "CSRFPreventionToken"] {
            object.entry(name).and_modify(|secret| *secret = "***".into());
        }
    }
    shape::answer(context, args, value, columns)
}
