//! The second place a line goes to: the system's log, by its socket, so that a copy is off the file.

use std::path::PathBuf;

/// Where the system's log has its socket, on Linux and on macOS.
pub const SOCKETS: [&str; 2] = ["/dev/log", "/var/run/syslog"];

/// Sends a line to the system's log, as an authorization message of this program: to the first socket that takes it.
///
/// # Errors
/// A finished sentence: there is no such log, or it takes nothing.
#[cfg(unix)]
pub(super) fn send(sockets: &[PathBuf], line: &str) -> Result<(), String> {
    use std::{io, os::unix::net::UnixDatagram, time::Duration};
    /// Facility 10 (security and authorization, private), severity 6 (information).
    const PRIORITY: u8 = 10 * 8 + 6;
    /// A log that takes nothing for so long has stopped.
    const PATIENCE: Duration = Duration::from_secs(5);
    let message = format!("<{PRIORITY}>proxmox-mcp[{}]: {line}", std::process::id());
    let sent = UnixDatagram::unbound().and_then(|socket| {
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut last = Err(io::Error::from(io::ErrorKind::NotFound));
        for path in sockets {
            last = socket.send_to(message.as_bytes(), path);
            if last.is_ok() {
                break;
            }
        }
        last
    });
    sent.map(|_| ()).map_err(|error| {
        let places: Vec<String> = sockets.iter().map(|path| path.display().to_string()).collect();
        format!(
            "The audit log cannot be copied to the system's log at {} ({error}). Start it, or take `audit_syslog` out of the configuration; without it nothing is changed.",
            places.join(" or ")
        )
    })
}

/// There is no such log here.
///
/// # Errors
/// Always: a finished sentence.
#[cfg(not(unix))]
pub(super) fn send(_: &[PathBuf], _: &str) -> Result<(), String> {
    Err("This system has no system log with a socket; take `audit_syslog` out of the configuration.".into())
}
