//! Parses the requests about subscriptions: `resources/subscribe`, `resources/unsubscribe`, `subscriptions/listen`.

use super::{
    params,
    revision::Revision,
    rpc::{Fault, Id},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A request about subscriptions.
#[derive(Debug)]
pub struct Subscribe {
    /// The id to answer with.
    pub id: Id,
    /// The revision whose rules the response follows.
    pub(super) revision: Revision,
    /// What it requests.
    pub(super) wish: SubscriptionMethod,
}

/// What a request about subscriptions asks for.
#[derive(Debug)]
pub(super) enum SubscriptionMethod {
    /// `resources/subscribe`.
    Begin(String),
    /// `resources/unsubscribe`.
    End(String),
    /// `subscriptions/listen`; `None` if it lists no resources.
    Listen(Option<BTreeSet<String>>),
}

impl Subscribe {
    /// Parses a request of that revision; `None` if its method is not about subscriptions.
    pub(super) fn read(
        id: &Id,
        revision: Revision,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Option<Subscribe>, Fault> {
        let uri = || params::text(params, "uri", "the URI of a resource").map(str::to_owned);
        let wish = match (method, revision.is_modern()) {
            ("resources/subscribe", false) => SubscriptionMethod::Begin(uri()?),
            ("resources/unsubscribe", false) => SubscriptionMethod::End(uri()?),
            ("subscriptions/listen", true) => SubscriptionMethod::Listen(listened(params)?),
            _ => return Ok(None),
        };
        Ok(Some(Subscribe { id: id.clone(), revision, wish }))
    }

    /// Whether it is answered only when the subscription ends.
    pub(super) fn stays_open(&self) -> bool {
        matches!(self.wish, SubscriptionMethod::Listen(_))
    }

    /// The URIs of the resources it wants to subscribe to.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &String> {
        let (one, several) = match &self.wish {
            SubscriptionMethod::Begin(uri) => (Some(uri), None),
            SubscriptionMethod::End(_) => (None, None),
            SubscriptionMethod::Listen(uris) => (None, uris.as_ref()),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }
}

/// The resources in a `SubscriptionFilter`. The lists never change here, so its other members are ignored.
fn listened(params: &Map<String, Value>) -> Result<Option<BTreeSet<String>>, Fault> {
    let wrong = || {
        Fault::invalid_params(
            "Invalid params: `notifications` must be an object, and `resourceSubscriptions` in it a list of resource URIs.",
        )
    };
    let filter = params.get("notifications").and_then(Value::as_object).ok_or_else(wrong)?;
    let Some(uris) = filter.get("resourceSubscriptions").filter(|uris| !uris.is_null()) else {
        return Ok(None);
    };
    let uris = uris.as_array().ok_or_else(wrong)?;
    let uris = uris.iter().map(|uri| uri.as_str().map(str::to_owned).ok_or_else(wrong));
    uris.collect::<Result<_, _>>().map(Some)
}
