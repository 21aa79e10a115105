//! Takes one request to its answer: faults, login, route, privilege, node, parameters, handler, in the order in which
//! Proxmox checks them (pve.md section 3).

use crate::{
    demo::{
        chance::Rng,
        outcome::{ApiError, Outcome},
        routes::{
            access_api,
            route::{Pairs, Request},
            table,
            unordered::shuffle_unordered,
        },
        state::{access::Identity, cluster::Cluster},
        wire::{
            check,
            envelope::{Format, envelope},
            faults::Fault,
            form, gzip,
            http::{HTML, Incoming, Outgoing},
            login::Login,
            shared::Shared,
        },
    },
    pve::Method,
    sync::lock,
};
use serde_json::json;
use std::time::Duration;

/// Answers longer than this are compressed if the client accepts it.
const COMPRESSED_FROM: usize = 1024;

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is written normally.
    Write,
    /// It is written in chunks.
    Chunked,
    /// Half of it is written, then the connection is closed.
    Half,
    /// Half of it is written, and the connection stays open but silent.
    Stall,
    /// Its body is written without a status line and headers, then the connection is closed.
    Bare,
    /// It is written byte by byte, with this pause before each.
    Trickle(Duration),
    /// It is written and followed by this many bytes of data.
    Huge(usize),
    /// The connection is closed without an answer.
    Drop,
}

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Incoming, connection: u64) -> (Outgoing, Then) {
    let (format, path) = match request.path.strip_prefix("/api2/").and_then(|rest| rest.split_once('/')) {
        Some(("json", path)) => (Format::Json, path),
        Some(("extjs", path)) => (Format::Extjs, path),
        _ => return (page(request), Then::Write),
    };
    let order = shared.remember(request, connection);
    let answer = answer_api(shared, request, format, path);
    shared.answered(order);
    answer
}

fn answer_api(shared: &Shared, request: &Incoming, format: Format, path: &str) -> (Outgoing, Then) {
    let fault = shared.faults.take(&line(request));
    let act = || {
        let mut chance = shared.chance.next(&line(request));
        let outcome = run(shared, request, path, &mut chance);
        let outcome = match shared.options.plant {
            Some(plant) => plant.append_mark(outcome),
            None => outcome,
        };
        // Failed logins of every kind are delayed.
        if matches!(&outcome, Err(error) if error.status == 401) {
            shared.wait(shared.failed_login_delay());
        }
        let (status, reason, body) = envelope(format, outcome, &mut chance);
        let mut answer = Outgoing::json(status, reason, body);
        let accepted = request.header("accept-encoding").is_some_and(|list| list.contains("gzip"));
        let long = COMPRESSED_FROM < answer.body.len();
        if fault == Some(Fault::Gzip) || (accepted && long && shared.compresses()) {
            answer.body = gzip::wrap(&answer.body);
            answer.gzip = true;
        }
        answer
    };
    match fault.clone() {
        None | Some(Fault::Gzip) => (act(), Then::Write),
        Some(Fault::Trickle(pause)) => (act(), Then::Trickle(pause)),
        Some(Fault::Delay(time)) => {
            shared.wait(time);
            (act(), Then::Write)
        }
        Some(Fault::DropBeforeReading | Fault::DropAfterReading | Fault::Reset) => {
            (Outgoing::empty(200, "OK"), Then::Drop)
        }
        Some(Fault::DropAfterActing | Fault::ResetAfterActing) => (act(), Then::Drop),
        Some(Fault::DropMidAnswer) => (act(), Then::Half),
        Some(Fault::Chunked) => (act(), Then::Chunked),
        Some(Fault::BrokenJson) => {
            (Outgoing::json(200, "OK", b"{\"success\":1,\"data\":[{\"id".to_vec()), Then::Write)
        }
        Some(Fault::Html(status)) => {
            let body =
                format!("<html><head><title>{status}</title></head><body>Error {status}</body></html>");
            let answer =
                Outgoing { content_type: HTML, ..Outgoing::json(status, "Error", body.into_bytes()) };
            (answer, Then::Write)
        }
        Some(Fault::Empty(status, reason)) => (Outgoing::empty(status, reason), Then::Write),
        Some(Fault::ActThenEmpty(status, reason)) => {
            act();
            (Outgoing::empty(status, reason), Then::Write)
        }
        Some(Fault::Busy(status, seconds)) => {
            (Outgoing { retry_after: Some(seconds), ..Outgoing::empty(status, "Busy") }, Then::Write)
        }
        Some(Fault::Stall) => (act(), Then::Stall),
        Some(Fault::Raw(bytes)) => (Outgoing::json(200, "OK", bytes), Then::Bare),
        Some(Fault::Redirect(address)) => {
            (Outgoing { location: Some(address), ..Outgoing::empty(301, "Moved Permanently") }, Then::Write)
        }
        Some(Fault::Huge(size)) => {
            (Outgoing::json(200, "OK", b"{\"success\":1,\"data\":\"".to_vec()), Then::Huge(size))
        }
    }
}

/// Carries out a request whose answer is not sent.
pub(crate) fn carry_out_unanswered(shared: &Shared, request: &Incoming, connection: u64) {
    shared.remember(request, connection);
    if let Some((_, path)) = request.path.strip_prefix("/api2/").and_then(|rest| rest.split_once('/')) {
        let _ = run(shared, request, path, &mut shared.chance.next(&line(request)));
    }
}

/// `METHOD /path` without `/api2/…`, the form in which faults are matched and unhandled requests are reported.
pub(crate) fn line(request: &Incoming) -> String {
    let path = request.path.strip_prefix("/api2/").and_then(|rest| rest.split_once('/'));
    format!("{} /{}", request.method.word(), path.map_or(&*request.path, |(_, path)| path))
}

