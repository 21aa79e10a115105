//! The screen of a VM as QEMU itself shows it: this program's client against QEMU's own VNC server and websocket, through
//! a stand-in for the API that only passes bytes on; judged by the picture that QEMU saves of the same screen.
//!
//! Needs `qemu-system-x86_64` and starts it itself. `cargo test --test screen`.

#![allow(clippy::print_stdout, reason = "it says what it found")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use proxmox_mcp::{
    cancel::Cancel,
    plot::png::Image,
    pve::{Auth, Host, Pve, Settings, Trust},
    secret::{Secret, SecretSource},
};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const TICKET: &str = "PVEVNC:6B00ECDB::c2lnbmF0dXJl";

fn main() {
    let folder = env::temp_dir().join(format!("proxmox-mcp-screen-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let result = run(&folder);
    fs::remove_dir_all(&folder).unwrap();
    result.unwrap();
}

fn run(folder: &Path) -> io::Result<()> {
    let websocket = free_port()?;
    let mut machine = Machine::start(folder, websocket)?;
    let port = stand_in(websocket)?;
    let host = Host { name: "127.0.0.1".into(), port, plain: true };
    let secret = SecretSource::Value(Secret::new("secret"));
    let auth = Auth::Token { id: "root@pam!test".into(), secret };
    let pve = Pve::new(Settings::new(vec![host], auth, Trust::System));

    // The firmware goes on writing for a moment: the screen is compared once it is still.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let before = machine.saved()?;
        let begun = Instant::now();
        machine.allow()?;
        let seen = pve.screen(&Cancel::new(), "/nodes/pve1/qemu/100").map_err(io::Error::other)?;
        let took = begun.elapsed();
        let after = machine.saved()?;
        let drawn = before.2.iter().any(|byte| *byte != 0);
        if before == after && drawn {
            assert_eq!((seen.width, seen.height), (after.0, after.1));
            assert!(seen.rgb == after.2, "the picture differs from the one that QEMU saved");
            let image = Image { width: seen.width, height: seen.height, rgb: seen.rgb };
            let file = image.png();
            if let Some(path) = env::args().nth(1) {
                fs::write(path, &file)?;
            }
            println!(
                "{} × {} pixels after {took:?}, {} bytes as PNG, equal to QEMU's own",
                image.width,
                image.height,
                file.len()
            );
            break;
        }
        assert!(Instant::now() < until, "the screen was never still");
        thread::sleep(Duration::from_millis(300));
    }
    machine.refuse()?;
    let refused = pve.screen(&Cancel::new(), "/nodes/pve1/qemu/100").unwrap_err().to_string();
    assert!(refused.contains("refused"), "{refused}");
    println!("with another password: {refused}");
    Ok(())
}

/// QEMU with no disk: its firmware says so on the screen.
struct Machine {
    process: Child,
    monitor: BufReader<UnixStream>,
    folder: PathBuf,
}

impl Machine {
    fn start(folder: &Path, websocket: u16) -> io::Result<Machine> {
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

    /// Sends a command and waits for its answer; events in between are passed over.
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
    fn allow(&mut self) -> io::Result<()> {
        let arguments = json!({"protocol": "vnc", "password": TICKET});
        self.ask(&json!({"execute": "set_password", "arguments": arguments})).map(drop)
    }

    fn refuse(&mut self) -> io::Result<()> {
        let arguments = json!({"protocol": "vnc", "password": "other"});
        self.ask(&json!({"execute": "set_password", "arguments": arguments})).map(drop)
    }

    /// The screen as QEMU saves it: width, height, and red, green and blue of each pixel.
    fn saved(&mut self) -> io::Result<(usize, usize, Vec<u8>)> {
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

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Opens a proxy for whoever asks, and passes websockets on to QEMU's.
fn stand_in(websocket: u16) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, websocket));
        }
    });
    Ok(port)
}

fn serve(mut stream: TcpStream, websocket: u16) -> io::Result<()> {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let (first, rest) = head.split_once("\r\n").unwrap();
        if first.contains("/vncwebsocket?") {
            // QEMU knows no path but this.
            let mut qemu = TcpStream::connect(("127.0.0.1", websocket))?;
            qemu.write_all(format!("GET / HTTP/1.1\r\n{rest}").as_bytes())?;
            let (mut from, mut to) = (qemu.try_clone()?, stream.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let _ = io::copy(&mut stream, &mut qemu);
            return qemu.shutdown(Shutdown::Both);
        }
        let length = rest
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let data = json!({"success": 1, "data": {"port": "5900", "ticket": TICKET, "user": "root@pam!test", "upid": ""}}).to_string();
        let data =
            if first.starts_with("POST") { data } else { json!({"success": 1, "data": []}).to_string() };
        stream.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{data}", data.len()).as_bytes(),
        )?;
    }
}
