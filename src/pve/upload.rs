//! A local file on its way to a storage: `multipart/form-data`, streamed, as `…/storage/{storage}/upload` wants it
//! (pve.md section 8: the other parts first, the file's field named `filename`, a length and no chunks).

use super::flight::{self, Stage};
use std::{
    fs::File,
    io::{self, Cursor, Read, Seek},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A file that goes along with a request's parameters, under the name that the parameter `filename` has.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// The file itself, open: what has its path by now may be another one.
    pub file: Arc<File>,
    /// Its size in bytes; what it has grown by since is not sent.
    pub size: u64,
    /// How much was handed to the network so far, in bytes; starts anew when it is sent anew.
    pub sent: Arc<AtomicU64>,
}

/// Two are the same when they send the same file.
impl PartialEq for Upload {
    fn eq(&self, other: &Upload) -> bool {
        (&self.path, self.size) == (&other.path, other.size)
    }
}

impl Eq for Upload {}

/// What parts the parts. A file would have to hold this very line to be cut.
const BOUNDARY: &str = "proxmox-mcp-7d1f4c2e9a6b53f08e1c";

/// The header that says what the body is.
pub(super) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A body: the parameters, then the file.
#[derive(Clone, Debug)]
pub(super) struct Multipart {
    head: Vec<u8>,
    upload: Upload,
    tail: Vec<u8>,
}

impl Multipart {
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, upload: &Upload) -> Multipart {
        let mut head = String::new();
        let mut filename = String::new();
        for (name, value) in pairs {
            if name == "filename" {
                // Quotes and breaks would end the header that it stands in.
                filename = value.replace(['"', '\r', '\n'], "_");
                continue;
            }
            head.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        head.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{filename}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        ));
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        Multipart { head: head.into_bytes(), upload: upload.clone(), tail: tail.into_bytes() }
    }

    /// The whole body's length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.head.len() as u64 + self.upload.size + self.tail.len() as u64
    }

    /// Begins with the file anew. As long as it goes on being read, the request is not late: `patience` counts anew.
    pub(super) fn reader(&self, patience: Duration) -> io::Result<impl Read + use<>> {
        let mut file = self.upload.file.try_clone()?;
        file.rewind()?;
        let file = file.take(self.upload.size);
        self.upload.sent.store(0, Ordering::Relaxed);
        let body = Cursor::new(self.head.clone()).chain(file).chain(Cursor::new(self.tail.clone()));
        Ok(Moving { body, sent: Arc::clone(&self.upload.sent), patience })
    }
}

/// Counts what is sent and keeps its request from being late.
struct Moving<R> {
    body: R,
    sent: Arc<AtomicU64>,
    patience: Duration,
}

impl<R: Read> Read for Moving<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        flight::with(|flight| {
            flight.deadline = flight.deadline.max(Instant::now() + self.patience);
            if 0 < count {
                // A server that lacks a part of it cannot carry it out.
                flight.stage = Stage::Sending;
            }
        });
        Ok(count)
    }
}
