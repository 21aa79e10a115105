//! Resources: `pve://` URIs of guests, nodes and task logs. Each is read through the tool for the same purpose, so that
//! nothing can be read here that is forbidden there.

use crate::{
    log,
    mcp::{Call, Contents, Resource, ResourceError, Template},
    pve::{Params, Reply, task::Upid},
    sync::at_once,
    tools::{
        answer::{Failure, record::Record, rows},
        catalog::{entry::Entry, index::built_in},
        offers::Toolset,
        param::Kind,
        run::{clusters::Cluster, find},
    },
    views::{MEDIA_TYPE, View},
};
use serde_json::{Map, Value, json};

/// The media type of a tool's answer.
pub const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// How many lines of a task's log are read; the last ones.
const LOG_LINES: u64 = 500;

/// A guest of either kind.
pub const GUEST: Template = Template {
    uri: "pve://guest/{vmid}",
    name: "guest",
    title: "Guest",
    about: "Configuration, current status, snapshots and IP addresses of a VM or container.",
    media_type: JSON,
};
/// A node.
pub const NODE: Template = Template {
    uri: "pve://node/{node}",
    name: "node",
    title: "Node",
    about: "Load, memory, root disk, kernel and version of a node.",
    media_type: JSON,
};
/// A task's log.
pub const TASK: Template = Template {
    uri: "pve://task/{upid}",
    name: "task",
    title: "Task log",
    about: "The last lines of a task's log.",
    media_type: TEXT,
};

/// Every template, in the order in which they are listed.
pub const TEMPLATES: [Template; 3] = [GUEST, NODE, TASK];

/// The same if there are several clusters.
const IN_CLUSTERS: [Template; 3] = [
    Template { uri: "pve://{cluster}/guest/{vmid}", ..GUEST },
    Template { uri: "pve://{cluster}/node/{node}", ..NODE },
    Template { uri: "pve://{cluster}/task/{upid}", ..TASK },
];

const SCHEME: &str = "pve://";
const VM_TOOL: &str = "proxmox_get_vm_info";
const CONTAINER_TOOL: &str = "proxmox_get_container_info";
pub(super) const NODE_TOOL: &str = "proxmox_get_node_info";
pub(super) const LOG_TOOL: &str = "proxmox_get_task_log";

/// The tools that read the resources of each template, in the order of [`TEMPLATES`].
const READERS: [&[&str]; 3] = [&[VM_TOOL, CONTAINER_TOOL], &[NODE_TOOL], &[LOG_TOOL]];

pub(super) fn guest_tool(kind: Kind) -> &'static Entry {
    built_in(match kind {
        Kind::Vm => VM_TOOL,
        Kind::Container => CONTAINER_TOOL,
    })
}

/// Returns the templates whose tools may run; if there are several clusters, each URI begins with one.
pub fn templates(tools: &dyn Toolset) -> Vec<Template> {
    let all = if tools.cluster_names().is_empty() { TEMPLATES } else { IN_CLUSTERS };
    all.into_iter().zip(READERS).filter(|(_, readers)| may(tools, readers)).map(|(one, _)| one).collect()
}

/// Returns whether there is any such template.
#[must_use]
pub fn any(tools: &dyn Toolset) -> bool {
    READERS.iter().any(|readers| may(tools, readers))
}

/// Returns whether one of these tools may run in any cluster.
fn may(tools: &dyn Toolset, readers: &[&str]) -> bool {
    let allowed = |tool: &Entry| tools.clusters().iter().any(|cluster| tool.forbidden_in(cluster).is_none());
    readers.iter().any(|name| allowed(built_in(name)))
}

/// Lists the nodes and then the guests by VMID of each cluster, in the order of the configuration. All clusters are
/// asked at the same time, with one request each. Tasks are not listed, because they come and go too fast. If there are
/// several clusters, one that does not answer is left out.
///
/// # Errors
/// Fails if no cluster answers.
pub fn list(tools: &dyn Toolset, call: &Call<'_>) -> Result<Vec<Resource>, Failure> {
    let answers = at_once(tools.clusters(), |cluster| list_one(tools, cluster, call));
    let mut all = Vec::new();
    let (mut answered, mut last) = (false, None);
    for (cluster, answer) in tools.clusters().iter().zip(answers) {
        match answer {
            Ok(found) => {
                answered = true;
                all.extend(found);
            }
            Err(failure) if tools.cluster_names().is_empty() => return Err(failure),
            Err(failure) => {
                log::warn(format_args!(
                    "The resources of cluster `{}` are not listed: {}",
                    cluster.name, failure.0
                ));
                last = Some(failure);
            }
        }
    }
    last.filter(|_| !answered).map_or(Ok(all), Err)
}

