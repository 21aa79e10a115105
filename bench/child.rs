//! A server over stdio in a process of its own: it is sent requests line by line, and its memory and CPU time are read
//! from `/proc`.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The first message of every client.
pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
/// Asks for the tools, as every client does before its first call.
pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A running server. Dropping it closes its input and waits for its end.
pub(crate) struct ServerProcess {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts the command `words` without sending it anything yet.
    pub(crate) fn spawn(words: &[String]) -> io::Result<ServerProcess> {
        let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("no command line"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PROXMOX_") {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        Ok(ServerProcess { child, input, output: BufReader::with_capacity(1 << 20, output) })
    }

    /// Starts the command `words` and initializes the session.
    pub(crate) fn start(words: &[String]) -> io::Result<ServerProcess> {
        let mut served = ServerProcess::spawn(words)?;
        served.ask(INITIALIZE)?;
        served.write(&[INITIALIZED, "\n"].concat())?;
        Ok(served)
    }

    /// Writes text unchanged.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.input.as_mut().ok_or_else(|| io::Error::other("closed"))?.write_all(text.as_bytes())
    }

    /// The next line that the server writes; an error if the server has ended.
    pub(crate) fn read(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the server ended"));
        }
        Ok(line)
    }

    /// Writes a line and reads one.
    pub(crate) fn ask(&mut self, line: &str) -> io::Result<String> {
        self.write(&[line, "\n"].concat())?;
        self.read()
    }

    /// Writes every line from a thread of its own and reads as many answers.
    pub(crate) fn pipeline(&mut self, lines: &str) -> io::Result<()> {
        let mut input = self.input.take().ok_or_else(|| io::Error::other("closed"))?;
        let count = lines.lines().count();
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| input.write_all(lines.as_bytes()));
            for _ in 0..count {
                self.read()?;
            }
            writer.join().map_err(|_| io::Error::other("the writer panicked"))?
        });
        self.input = Some(input);
        written
    }

    /// A value from `/proc/PID/status` in KiB: `VmHWM` is the peak, `VmRSS` what is in use.
    pub(crate) fn memory(&self, key: &str) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("no {key}")))
    }

    /// The CPU time of all threads that still run, in seconds.
    pub(crate) fn cpu(&self) -> io::Result<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
        }
        Ok(nanoseconds / 1e9)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// A line that calls a tool.
pub(crate) fn call(id: usize, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}
