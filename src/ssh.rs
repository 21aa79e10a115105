//! Runs a program on a node with the system's `ssh`: arguments arrive byte for byte, host keys are always checked,
//! nothing waits forever, and no child process is left behind. Knows neither Proxmox nor tools.

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
    /// The private key; without one ssh uses its default keys and agent.
    pub identity: Option<PathBuf>,
    /// The known-hosts file; without one ssh uses its default files.
    pub known_hosts: Option<PathBuf>,
    /// Addresses of nodes, by name, where they differ from those that the cluster reports.
    pub addresses: BTreeMap<String, String>,
    /// The SSH client: `ssh`, found in `PATH`.
    pub program: PathBuf,
}

/// The result of a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, at most the first [`MAX_OUTPUT`] bytes.
    pub stdout: Vec<u8>,
    /// Its standard error, likewise.
    pub stderr: Vec<u8>,
    /// Whether either of them was truncated.
    pub cut: bool,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub enum SshError {
    /// `ssh` could not be started, or could not connect: a sentence.
    Unreachable(String),
    /// It took too long, or the call was cancelled. The program may still be running on the node.
    Ended,
}

/// How much of each output is kept, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// How often to check whether the program has ended or the call was cancelled.
const SLICE: Duration = Duration::from_millis(20);
/// The environment variables that ssh needs to find its files and its agent.
#[cfg(not(windows))]
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "USER", "SSH_AUTH_SOCK"];
/// The environment variables that ssh needs to find its files and its agent, and Windows to find its libraries.
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
/// A file that is always empty.
const EMPTY: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };
/// ssh's own exit code for "no connection".
const NO_CONNECTION: i32 = 255;

impl Ssh {
    /// Runs a program with its arguments on the node at `address`, with `input` as its standard input.
    ///
    /// # Errors
    /// See [`SshError`].
    pub fn run(
        &self,
        address: &str,
        program: &[&str],
        input: &[u8],
        cancel: &Cancel,
        until: Instant,
    ) -> Result<Ran, SshError> {
        let mut child = self.command(address, program).spawn().map_err(|error| {
            SshError::Unreachable(format!(
                "`{}` cannot be started ({error}); install an SSH client.",
                self.program.display()
            ))
        })?;
        let (mut stdin, mut stdout, mut stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(pipe) = &mut stdin {
                    // Fails if the program does not read all of its input, which is allowed.
                    let _ = pipe.write_all(input);
                }
                drop(stdin);
            });
            let out = scope.spawn(move || stdout.as_mut().map(read).unwrap_or_default());
            let err = scope.spawn(move || stderr.as_mut().map(read).unwrap_or_default());
            let status = wait(&mut child, cancel, until);
            if status.is_none() {
                // This closes the pipes, which ends the reading threads.
                let _ = child.kill();
                let _ = child.wait();
            }
            let (stdout, out_cut) = out.join().unwrap_or_default();
            let (stderr, err_cut) = err.join().unwrap_or_default();
            let status = status.ok_or(SshError::Ended)?;
            if status.code() == Some(NO_CONNECTION) && stdout.is_empty() {
                let said = String::from_utf8_lossy(&stderr);
                let said = said.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
                return Err(SshError::Unreachable(format!(
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

    /// The command line of ssh. It gets only the environment variables that it needs.
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

/// Quotes an argument as one word for a POSIX shell, because the remote shell splits the whole line again.
#[must_use]
pub fn quoted(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// Waits until the program has ended; `None` if it takes too long or the call was cancelled.
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

/// Reads everything but keeps only the beginning: a program whose output is not read would block.
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

// A node's shell is a Unix one.
#[cfg(all(test, unix))]
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
