//! The options of a sample cluster.

use crate::demo::{
    random,
    wire::{plant::TextInjection, tls::Tls},
};
use std::time::Duration;

/// The options of a sample cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of nodes, at least 3.
    pub nodes: usize,
    /// The number of guests in all; those beyond the hand-made sample are generated. 0: only the sample.
    pub guests: usize,
    /// The speed of the cluster's clock as a multiple of real time; it affects tasks, tickets, and the delay of a 401.
    pub clock_speed: f64,
    /// HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// How long a connection may be idle, 5 s as in Proxmox.
    pub idle: Duration,
    /// The port on 127.0.0.1; 0: any free one.
    pub port: u16,
    /// Whether answers over 1 KiB are compressed if the client accepts it, as Proxmox does unless COMPRESSION=0 is set.
    pub gzip: bool,
    /// The certificate of the cluster's CA in PEM form, as nodes show it; it should have signed that of `tls`.
    pub ca: String,
    /// Whether the cluster also has what people have reported from theirs and the ordinary sample lacks: guests that
    /// are paused, stuck or in an unknown state, storages with misleading names, disabled or full, nested pools,
    /// Windows, answers of older versions. The sample's own guests and storages stay as they are.
    pub odd: bool,
    /// The seed for the order of object keys and of the lists that Proxmox makes from a Perl hash: both differ with
    /// every answer. Every server has another seed unless one is set; a server that is dropped because a test failed
    /// prints its seed.
    pub seed: u64,
    /// The text appended to every string of every answer.
    pub plant: Option<TextInjection>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            nodes: 3,
            guests: 0,
            clock_speed: 1.0,
            tls: None,
            idle: Duration::from_secs(5),
            port: 0,
            gzip: true,
            ca: "<pem>".into(),
            odd: false,
            seed: u64::from_le_bytes(random::bytes()),
            plant: None,
        }
    }
}