fn list_one(tools: &dyn Toolset, cluster: &Cluster, call: &Call<'_>) -> Result<Vec<Resource>, Failure> {
    let inventory = inventory(cluster, call)?;
    let records = rows(&inventory)?;
    let mut nodes: Vec<String> = nodes(&records);
    nodes.retain(|_| built_in(NODE_TOOL).forbidden_in(cluster).is_none());
    nodes.sort();
    let mut guests: Vec<find::Guest> = records.iter().filter_map(find::read).collect();
    guests.retain(|guest| guest_tool(guest.kind).forbidden_in(cluster).is_none());
    guests.sort_by_key(|guest| guest.vmid);
    let name = &cluster.name;
    let several = !name.is_empty() && !tools.cluster_names().is_empty();
    let (base, place) = if several {
        (format!("{SCHEME}{name}/"), format!(" in {name}"))
    } else {
        (SCHEME.to_owned(), String::new())
    };
    let of_node = |node: String| Resource {
        uri: format!("{base}node/{node}"),
        title: format!("Node {node}{place}"),
        name: node,
        media_type: JSON,
    };
    let of_guest = |guest: find::Guest| Resource {
        uri: format!("{base}guest/{}", guest.vmid),
        title: format!("{} on {}{place}", guest.title(), guest.node),
        name: if guest.name.is_empty() { guest.vmid.to_string() } else { guest.name },
        media_type: JSON,
    };
    Ok(nodes.into_iter().map(of_node).chain(guests.into_iter().map(of_guest)).collect())
}

/// Returns the index of a URI's cluster, and the rest of the URI.
pub(super) fn located<'a>(tools: &dyn Toolset, uri: &'a str) -> Option<(usize, &'a str)> {
    let rest = uri.strip_prefix(SCHEME)?;
    if tools.cluster_names().is_empty() {
        return Some((0, rest));
    }
    let (name, rest) = rest.split_once('/')?;
    let place = tools.clusters().iter().position(|cluster| cluster.name == name)?;
    Some((place, rest))
}

/// Returns the error for a URI that does not exist, which shows the URI templates.
pub(super) fn nothing(tools: &dyn Toolset, uri: &str) -> ResourceError {
    let known: Vec<&str> = templates(tools).iter().map(|template| template.uri).collect();
    let shown: String = uri.chars().take(120).collect();
    ResourceError::Unknown(format!(
        "There is no resource `{}`; URIs look like {}.",
        shown.escape_debug(),
        known.join(", ")
    ))
}

/// Returns the lane in which a URI is read: that of its cluster.
pub fn lane(tools: &dyn Toolset, uri: &str) -> usize {
    located(tools, uri).map_or(0, |(place, _)| place)
}

/// Reads the resource with that URI.
///
/// # Errors
/// Fails if there is no such resource, or if it cannot be read.
pub fn read(tools: &dyn Toolset, call: &Call<'_>, uri: &str) -> Result<Contents, ResourceError> {
    if let Some(view) = View::at(uri).filter(|_| call.client().shows_views(MEDIA_TYPE)) {
        let meta = Map::from_iter([("ui".to_owned(), json!({"prefersBorder": true}))]);
        return Ok(Contents { media_type: MEDIA_TYPE, text: view.html(), meta });
    }
    let nothing = || nothing(tools, uri);
    let (place, rest) = located(tools, uri).ok_or_else(nothing)?;
    let cluster = &tools.clusters()[place];
    let (kind, name) = rest.split_once('/').ok_or_else(nothing)?;
    let name = decoded(name).ok_or_else(nothing)?;
    let failed = |Failure(sentences): Failure| ResourceError::Failed(sentences);
    let run = |tool: &Entry, arguments: Value| match arguments {
        Value::Object(arguments) if tool.forbidden_in(cluster).is_none() => {
            tools.read_by(cluster, call, *tool, arguments).map_err(failed)
        }
        _ => Err(nothing()),
    };
    match kind {
        "guest" => {
            let vmid: i64 = name.parse().map_err(|_| nothing())?;
            if vmid.to_string() != name {
                return Err(nothing());
            }
            let inventory = inventory(cluster, call).map_err(failed)?;
            let records = rows(&inventory).map_err(failed)?;
            let guest = records.iter().filter_map(find::read).find(|guest| guest.vmid == vmid);
            let guest = guest.ok_or_else(|| unseen(&format!("guest {vmid}")))?;
            let data = run(guest_tool(guest.kind), json!({"vmid": vmid}))?;
            Ok(Contents { media_type: JSON, text: data.get().to_owned(), meta: Map::new() })
        }
        "node" => {
            must_have_node(cluster, call, &name)?;
            let data = run(built_in(NODE_TOOL), json!({"node": name}))?;
            Ok(Contents { media_type: JSON, text: data.get().to_owned(), meta: Map::new() })
        }
        "task" => {
            let upid = Upid::parse(&name).map_err(ResourceError::Unknown)?;
            must_have_node(cluster, call, &upid.node)?;
            let data =
                run(built_in(LOG_TOOL), json!({"upid": name, "limit": LOG_LINES})).map_err(
                    |why| match why {
                        // Proxmox deletes old tasks (pve.md section 2).
                        ResourceError::Failed(sentences) if sentences.contains("no such task") => {
                            ResourceError::Unknown(sentences)
                        }
                        why => why,
                    },
                )?;
            let log: Map<String, Value> = serde_json::from_str(data.get())
                .map_err(|error| ResourceError::Failed(format!("The log cannot be read: {error}.")))?;
            let lines = log.get("lines").and_then(Value::as_array).into_iter().flatten();
            let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
            Ok(Contents {
                media_type: TEXT,
                text: last_lines(&lines, cluster.config.max_answer_bytes),
                meta: Map::new(),
            })
        }
        _ => Err(nothing()),
    }
}

