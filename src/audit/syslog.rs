//! Sends a copy of each line to the system log through its socket, so that the file is not the only copy.

use std::path::PathBuf;

/// The paths of the system log's socket on Linux and on macOS.
pub const SYSLOG_SOCKETS: [&str; 2] = ["/dev/log", "/var/run/syslog"];

/// Sends a line to the system log, as an authorization message of this program, through the first socket that accepts
/// it.
///
/// # Errors
/// There is no system log, or it accepts no messages: a sentence.
#[cfg(unix)]
pub(super) fn send(sockets: &[PathBuf], line: &str) -> Result<(), String> {
    use std::{io, os::unix::net::UnixDatagram, time::Duration};
    /// Facility 10 (security and authorization, private), severity 6 (information).
    const PRIORITY: u8 = 10 * 8 + 6;
    /// A system log that accepts nothing for this long has stopped.
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
            "The audit log cannot be copied to the system log at {} ({error}). Start the system log, or remove `audit_syslog` from the configuration; until then nothing is changed.",
            places.join(" or ")
        )
    })
}

/// Not available on this system.
///
/// # Errors
/// Always: a sentence.
#[cfg(not(unix))]
pub(super) fn send(_: &[PathBuf], _: &str) -> Result<(), String> {
    Err("This system has no system log with a socket; remove `audit_syslog` from the configuration.".into())
}
