//! Support for clients that show views: a list that names the views, data for them next to results, and the tools that
//! only views may call.

use super::{
    Tools,
    ran::{Ran, answered},
};
use crate::{
    mcp::{Answer, Call, Client, Revision, Toolbox},
    tools::{
        catalog::{entry::Entry, view_confirm::AGREE, views},
        offers::Toolset,
    },
    views::MEDIA_TYPE,
};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

impl Tools {
    /// Runs a tool that only views may call. The caller must check that the client shows views.
    pub fn call_for_view(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        match views::named(name) {
            None if name == AGREE => answered(self.agree(call, arguments)),
            Some(entry) => answered(self.run(call, entry, arguments)),
            None => Answer::Failure(format!("There is no tool `{}`.", name.escape_debug())),
        }
    }

    /// Returns whether a tool for views may run in any of the clusters.
    pub(super) fn allows_view_tool(&self, name: &str) -> bool {
        self.clusters.iter().any(|cluster| cluster.forbidden(name, name != AGREE).is_none())
    }

    /// Returns `tools/list` for that client.
    pub(super) fn list_with_views(&self, client: &Client) -> &RawValue {
        let revision = client.revision();
        if !client.shows_views(MEDIA_TYPE) {
            return self.list(revision);
        }
        self.lists_with_views[variant(revision)].get_or_init(|| {
            let clusters = self.cluster_names();
            let tools = self.listed().map(|entry| views::with_view(&entry, entry.spec(revision, &clusters)));
            let offered = |name: &str| self.allows_view_tool(name);
            let specs: Vec<Value> = tools.chain(views::own(revision, &clusters, &offered)).collect();
            to_raw_value(&specs).expect("specifications have text keys")
        })
    }

    /// Runs a tool; if the client shows views, the result includes the data for its view.
    pub(super) fn call_with_view(
        &self,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Answer {
        if !call.client().shows_views(MEDIA_TYPE) {
            return answered(self.run(call, entry, arguments));
        }
        let source = views::view_tool_for(entry.name);
        let asked = source.map(|source| (source, views::view_arguments(&arguments)));
        let given = arguments.clone();
        let answer = match self.run(call, entry, arguments) {
            Ok(Ran::Wait(wait)) => self.waiting_in_view(entry, given, *wait),
            ran => answered(ran),
        };
        let Some((source, arguments)) = asked else { return answer };
        let Answer::Data(data) = answer else { return answer };
        // The answer is complete without it: if this fails, the view reads the data itself and shows the error.
        let meta = match self.run(call, source, arguments) {
            Ok(Ran::Data(shown)) => views::meta(&shown),
            _ => None,
        };
        match meta {
            Some(meta) => Answer::DataWithMeta(data, meta),
            None => Answer::Data(data),
        }
    }
}

/// Returns the index of the prepared list for a client of that revision.
pub(super) fn variant(revision: Revision) -> usize {
    usize::from(revision.has_annotations()) + usize::from(revision.has_structured_content())
}
