//! QEMU, its VNC server and its own image of the display.

use crate::stand_in::TICKET;
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// QEMU without a disk, which its firmware reports on the display.
pub struct Machine {
    process: Child,
    monitor: BufReader<UnixStream>,
    folder: PathBuf,
}

impl Machine {
    /// Starts it, with its websocket on that port.
    pub fn start(folder: &Path, websocket: u16) -> io::Result<Machine> {
        let socket = folder.join("qmp");
        let vnc = folder.join("vnc");
        let process = Command::new("qemu-system-x86_64")
            .args(["-display", "none", "-nodefaults", "-vga", "std", "-m", "64", "-machine", "pc"])
            .args(["-vnc", &format!("unix:{},websocket={websocket},password=on", vnc.display())])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", socket.display())])
            .stdin(Stdio::null())
            .spawn()?;
        let until = Instant::now() + Duration::from_secs(30);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) if until < Instant::now() => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        };
        let mut machine = Machine { process, monitor: BufReader::new(stream), folder: folder.to_owned() };
        machine.ask(&json!({"execute": "qmp_capabilities"}))?;
        Ok(machine)
    }

    /// Sends a command and waits for its answer; events in between are skipped.
    fn ask(&mut self, command: &Value) -> io::Result<Value> {
        self.monitor.get_mut().write_all(format!("{command}\n").as_bytes())?;
        loop {
            let mut line = String::new();
            self.monitor.read_line(&mut line)?;
            let answer: Value = serde_json::from_str(&line)?;
            if answer.get("return").is_some() {
                return Ok(answer);
            }
            if answer.get("error").is_some() {
                return Err(io::Error::other(answer.to_string()));
            }
        }
    }

    /// Sets the password as Proxmox does.
    pub fn allow(&mut self) -> io::Result<()> {
        let arguments = json!({"protocol": "vnc", "password": TICKET});
        self.ask(&json!({"execute": "set_password", "arguments": arguments})).map(drop)
    }

    /// Sets a different password.
    pub fn refuse(&mut self) -> io::Result<()> {
        let arguments = json!({"protocol": "vnc", "password": "other"});
        self.ask(&json!({"execute": "set_password", "arguments": arguments})).map(drop)
    }

    /// The display as saved by QEMU: width, height, and red, green and blue of each pixel.
    pub fn saved(&mut self) -> io::Result<(usize, usize, Vec<u8>)> {
        let file = self.folder.join("screen.ppm");
        self.ask(&json!({"execute": "screendump", "arguments": {"filename": file.display().to_string()}}))?;
        let bytes = fs::read(file)?;
        let mut parts = bytes.splitn(4, |byte| byte.is_ascii_whitespace());
        let mut number = |expected: Option<&[u8]>| {
            let part = parts.next().unwrap();
            assert!(expected.is_none_or(|expected| expected == part));
            std::str::from_utf8(part).unwrap().parse().unwrap_or(0)
        };
        number(Some(b"P6"));
        let (width, height) = (number(None), number(None));
        let rest = parts.next().unwrap();
        let pixels = rest.strip_prefix(b"255\n").unwrap();
        Ok((width, height, pixels.to_vec()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
