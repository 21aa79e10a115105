//! Access to a guest's VNC display and console: proxies, and the websocket that leads to them (pve.md section 7).

use crate::{
    demo::{
        outcome::{ApiError, Outcome},
        random,
        routes::route::{Request, Route, route},
        state::{
            cluster::Cluster,
            guest::Kind,
            task_run::{Step, Work, nothing},
        },
    },
    pve::Method::{Get, Post},
};
use serde_json::{Value, json};

const CONSOLE: &str = "/vms/{vmid}, VM.Console";
/// Seconds for which the task of a proxy runs.
const TASK: f64 = 1.0;

pub(crate) const ROUTES: [Route; 3] = [
    route(Post, "/nodes/{node}/{kind}/{vmid}/vncproxy", CONSOLE, |cluster, request| {
        open(cluster, request, true)
    }),
    route(Post, "/nodes/{node}/{kind}/{vmid}/termproxy", CONSOLE, |cluster, request| {
        open(cluster, request, false)
    }),
    route(Get, "/nodes/{node}/{kind}/{vmid}/vncwebsocket", CONSOLE, websocket),
];

fn open(cluster: &mut Cluster, request: &Request, screen: bool) -> Outcome {
    let (kind, node, vmid) = (request.kind(), request.node().to_owned(), request.vmid());
    let guest = cluster.guest(kind, &node, vmid)?;
    let port = request.param("serial").unwrap_or("serial0");
    if !screen && kind == Kind::Qemu && !guest.config.contains_key(port) {
        return Err(ApiError::failed("unable to find a serial interface"));
    }
    let owner = request.who.owner();
    let now = cluster.clock.now();
    let hex = |bytes: [u8; 12]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let ticket =
        format!("PVEVNC:{now:08X}::{}", hex(random::bytes()), now = crate::demo::state::clock::whole(now));
    let generated = request.flag("generate-password");
    let password = if generated { hex(random::bytes())[..8].to_owned() } else { ticket.clone() };
    let proxy = cluster.proxies.open(vmid, screen, owner.clone(), [ticket, password], now);
    // Only the task notices that the guest does not run; the connection then ends at once.
    let begin: Step = Box::new(move |cluster, _| {
        let running = cluster.guests.get(&vmid).is_some_and(|guest| guest.started.is_some());
        if running { Ok(()) } else { Err(format!("{} {vmid} not running", kind.label())) }
    });
    let work =
        Work { kind: "vncproxy", id: vmid.to_string(), lock: None, seconds: TASK, begin, finish: nothing() };
    let upid = cluster.start_task(&node, &owner, work);
    let mut answer =
        json!({"port": proxy.port.to_string(), "ticket": proxy.ticket, "user": owner, "upid": upid});
    if screen {
        answer["cert"] = Value::from(cluster.ca.clone());
        if generated {
            answer["password"] = Value::from(proxy.password);
        }
    }
    Ok(answer.into())
}

/// Checks a request to open a websocket; the connection switches protocols afterwards.
fn websocket(cluster: &mut Cluster, request: &Request) -> Outcome {
    let (port, ticket) =
        (request.param("port").unwrap_or_default(), request.param("vncticket").unwrap_or_default());
    let now = cluster.clock.now();
    match cluster.proxies.find(request.vmid(), port, ticket, now) {
        Some(proxy) if proxy.user == request.who.owner() => Ok(json!({"port": port}).into()),
        _ => Err(ApiError::bare(401, "permission denied - invalid PVEVNC ticket")),
    }
}
