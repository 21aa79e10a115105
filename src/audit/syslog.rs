//! The second place a line goes to: the system's log, by its socket, so that a copy is off the file.

/// Sends a line to the system's log, as an authorization message of this program.
///
/// # Errors
/// A finished sentence: there is no such log, or it takes nothing.
#[cfg(unix)]
pub(super) fn send(line: &str) -> Result<(), String> {
    use std::os::unix::net::UnixDatagram;
    /// Facility 10 (security and authorization, private), severity 6 (information).
    const PRIORITY: u8 = 10 * 8 + 6;
    const SOCKETS: [&str; 2] = ["/dev/log", "/var/run/syslog"];
    let message = format!("<{PRIORITY}>proxmox-mcp[{}]: {line}", std::process::id());
    let sent = UnixDatagram::unbound().and_then(|socket| {
        let mut last = Ok(0);
        for path in SOCKETS {
            last = socket.send_to(message.as_bytes(), path);
            if last.is_ok() {
                break;
            }
        }
        last
    });
    sent.map(|_| ()).map_err(|error| {
        format!(
            "The audit log cannot be copied to the system's log at {} ({error}). Start it, or take `audit_syslog` out of the configuration; without it nothing is changed.",
            SOCKETS.join(" or ")
        )
    })
}

/// There is no such log here.
///
/// # Errors
/// Always: a finished sentence.
#[cfg(not(unix))]
pub(super) fn send(_: &str) -> Result<(), String> {
    Err("This system has no system log with a socket; take `audit_syslog` out of the configuration.".into())
}
