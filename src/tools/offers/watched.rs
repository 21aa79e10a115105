//! The states of guests, nodes and tasks, for clients that subscribe to changes. However many are watched, two requests
//! to each cluster are enough.
//!
//! Values that change all the time (load, memory, traffic, uptime) do not count. A guest's own tasks do, because a
//! snapshot or a backup shows nowhere else in what is read. For a task, its end counts, not each line of its log.

use super::{
    Toolset,
    resources::{LOG_TOOL, NODE_TOOL, decoded, guest_tool, inventory, located, nothing, unseen},
};
use crate::{
    mcp::{Call, ResourceError},
    pve::{Params, Reply, task::Upid},
    sync::at_once,
    tools::{
        answer::{Failure, record::Record, rows},
        catalog::index::built_in,
        run::{clusters::Cluster, find},
    },
    visible,
};

/// The fields of a guest's row whose changes are reported.
const OF_GUEST: [&str; 11] =
    ["name", "node", "status", "tags", "lock", "hastate", "pool", "template", "maxcpu", "maxmem", "maxdisk"];
/// The same for a node's row.
const OF_NODE: [&str; 3] = ["status", "maxcpu", "maxmem"];
/// The same for a task's row.
const OF_TASK: [&str; 2] = ["endtime", "status"];

/// What a URI names.
enum Named {
    Guest(i64),
    Node(String),
    Task(String),
}

/// The answers of a cluster; `None` for what was not read.
#[derive(Default)]
struct Asked {
    inventory: Option<Result<Reply, Failure>>,
    tasks: Option<Result<Reply, Failure>>,
}

/// Returns the current state of each of these URIs.
pub fn look(tools: &dyn Toolset, call: &Call<'_>, uris: &[String]) -> Vec<Result<String, ResourceError>> {
    let named: Vec<Option<(usize, Named)>> = uris.iter().map(|uri| named(tools, uri)).collect();
    let places: Vec<usize> = (0..tools.clusters().len()).collect();
    let asked = at_once(&places, |place| {
        let wanted = |wanted: fn(&Named) -> bool| {
            named.iter().flatten().any(|(at, named)| at == place && wanted(named))
        };
        let cluster = &tools.clusters()[*place];
        let requests = [
            wanted(|named| !matches!(named, Named::Task(_))),
            wanted(|named| !matches!(named, Named::Node(_))),
        ];
        let mut replies = at_once(&[0, 1], |at| {
            requests[*at].then(|| if *at == 0 { inventory(cluster, call) } else { tasks(cluster, call) })
        });
        Asked { tasks: replies.pop().flatten(), inventory: replies.pop().flatten() }
    });
    let states = uris.iter().zip(named).map(|(uri, named)| {
        let (place, named) = named.ok_or_else(|| nothing(tools, uri))?;
        state(&tools.clusters()[place], &asked[place], &named, || nothing(tools, uri))
    });
    let shown = |sentences: String| visible::text(&sentences).into_owned();
    let states = states.map(|state| {
        state.map_err(|why| match why {
            ResourceError::Unknown(sentence) => ResourceError::Unknown(shown(sentence)),
            ResourceError::Failed(sentences) => ResourceError::Failed(shown(sentences)),
        })
    });
    states.collect()
}

fn named(tools: &dyn Toolset, uri: &str) -> Option<(usize, Named)> {
    let (place, rest) = located(tools, uri)?;
    let (kind, name) = rest.split_once('/')?;
    let name = decoded(name)?;
    let named = match kind {
        "guest" => Named::Guest(name.parse().ok().filter(|vmid: &i64| vmid.to_string() == name)?),
        "node" => Named::Node(name),
        "task" => Upid::parse(&name).ok().map(|_| Named::Task(name))?,
        _ => return None,
    };
    Some((place, named))
}

fn tasks(cluster: &Cluster, call: &Call<'_>) -> Result<Reply, Failure> {
    Ok(cluster.pve.get(&call.cancel, "/cluster/tasks", &Params::new())?)
}

/// Returns the state of one of them, if the tool that reads it is allowed.
fn state(
    cluster: &Cluster,
    asked: &Asked,
    named: &Named,
    nothing: impl Fn() -> ResourceError,
) -> Result<String, ResourceError> {
    let may = |tool: &str| match built_in(tool).forbidden_in(cluster) {
        None => Ok(()),
        Some(_) => Err(nothing()),
    };
    match named {
        Named::Guest(vmid) => {
            let inventory = records(asked.inventory.as_ref())?;
            let tasks = records(asked.tasks.as_ref())?;
            let of_guest = |record: &&Record<'_>| find::read(record).is_some_and(|guest| guest.vmid == *vmid);
            let record = inventory.iter().find(of_guest).ok_or_else(|| unseen(&format!("guest {vmid}")))?;
            let kind = find::read(record).map(|guest| guest.kind).ok_or_else(&nothing)?;
            may(guest_tool(kind).name)?;
            let id = vmid.to_string();
            let own = || tasks.iter().filter(|task| task.text("id") == id);
            let texts = |name: &str| own().map(|task| task.text(name).into_owned()).max().unwrap_or_default();
            // A task that started earlier may end later.
            Ok(format!("{} {} {}", facts(record, &OF_GUEST), texts("starttime"), texts("endtime")))
        }
        Named::Node(node) => {
            may(NODE_TOOL)?;
            let inventory = records(asked.inventory.as_ref())?;
            let of_node =
                |record: &&Record<'_>| record.text("type") == "node" && record.text("node") == *node;
            let record = inventory.iter().find(of_node);
            let record = record.ok_or_else(|| unseen(&format!("node `{}`", node.escape_debug())))?;
            Ok(facts(record, &OF_NODE))
        }
        Named::Task(upid) => {
            may(LOG_TOOL)?;
            let tasks = records(asked.tasks.as_ref())?;
            // A task that is not in the list ended long ago, or has just started.
            let task = tasks.iter().find(|task| task.text("upid") == *upid);
            Ok(task.map(|task| facts(task, &OF_TASK)).unwrap_or_default())
        }
    }
}

/// Joins these fields of a row, as Proxmox sent them.
fn facts(record: &Record<'_>, names: &[&str]) -> String {
    names.iter().map(|name| record.json(name).unwrap_or("-")).collect::<Vec<_>>().join(" ")
}

fn records(reply: Option<&Result<Reply, Failure>>) -> Result<Vec<Record<'_>>, ResourceError> {
    let failed = |Failure(sentences): &Failure| ResourceError::Failed(sentences.clone());
    match reply {
        Some(Ok(reply)) => rows(reply).map_err(|failure| failed(&failure)),
        Some(Err(failure)) => Err(failed(failure)),
        None => Ok(Vec::new()),
    }
}