/// Answers requests outside the API: the web interface's page at `/`, and 501 for everything else.
fn page(request: &Incoming) -> Outgoing {
    if request.method == Method::Get && request.path == "/" {
        let body =
            b"<!DOCTYPE html><html><head><title>Proxmox VE sample cluster</title></head></html>".to_vec();
        return Outgoing { content_type: HTML, ..Outgoing::json(200, "OK", body) };
    }
    Outgoing::empty(501, format!("no such file '{}'", form::unescape(&request.path)))
}

fn run(shared: &Shared, request: &Incoming, path: &str, chance: &mut Rng) -> Outcome {
    let (mut segments, mut params) = (form::segments(path), request.pairs.clone());
    if let Some(plant) = shared.options.plant {
        plant.gather(&mut segments, &mut params);
    }
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut cluster = lock(&shared.cluster);
    cluster.settle();
    let who = match (request.method, &parts[..]) {
        (Method::Get, ["access", "domains"]) => Identity { user: String::new(), token: None },
        (Method::Post, ["access", "ticket"]) => return login(shared, &mut cluster, request),
        _ => {
            let now = cluster.clock.now();
            lock(&shared.signer).identify(&cluster.access, request, now)?
        }
    };
    let found = check::method(request.method, &segments, &who)?;
    let (route, mut holes) = table::find(request.method, &segments).inspect_err(|_| {
        shared.note_unhandled(line(request));
    })?;
    merge_path_parameters(&mut params, &holes)?;
    // `localhost` is the node that answers, which is always the first one.
    for (_, value) in holes.iter_mut().filter(|(name, value)| *name == "node" && value == "localhost") {
        "pve1".clone_into(value);
    }
    let request = Request { holes, params, who, file_bytes: request.file_bytes };
    table::permit(&cluster, route, &request)?;
    reach(&cluster, request.node())?;
    check::parameters(&found, &request.params)?;
    if route.method != Method::Get && !cluster.quorate {
        return Err(ApiError::failed(no_quorum(&parts)));
    }
    let mut reply = (route.run)(&mut cluster, &request)?;
    drop(cluster);
    shuffle_unordered(route.path, &mut reply.data, chance);
    Ok(reply)
}

/// The error of a change without quorum, in one of three wordings, depending on the file that it would have written
/// (pve.md section 3).
fn no_quorum(parts: &[&str]) -> String {
    match parts {
        ["access", ..] => "cfs-lock 'file-user_cfg' error: no quorum!".into(),
        ["nodes", node, kind @ ("qemu" | "lxc"), vmid, "config"] => {
            let folder = if *kind == "qemu" { "qemu-server" } else { "lxc" };
            format!(
                "unable to open file '/etc/pve/nodes/{node}/{folder}/{vmid}.conf.tmp.1': Permission denied"
            )
        }
        _ => "cluster not ready - no quorum?".into(),
    }
}

/// A parameter that is also in the path may be repeated, but only with the same value.
fn merge_path_parameters(params: &mut Pairs, holes: &[(&'static str, String)]) -> Result<(), ApiError> {
    for (name, value) in holes {
        if params.iter().any(|(key, other)| key == name && other != value) {
            return Err(ApiError::parameter(
                name,
                format!("duplicate parameter '{name}' with conflicting values"),
            ));
        }
        params.retain(|(key, _)| key != name);
    }
    Ok(())
}

/// Refuses requests for a node that does not exist or is offline.
fn reach(cluster: &Cluster, node: &str) -> Result<(), ApiError> {
    if node.is_empty() {
        return Ok(());
    }
    match cluster.nodes.iter().find(|known| known.name == node) {
        None => Err(ApiError::failed(format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: \
             Temporary failure in name resolution"
        ))),
        Some(known) if known.lost.is_some() => Err(ApiError::bare(595, "No route to host")),
        Some(_) => Ok(()),
    }
}

fn login(shared: &Shared, cluster: &mut Cluster, request: &Incoming) -> Outcome {
    let token = request.header("authorization").is_some_and(|value| value.starts_with("PVEAPIToken"));
    let who = Identity { user: String::new(), token: token.then(String::new) };
    let found = check::method(Method::Post, &["access".to_owned(), "ticket".to_owned()], &who)?;
    check::parameters(&found, &request.pairs)?;
    let param =
        |name: &str| request.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (name, password) = (param("username").unwrap_or_default(), param("password").unwrap_or_default());
    let user = match param("realm") {
        Some(realm) if !name.contains('@') => format!("{name}@{realm}"),
        _ => name.to_owned(),
    };
    let now = cluster.clock.now();
    let signer = lock(&shared.signer);
    let login = signer.login(&mut cluster.access, &user, password, param("tfa-challenge"), now)?;
    drop(signer);
    if !login.half {
        cluster.note("pve1", "root@pam", "pvedaemon", &format!("successful auth for user '{user}'"), now);
    }
    Ok(ticket(cluster, &login).into())
}

fn ticket(cluster: &Cluster, login: &Login) -> serde_json::Value {
    let who = Identity { user: login.user.clone(), token: None };
    let mut data = json!({
        "username": login.user,
        "ticket": login.ticket.expose(),
        "CSRFPreventionToken": login.csrf.expose(),
    });
    if login.half {
        data["NeedTFA"] = json!(1);
        return data;
    }
    data["cap"] = access_api::capabilities(cluster, &who);
    if cluster.access.allows(&who, "/", None, "Sys.Audit") {
        data["clustername"] = json!("testcluster");
    }
    data
}
