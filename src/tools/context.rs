//! What a running tool works with: the call, the cluster, the configuration. Every request of a tool goes
//! through here: reads by [`Context::get`], changes by [`Context::change`].

use super::{Failure, Kind};
use crate::{config::Config, mcp::Call, pve};
use std::{panic::resume_unwind, thread, time::Instant};

/// What a running tool works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The call: whether it is still wanted, progress, leave to wait.
    pub call: &'a Call<'a>,
    /// The cluster.
    pub pve: &'a pve::Pve,
    /// The configuration.
    pub config: &'a Config,
    /// The kind of guest, for one half of a row that is two tools.
    pub kind: Option<Kind>,
    /// When the call began to run; `wait` counts from here.
    pub started: Instant,
}

impl Context<'_> {
    /// Reads a path of the API.
    ///
    /// # Errors
    /// What the client says.
    pub fn get(&self, path: &str, params: &pve::Params) -> Result<pve::Reply, Failure> {
        Ok(self.pve.get(&self.call.cancel, path, params)?)
    }

    /// Sends what changes something. The one door through which every change goes.
    ///
    /// # Errors
    /// What the client says.
    pub fn change(
        &self,
        method: pve::Method,
        path: &str,
        params: &pve::Params,
    ) -> Result<pve::Reply, Failure> {
        Ok(self.pve.send(&self.call.cancel, method, path, params)?)
    }

    /// Reads any number of paths at the same time; the answers come in the order of the paths. The client sends
    /// no more than `workers` at once.
    pub fn get_each(&self, paths: &[String], params: &pve::Params) -> Vec<Result<pve::Reply, pve::Error>> {
        thread::scope(|scope| {
            let reading: Vec<_> = paths
                .iter()
                .map(|path| scope.spawn(move || self.pve.get(&self.call.cancel, path, params)))
                .collect();
            reading
                .into_iter()
                .map(|reading| reading.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }

    /// Reads several paths at the same time; the answers come in the order of the paths.
    pub fn get_all<const N: usize>(&self, paths: [&str; N]) -> [Result<pve::Reply, pve::Error>; N] {
        let none = &pve::Params::new();
        thread::scope(|scope| {
            paths
                .map(|path| scope.spawn(move || self.pve.get(&self.call.cancel, path, none)))
                .map(|reading| reading.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}
