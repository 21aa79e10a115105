//! Any method of the API as a tool: a call is checked against the table of the API, run, and its answer bounded.
//!
//! In reading order: [`request`] (a call, checked), [`call`] (running it), [`shape`] (its answer), [`look`] (search and
//! description).

pub mod call;
pub mod look;
pub mod request;
pub mod shape;

pub use request::Request;
