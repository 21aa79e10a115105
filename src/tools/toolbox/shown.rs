//! What clients get that show views: a list that names them, data for them beside results, and their own tools.

use super::{
    Tools,
    ran::{Ran, answered},
};
use crate::{
    mcp::{Answer, Call, Client, Revision, Toolbox},
    tools::{
        catalog::{entry::Entry, views},
        offers::Toolset,
    },
    views::MEDIA_TYPE,
};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

impl Tools {
    /// Runs a tool that only views may call. Whether a client shows views is for the caller to know.
    pub fn call_for_view(&self, call: &Call<'_>, name: &str, arguments: Map<String, Value>) -> Answer {
        match views::named(name) {
            Some(entry) => answered(self.run(call, entry, arguments)),
            None => Answer::Failure(format!("There is no tool `{}`.", name.escape_debug())),
        }
    }

    /// `tools/list` for that client.
    pub(super) fn list_with_views(&self, client: &Client) -> &RawValue {
        let revision = client.revision();
        if !client.shows_views(MEDIA_TYPE) {
            return self.list(revision);
        }
        self.lists_with_views[variant(revision)].get_or_init(|| {
            let specs = self.listed().map(|entry| entry.spec(revision, &self.cluster_names())).collect();
            let specs = views::list(specs, revision, &self.cluster_names());
            to_raw_value(&specs).expect("specifications have text keys")
        })
    }

    /// Runs a tool; its result brings along what its view draws, if the client shows views.
    pub(super) fn call_with_view(
        &self,
        call: &Call<'_>,
        entry: Entry,
        arguments: Map<String, Value>,
    ) -> Answer {
        let source = views::source_of(entry.name).filter(|_| call.client().shows_views(MEDIA_TYPE));
        let asked = source.map(|source| (source, views::passed_on(&arguments)));
        let answer = answered(self.run(call, entry, arguments));
        let Some((source, arguments)) = asked else { return answer };
        let Answer::Data(data) = answer else { return answer };
        // The answer is whole without it: what fails here the view says when it asks by itself.
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

/// Which of the prepared lists a client of that revision gets.
pub(super) fn variant(revision: Revision) -> usize {
    usize::from(revision.has_annotations()) + usize::from(revision.has_structured_content())
}
