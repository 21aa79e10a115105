//! A stand-in for the API: opens a proxy for every request, and forwards its bytes to a VNC server's websocket.

use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

/// The ticket of every proxy; its first eight characters are the password.
pub const TICKET: &str = "PVEVNC:6B00ECDB::c2lnbmF0dXJl";

/// A port on which nothing listens.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Serves the API on the port that it returns.
pub fn start(websocket: u16) -> io::Result<u16> {
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
            // QEMU accepts only this path, and x11vnc requires an origin.
            let mut server = TcpStream::connect(("127.0.0.1", websocket))?;
            let origin = "Origin: http://127.0.0.1";
            server.write_all(format!("GET / HTTP/1.1\r\n{origin}\r\n{rest}").as_bytes())?;
            let (mut from, mut to) = (server.try_clone()?, stream.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let _ = io::copy(&mut stream, &mut server);
            return server.shutdown(Shutdown::Both);
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
