//! Running a program on a node by the system's `ssh`: arguments arrive byte for byte, host keys are always checked,
//! nothing waits for ever, and no child is left behind. Knows neither Proxmox nor tools.

use crate::cancel::Cancel;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How `ssh` is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// The user on the nodes.
    pub user: String,
    /// The port of their SSH servers.
    pub port: u16,
    /// The private key; without one ssh takes its own keys and agent.
    pub identity: Option<PathBuf>,
    /// The file of host keys; without one ssh takes its own.
    pub known_hosts: Option<PathBuf>,
    /// Addresses of nodes, by name, where they are not those that the cluster tells.
    pub addresses: BTreeMap<String, String>,
    /// The program; `ssh` of the search path.
    pub program: PathBuf,
}

/// What came of a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote, at most [`MAX_OUTPUT`] bytes of it.
    pub stdout: Vec<u8>,
    /// The same of its error output.
    pub stderr: Vec<u8>,
    /// Whether it wrote more than that.
    pub cut: bool,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// `ssh` could not be started, or made no connection: a sentence.
    Unreachable(String),
    /// It took too long, or nobody wants it any more. What runs on the node may go on.
    Ended,
}

/// How much of each output is kept, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// How often it is looked whether the program is over or not wanted any more.
const SLICE: Duration = Duration::from_millis(20);
/// What ssh needs of the environment to find its files and its agent.
#[cfg(not(windows))]
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "USER", "SSH_AUTH_SOCK"];
/// What ssh needs of the environment to find its files and its agent, and Windows its libraries.
#[cfg(windows)]
const ENVIRONMENT: [&str; 9] = [
    "PATH",
    "SystemRoot",
    "SystemDrive",
    "ProgramData",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "USERNAME",
    "SSH_AUTH_SOCK",
];
/// The file that is always empty.
const EMPTY: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };
/// ssh's own exit code for "no connection".
const NO_CONNECTION: i32 = 255;

impl Ssh {
    /// Runs a program with these arguments on the node at `address`, `input` on its standard input.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn run(
        &self,
        address: &str,
        program: &[&str],
        input: &[u8],
        cancel: &Cancel,
        until: Instant,
    ) -> Result<Ran, Trouble> {
        let mut child = self.command(address, program).spawn().map_err(|error| {
            Trouble::Unreachable(format!(
                "`{}` cannot be started ({error}); install an SSH client.",
                self.program.display()
            ))
        })?;
        let (mut stdin, mut stdout, mut stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(pipe) = &mut stdin {
                    // A program that reads nothing closes it early.
                    let _ = pipe.write_all(input);
                }
                drop(stdin);
            });
            let out = scope.spawn(move || stdout.as_mut().map(read).unwrap_or_default());
            let err = scope.spawn(move || stderr.as_mut().map(read).unwrap_or_default());
            let status = wait(&mut child, cancel, until);
            if status.is_none() {
                // The pipes close with it, which ends the readers.
                let _ = child.kill();
                let _ = child.wait();
            }
            let (stdout, out_cut) = out.join().unwrap_or_default();
            let (stderr, err_cut) = err.join().unwrap_or_default();
            let status = status.ok_or(Trouble::Ended)?;
            if status.code() == Some(NO_CONNECTION) && stdout.is_empty() {
                let said = String::from_utf8_lossy(&stderr);
                let said = said.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
                return Err(Trouble::Unreachable(format!(
                    "ssh to {} says: {said}",
                    self.destination(address)
                )));
            }
            Ok(Ran { code: status.code(), stdout, stderr, cut: out_cut || err_cut })
        })
    }

    fn destination(&self, address: &str) -> String {
        format!("{}@{address}", self.user)
    }

    /// Of the environment ssh gets only what it needs.
    fn command(&self, address: &str, program: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.args([
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "ConnectTimeout=10",
        ]);
        command.args(["-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes"]);
        command.arg("-p").arg(self.port.to_string());
        if let Some(identity) = &self.identity {
            command.args(["-o", "IdentitiesOnly=yes"]).arg("-i").arg(identity);
        }
        if let Some(known_hosts) = &self.known_hosts {
            let mut option = std::ffi::OsString::from("UserKnownHostsFile=");
            option.push(known_hosts);
            command.arg("-o").arg(option).args(["-o", &format!("GlobalKnownHostsFile={EMPTY}")]);
        }
        let line: Vec<String> = program.iter().map(|argument| quoted(argument)).collect();
        command.arg("--").arg(self.destination(address)).arg(line.join(" "));
        command
    }
}

/// One word of a POSIX shell, whatever is in it: the remote shell takes the whole line apart again.
#[must_use]
pub fn quoted(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// Waits until the program is over; `None` when it takes too long or is not wanted any more.
fn wait(child: &mut Child, cancel: &Cancel, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || cancel.sleep(SLICE.min(left)) {
            return None;
        }
    }
}

/// Reads everything and keeps the beginning: a program that is not read from would stand still.
fn read(pipe: &mut impl Read) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut cut = false;
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) | Err(_) => return (kept, cut),
            Ok(count) => {
                let room = (MAX_OUTPUT - kept.len()).min(count);
                kept.extend_from_slice(&buffer[..room]);
                cut |= room < count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gives_quoted_words_back_as_they_were() {
        for word in [
            "",
            "plain",
            "two words",
            "it's",
            "''",
            "$(reboot)",
            "`x`",
            "a;b|c&d",
            "new\nline",
            "\\",
            "-n",
            "日本",
            "*?[]~#!",
        ] {
            let output =
                Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word))).output().unwrap();
            assert_eq!(output.stdout, word.as_bytes(), "{word:?}");
        }
    }
}
