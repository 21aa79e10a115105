//! A desktop without a monitor (Xvfb), the VNC server that shows it (x11vnc), and the image that the X server keeps.

use crate::stand_in::TICKET;
use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Both programs; they end when this is dropped.
pub struct Desktop {
    display: Child,
    server: Child,
    folder: PathBuf,
}

impl Desktop {
    /// Starts them, with the VNC server on that port.
    pub fn start(folder: &Path, port: u16) -> io::Result<Desktop> {
        let mut display = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "640x480x24",
                "-retro",
                "-nocursor",
                "-nolisten",
                "tcp",
            ])
            .arg("-fbdir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut number = String::new();
        BufReader::new(display.stdout.take().unwrap()).read_line(&mut number)?;
        let server = Command::new("x11vnc")
            .args(["-display", &format!(":{}", number.trim()), "-rfbport", &port.to_string()])
            .args(["-localhost", "-no6", "-forever", "-nocursor", "-quiet", "-passwd", &TICKET[..8]])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = server.inspect_err(|_| drop(display.kill()))?;
        let desktop = Desktop { display, server, folder: folder.to_owned() };
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
            if until < Instant::now() {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(desktop)
    }

    /// The display as kept by the X server, in xwd's format: width, height, and red, green and blue of each pixel.
    pub fn saved(&self) -> io::Result<(usize, usize, Vec<u8>)> {
        let bytes = fs::read(self.folder.join("Xvfb_screen0"))?;
        let field = |at: usize| {
            let field = bytes[4 * at..4 * at + 4].try_into().unwrap();
            usize::try_from(u32::from_be_bytes(field)).unwrap()
        };
        let (header, width, height, bits, line, colors) =
            (field(0), field(4), field(5), field(11), field(12), field(19));
        assert_eq!(
            (field(1), field(7), bits),
            (7, 0, 32),
            "xwd, version 7, least byte first, 32 bits a pixel"
        );
        let pixels = &bytes[header + 12 * colors..];
        let rows = pixels.chunks(line).take(height);
        let rgb =
            rows.flat_map(|row| row[..4 * width].chunks(4)).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]);
        Ok((width, height, rgb.collect()))
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for process in [&mut self.server, &mut self.display] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
