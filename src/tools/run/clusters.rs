//! The clusters that a server manages: which one a call is for, what is allowed there, and what the model is told about
//! them. None of this is visible if there is only one cluster.

use crate::{
    config::{Access, Config},
    pve::Pve,
    suggest::did_you_mean,
    sync::at_once,
    tools::{
        answer::{Failure, Outcome, answer},
        run::{
            changes::{Numbers, Undo},
            fresh::RecentChanges,
            kept::Kept,
            pattern::fits,
            places::LastKnownNodes,
        },
    },
};
use serde_json::{Map, Value};
use std::{mem, path::PathBuf, sync::Arc};

/// The argument that names a cluster.
pub const CLUSTER: &str = "cluster";
/// The value that means every cluster, for the tool that accepts it.
pub const ALL: &str = "all";
/// The only tool that can report on several clusters at once.
pub const STATUS: &str = "proxmox_get_cluster_status";

/// One cluster.
#[derive(Debug)]
pub struct Cluster {
    /// Its name in the configuration; empty if there is only one cluster.
    pub name: String,
    /// Its configuration.
    pub config: Config,
    /// The API client for it.
    pub pve: Pve,
    /// The changes in it that can be undone.
    pub undo: Undo,
    /// The guests that were changed recently.
    pub fresh: RecentChanges,
    /// The jobs that were started in it.
    pub jobs: Kept,
    /// The MCP tasks for work in it.
    pub tasks: Kept,
    /// The nodes on which its guests were last seen.
    pub places: LastKnownNodes,
}

/// Which cluster a call is for.
#[derive(Debug)]
pub enum Chosen<'a> {
    /// This one.
    One(&'a Cluster),
    /// Every one.
    All,
}

/// Creates the clusters of a configuration, the default first.
#[must_use]
pub fn of(mut config: Config) -> Vec<Cluster> {
    let numbers = Numbers::default();
    let cluster = |(name, config): (String, Config)| Cluster {
        jobs: Kept::new(folder(&config, "jobs", &name)),
        tasks: Kept::new(folder(&config, "tasks", &name)),
        name,
        pve: Pve::new(Arc::clone(&config.settings)),
        config,
        undo: Undo::new(Numbers::clone(&numbers)),
        fresh: RecentChanges::default(),
        places: LastKnownNodes::default(),
    };
    match mem::take(&mut config.clusters) {
        none if none.is_empty() => vec![cluster((String::new(), config))],
        several => several.into_iter().map(cluster).collect(),
    }
}

/// Returns the folder for the jobs or tasks of a cluster. Each cluster has its own, because others may have guests with
/// the same VMIDs.
fn folder(config: &Config, of: &str, name: &str) -> Option<PathBuf> {
    let host = config.settings.hosts.first().map(|host| format!("{}-{}", host.name, host.port));
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let own = format!("{name}-{}", host.unwrap_or_default()).chars().map(plain).collect::<String>();
    Some(config.state.as_ref()?.join(of).join(own))
}

/// Removes the argument `cluster` and returns which cluster it means. With only one cluster there is no such argument;
/// if given, it is left for the tool to refuse.
///
/// # Errors
/// Fails if there is no such cluster, with the nearest name and all names.
pub fn take<'a>(clusters: &'a [Cluster], arguments: &mut Map<String, Value>) -> Result<Chosen<'a>, String> {
    if clusters.len() < 2 {
        return Ok(Chosen::One(&clusters[0]));
    }
    match arguments.remove(CLUSTER) {
        None => Ok(Chosen::One(&clusters[0])),
        Some(Value::String(name)) if name == ALL => Ok(Chosen::All),
        Some(given) => {
            let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            named(clusters, &name).map(Chosen::One)
        }
    }
}

/// Returns the cluster with that name.
///
/// # Errors
/// Fails if there is none, with the nearest name and all names.
pub fn named<'a>(clusters: &'a [Cluster], name: &str) -> Result<&'a Cluster, String> {
    clusters.iter().find(|cluster| cluster.name == name).ok_or_else(|| {
        let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let shown = name.escape_debug().to_string();
        let hint = did_you_mean(&shown, names.iter().copied());
        format!("There is no cluster `{shown}`.{hint} The configuration has: {}.", names.join(", "))
    })
}

fn find(clusters: &[Cluster], name: &Value) -> Option<usize> {
    clusters.iter().position(|cluster| name.as_str() == Some(&cluster.name))
}

/// Returns the index of the cluster that a call is for, so that calls to different clusters do not wait for each other.
#[must_use]
pub fn lane(clusters: &[Cluster], arguments: &Map<String, Value>) -> usize {
    arguments.get(CLUSTER).and_then(|name| find(clusters, name)).unwrap_or_default()
}

/// Runs the call in every cluster at the same time, and answers with the results by name. A cluster that fails has an
/// `error` instead.
///
/// # Errors
/// Fails if the answer cannot be written as JSON.
pub fn in_every_cluster(clusters: &[Cluster], run: impl Fn(&Cluster) -> Outcome + Sync) -> Outcome {
    let answers = at_once(clusters, run);
    let mut all = Map::new();
    for (cluster, outcome) in clusters.iter().zip(answers) {
        let part = match outcome {
            Ok(data) => serde_json::from_str(data.get()).unwrap_or(Value::Null),
            Err(Failure(why)) => Map::from_iter([("error".to_owned(), why.into())]).into(),
        };
        all.insert(cluster.name.clone(), part);
    }
    answer(&Map::from_iter([("clusters".to_owned(), Value::from(all))]))
}

impl Cluster {
    /// Returns the sentence that says which setting forbids a tool, if one does.
    #[must_use]
    pub fn forbidden(&self, tool: &str, only_reads: bool) -> Option<String> {
        if self.config.access == Access::ReadOnly && !only_reads {
            let place =
                if self.name.is_empty() { String::new() } else { format!(" of cluster `{}`", self.name) };
            return Some(format!(
                "`{tool}` does more than read, and the setting `access`{place} is `read-only`."
            ));
        }
        let pattern = self.config.deny_tools.iter().find(|pattern| fits(pattern, tool, |_| true))?;
        Some(format!("`{tool}` is forbidden by `{pattern}` in the setting `deny_tools`."))
    }
}

/// Returns what the model is told about the clusters; `None` if there is only one.
#[must_use]
pub fn sentence(clusters: &[Cluster]) -> Option<String> {
    let [first, _, ..] = clusters else { return None };
    let names: Vec<String> = clusters
        .iter()
        .map(|cluster| match cluster.config.access {
            Access::ReadOnly => format!("{} (read only)", cluster.name),
            Access::Full => format!("{} (full)", cluster.name),
            Access::Standard => cluster.name.clone(),
        })
        .collect();
    Some(format!(
        "Clusters: {}. Every tool takes `cluster`, {} if not given; a VMID is a different guest in each.",
        shortened(&names),
        first.name
    ))
}

/// Joins names with commas, as many as leave room for the rest of the instructions.
fn shortened(names: &[String]) -> String {
    const ROOM: usize = 600;
    let mut text = String::new();
    for (count, name) in names.iter().enumerate() {
        if ROOM < text.len() + name.len() {
            return format!("{text} and {} more", names.len() - count);
        }
        if count != 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}
