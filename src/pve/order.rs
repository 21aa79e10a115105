//! A request, encoded once and independent of the host that it is sent to.

use super::{Method, Params, upload::Multipart};
use crate::secret::Secret;

/// A request that can be sent to any host.
pub(super) struct Order {
    pub(super) method: Method,
    /// Path and query, starting with `/api2/extjs`.
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) body: Body,
}

/// The body of a request; only POST and PUT have one.
pub(super) enum Body {
    None,
    Form(String),
    Multipart(Multipart),
}

impl Order {
    /// Builds the request for a path below `/api2/extjs`.
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
