//! What undoes a single request, if that follows from the request and from the state before it.

use crate::{
    pve::{
        Method, Params,
        api::{
            effect::{Class, Role},
            words::is_secret,
        },
    },
    tools::{
        jobs::step::{Back, Order, Place},
        param::Kind,
        run::{Context, request::Request},
    },
};
use serde_json::Value;

/// Parameters that control a configuration change and are not configuration keys.
const STEERING: [&str; 7] = ["delete", "digest", "revert", "skiplock", "force", "background_delay", "lock"];

/// The guest in a request's path.
#[must_use]
pub fn guest_in_path(request: &Request) -> Option<Place> {
    let mut parts = request.path.trim_matches('/').split('/');
    let ("nodes", node, kind, vmid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    Some(Place::new(node, Kind::from_api_type(kind)?, vmid.parse().ok()?))
}

/// What undoes a request that is about to be sent; `None` if nothing can or has to.
#[must_use]
pub fn of(context: &Context<'_>, request: &Request) -> Option<Back> {
    let effect = request.effect().ok()?;
    if let Some((vmid, _)) = effect.guests().find(|(_, role)| *role == Role::New) {
        let mut parts = request.path.trim_matches('/').split('/').skip(1);
        let (node, kind) = (parts.next()?, Kind::from_api_type(parts.next()?)?);
        let node = request.params.get("target").unwrap_or(node);
        return Some(Back::Remove(Place::new(node, kind, vmid.into())));
    }
    let place = guest_in_path(request)?;
    let rest = request.path.trim_matches('/').splitn(5, '/').nth(4).unwrap_or_default();
    let post =
        |rest: &str| Some(Back::Send(Order::new(Method::Post, place.path(rest).ok()?, &Params::new())));
    match (request.method, rest) {
        (Method::Post, "migrate") => {
            Some(Back::Home(place.at(request.params.get("target")?), place.node.clone()))
        }
        (Method::Post, "status/start") => post("/status/stop"),
        (Method::Post, "status/stop" | "status/shutdown") => post("/status/start"),
        (Method::Post, "snapshot") => {
            let path = place.path(&format!("/snapshot/{}", request.params.get("snapname")?)).ok()?;
            Some(Back::Send(Order::new(Method::Delete, path, &Params::new())))
        }
        (Method::Post | Method::Put, "config") if !effect.is(Class::Destroy) => old(context, request),
        _ => None,
    }
}

/// The request that restores the present values of the keys that a configuration change sets or deletes.
fn old(context: &Context<'_>, request: &Request) -> Option<Back> {
    let config = context.get(&request.path, &Params::new()).ok()?.value();
    let deleted = request.params.get("delete").unwrap_or_default();
    let names = request.params.iter().map(|(name, _)| name).filter(|name| !STEERING.contains(name));
    let names = names.chain(deleted.split([',', ';', ' ']).filter(|name| !name.is_empty()));
    let (mut params, mut gone) = (Params::new(), Vec::new());
    for name in names.filter(|name| !is_secret(name)) {
        match config.get(name) {
            None => gone.push(name),
            Some(Value::String(text)) => params.push(name, text),
            Some(other) => params.push(name, other),
        }
    }
    if !gone.is_empty() {
        params.push("delete", gone.join(","));
    }
    (!params.is_empty()).then(|| Back::Send(Order::new(Method::Put, request.path.clone(), &params)))
}
