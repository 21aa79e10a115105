//! Tools that call any method of the API: a call is checked against the API table, run, and its answer limited in size.
//!
//! In reading order: [`request`] (a checked call), [`call`] (running it), [`shape`] (its answer), [`look`] (search and
//! description).

pub mod call;
pub mod look;
pub mod request;
pub mod shape;

pub use request::Request;
