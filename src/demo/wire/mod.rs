//! HTTP on loopback: connections, requests, answers, logins, and injected faults. Reading order: [`server`],
//! [`connection`], [`http`], [`dispatch`].

pub(in crate::demo) mod check;
pub(in crate::demo) mod connection;
pub(in crate::demo) mod console;
pub(in crate::demo) mod dispatch;
pub(in crate::demo) mod envelope;
pub(in crate::demo) mod faults;
pub(in crate::demo) mod form;
pub(in crate::demo) mod gzip;
pub(in crate::demo) mod http;
pub(in crate::demo) mod json;
pub(in crate::demo) mod login;
pub(in crate::demo) mod options;
pub(in crate::demo) mod plant;
pub(in crate::demo) mod seen;
pub(in crate::demo) mod server;
pub(in crate::demo) mod shared;
pub(in crate::demo) mod tls;
