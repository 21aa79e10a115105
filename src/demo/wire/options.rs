//! What a sample cluster can be asked to be like.

use crate::demo::{
    random,
    wire::{plant::Plant, tls::Tls},
};
use std::time::Duration;

/// What the sample cluster is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many nodes, at least 3.
    pub nodes: usize,
    /// How many guests in all; what is more than the hand-made sample is made up. 0: only the sample.
    pub guests: usize,
    /// How many times as fast as the world's the cluster's clock runs: tasks, tickets, and the delay of a 401.
    pub clock_speed: f64,
    /// HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// How long a connection may be idle, 5 s as in Proxmox.
    pub idle: Duration,
    /// The port on 127.0.0.1; 0: any that is free.
    pub port: u16,
    /// Whether answers over 1 KiB are compressed for who accepts it, as Proxmox does unless COMPRESSION=0 is set.
    pub gzip: bool,
    /// The certificate of the cluster's CA in PEM form, as nodes show it; it should have signed that of `tls`.
    pub ca: String,
    /// Whether the cluster also has what people met on theirs and the ordinary sample does not show: guests that are
    /// paused, stuck or not known yet, storages with misleading names, disabled or full, nested pools, Windows,
    /// answers of older versions. The sample's own guests and storages stay as they are.
    pub odd: bool,
    /// Where the chance begins that orders the keys of objects and the lists that Proxmox makes from a Perl hash:
    /// both come in another order with every answer. Every server has another seed unless one is set; a server that
    /// ends because a test failed tells its own.
    pub seed: u64,
    /// What stands behind every text of every answer.
    pub plant: Option<Plant>,
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
