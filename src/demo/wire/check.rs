//! Checks a request against the table of the API: does the path exist, may a token call it, are the parameters valid.

use crate::{
    demo::{outcome::ApiError, routes::route::Pairs, state::access::Identity},
    pve::{
        Method,
        api::{self, Found, Lookup},
    },
};

/// The method that a path leads to.
///
/// # Errors
/// 501 if the API has no such path or the path does not have this method, 403 if API tokens may not call it.
pub(crate) fn method(method: Method, segments: &[String], who: &Identity) -> Result<Found, ApiError> {
    let path = format!("/{}", segments.join("/"));
    let mut encoded = String::new();
    for segment in segments {
        encoded.push('/');
        crate::pve::params::encode_into(&mut encoded, segment);
    }
    let Lookup::Found(found) = api::find(method, &encoded) else {
        return Err(ApiError::not_implemented(method.word(), &path));
    };
    if who.token.is_some() && !found.row.allow_token() {
        let message = format!("{method} {path} not available with API token, need proper ticket");
        return Err(ApiError::with(403, message));
    }
    Ok(found)
}

/// Refuses unknown parameters and invalid values.
pub(crate) fn parameters(found: &Found, params: &Pairs) -> Result<(), ApiError> {
    let given: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let violations = found.check(&given).into_iter().map(|one| (one.param, one.message));
    let encoded = given.iter().filter(|(name, value)| {
        let format = found.row.param(name).and_then(|param| param.format());
        format == Some("urlencoded") && !is_urlencoded(value)
    });
    let encoded = encoded.map(|(name, value)| {
        ((*name).to_owned(), format!("invalid format - invalid urlencoded string: {value}\n"))
    });
    let errors: Vec<(String, String)> = violations.chain(encoded).collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiError::parameters(errors)) }
}

/// Whether a text has only characters that URL-encoding produces; whether a percent sign is followed by two digits is
/// not checked (as in PVE::JSONSchema).
fn is_urlencoded(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-%_.!~*'()".contains(&byte))
}
