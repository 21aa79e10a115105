//! Desktop notifications, if the system has a program for them. Never waits for it and never goes through a shell.

use crate::visible;
use std::{
    process::{Command, Stdio},
    thread,
};

/// Shows a notification on the desktop, if there is one. Failures are ignored.
pub fn tell(title: &str, text: &str) {
    let mut command = command(&visible::text(title), &visible::text(text));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // Reaps the child, so that it does not stay a zombie.
        let _ = thread::Builder::new().name("notify".into()).spawn(move || child.wait());
    }
}

#[cfg(target_os = "macos")]
fn command(title: &str, text: &str) -> Command {
    let mut command = Command::new("osascript");
    let script = "on run words\ndisplay notification (item 2 of words) with title (item 1 of words)\nend run";
    command.args(["-e", script, title, text]);
    command
}

#[cfg(not(target_os = "macos"))]
fn command(title: &str, text: &str) -> Command {
    let mut command = Command::new("notify-send");
    command.args(["--app-name=proxmox-mcp", "--urgency=critical", "--", title, text]);
    command
}
