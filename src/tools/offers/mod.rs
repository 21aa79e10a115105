//! What the server offers besides tools: prompts, resources, completions, and the instructions for the model.

pub mod complete;
pub mod instructions;
pub mod prompts;
pub mod resources;
pub mod reviews;
pub mod watched;

use crate::{
    mcp::Call,
    tools::{answer::Outcome, catalog::entry::Entry, run::clusters::Cluster},
};
use serde_json::{Map, Value};

/// What prompts, resources and completions need from the tools.
pub trait Toolset: Sync {
    /// Returns the clusters, the default first; never empty.
    fn clusters(&self) -> &[Cluster];

    /// Returns the names by which a client chooses a cluster; none if there is only one.
    fn cluster_names(&self) -> Vec<&str>;

    /// Returns whether this tool is listed.
    fn lists(&self, entry: &Entry) -> bool;

    /// Runs a read-only tool in that cluster.
    ///
    /// # Errors
    /// Fails if the tool fails, or if it is not read-only.
    fn read_by(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Outcome;
}
