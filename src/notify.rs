//! A notification on the desktop, where the system has a program for it. Never waits for it and never goes through a shell.

use crate::visible;
use std::{
    process::{Command, Stdio},
    thread,
};

/// Tells the person at the desktop, if there is one. What cannot be told is not told.
pub fn tell(title: &str, text: &str) {
    let mut command = command(&visible::text(title), &visible::text(text));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // Whoever started a process must take its end in.
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