/// Reads the whole inventory of a cluster.
///
/// # Errors
/// Fails if the request fails.
pub fn inventory(cluster: &Cluster, call: &Call<'_>) -> Result<Reply, Failure> {
    Ok(cluster.pve.get(&call.cancel, "/cluster/resources", &Params::new())?)
}

/// Returns the names of the nodes in an inventory.
#[must_use]
pub fn nodes(inventory: &[Record<'_>]) -> Vec<String> {
    let nodes = inventory.iter().filter(|record| record.text("type") == "node");
    nodes.map(|record| record.text("node").into_owned()).collect()
}

fn must_have_node(cluster: &Cluster, call: &Call<'_>, node: &str) -> Result<(), ResourceError> {
    let failed = |Failure(sentences): Failure| ResourceError::Failed(sentences);
    let inventory = inventory(cluster, call).map_err(failed)?;
    let known = nodes(&rows(&inventory).map_err(failed)?);
    if known.iter().any(|name| name == node) {
        Ok(())
    } else {
        Err(unseen(&format!("node `{}`", node.escape_debug())))
    }
}

pub(super) fn unseen(what: &str) -> ResourceError {
    ResourceError::Unknown(format!("There is no {what} that this account may see."))
}

/// Returns as many of the last lines as fit into `max_bytes`, because the end of a log shows how its task ended. A line
/// at the top says that lines were left out.
fn last_lines(lines: &[&str], max_bytes: usize) -> String {
    const LEFT_OUT: &str = "[earlier lines are left out]";
    let mut size = LEFT_OUT.len();
    let fits = |line: &&&str| {
        size += 1 + line.len();
        size <= max_bytes
    };
    let kept = lines.iter().rev().take_while(fits).count();
    let shown = lines[lines.len() - kept..].join("\n");
    let all = kept == lines.len() && (kept as u64) < LOG_LINES;
    if all { shown } else { format!("{LEFT_OUT}\n{shown}") }
}

/// Decodes the percent-encoding with which clients fill in a template (RFC 6570: `:` and `@` are encoded).
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digit = |byte: u8| char::from(byte).to_digit(16);
        plain.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::{decoded, last_lines};

    #[test]
    fn a_long_log_keeps_its_end_and_says_so() {
        let many = vec!["x"; 500];
        for (lines, max_bytes, expected) in [
            (&["a", "b"][..], 1024, "a\nb"),
            (&[], 1024, ""),
            (&["first", "second", "third"], 41, "[earlier lines are left out]\nsecond\nthird"),
            (&["first", "second", "third"], 40, "[earlier lines are left out]\nthird"),
            (&["\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"], 30, "[earlier lines are left out]\n"),
            (&many, 32, "[earlier lines are left out]\nx\nx"),
        ] {
            assert_eq!(last_lines(lines, max_bytes), expected);
        }
        assert!(last_lines(&many, 100_000).starts_with("[earlier"), "a log of more lines than are asked for");
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_refused() {
        for (text, expected) in [
            ("100", Some("100")),
            ("UPID%3Apve1%3aroot%40pam%3A", Some("UPID:pve1:root@pam:")),
            ("a%2Fb", Some("a/b")),
            ("%", None),
            ("%4", None),
            ("%+1", None),
            ("%ff", None),
            ("%é1", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
