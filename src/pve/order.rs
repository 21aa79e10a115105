//! A request as it is written down once, ready for whichever host answers.

use super::{Method, Params, upload::Multipart};
use crate::secret::Secret;

/// A request, ready for any host.
pub(super) struct Order {
    pub(super) method: Method,
    /// Path and query, from `/api2/extjs` on.
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) body: Body,
}

/// What goes along with POST and PUT.
pub(super) enum Body {
    None,
    Form(String),
    Multipart(Multipart),
}

impl Order {
    /// The request for a path below `/api2/extjs`.
    pub(super) fn new(
        method: Method,
        path: &str,
        params: &Params,
        headers: Vec<(&'static str, Secret)>,
    ) -> Self {
        let mut target = format!("/api2/extjs{path}");
        let body = match (method, params.file()) {
            (Method::Post, Some(file)) => Body::Multipart(Multipart::new(params.iter(), file)),
            (Method::Post | Method::Put, _) => Body::Form(params.encode()),
            (Method::Get | Method::Delete, _) => {
                if !params.is_empty() {
                    target.push('?');
                    target.push_str(&params.encode());
                }
                Body::None
            }
        };
        Self { method, target, headers, body }
    }
}
