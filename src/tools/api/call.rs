//! Running a checked call: what it would do, sending it, waiting for its task.

use super::{Request, Target, risk, shape};
use crate::{
    pve::{Method, api::words},
    tools::{Args, Context, Effect, Failure, Outcome, row::Judged, table::Column, tasks},
};
use serde_json::{Map, Value};

/// What a call with these arguments would do. Asks nobody.
///
/// # Errors
/// The call is wrong; see [`Request::read`].
pub fn judge(args: &Args) -> Result<Judged, Failure> {
    let request = Request::read(args)?;
    let lost = match &request.row {
        Some(row) => risk::destroys(row, &request.params),
        None if request.method == Method::Get => None,
        None => Some("Nobody here knows what this path does, so it may be anything."),
    };
    let effect = match (request.method, lost) {
        (Method::Get, _) => Effect::Read,
        (_, Some(_)) => Effect::Destroy,
        (_, None) => Effect::Change,
    };
    let mut filled = request.template().to_owned();
    for (name, value) in &request.values {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    let mut shown = Map::new();
    shown.insert("request".into(), format!("{} {filled}", request.method).into());
    if !request.params.is_empty() {
        let params = request.params.iter().map(|(name, value)| {
            let value = if words::is_secret(name) { "***" } else { value };
            (name.to_owned(), Value::from(value))
        });
        shown.insert("parameters".into(), Value::Object(params.collect()));
    }
    if let Some(lost) = lost {
        shown.insert("lost".into(), lost.into());
    }
    let creates = matches!(request.template(), "/nodes/{node}/qemu" | "/nodes/{node}/lxc");
    Ok(Judged { effect, kind: request.kind(), target: Target::of(&request), creates, shown })
}

/// `proxmox_get_api` and `proxmox_call_api`.
pub(super) fn run(context: &Context<'_>, args: &Args) -> Outcome {
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
    let reply = context.pve.send(&context.call.cancel, request.method, &path, &request.params)?;
    let mut value = reply.value();
    if request.method != Method::Get
        && let Some(upid) = value.as_str().filter(|text| text.starts_with("UPID:"))
    {
        return tasks::follow(context, args, upid, Map::new());
    }
    if let Some(object) = value.as_object_mut() {
        // A login through the API would hand out a secret; this server logs in by itself.
        for name in ["ticket", "CSRFPreventionToken"] {
            object.entry(name).and_modify(|secret| *secret = "***".into());
        }
    }
    shape::answer(context, args, value, columns)
}
