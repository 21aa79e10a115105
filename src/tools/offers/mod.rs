//! What is offered beside tools: prompts, resources, completions, and the instructions for the model.

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

/// What the offers ask of the tools.
pub trait Toolset: Sync {
    /// The clusters, the default first; never none.
    fn clusters(&self) -> &[Cluster];

    /// The names by which a client chooses a cluster: none where there is only one.
    fn cluster_names(&self) -> Vec<&str>;

    /// Whether this tool is listed.
    fn lists(&self, entry: &Entry) -> bool;

    /// What a tool that only reads answers in that cluster.
    ///
    /// # Errors
    /// What the tool says; that it is none that only reads.
    fn read_by(
        &self,
        cluster: &Cluster,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Outcome;
}
